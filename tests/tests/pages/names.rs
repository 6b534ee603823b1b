//! `docs/OPERATIONS.md` names findings, figures, events and alerts that there are, and leaves none
//! of the findings and alerts out.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use kcl_metrics::TABLE;

use super::{page, spans};

/// The names in the first column of a page's tables.
fn listed(name: &str, is_one: impl Fn(&str) -> bool) -> Result<BTreeSet<String>> {
    let page = page(name)?;
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    Ok(rows.map(|(name, _)| name.to_owned()).filter(|name| is_one(name)).collect())
}

#[test]
fn the_page_by_symptom_names_what_there_is_and_leaves_nothing_out() -> Result<()> {
    let operations = page("docs/OPERATIONS.md")?;
    let named: BTreeSet<String> = spans(&operations).into_iter().collect();
    let findings = listed("docs/DOCTOR.md", |_| true)?;
    let alerts = listed("docs/METRICS.md", |name| name.starts_with("Kcl"))?;
    let events = listed("docs/EVENTS.md", |_| true)?;
    ensure!(findings.len() > 15 && alerts.len() > 20 && events.len() > 40);
    for name in &named {
        let is_there = if name.starts_with("Kcl") {
            alerts.contains(name)
        } else if name.starts_with("kcl.") {
            events.contains(name)
        } else if name.starts_with("kcl_") {
            TABLE.iter().any(|it| it.name == name)
        } else {
            true
        };
        ensure!(is_there, "there is no {name}");
    }
    let missing: Vec<_> =
        findings.iter().chain(&alerts).filter(|it| !named.contains(*it)).collect();
    ensure!(missing.is_empty(), "nothing is said of {missing:?}");
    // Findings stand where one is told what to look at.
    for look in operations.split("**Look at**").skip(1) {
        let first = look.split("\n\n").next().unwrap_or_default().split(';').next();
        let first = format!("{}`", first.unwrap_or_default());
        let kinds = spans(&first).into_iter().filter(|it| it.contains('-'));
        for kind in kinds.filter(|kind| !kind.contains(' ')) {
            ensure!(findings.contains(&kind), "there is no finding {kind}");
        }
    }
    Ok(())
}
