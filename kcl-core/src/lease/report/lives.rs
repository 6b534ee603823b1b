//! Groups the shards of a document by stream and life, so that the document has each of these texts
//! once and not in every lease key.

use std::collections::BTreeMap;

use crate::lease::LeaseKey;

/// A value for each shard: by `stream/creation milliseconds`, then by shard id.
pub(super) type ByLife<T> = BTreeMap<String, BTreeMap<String, T>>;

/// Splits a lease key into stream with life, and shard. `None` for a role.
pub(super) fn split(key: &LeaseKey) -> Option<(&str, &str)> {
    key.as_str().rsplit_once('/')
}

/// Joins stream with life, and shard, into a lease key; `None` if they make no valid key.
pub(super) fn join(life: &str, shard: &str) -> Option<LeaseKey> {
    format!("{life}/{shard}").parse().ok()
}

/// Adds the value of a lease. A role is left out.
pub(super) fn add<T>(to: &mut ByLife<T>, key: &LeaseKey, value: T) {
    if let Some((life, shard)) = split(key) {
        to.entry(life.to_owned()).or_default().insert(shard.to_owned(), value);
    }
}

/// The value of each lease. Entries whose names make no valid key are left out.
pub(super) fn each<T>(of: ByLife<T>) -> impl Iterator<Item = (LeaseKey, T)> {
    of.into_iter().flat_map(|(life, shards)| {
        let key = move |(shard, value): (String, T)| Some((join(&life, &shard)?, value));
        shards.into_iter().filter_map(key)
    })
}
