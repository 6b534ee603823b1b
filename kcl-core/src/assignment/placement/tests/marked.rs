//! The operator's marks, as they stand in the document.

use super::*;
use crate::lease::{Checkpoint, Epoch, Incarnation, Lease, LeaseKey, SessionId};

fn at(millis: u64) -> WallTime {
    WallTime::from_millis(millis)
}

fn key(shard: &str) -> LeaseKey {
    format!("orders/7/{shard}").parse().unwrap()
}

fn said(by: &str) -> Said {
    Said { by: by.to_owned(), since: at(3) }
}

fn marks() -> Marks {
    let mut marks = Marks::default();
    marks.drained.insert("w1".parse().unwrap(), said("drain"));
    marks.paused.insert(key("s-0"), said("pause"));
    marks.let_go.insert(key("s-1"), LetGo { epoch: Epoch(9), said: said("release") });
    let sent = Sent { to: "w2".parse().unwrap(), until: at(500), said: said("move") };
    marks.sent.insert(key("s-2"), sent);
    let given_up = GivenUp { unkept: false, until: at(500), said: said("skip") };
    marks.given_up.insert((key("s-3"), Position::new(7_u128.into(), 2)), given_up);
    marks
}

fn row(shard: &str, epoch: u64, held: bool) -> Lease {
    let mut row = Lease::new(key(shard), Checkpoint::TrimHorizon);
    row.epoch = Epoch(epoch);
    row.owner = held.then(|| SessionId::new("w1".parse().unwrap(), Incarnation::from_bits(1)));
    row
}

#[test]
fn marks_stand_beside_the_rules_and_come_back() {
    let placement = Placement::from(rules(vec![shard_rule("s-9", "a")])).marked(marks());
    let body = placement.encode().unwrap();
    assert_eq!(Placement::decode(&body).unwrap(), placement);
    let text = String::from_utf8(body.to_vec()).unwrap();
    for part in [
        r#""drained":[{"worker":"w1","by":"drain","since":3}]"#,
        r#""paused":[{"lease":"orders/7/s-0","by":"pause","since":3}]"#,
        r#""let_go":[{"lease":"orders/7/s-1","epoch":9,"by":"release","since":3}]"#,
        r#""sent":[{"lease":"orders/7/s-2","to":"w2","until":500,"by":"move","since":3}]"#,
        r#""given_up":[{"lease":"orders/7/s-3","at":"7.2","until":500,"by":"skip","since":3}]"#,
    ] {
        assert!(text.contains(part), "{text}");
    }
    let without = Placement::from(rules(Vec::new())).encode().unwrap();
    assert!(!String::from_utf8(without.to_vec()).unwrap().contains("drained"));
}

/// This build reads marks of a later build; an older build, which knows no marks, reads the rules.
#[test]
fn what_a_later_build_wrote_beside_is_kept_and_an_older_build_reads_the_rules_all_the_same() {
    let later = r#"{"format":1,"rules":[],"drained":[{"worker":"w1","by":"d","since":3,"why":1}],
        "echoed":[{"x":18446744073709551615}],"zeal":{"a":[null]}}"#;
    let placement = Placement::decode(later.as_bytes()).unwrap();
    assert!(placement.marks.drains(&"w1".parse().unwrap()));
    let changed = placement.marked(Marks::default()).frozen(None).encode().unwrap();
    let text = String::from_utf8(changed.to_vec()).unwrap();
    assert!(text.contains(r#""echoed":[{"x":18446744073709551615}]"#), "{text}");
    assert!(text.contains(r#""zeal":{"a":[null]}"#) && !text.contains("drained"), "{text}");
    /// The fields that a build before marks reads.
    #[derive(serde::Deserialize)]
    struct Older {
        format: u64,
        rules: Vec<serde_json::Value>,
    }
    let marked = Placement::from(rules(vec![shard_rule("s-9", "a")])).marked(marks());
    let older: Older = serde_json::from_slice(&marked.encode().unwrap()).unwrap();
    assert_eq!((older.format, older.rules.len()), (1, 1));
}

#[test]
fn a_mark_that_makes_no_sense_is_refused_with_the_document() {
    for wrong in [
        r#""paused":[{"lease":"orders","by":"p","since":3}]"#,
        r#""drained":[{"worker":"","by":"p","since":3}]"#,
        r#""sent":[{"lease":"orders/7/s-0","to":"w","by":"p","since":3}]"#,
        r#""given_up":[{"lease":"orders/7/s-0","at":"7.","until":5,"by":"p","since":3}]"#,
        r#""let_go":{}"#,
    ] {
        let text = format!("{{\"format\":1,\"rules\":[],{wrong}}}");
        assert!(Placement::decode(text.as_bytes()).is_err(), "{text}");
    }
}

#[test]
fn marks_are_kept_by_whoever_changes_the_rules() {
    let before = Placement::default().marked(marks());
    let commanded = before.clone().commanded(rules(Vec::new()), "kcl placement unset", at(9));
    let adopted = before.clone().adopting();
    let map = Declaration::new(rules(vec![shard_rule("s-0", "a")]), "a file");
    let by = "w".parse().unwrap();
    let Verdict::Apply(declared) = map.judge(Some(&before), None, &by, at(9)).unwrap() else {
        panic!("it is new")
    };
    for after in [commanded, adopted, *declared] {
        assert_eq!(after.marks, marks());
    }
}

#[test]
fn a_lease_is_sent_until_its_time_and_let_go_under_its_epoch() {
    let marks = marks();
    let to = "w2".parse().unwrap();
    assert_eq!(marks.sends(&key("s-2"), at(499)), Some(&to));
    assert_eq!(marks.sends(&key("s-2"), at(500)), None);
    assert_eq!(marks.sends(&key("s-1"), at(0)), None);
    assert_eq!((marks.next_end(at(499)), marks.next_end(at(500))), (Some(at(500)), None));
    assert!(marks.frees(&row("s-1", 9, true)));
    assert!(!marks.frees(&row("s-1", 9, false)), "nobody holds it any more");
    assert!(!marks.frees(&row("s-1", 10, true)), "another has taken it");
    assert!(!marks.frees(&row("s-0", 9, true)));
}

#[test]
fn a_record_is_given_up_among_those_that_are_stuck_until_its_time_or_a_checkpoint_behind_it() {
    let marks = marks();
    let place = |number: u128, sub| Position::new(number.into(), sub);
    let gives = |shard, first, last, now| {
        let given_up = marks.gives_up(&key(shard), first..=last, at(now));
        given_up.map(|(at, _)| at.clone())
    };
    assert_eq!(gives("s-3", place(7, 2), place(7, 2), 499), Some(place(7, 2)));
    assert_eq!(gives("s-3", place(1, 0), place(9, 0), 1), Some(place(7, 2)));
    assert_eq!(gives("s-3", place(1, 0), place(9, 0), 500), None, "its time is over");
    assert_eq!(gives("s-3", place(7, 3), place(9, 0), 1), None);
    assert_eq!(gives("s-3", place(1, 0), place(7, 1), 1), None);
    assert_eq!(gives("s-2", place(1, 0), place(9, 0), 1), None);
    let kept_at = |sub| {
        let mut row = row("s-3", 1, true);
        row.checkpoint = Checkpoint::After(place(7, sub));
        marks.clone().tidied(at(1), &[row]).given_up.len()
    };
    assert_eq!((kept_at(1), kept_at(2)), (1, 0));
}

#[test]
fn what_has_come_to_pass_or_is_about_nothing_any_more_goes_when_marks_are_written() {
    let all = [row("s-0", 1, false), row("s-1", 9, true), row("s-2", 1, true), row("s-3", 1, true)];
    assert_eq!(marks().tidied(at(1), &all), marks());
    let mut ended = row("s-0", 1, false);
    ended.checkpoint = Checkpoint::ShardEnd;
    let left = marks().tidied(at(500), &[ended, row("s-1", 10, true), row("s-2", 1, true)]);
    let mut drained = marks();
    drained.paused.clear();
    drained.let_go.clear();
    drained.sent.clear();
    drained.given_up.clear();
    assert_eq!(left, drained, "a worker that is not there may come back");
}
