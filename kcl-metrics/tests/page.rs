//! `docs/METRICS.md` is made of the table. `KCL_WRITE_TABLES=1` writes it anew.

use std::fmt::Write;

use kcl_metrics::{Instrument, Kind, Label, TABLE};

use crate::deploy::{alerts::ALERTS, compare};

const HEAD: &str = include_str!("page/head.md");
const ALERTS_HEAD: &str = include_str!("page/alerts.md");

fn row(row: &Instrument) -> String {
    let labels: Vec<&str> = row.labels.iter().map(|label: &Label| label.as_str()).collect();
    let kcl = row.kcl.map(|name| format!("`{name}`")).unwrap_or_default();
    let (name, kind, unit) = (row.name, row.kind.as_str(), row.unit.as_str());
    let (help, changes, labels) = (row.help, row.changes, labels.join(", "));
    format!("| `{name}` | {kind} | {unit} | {labels} | {help} | {changes} | {kcl} |")
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| name | kind | unit | labels | what it says | when it changes | Java KCL |\n");
    page.push_str("|---|---|---|---|---|---|---|\n");
    for instrument in TABLE {
        writeln!(page, "{}", row(instrument)).unwrap();
    }
    page.push_str("\nBounds of the histograms, in seconds:\n\n");
    for instrument in TABLE {
        if let Kind::Histogram(bounds) = instrument.kind {
            let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
            writeln!(page, "- `{}`: {}", instrument.name, bounds.join(", ")).unwrap();
        }
    }
    page.push_str(ALERTS_HEAD);
    for alert in ALERTS.iter().flat_map(|(_, alerts)| *alerts) {
        let (name, severity, hold) = (alert.name, alert.severity.as_str(), alert.hold);
        writeln!(page, "| `{name}` | {severity} | {hold} | {} |", alert.remedy).unwrap();
    }
    page
}

#[test]
fn the_page_of_metrics_is_made_of_the_table() {
    compare("docs/METRICS.md", &page());
}
