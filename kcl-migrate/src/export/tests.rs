//! Tests of the rows that an export writes into the table of the old fleet, and of a way there and
//! back.

use kcl_core::{
    env::WallTime,
    lease::{Checkpoint, Lease, LeaseKey},
    stream::StreamKey,
};

use super::{Allowed, Exported, Outcome, Put, export};
use crate::{
    ImportOptions, Library, Mark,
    fence::movers,
    item::{Item, Value},
    judge::judge,
    testing::{contents, fact, number, position, shard, shard_id, stream, text},
};

fn orders() -> StreamKey {
    StreamKey::new("orders", WallTime::from_millis(5_000))
}

fn lease(number: usize, checkpoint: Checkpoint) -> Lease {
    Lease::new(LeaseKey::of_shard(&orders(), &shard_id(number)), checkpoint)
}

fn after(sequence: &str, sub: u64) -> Checkpoint {
    Checkpoint::After(position(sequence, sub))
}

fn item(attributes: &[(&str, Value)]) -> Item {
    Item::new(attributes.iter().map(|(name, value)| ((*name).to_owned(), value.clone())))
}

fn kcl_row(shard: usize, at: &str, more: &[(&str, Value)]) -> Item {
    let mut attributes = vec![
        ("leaseKey", text(shard_id(shard).as_str())),
        ("checkpoint", text(at)),
        ("checkpointSubSequenceNumber", number("0")),
        ("leaseCounter", number("4.1E1")),
        ("leaseOwner", text("w1")),
    ];
    attributes.extend(more.iter().cloned());
    item(&attributes)
}

fn one(library: Library, row: &Lease, items: &[Item], allowed: &Allowed) -> Exported {
    let mut all = export(library, &orders(), std::slice::from_ref(row), items, allowed);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn put(outcome: &Outcome) -> &Put {
    match outcome {
        Outcome::Made(put) | Outcome::Moved(put) | Outcome::FromHorizon(put) => put,
        other => panic!("nothing is written: {other:?}"),
    }
}

/// The item after a write.
fn applied(item: Option<&Item>, put: &Put, key: &str) -> Item {
    let mut attributes: std::collections::BTreeMap<String, Value> =
        std::iter::once((key.to_owned(), text(&put.key))).collect();
    for name in ["leaseCounter", "leaseOwner", "entityType", "AssignedTo", "Sticky"] {
        if let Some(value) = item.and_then(|item| item.get(name)) {
            attributes.insert(name.to_owned(), value.clone());
        }
    }
    for (name, value) in &put.changes {
        match value {
            Some(value) => drop(attributes.insert((*name).to_owned(), value.clone())),
            None => drop(attributes.remove(*name)),
        }
    }
    Item::new(attributes)
}

#[test]
fn a_row_of_the_kcl_is_free_one_count_on_and_where_the_lease_stands() {
    let there = kcl_row(0, "49", &[("pendingCheckpoint", text("60"))]);
    let mut row = lease(0, after("77", 3));
    row.parents = vec![shard_id(7)];
    row.range = Some("0-9".parse().unwrap());
    let allowed = Allowed::default();
    let exported = one(Library::Kcl, &row, std::slice::from_ref(&there), &allowed);
    let put = put(&exported.outcome);
    assert!(matches!(exported.outcome, Outcome::Moved(_)));
    assert_eq!(
        put.seen,
        [("leaseCounter", Some(number("4.1E1"))), ("checkpoint", Some(text("49")))]
    );
    let is = applied(Some(&there), put, "leaseKey");
    assert_eq!(is.text("checkpoint"), Some("77"));
    assert_eq!(is.number("checkpointSubSequenceNumber"), Some(3));
    assert_eq!(is.number("leaseCounter"), Some(42));
    assert!(!is.has("leaseOwner") && !is.has("pendingCheckpoint") && !is.has("entityType"));
    assert_eq!(is.get("parentShardId"), Some(&Value::Ss(vec![shard_id(7).to_string()])));
    assert_eq!((is.text("startingHashKey"), is.text("endingHashKey")), (Some("0"), Some("9")));
    assert!(put.is_done(&is) && !put.is_done(&there));
}

#[test]
fn a_new_row_has_what_the_others_of_its_table_have() {
    let there = kcl_row(0, "49", &[("entityType", text("LEASE"))]);
    let mut row = lease(1, Checkpoint::ShardEnd);
    row.children = vec![shard_id(8), shard_id(9)];
    let allowed = Allowed::default();
    let exported = one(Library::Kcl, &row, std::slice::from_ref(&there), &allowed);
    assert!(matches!(exported.outcome, Outcome::Made(_)));
    let put = put(&exported.outcome);
    assert_eq!(put.seen, [("leaseKey", None)]);
    let is = applied(None, put, "leaseKey");
    assert_eq!((is.text("entityType"), is.number("leaseCounter")), (Some("LEASE"), Some(0)));
    assert_eq!(is.text("checkpoint"), Some("SHARD_END"));
    let children = vec![shard_id(8).to_string(), shard_id(9).to_string()];
    assert_eq!(is.get("childShardIds"), Some(&Value::Ss(children)));

    let key = format!("123456789012:payments:7:{}", shard_id(0));
    let many = item(&[("leaseKey", text(&key)), ("checkpoint", text("49"))]);
    let exported = one(Library::Kcl, &lease(1, after("77", 0)), &[many], &allowed);
    let put = self::put(&exported.outcome);
    assert_eq!(put.key, format!("123456789012:orders:5:{}", shard_id(1)));
    let is = applied(None, put, "leaseKey");
    assert_eq!(is.text("streamName"), Some("123456789012:orders:5"));
    assert_eq!(is.text("shardId"), Some(shard_id(1).as_str()));
}

#[test]
fn no_row_is_taken_back_unless_that_is_said() {
    let allowed = Allowed { backwards: true, ..Allowed::default() };
    for (there, mine) in [
        ("80", after("77", 0)),
        ("SHARD_END", after("77", 0)),
        ("80", Checkpoint::TrimHorizon),
        ("80", Checkpoint::AtTimestamp(WallTime::from_millis(7))),
    ] {
        let (items, row) = ([kcl_row(0, there, &[])], lease(0, mine));
        let exported = one(Library::Kcl, &row, &items, &Allowed::default());
        assert_eq!(exported.outcome, Outcome::Backwards, "{there}");
        put(&one(Library::Kcl, &row, &items, &allowed).outcome);
    }
    for there in ["77", "60", "TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"] {
        let items = [kcl_row(0, there, &[])];
        put(&one(Library::Kcl, &lease(0, after("77", 0)), &items, &Allowed::default()).outcome);
    }
}

#[test]
fn a_time_is_read_from_the_beginning_by_a_table_that_cannot_hold_it() {
    let row = lease(0, Checkpoint::AtTimestamp(WallTime::from_millis(7)));
    let exported = one(Library::Kcl, &row, &[], &Allowed::default());
    assert!(matches!(exported.outcome, Outcome::FromHorizon(_)));
    let is = applied(None, put(&exported.outcome), "leaseKey");
    assert_eq!(is.text("checkpoint"), Some("TRIM_HORIZON"));
}

#[test]
fn vmware_stops_at_whole_records_alone() {
    let row = lease(0, after("77", 3));
    let exported = one(Library::Vmware, &row, &[], &Allowed::default());
    assert_eq!(exported.outcome, Outcome::WithinAggregate);
    let mut allowed = Allowed::default();
    allowed.whole.insert(shard_id(0));
    let there = item(&[
        ("ShardID", text(shard_id(0).as_str())),
        ("Checkpoint", text("49")),
        ("AssignedTo", text("w1")),
        ("LeaseTimeout", text("2026-01-31T09:00:00Z")),
    ]);
    let exported = one(Library::Vmware, &row, std::slice::from_ref(&there), &allowed);
    let put = put(&exported.outcome);
    let is = applied(Some(&there), put, "ShardID");
    assert_eq!(is.text("Checkpoint"), Some("77"));
    assert!(!is.has("AssignedTo") && !is.has("LeaseTimeout"));
    let seen = ("LeaseTimeout", Some(text("2026-01-31T09:00:00Z")));
    assert!(put.seen.contains(&seen), "{:?}", put.seen);
}

/// An export and an import of its result give the same leases.
#[test]
fn there_and_back() {
    let stream = stream(&[shard(0, (0, 1), &[]), shard(1, (0, 2), &[0]), shard(2, (1, 2), &[0])]);
    let rows = [fact(0, "SHARD_END"), fact(1, "149"), fact(2, "TRIM_HORIZON")];
    let none = std::collections::BTreeMap::new();
    let before = judge(&contents(&rows), &stream, &ImportOptions::default(), &none);
    for library in [Library::Kcl, Library::Vmware] {
        let exported = export(library, &orders(), before.rows(), &[], &Allowed::default());
        let items: Vec<Item> =
            exported.iter().map(|it| applied(None, put(&it.outcome), library.key())).collect();
        let read = crate::read(library, &items);
        assert!(read.leases.iter().all(|fact| fact.owner.is_none()));
        let after = judge(&read, &stream, &ImportOptions::default(), &none);
        assert_eq!(after.rows(), before.rows());
        // The rows have no owner, and did not change between the two readings.
        assert_eq!(movers(&read, &read), []);
    }
    assert_eq!(before.rows()[2].checkpoint, Checkpoint::TrimHorizon);
    assert!(matches!(rows[1].mark, Mark::After(_)));
}
