//! Lease keys in a document: shards by stream and life, so that these are written once.

use std::collections::BTreeMap;

use crate::lease::LeaseKey;

/// Something of each shard, by stream and life.
pub(super) type ByLife<T> = BTreeMap<String, BTreeMap<String, T>>;

/// The stream and life of a lease, and its shard.
pub(super) fn split(key: &LeaseKey) -> Option<(&str, &str)> {
    key.as_str().rsplit_once('/')
}

/// The lease of a shard of this stream and life; `None` if there can be none of that name.
pub(super) fn join(life: &str, shard: &str) -> Option<LeaseKey> {
    format!("{life}/{shard}").parse().ok()
}

/// Adds what is told of a lease.
pub(super) fn add<T>(to: &mut ByLife<T>, key: &LeaseKey, value: T) {
    if let Some((life, shard)) = split(key) {
        to.entry(life.to_owned()).or_default().insert(shard.to_owned(), value);
    }
}

/// What is told of each lease; a name that can be none is left out.
pub(super) fn each<T>(of: ByLife<T>) -> impl Iterator<Item = (LeaseKey, T)> {
    of.into_iter().flat_map(|(life, shards)| {
        let key = move |(shard, value): (String, T)| Some((join(&life, &shard)?, value));
        shards.into_iter().filter_map(key)
    })
}
