//! Tests of runs with known results.

use std::{io::Write, path::PathBuf, time::Duration};

use serde_json::{Value, json};

use super::{measure::Answer, *};
use crate::timeline::svg;

/// A time of the run, as text.
fn at(millis: u64) -> String {
    let at = jiff::Timestamp::from_millisecond(1_769_850_000_000 + i64::try_from(millis).unwrap());
    at.unwrap().to_string()
}

/// A line of a worker's log, as `--log-format json` writes it.
fn line(worker: &str, millis: u64, event: &str, fields: Value) -> String {
    let mut fields = fields;
    fields["message"] = event.into();
    json!({
        "timestamp": at(millis), "level": "INFO", "fields": fields, "target": "kcl_core",
        "spans": [{"name": "kcl.worker", "worker": worker}],
    })
    .to_string()
}

fn lease(number: usize) -> Value {
    json!({"lease": format!("orders/5/shardId-{number:012}"), "epoch": "7"})
}

fn gained(worker: &str, millis: u64, number: usize) -> String {
    line(worker, millis, "kcl.lease.gained", lease(number))
}

fn lost(worker: &str, millis: u64, number: usize) -> String {
    line(worker, millis, "kcl.lease.lost", lease(number))
}

fn joined(worker: &str, millis: u64) -> String {
    line(worker, millis, "kcl.session.registered", json!({"session": format!("{worker}#1")}))
}

fn file(folder: &tempfile::TempDir, name: &str, lines: &[String]) -> PathBuf {
    let path = folder.path().join(name);
    let mut file = std::fs::File::create(&path).unwrap();
    for line in lines {
        writeln!(file, "{line}").unwrap();
    }
    path
}

fn analyzed(files: &[PathBuf]) -> anyhow::Result<(Run, Findings)> {
    let run = Run::of(read::files(files)?, Duration::from_secs(6))?;
    let findings = Findings::of(&run);
    Ok((run, findings))
}

/// Two workers share four shards, a third joins, and the first dies.
fn logs(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let starting =
        json!({"timestamp": at(0), "fields": {"message": "kcl.worker.starting", "worker": "w1"}});
    let w1 = [
        starting.to_string(),
        "not JSON".to_owned(),
        joined("w1", 100),
        gained("w1", 600, 0),
        gained("w1", 610, 1),
        line("w1", 620, "kcl.lease.gained", json!({"lease": "@planner", "epoch": "1"})),
        lost("w1", 30_500, 1),
    ];
    let w2 = [
        joined("w2", 200),
        gained("w2", 700, 2),
        gained("w2", 720, 3),
        line("w2", 66_000, "kcl.session.ended_dead", json!({"session": "w1#1"})),
        gained("w2", 66_400, 0),
        line("w2", 90_000, "kcl.plan.published", json!({"moves": 0, "unassigned": 0})),
    ];
    let w3 = [joined("w3", 30_000), gained("w3", 30_550, 1)];
    vec![file(folder, "w1", &w1), file(folder, "w2", &w2), file(folder, "w3", &w3)]
}

#[test]
fn logs_of_workers_are_merged_and_each_event_has_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let (_, findings) = analyzed(&logs(&folder)).unwrap();
    assert_eq!((findings.source, findings.passed_over, findings.overlaps), ("log", 2, 0));
    assert_eq!(findings.lasts_ms, 90_000);
    let leases = |of: &[(&str, usize)]| {
        of.iter().map(|(worker, count)| ((*worker).to_owned(), *count)).collect()
    };
    let answer = |at_ms, what: &str, converged_ms, moves, taken, unread_ms, held| Answer {
        at_ms,
        what: what.to_owned(),
        converged_ms: Some(converged_ms),
        moves,
        optimum: moves,
        taken,
        unread_ms,
        leases: leases(held),
    };
    let expected = [
        answer(100, "join w1, join w2", 620, 0, 4, 0, &[("w1", 2), ("w2", 2)]),
        answer(30_000, "join w3", 550, 1, 0, 50, &[("w1", 1), ("w2", 2), ("w3", 1)]),
        // The worker was silent for six seconds before another worker ended its session.
        answer(60_000, "death of w1", 6_400, 0, 1, 6_400, &[("w2", 3), ("w3", 1)]),
    ];
    assert_eq!(findings.events, expected);
    let unread: Vec<(&str, u64, bool)> = findings
        .shards
        .iter()
        .map(|it| (&it.shard[it.shard.len() - 1..], it.longest_ms, it.read))
        .collect();
    assert_eq!(unread, [("0", 6_400, true), ("1", 50, true), ("2", 0, true), ("3", 0, true)]);
}

#[test]
fn what_was_found_is_a_table_an_object_and_a_drawing() {
    let folder = tempfile::tempdir().unwrap();
    let (run, findings) = analyzed(&logs(&folder)).unwrap();
    let text = show::text(&findings);
    assert!(text.contains("3 events, 4 shards, 90.0 s of the workers' logs"), "{text}");
    assert!(text.contains("60.0 s  death of w1"), "{text}");
    assert!(text.contains("shardId-000000000000  2        6.4 s"), "{text}");
    let json = serde_json::to_value(&findings).unwrap();
    assert_eq!(json["events"][1]["converged_ms"], 550);
    assert_eq!(json["shards"][0]["longest_ms"], 6_400);
    let drawn = svg::draw(&drawing::picture(&run), &show::headline(&findings));
    assert!(drawn.contains("death of w1") && drawn.contains("w3 reads it"), "{drawn}");
}

/// A reading, as `kcl leases watch --format json` writes it.
fn look(millis: u64, workers: &[(&str, &str)], leases: &[(&str, Option<&str>, bool)]) -> String {
    let workers: Vec<Value> = workers
        .iter()
        .map(|(worker, state)| json!({"worker": worker, "session": "x#1", "state": state}))
        .collect();
    let leases: Vec<Value> = leases
        .iter()
        .map(|(shard, owner, ended)| {
            let parents: Vec<&str> = if *shard == "s-9" { vec!["s-1"] } else { Vec::new() };
            let checkpoint = if *ended { "SHARD_END" } else { "TRIM_HORIZON" };
            json!({"shard": shard, "owner": owner, "checkpoint": checkpoint, "parents": parents})
        })
        .collect();
    json!({"at": at(millis), "workers": workers, "leases": leases}).to_string()
}

#[test]
fn looks_show_what_differs_from_one_to_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let both = [("a", "LIVE"), ("b", "LIVE")];
    let looks = [
        look(0, &both, &[("s-0", Some("a"), false), ("s-1", Some("b"), false)]),
        // A split: its child is listed, and waits for the end of its parent.
        look(
            10_000,
            &both,
            &[("s-0", Some("a"), false), ("s-1", Some("b"), false), ("s-9", None, false)],
        ),
        look(
            12_000,
            &both,
            &[("s-0", Some("a"), false), ("s-1", None, true), ("s-9", None, false)],
        ),
        look(
            14_000,
            &both,
            &[("s-0", Some("a"), false), ("s-1", None, true), ("s-9", Some("b"), false)],
        ),
        look(
            40_000,
            &[("a", "LIVE"), ("b", "LEAVING")],
            &[("s-0", Some("a"), false), ("s-9", Some("b"), false)],
        ),
        look(
            42_000,
            &[("a", "LIVE"), ("b", "LEFT")],
            &[("s-0", Some("a"), false), ("s-9", Some("a"), false)],
        ),
        look(
            60_000,
            &[("a", "LIVE"), ("b", "LEFT")],
            &[("s-0", None, false), ("s-9", Some("a"), false)],
        ),
    ];
    let (_, findings) = analyzed(&[file(&folder, "run", &looks)]).unwrap();
    assert_eq!(findings.source, "watch");
    let told: Vec<(&str, u64, Option<u64>, usize)> = findings
        .events
        .iter()
        .map(|it| (it.what.as_str(), it.at_ms, it.converged_ms, it.taken))
        .collect();
    let expected = [
        ("join a, join b", 0, Some(0), 2),
        ("reshard, shard end", 10_000, Some(4_000), 1),
        ("leave b", 40_000, None, 1),
    ];
    assert_eq!(told, expected);
    let child = findings.shards.iter().find(|it| it.shard == "s-9").unwrap();
    assert_eq!((child.longest_ms, child.read), (2_000, true), "since its parent's end");
    let left = findings.shards.iter().find(|it| it.shard == "s-0").unwrap();
    assert!(!left.read, "nobody reads it in the end");
    assert!(show::text(&findings).contains("! leave b: shards were left unread"));
}

#[test]
fn a_worker_that_is_started_again_under_its_name_is_another_life() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        joined("a", 0),
        gained("a", 500, 0),
        joined("a", 20_000),
        gained("a", 20_400, 0),
        // Another worker ends the former session of `a` later: the present one has not died.
        line("b", 21_000, "kcl.session.ended_dead", json!({"session": "a#1"})),
        line("a", 30_000, "kcl.plan.published", json!({})),
    ];
    let (_, findings) = analyzed(&[file(&folder, "a", &lines)]).unwrap();
    let told: Vec<&str> = findings.events.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(told, ["join a", "restart a"]);
    assert_eq!(findings.events[1].converged_ms, Some(400));
}

#[test]
fn two_readers_of_one_shard_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [joined("a", 0), gained("a", 500, 0), lost("a", 9_000, 0)];
    let others = [joined("b", 0), gained("b", 8_000, 0), lost("b", 12_000, 0)];
    let files = [file(&folder, "a", &lines), file(&folder, "b", &others)];
    let (_, findings) = analyzed(&files).unwrap();
    assert_eq!(findings.overlaps, 1);
    assert!(show::text(&findings).contains("1 times two workers read one shard"));
}

#[test]
fn what_says_nothing_of_leases_is_refused_with_what_does() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = file(&folder, "nothing", &["{}".to_owned(), "INFO text".to_owned()]);
    let refused = analyzed(&[nothing]).unwrap_err().to_string();
    assert!(refused.contains("2 lines were passed over"), "{refused}");
    assert!(refused.contains("--log-format json") && refused.contains("kcl leases watch"));
    let gone = analyzed(&[folder.path().join("gone")]).unwrap_err().to_string();
    assert!(gone.contains("cannot read") && gone.contains("gone"), "{gone}");
}
