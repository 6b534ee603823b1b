use bytes::Bytes;

use super::*;
use crate::{
    conformance::samples::doc_name,
    lease::{DeleteDoc, Document, PutDoc},
};

fn put(seen: Option<u64>, body: &'static str) -> Command {
    PutDoc::new(doc_name("d").unwrap(), seen, Bytes::from_static(body.as_bytes())).into()
}

fn row(version: u64, body: &'static str) -> Row {
    Document::new(doc_name("d").unwrap(), version, Bytes::from_static(body.as_bytes())).into()
}

fn event(command: Option<Command>, seen: Seen, called: u64, answered: u64) -> Event {
    Event { command, seen, called, answered }
}

fn read(row: Option<Row>, called: u64, answered: u64) -> Event {
    event(None, Seen::Row(row), called, answered)
}

fn wrote(seen: Option<u64>, body: &'static str, called: u64, answered: u64) -> Event {
    let version = seen.map_or(1, |seen| seen + 1);
    event(Some(put(seen, body)), Seen::Done(row(version, body)), called, answered)
}

#[test]
fn a_sequence_explains_itself() {
    let events = [read(None, 0, 1), wrote(None, "a", 2, 3), read(Some(row(1, "a")), 4, 5)];
    explain(&events, false).unwrap();
}

#[test]
fn the_order_that_explains_is_told_change_by_change() {
    let delete = |seen| DeleteDoc::new(doc_name("d").unwrap(), seen).into();
    let deleted = event(Some(delete(2)), Seen::Done(row(2, "b")), 8, 9);
    let refused = event(Some(put(None, "x")), Seen::Refused(Some(row(1, "a"))), 2, 3);
    let unknown = |body, called| event(Some(put(Some(1), body)), Seen::Unknown, called, called + 1);
    let events = [
        wrote(None, "a", 0, 1),
        refused,
        // Only one of the two can have been applied, and only after this read.
        unknown("b", 4),
        unknown("c", 4),
        read(Some(row(1, "a")), 6, 7),
        deleted,
    ];
    let change = |command: Command, before, after| Change::new(command.into(), before, after);
    let order = [
        change(put(None, "a"), None, Some(row(1, "a"))),
        change(put(Some(1), "b"), Some(row(1, "a")), Some(row(2, "b"))),
        change(delete(2), Some(row(2, "b")), None),
    ];
    assert_eq!(explain(&events, false).unwrap(), order);
    assert_eq!(explain(&[], true).unwrap(), []);
}

#[test]
fn a_read_after_an_answered_write_must_see_it() {
    let events = [wrote(None, "a", 0, 1), read(None, 2, 3)];
    assert!(explain(&events, false).is_err());
    let overlapping = [wrote(None, "a", 0, 2), read(None, 1, 3)];
    explain(&overlapping, false).unwrap();
}

#[test]
fn two_winners_of_one_version_have_no_order() {
    let events = [wrote(None, "a", 0, 2), wrote(None, "b", 1, 3)];
    assert!(explain(&events, false).is_err());
}

#[test]
fn a_lost_update_has_no_order() {
    let events = [
        wrote(None, "a", 0, 1),
        wrote(Some(1), "b", 2, 3),
        read(Some(row(2, "b")), 4, 5),
        read(Some(row(1, "a")), 6, 7),
    ];
    assert!(explain(&events, false).is_err());
}

#[test]
fn a_refusal_may_show_a_later_row_but_no_earlier_one() {
    let refused = |shown, called, answered| {
        event(Some(put(None, "x")), Seen::Refused(shown), called, answered)
    };
    let later =
        [wrote(None, "a", 0, 1), refused(Some(row(2, "b")), 2, 5), wrote(Some(1), "b", 3, 4)];
    explain(&later, false).unwrap();
    let earlier =
        [wrote(None, "a", 0, 1), wrote(Some(1), "b", 2, 3), refused(Some(row(1, "a")), 4, 5)];
    assert!(explain(&earlier, false).is_err());
    let unreasonable = [refused(None, 0, 1)];
    assert!(explain(&unreasonable, false).is_err(), "nothing stood against it");
}

#[test]
fn an_unknown_write_may_land_late_or_never_but_once() {
    let unknown = event(Some(put(None, "a")), Seen::Unknown, 0, 1);
    explain(&[unknown.clone(), read(None, 2, 3)], false).unwrap();
    let late = [unknown.clone(), read(None, 2, 3), read(Some(row(1, "a")), 4, 5)];
    explain(&late, false).unwrap();
    let gone = [unknown, read(Some(row(1, "a")), 2, 3), read(None, 4, 5)];
    assert!(explain(&gone, false).is_err());
}

#[test]
fn a_doubled_write_is_explained_only_where_it_may_happen() {
    let delete = DeleteDoc::new(doc_name("d").unwrap(), 1);
    let deleted = event(Some(delete.into()), Seen::Done(row(1, "a")), 2, 3);
    let events = [wrote(None, "a", 0, 1), deleted, read(Some(row(1, "a")), 4, 5)];
    assert!(explain(&events, false).is_err());
    explain(&events, true).unwrap();
}
