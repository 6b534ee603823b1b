//! Tests of the design of an import: the rows and documents that it writes, and what it refuses.

use std::collections::BTreeMap;

use kcl_core::{
    assignment::placement::Placement,
    change::{Design, Found, StreamView, Target, Unfit},
    lease::{Checkpoint, DocName, Document, Lease, LeaseKey, Streams},
};

use super::Import;
use crate::{
    Fence, ImportOptions,
    fact::{Fact, Sticky},
    imported::Imported,
    testing::{contents, fact, shard, shard_id, stream},
};

fn two() -> StreamView {
    stream(&[shard(0, (0, 2), &[]), shard(1, (1, 2), &[])])
}

fn import(facts: &[Fact]) -> Import {
    let from = "dynamodb-kcl:old-orders".parse().unwrap();
    let import = Import::new(from, contents(facts), ImportOptions::default());
    import.behind(Fence::AtZero, "kcl import on h").seen(BTreeMap::new())
}

fn planned(import: &Import, rows: &[Lease], docs: &[Document]) -> Result<Target, Unfit> {
    import.plan(&Found::new(rows, docs, &two()))
}

fn doc(target: &Target, name: &DocName) -> bytes::Bytes {
    target.docs.iter().find(|doc| doc.name == *name).unwrap().to.clone()
}

#[test]
fn an_empty_application_gets_rows_a_start_its_stream_and_the_memory_of_it() {
    let target = planned(&import(&[fact(0, "49"), fact(1, "149")]), &[], &[]).unwrap();
    assert_eq!(target.rows.len(), 2);
    assert!(target.rows.iter().all(|row| !row.found));
    let imported = Imported::decode(&doc(&target, &DocName::imported())).unwrap();
    let entry = imported.of("old-orders").unwrap();
    assert_eq!((entry.open, entry.ended, entry.fence), (2, 0, Fence::AtZero));
    let streams = Streams::decode(&doc(&target, &DocName::streams())).unwrap();
    assert_eq!(streams.name(), Some(&two().description.name));
    let start = doc(&target, &DocName::start(&two().description.key));
    assert_eq!(&start[..], br#"{"at":null}"#);
    // After the import was taken back, the document does not list it.
    let back = target.docs.iter().find(|doc| doc.name == DocName::imported()).unwrap();
    assert_eq!(Imported::decode(&back.from).unwrap().of("old-orders"), None);
}

#[test]
fn leases_that_are_there_are_in_the_way_unless_they_are_to_be_set() {
    let key = LeaseKey::of_shard(&two().description.key, &shard_id(0));
    let there = Lease::new(key, Checkpoint::ShardEnd);
    let planner = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
    let import = import(&[fact(0, "49"), fact(1, "149")]);
    assert!(planned(&import, std::slice::from_ref(&planner), &[]).is_ok());
    let rows = [planner, there];
    let refused = planned(&import, &rows, &[]).unwrap_err().to_string();
    assert!(refused.contains("--replace") && refused.contains("--app"), "{refused}");
    let target = planned(&import.over_others(true), &rows, &[]).unwrap();
    assert_eq!(target.rows.iter().map(|row| row.found).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn what_is_in_the_way_is_said_and_another_stream_is_not_taken_over() {
    let refused = planned(&import(&[fact(0, "49")]), &[], &[]).unwrap_err().to_string();
    assert!(refused.contains("no-row") && refused.contains("--shard"), "{refused}");
    let refused = planned(&import(&[]), &[], &[]).unwrap_err();
    assert!(matches!(refused, Unfit::Refused { .. }));
    let mut other = two().description;
    other.name = "123456789012:eu-west-1:payments".parse().unwrap();
    let streams = Document::new(DocName::streams(), 1, Streams::of(&other).encode());
    let refused = planned(&import(&[fact(0, "49"), fact(1, "149")]), &[], &[streams]);
    assert!(matches!(refused, Err(Unfit::OtherStream { .. })), "{refused:?}");
}

#[test]
fn sticky_shards_become_rules_beside_those_that_are_there() {
    let sticky = Fact { sticky: Some(Sticky::To("w1".to_owned())), ..fact(0, "49") };
    let target = planned(&import(&[sticky, fact(1, "149")]), &[], &[]).unwrap();
    let placement = Placement::decode(&doc(&target, &DocName::placement())).unwrap();
    assert_eq!(placement.rules.rules().len(), 1);
    assert_eq!(placement.rules.rules()[0].worker.as_str(), "w1");
    let none = planned(&import(&[fact(0, "49"), fact(1, "149")]), &[], &[]).unwrap();
    assert!(none.docs.iter().all(|doc| doc.name != DocName::placement()));
}
