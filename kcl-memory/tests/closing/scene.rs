//! What there is in the small world at first: a stream, its rows, and what the dead have sent.

use std::time::Duration;

use kcl_core::{
    coordinator::{StoreCall, StreamView},
    env::WallTime,
    lease::{
        Acquire, Advance, Checkpoint, Delete, Epoch, Incarnation, Lease, LeaseKey, Release,
        SessionId,
    },
    stream::{Position, SequenceNumber, Shard, StreamDescription, StreamKey},
};

/// Where reading began once, and where it begins anew.
pub(crate) const OLD: u64 = 10;
pub(crate) const NEW: u64 = 5;

pub(crate) fn stream() -> StreamKey {
    StreamKey::new("orders", WallTime::from_millis(1))
}

pub(crate) fn key(shard: &str) -> LeaseKey {
    LeaseKey::of_shard(&stream(), &shard.parse().unwrap())
}

/// Three shards: one that has ended, what continues it, and one whose row is lost.
pub(crate) fn view() -> StreamView {
    let shard = |name: &str, parents: &[&str]| {
        let mut shard = Shard::new(name.parse().unwrap());
        shard.parents = parents.iter().map(|it| it.parse().unwrap()).collect();
        shard.closed = name == "a";
        shard
    };
    StreamView {
        description: StreamDescription::new(
            "orders".parse().unwrap(),
            stream(),
            Duration::from_hours(24),
            WallTime::from_millis(50),
        ),
        shards: vec![shard("a", &[]), shard("b", &["a"]), shard("c", &[])],
    }
}

pub(crate) fn owner(name: &str) -> SessionId {
    SessionId::new(name.parse().unwrap(), Incarnation::from_bits(1))
}

pub(crate) fn after(record: u128) -> Checkpoint {
    Checkpoint::After(Position::from(SequenceNumber::from(record)))
}

pub(crate) fn ended() -> Lease {
    let mut row = Lease::new(key("a"), Checkpoint::ShardEnd);
    row.epoch = Epoch(4);
    row.children = vec!["b".parse().unwrap()];
    row
}

pub(crate) fn held() -> Lease {
    let mut row = Lease::new(key("b"), after(2)).of_shard(vec!["a".parse().unwrap()], None);
    row.epoch = Epoch(5);
    row.owner = Some(owner("w1"));
    row
}

/// What the dead have sent, any of which may land at any time.
pub(crate) fn dead_letters() -> Vec<StoreCall> {
    let (a, b, w1) = (key("a"), key("b"), owner("w1"));
    let at = |at: u64| Checkpoint::AtTimestamp(WallTime::from_millis(at));
    vec![
        StoreCall::Advance(Advance::new(b.clone(), w1.clone(), Epoch(5), after(7))),
        StoreCall::Advance(Advance::new(b.clone(), w1.clone(), Epoch(5), Checkpoint::ShardEnd)),
        StoreCall::Release(Release::new(b, w1, Epoch(5))),
        StoreCall::Acquire(Acquire::new(&held(), owner("w2"), Epoch(6))),
        StoreCall::Delete(Delete::ended(a.clone(), Epoch(4))),
        StoreCall::Create(Lease::new(a, at(OLD))),
        StoreCall::Create(Lease::new(key("c"), at(OLD))),
    ]
}
