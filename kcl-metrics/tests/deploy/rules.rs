//! `deploy/prometheus/alerts.yaml` is made of the table of alerts.

use std::{collections::BTreeSet, fmt::Write};

use super::{
    alerts::{ALERTS, Alert},
    compare, names, yaml,
};

const HEAD: &str = "\
# Alert rules for workers of this library: docs/METRICS.md says what each figure is.
# Generated from the tables in kcl-metrics/tests/deploy and compared by a test; copy it, and change
# thresholds in the copy. `promtool check rules` reads it. Series need the label `instance`, which
# Prometheus adds.
groups:
";

/// The rules as a file.
pub(super) fn alerts() -> String {
    let mut file = HEAD.to_owned();
    for (group, alerts) in ALERTS {
        writeln!(file, "  - name: {group}\n    rules:").unwrap();
        for alert in *alerts {
            write(&mut file, alert);
        }
    }
    file
}

fn write(file: &mut String, alert: &Alert) {
    writeln!(file, "      - alert: {}", alert.name).unwrap();
    yaml::block(file, 8, "expr", alert.expression);
    writeln!(file, "        for: {}", alert.hold).unwrap();
    writeln!(file, "        labels: {{severity: {}}}", alert.severity.as_str()).unwrap();
    writeln!(file, "        annotations:").unwrap();
    writeln!(file, "          summary: {}", yaml::quoted(alert.summary)).unwrap();
    writeln!(file, "          remedy: {}", yaml::quoted(alert.remedy)).unwrap();
}

pub(crate) fn all() -> impl Iterator<Item = &'static Alert> {
    ALERTS.iter().flat_map(|(_, alerts)| *alerts)
}

#[test]
fn the_alert_rules_are_made_of_the_table() {
    compare("deploy/prometheus/alerts.yaml", &alerts());
}

#[test]
fn alerts_name_what_there_is_once_and_say_what_to_do() {
    let events = include_str!("../../../docs/EVENTS.md");
    let mut seen = BTreeSet::new();
    for alert in all() {
        assert!(seen.insert(alert.name) && alert.name.starts_with("Kcl"), "{}", alert.name);
        names::check(alert.expression);
        assert!(alert.summary.ends_with('.') && alert.remedy.ends_with('.'), "{}", alert.name);
        let said = format!("{} {}", alert.summary, alert.remedy);
        let words = said.split([' ', ',', ':', ';', '(', ')']);
        let words: Vec<&str> = words.map(|word| word.trim_end_matches('.')).collect();
        for word in words.iter().filter(|word| word.starts_with("kcl.")) {
            assert!(events.contains(&format!("| `{word}` |")), "{}: no event {word}", alert.name);
        }
        for word in words.iter().filter(|word| word.starts_with("kcl_")) {
            let is_told = kcl_metrics::TABLE.iter().any(|row| row.name == *word);
            assert!(is_told, "{}: nothing tells {word}", alert.name);
        }
    }
    assert!(seen.len() > 20, "the table of alerts is not where it is looked for");
}
