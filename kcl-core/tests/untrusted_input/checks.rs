//! What must hold of any text and any bytes from outside: they are read or refused, never a panic,
//! and what is read is written back as the same thing.
//!
//! The properties beside this file and the targets in `fuzz/` ask the same questions.

use std::{fmt::Debug, str::FromStr};

use kcl_core::{
    assignment::placement::{Inherited, Placement, PlacementRules, Uncovered, shard_mapping},
    coordinator::{Assignment, FrozenStart},
    lease::{
        Checkpoint, DocName, Incarnation, LeaseKey, SessionId, WorkerId,
        report::{Moves, PlannerReport, Watch, WorkerReport},
    },
    stream::{HashRange, Position, SequenceNumber, ShardId},
};

fn reads_back<T: FromStr + PartialEq + Debug>(text: &str, write: impl Fn(&T) -> String) {
    if let Ok(read) = text.parse::<T>() {
        let written = write(&read);
        assert!(written.parse::<T>().ok().is_some_and(|again| again == read), "{read:?}");
    }
}

/// Names: of workers, sessions, shards, leases, documents.
pub(crate) fn names(text: &str) {
    reads_back(text, WorkerId::to_string);
    reads_back(text, Incarnation::to_string);
    reads_back(text, SessionId::key);
    reads_back(text, ShardId::to_string);
    reads_back(text, DocName::to_string);
    reads_back(text, LeaseKey::to_string);
    if let Ok(key) = text.parse::<LeaseKey>() {
        assert_eq!(key.is_role(), key.shard().is_none());
        let shard = "shardId-000000000001".parse().unwrap();
        assert_eq!(key.sibling(&shard).and_then(|key| key.shard()), key.shard().map(|_| shard));
    }
}

/// Positions: sequence numbers, stored checkpoints, hash ranges.
pub(crate) fn positions(text: &str) {
    reads_back(text, SequenceNumber::to_string);
    reads_back(text, SequenceNumber::padded);
    if let Ok(number) = text.parse::<SequenceNumber>() {
        assert_eq!(SequenceNumber::try_from(text.to_owned()), Ok(number.clone()));
        let at = Checkpoint::After(Position::new(number, u64::MAX));
        assert_eq!(Checkpoint::from_parts(&at.kind(), &at.key()), Ok(at));
    }
    let (kind, key) = text.split_once(' ').unwrap_or(("AFTER", text));
    if let Ok(read) = Checkpoint::from_parts(kind, key) {
        assert_eq!(Checkpoint::from_parts(&read.kind(), &read.key()), Ok(read));
    }
    reads_back(text, HashRange::to_string);
    if let Ok(range) = text.parse::<HashRange>() {
        let (_, _) = (range.midpoint(), range.halves());
    }
}

/// Documents of the store, and placement rules from wherever.
pub(crate) fn documents(body: &[u8]) {
    if let Some(read) = Assignment::decode(body) {
        assert_eq!(Assignment::decode(&read.encode()), Some(read));
    }
    if let Some(read) = FrozenStart::decode(body) {
        assert_eq!(FrozenStart::decode(&read.encode()), Some(read));
    }
    if let Ok(read) = Placement::decode(body) {
        assert_eq!(Placement::decode(&read.encode().unwrap()).unwrap(), read);
    }
    if let Ok((term, read)) = Inherited::decode(body) {
        assert_eq!(Inherited::decode(&read.encode(term).unwrap()).unwrap(), (term, read));
        assert_eq!(Inherited::term_in(body), Some(term));
    }
    if let Some(read) = WorkerReport::decode(body) {
        assert_eq!(WorkerReport::decode(&read.encode()), Some(read));
    }
    if let Some(read) = PlannerReport::decode(body) {
        assert_eq!(PlannerReport::decode(&read.encode()), Some(read));
    }
    if let Some(read) = Moves::decode(body) {
        assert_eq!(Moves::decode(&read.encode()), Some(read));
    }
    if let Some(read) = Watch::decode(body) {
        assert_eq!(Watch::decode(&read.encode()), Some(read));
    }
    if let Ok(text) = std::str::from_utf8(body)
        && let Ok(rules) = shard_mapping(text)
        && let Ok(rules) = PlacementRules::new(rules, Uncovered::Hold)
        && let Ok(body) = Placement::from(rules.clone()).encode()
    {
        assert_eq!(Placement::decode(&body).unwrap().rules, rules);
    }
}
