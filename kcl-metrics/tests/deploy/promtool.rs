//! What `promtool`, of Prometheus, says of the rules, and which alerts fire on which series.

use std::{fmt::Write, path::Path, process::Command};

use super::{alerts::Alert, panels, renamed, rules, yaml};

/// Runs it on a file in a folder of its own, beside the rules. It is Debian's package `prometheus`;
/// `make servers` installs it.
fn promtool(arguments: &[&str], files: &[(&str, &str)]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let output = run(arguments, folder.path());
    let said = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat();
    assert!(output.status.success(), "promtool {arguments:?}: {said}");
}

fn run(arguments: &[&str], folder: &Path) -> std::process::Output {
    let output = Command::new("promtool").args(arguments).current_dir(folder).output();
    output.unwrap_or_else(|error| panic!("promtool: {error}; `make servers` installs it"))
}

/// What is asked of the series of an alert after 75 minutes.
const AT: &str = "75m";

/// A test of an alert: with these series it fires once, with each label that its summary names; or
/// it does not.
fn play(tests: &mut String, alert: &Alert, does_fire: bool) {
    let name = alert.name;
    writeln!(tests, "  - name: {name} {does_fire}\n    interval: 1m").unwrap();
    yaml::series(tests, if does_fire { alert.fires } else { alert.is_silent });
    tests.push_str("    promql_expr_test:\n");
    let firing = format!("alertname=\"{name}\",alertstate=\"firing\"");
    let expected = does_fire.then_some(1.0);
    yaml::query(tests, AT, &format!("count(ALERTS{{{firing}}})"), expected);
    for label in labels(alert.summary).filter(|_| does_fire) {
        yaml::query(tests, AT, &format!("count(ALERTS{{{firing},{label}!=\"\"}})"), expected);
    }
}

fn labels(summary: &str) -> impl Iterator<Item = &str> {
    let rest = summary.split("$labels.").skip(1);
    rest.map(|rest| rest.split([' ', '}']).next().unwrap())
}

#[test]
fn each_alert_fires_when_it_should_and_not_when_it_should_not() {
    let mut tests = "rule_files: [alerts.yaml]\nevaluation_interval: 1m\ntests:\n".to_owned();
    for alert in rules::all() {
        play(&mut tests, alert, true);
        play(&mut tests, alert, false);
    }
    let files = [("alerts.yaml", &*rules::alerts()), ("tests.yaml", &*tests)];
    promtool(&["test", "rules", "tests.yaml"], &files);
}

#[test]
fn a_rule_that_does_not_fire_fails_its_test() {
    let silent = Alert { fires: &[], ..*rules::all().next().unwrap() };
    let mut tests = "rule_files: [alerts.yaml]\nevaluation_interval: 1m\ntests:\n".to_owned();
    play(&mut tests, &silent, true);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("alerts.yaml"), rules::alerts()).unwrap();
    std::fs::write(folder.path().join("tests.yaml"), tests).unwrap();
    let output = run(&["test", "rules", "tests.yaml"], folder.path());
    assert!(!output.status.success(), "an alert that is silent passes");
}

#[test]
fn prometheus_reads_the_rules_and_what_the_board_asks() {
    promtool(&["check", "rules", "it.yaml"], &[("it.yaml", &rules::alerts())]);
    promtool(&["check", "rules", "it.yaml"], &[("it.yaml", &renamed::rules())]);
    // As rules, since that is what it checks.
    let mut file = "groups:\n  - name: board\n    rules:\n".to_owned();
    for (number, expression) in panels::expressions().enumerate() {
        writeln!(file, "      - record: panel:{number}").unwrap();
        yaml::block(&mut file, 8, "expr", &panels::filled_in(&expression, "a"));
    }
    promtool(&["check", "rules", "it.yaml"], &[("it.yaml", &file)]);
}

#[test]
fn the_other_library_s_names_say_the_same() {
    let mut tests = "rule_files: [it.yaml]\nevaluation_interval: 1m\ntests:\n".to_owned();
    tests.push_str("  - interval: 1m\n");
    let samples = renamed::samples();
    let samples: Vec<_> = samples.iter().map(|(name, values)| (&**name, *values)).collect();
    yaml::series(&mut tests, &samples);
    tests.push_str("    promql_expr_test:\n");
    for (query, number) in renamed::ANSWERS {
        yaml::query(&mut tests, "20m", query, Some(*number));
    }
    let files = [("it.yaml", &*renamed::rules()), ("tests.yaml", &*tests)];
    promtool(&["test", "rules", "tests.yaml"], &files);
}
