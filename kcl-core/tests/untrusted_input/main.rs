//! Texts and bytes from outside: any at all, and some that are nearly right.

#![allow(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

mod checks;

use kcl_core::{
    assignment::placement::{Inherited, Placement, shard_mapping},
    coordinator::{Assignment, FrozenStart},
    lease::{Checkpoint, DocName, LeaseKey, SessionId, WorkerId},
    stream::{HashRange, SequenceNumber, ShardId},
};
use proptest::prelude::*;

/// Texts that look like something.
fn nearly() -> impl Strategy<Value = String> {
    let numbers = "[+-]?[0-9]{0,70}";
    let parts = prop_oneof![
        Just("shardId-000000000007".to_owned()),
        Just("@planner".to_owned()),
        Just("AFTER".to_owned()),
        Just("AT_TIMESTAMP:".to_owned()),
        Just("SHARD_END".to_owned()),
        Just("0f0e0d0c-0b0a-0908-0706-050403020100".to_owned()),
        "[ #/:@,.\n-]",
        numbers,
        "[a-zA-Z0-9_.:@-]{1,20}",
        any::<String>(),
    ];
    prop::collection::vec(parts, 0..6).prop_map(|parts| parts.concat())
}

/// Documents with a piece cut out, doubled, or replaced.
fn bent() -> impl Strategy<Value = Vec<u8>> {
    const WHOLE: [&str; 5] = [
        include_str!("examples/documents/assignment"),
        include_str!("examples/documents/frozen-start"),
        include_str!("examples/documents/placement"),
        include_str!("examples/documents/backwards"),
        include_str!("examples/documents/mapping"),
    ];
    let at = any::<prop::sample::Index>;
    let piece = prop_oneof![
        Just(String::new()),
        Just("-1".into()),
        Just("18446744073709551616".into()),
        any::<String>(),
        "[\\[\\]{}\",:0-9a-z]{0,4}",
    ];
    (prop::sample::select(&WHOLE[..]), at(), at(), piece).prop_map(|(whole, from, to, piece)| {
        let whole = whole.as_bytes();
        let (from, to) = (from.index(whole.len()), to.index(whole.len()));
        [&whole[..from], piece.as_bytes(), &whole[to..]].concat()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn names_are_read_or_refused(text in nearly()) {
        checks::names(&text);
    }

    #[test]
    fn positions_are_read_or_refused(text in nearly()) {
        checks::positions(&text);
    }

    #[test]
    fn documents_are_read_or_refused(body in prop_oneof![bent(), any::<Vec<u8>>()]) {
        checks::documents(&body);
    }
}

#[test]
fn a_range_that_is_backwards_is_read_without_a_panic() {
    checks::positions("9-0");
}

#[test]
fn the_examples_are_what_they_are_called() {
    let read = |name: &str| {
        let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/untrusted_input/examples");
        std::fs::read_to_string(format!("{examples}/{name}")).unwrap()
    };
    let documents = |name: &str| read(&format!("documents/{name}")).into_bytes();
    assert_eq!(Assignment::decode(&documents("assignment")).unwrap().holds.len(), 2);
    assert!(FrozenStart::decode(&documents("frozen-start")).unwrap().at.is_some());
    assert_eq!(Placement::decode(&documents("placement")).unwrap().rules.rules().len(), 2);
    assert!(Placement::decode(&documents("backwards")).is_err());
    assert_eq!(Inherited::decode(&documents("inherited")).unwrap().1.iter().count(), 3);
    assert_eq!(shard_mapping(&read("documents/mapping")).unwrap().len(), 2);
    read("names/worker").parse::<WorkerId>().unwrap();
    read("names/session").parse::<SessionId>().unwrap();
    read("names/shard").parse::<ShardId>().unwrap();
    read("names/lease").parse::<LeaseKey>().unwrap();
    assert!(read("names/role").parse::<LeaseKey>().unwrap().is_role());
    read("names/document").parse::<DocName>().unwrap();
    read("positions/sequence-number").parse::<SequenceNumber>().unwrap();
    read("positions/range").parse::<HashRange>().unwrap();
    for name in ["after", "end", "timestamp"] {
        let text = read(&format!("positions/{name}"));
        let (kind, key) = text.split_once(' ').unwrap();
        Checkpoint::from_parts(kind, key).unwrap();
    }
}
