//! Packed lists, for a document that would be too large. Leases with equal values stand in one
//! pack, and the common prefix of their keys is written once.
//!
//! Builds that do not know packed lists cannot decode such a document: they report it, and go on
//! with the leases that they hold.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use crate::lease::{Epoch, LeaseKey};

/// An entry of a list, for one lease.
pub(super) trait Entry: DeserializeOwned {
    /// The values of an entry that many other entries share.
    type Said: Serialize + DeserializeOwned;

    /// The key of the lease.
    fn key(&self) -> &LeaseKey;
    /// The shared values.
    fn said(&self) -> Self::Said;
    /// The epoch, which entries hardly ever share; zero where the entry has none.
    fn epoch(&self) -> Epoch;
    /// The entry again, from its parts.
    fn of(key: LeaseKey, said: &Self::Said, epoch: Epoch) -> Self;
}

/// A packed list: `{"by": [pack, ...]}`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Packed<S> {
    #[serde(rename = "by")]
    packs: Vec<Pack<S>>,
}

/// The leases with the same shared values.
#[derive(Debug, Serialize, Deserialize)]
struct Pack<S> {
    /// The shared values.
    #[serde(rename = "o")]
    said: S,
    /// The common prefix of all keys.
    #[serde(rename = "p")]
    prefix: String,
    /// The lowest epoch of these leases.
    #[serde(rename = "e")]
    epoch: Epoch,
    /// The rest of each key, separated by commas. A lease with a higher epoch has `~` and the
    /// difference behind it. No key contains a comma or `~`.
    #[serde(rename = "k")]
    rests: String,
}

impl<S: Serialize + DeserializeOwned> Packed<S> {
    /// Packs a list.
    pub(super) fn of<E: Entry<Said = S>>(entries: &[E]) -> Self {
        let mut by_said: BTreeMap<String, (S, Vec<&E>)> = BTreeMap::new();
        for entry in entries {
            let said = entry.said();
            // Plain structs with string keys always serialise.
            let text = serde_json::to_string(&said).unwrap_or_default();
            by_said.entry(text).or_insert((said, Vec::new())).1.push(entry);
        }
        Self { packs: by_said.into_values().map(|(said, entries)| pack(said, &entries)).collect() }
    }

    /// The entries, in the order of keys; an error if a key or an epoch makes no sense.
    fn unpacked<E: Entry<Said = S>>(self) -> Result<Vec<E>, String> {
        let mut entries = Vec::new();
        for Pack { said, prefix, epoch, rests } in self.packs {
            for rest in rests.split(',') {
                let (rest, higher) = rest.split_once('~').unwrap_or((rest, "0"));
                let key = format!("{prefix}{rest}").parse().map_err(|error| format!("{error}"))?;
                let higher: u64 = higher.parse().map_err(|error| format!("{error}"))?;
                let epoch = epoch.0.checked_add(higher).ok_or("no epoch is so high")?;
                entries.push(E::of(key, &said, Epoch(epoch)));
            }
        }
        entries.sort_by(|a, b| a.key().cmp(b.key()));
        Ok(entries)
    }
}

/// Packs entries with the same shared values.
fn pack<E: Entry>(said: E::Said, entries: &[&E]) -> Pack<E::Said> {
    let keys: Vec<&str> = entries.iter().map(|entry| entry.key().as_str()).collect();
    let prefix = common_prefix(&keys);
    let epoch = entries.iter().map(|entry| entry.epoch()).min().unwrap_or(Epoch(0));
    let rest = |(key, entry): (&&str, &&E)| {
        let rest = &key[prefix.len()..];
        match entry.epoch().0 - epoch.0 {
            0 => rest.to_owned(),
            higher => format!("{rest}~{higher}"),
        }
    };
    let rests: Vec<String> = keys.iter().zip(entries).map(rest).collect();
    Pack { said, prefix: prefix.to_owned(), epoch, rests: rests.join(",") }
}

/// The longest common prefix of the keys.
fn common_prefix<'a>(keys: &[&'a str]) -> &'a str {
    let Some(first) = keys.first() else { return "" };
    let alike = |key: &&str| first.bytes().zip(key.bytes()).take_while(|(a, b)| a == b).count();
    // Keys are ASCII.
    first.get(..keys.iter().map(alike).min().unwrap_or(0)).unwrap_or("")
}

/// Decodes a list, packed or not.
pub(super) fn each_or_packed<'de, E: Entry, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<E>, D::Error> {
    from.deserialize_any(Lists(PhantomData))
}

/// Decodes an array as a plain list and an object as a packed one.
struct Lists<E>(PhantomData<E>);

impl<'de, E: Entry> Visitor<'de> for Lists<E> {
    type Value = Vec<E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of leases, packed or not")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element()? {
            entries.push(entry);
        }
        Ok(entries)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let packed = Packed::<E::Said>::deserialize(MapAccessDeserializer::new(map))?;
        packed.unpacked().map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        assignment::placement::Taking,
        coordinator::document::{Assignment, Hold, Origin, Revoke, Transfer, tests as documents},
        lease::Document,
    };

    fn key(number: usize) -> LeaseKey {
        format!("orders/1700000000000/shardId-{number:012}").parse().unwrap()
    }

    fn free(number: usize) -> Hold {
        let from = Some(Origin { owner: None, epoch: Epoch(0), how: Transfer::Unowned });
        let children = [Taking::None, Taking::OfSplit, Taking::All][number % 3];
        Hold { key: key(number), from, children }
    }

    fn holding(count: usize) -> Assignment {
        Assignment { holds: (0..count).map(free).collect(), ..documents::document() }
    }

    fn is_packed(text: &Bytes) -> bool {
        let text: serde_json::Value = serde_json::from_slice(text).unwrap();
        text["h"].is_object()
    }

    #[test]
    fn one_worker_is_told_of_ten_thousand_shards_in_one_document() {
        let whole = holding(10_000);
        let text = whole.encode();
        assert!(text.len() <= Document::MAX_BODY, "{}", text.len());
        assert!(is_packed(&text));
        assert!(Assignment::decode(&text).is_some_and(|read| read == whole));
    }

    #[test]
    fn one_worker_is_told_to_give_nearly_all_of_them_to_as_many_as_five_hundred() {
        let give = |number: usize| Revoke {
            key: key(number),
            epoch: Epoch(1_796_025_139_700 + number as u64),
            to: Some(documents::session(u32::try_from(number % 500).unwrap())),
        };
        let whole = Assignment { gives: (20..10_000).map(give).collect(), ..documents::document() };
        let text = whole.encode();
        assert!(text.len() <= Document::MAX_BODY / 2, "{}", text.len());
        assert!(Assignment::decode(&text).is_some_and(|read| read == whole));
    }

    #[test]
    fn what_fits_is_written_as_older_builds_read_it() {
        assert!(!is_packed(&holding(1_000).encode()));
    }

    #[test]
    fn a_packed_list_is_no_list_to_builds_that_do_not_know_it() {
        #[derive(Deserialize)]
        struct Older {
            #[serde(rename = "h", default)]
            _holds: Vec<Hold>,
        }
        let text = holding(10_000).encode();
        assert!(serde_json::from_slice::<Older>(&text).is_err(), "it holds what it holds");
    }

    #[test]
    fn a_key_that_is_none_makes_the_whole_document_unreadable() {
        let text = holding(10_000).encode();
        let spoilt = String::from_utf8(text.to_vec()).unwrap().replace(",0042,", ",~x,");
        assert_ne!(spoilt.as_bytes(), text);
        assert!(Assignment::decode(spoilt.as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn packed_lists_read_back(
            numbers in prop::collection::btree_map(0_usize..50_000, (0_u64..4, 0_u32..3), 0..60),
        ) {
            let to = |number: u32| (number > 0).then(|| documents::session(number));
            let mut gives: Vec<Revoke> = numbers
                .iter()
                .map(|(at, (epoch, next))| {
                    Revoke { key: key(*at), epoch: Epoch(*epoch), to: to(*next) }
                })
                .collect();
            gives.sort_by(|a, b| a.key.cmp(&b.key));
            let text = serde_json::to_string(&Packed::of(&gives)).unwrap();
            let packs = serde_json::from_str::<serde_json::Value>(&text).unwrap();
            let distinct: BTreeSet<u32> = numbers.values().map(|(_, next)| *next).collect();
            prop_assert_eq!(packs["by"].as_array().unwrap().len(), distinct.len());
            let mut reader = serde_json::Deserializer::from_str(&text);
            prop_assert_eq!(each_or_packed::<Revoke, _>(&mut reader).unwrap(), gives);
        }
    }
}
