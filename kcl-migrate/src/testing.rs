//! Makes leases and streams for tests.

use std::time::Duration;

use kcl_core::{
    change::StreamView,
    env::WallTime,
    stream::{HashRange, Position, Shard, ShardId, StreamDescription, StreamKey},
};

use crate::{
    fact::{Contents, Fact, Mark},
    item::{Item, Value},
};

pub(crate) fn text(text: &str) -> Value {
    Value::S(text.to_owned())
}

pub(crate) fn number(text: &str) -> Value {
    Value::N(text.to_owned())
}

/// Items of these attributes.
pub(crate) fn items(of: &[&[(&str, Value)]]) -> Vec<Item> {
    let owned = |(name, value): &(&str, Value)| ((*name).to_owned(), value.clone());
    of.iter().map(|attributes| Item::new(attributes.iter().map(owned))).collect()
}

pub(crate) fn position(sequence: &str, sub: u64) -> Position {
    Position::new(sequence.parse().unwrap(), sub)
}

pub(crate) fn shard_id(number: usize) -> ShardId {
    format!("shardId-{number:012}").parse().unwrap()
}

/// A lease of shard `number` at a sequence number or a sentinel.
pub(crate) fn fact(number: usize, at: &str) -> Fact {
    let mark = match at {
        "TRIM_HORIZON" => Mark::TrimHorizon,
        "LATEST" => Mark::Latest,
        "AT_TIMESTAMP" => Mark::AtTimestamp,
        "SHARD_END" => Mark::ShardEnd,
        "" => Mark::Never,
        sequence => Mark::After(position(sequence, 0)),
    };
    let shard = shard_id(number);
    Fact {
        key: shard.as_str().to_owned(),
        stream: None,
        shard,
        owner: None,
        mark,
        is_pending: false,
        is_handed_over: false,
        pulse: "7".to_owned(),
        sticky: None,
    }
}

pub(crate) fn contents(leases: &[Fact]) -> Contents {
    Contents { leases: leases.to_vec(), ..Contents::default() }
}

/// A shard with part `of` of the hash keys, which are divided into `parts` (a power of two). Its
/// first sequence number is `100 * number`.
pub(crate) fn shard(number: usize, (of, parts): (u128, u128), parents: &[usize]) -> Shard {
    let step = u128::MAX / parts;
    let start = step * of + of;
    let mut shard = Shard::open(shard_id(number), HashRange::new(start, start + step));
    shard.parents = parents.iter().map(|parent| shard_id(*parent)).collect();
    shard.starting = Some(((number * 100) as u128).into());
    shard
}

/// The stream `orders`, made at 5 s, of these shards; those that have children are closed.
pub(crate) fn stream(shards: &[Shard]) -> StreamView {
    let key = StreamKey::new("orders", WallTime::from_millis(5_000));
    let description = StreamDescription::new(
        "123456789012:eu-west-1:orders".parse().unwrap(),
        key,
        Duration::from_hours(24),
        WallTime::from_millis(90_000),
    );
    let mut shards = shards.to_vec();
    let parents: Vec<ShardId> = shards.iter().flat_map(|it| it.parents.clone()).collect();
    for shard in &mut shards {
        shard.closed = parents.contains(&shard.id);
    }
    StreamView { description, shards }
}
