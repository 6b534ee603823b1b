//! The lists of a document that would be too large: leases of which the same is said stand together,
//! and what their keys have in common is written once.
//!
//! Builds that know no packed list cannot read one, and say so: they go on with what they hold.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{Give, Hold, Origin};
use crate::lease::{Epoch, LeaseKey, SessionId};

/// What a list says of one lease.
pub(super) trait Entry: DeserializeOwned {
    /// What is said of it.
    type Said: Clone + Serialize + DeserializeOwned;

    fn key(&self) -> &LeaseKey;
    fn said(&self) -> Self::Said;
    fn of(key: LeaseKey, said: Self::Said) -> Self;
}

impl Entry for Hold {
    type Said = Option<Origin>;

    fn key(&self) -> &LeaseKey {
        &self.key
    }

    fn said(&self) -> Self::Said {
        self.from.clone()
    }

    fn of(key: LeaseKey, from: Self::Said) -> Self {
        Self { key, from }
    }
}

impl Entry for Give {
    type Said = (Epoch, Option<SessionId>);

    fn key(&self) -> &LeaseKey {
        &self.key
    }

    fn said(&self) -> Self::Said {
        (self.epoch, self.to.clone())
    }

    fn of(key: LeaseKey, (epoch, to): Self::Said) -> Self {
        Self { key, epoch, to }
    }
}

/// A packed list.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Packed<S> {
    #[serde(rename = "by")]
    packs: Vec<Pack<S>>,
}

/// Leases of which the same is said.
#[derive(Debug, Serialize, Deserialize)]
struct Pack<S> {
    #[serde(rename = "o")]
    said: S,
    /// What all their keys begin with.
    #[serde(rename = "p")]
    prefix: String,
    /// What comes after that, between commas, which no key has in it.
    #[serde(rename = "k")]
    rests: String,
}

impl<S: Clone + Serialize + DeserializeOwned> Packed<S> {
    pub(super) fn of<E: Entry<Said = S>>(entries: &[E]) -> Self {
        let mut by_said: BTreeMap<String, (S, Vec<&str>)> = BTreeMap::new();
        for entry in entries {
            let said = entry.said();
            // Plain structs with string keys always serialise.
            let text = serde_json::to_string(&said).unwrap_or_default();
            by_said.entry(text).or_insert((said, Vec::new())).1.push(entry.key().as_str());
        }
        let packs = by_said.into_values().map(|(said, keys)| {
            let prefix = common_prefix(&keys);
            let rests: Vec<&str> = keys.iter().map(|key| &key[prefix.len()..]).collect();
            Pack { said, prefix: prefix.to_owned(), rests: rests.join(",") }
        });
        Self { packs: packs.collect() }
    }

    /// The entries, in the order of keys.
    fn unpacked<E: Entry<Said = S>>(self) -> Result<Vec<E>, String> {
        let mut entries = Vec::new();
        for Pack { said, prefix, rests } in self.packs {
            for rest in rests.split(',') {
                let key = format!("{prefix}{rest}");
                let key = key.parse().map_err(|error| format!("{error}"))?;
                entries.push(E::of(key, said.clone()));
            }
        }
        entries.sort_by(|a, b| a.key().cmp(b.key()));
        Ok(entries)
    }
}

fn common_prefix<'a>(keys: &[&'a str]) -> &'a str {
    let Some(first) = keys.first() else { return "" };
    let alike = |key: &&str| first.bytes().zip(key.bytes()).take_while(|(a, b)| a == b).count();
    // Keys are ASCII.
    first.get(..keys.iter().map(alike).min().unwrap_or(0)).unwrap_or("")
}

/// Reads a list, packed or not.
pub(super) fn each_or_packed<'de, E: Entry, D: Deserializer<'de>>(
    from: D,
) -> Result<Vec<E>, D::Error> {
    from.deserialize_any(Lists(PhantomData))
}

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
        coordinator::document::{Assignment, How, tests as documents},
        lease::Document,
    };

    fn key(number: usize) -> LeaseKey {
        format!("orders/1700000000000/shardId-{number:012}").parse().unwrap()
    }

    fn free(number: usize) -> Hold {
        let from = Some(Origin { owner: None, epoch: Epoch(0), how: How::Free });
        Hold { key: key(number), from }
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
        assert_eq!(Assignment::decode(&text), Some(whole));
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
        let spoilt = String::from_utf8(text.to_vec()).unwrap().replace(",0042,", ",~,");
        assert_ne!(spoilt.as_bytes(), text);
        assert!(Assignment::decode(spoilt.as_bytes()).is_none());
    }

    proptest! {
        #[test]
        fn packed_lists_read_back(
            numbers in prop::collection::btree_map(0_usize..50_000, (0_u64..4, 0_u32..3), 0..60),
        ) {
            let to = |number: u32| (number > 0).then(|| documents::session(number));
            let mut gives: Vec<Give> = numbers
                .iter()
                .map(|(at, (epoch, next))| {
                    Give { key: key(*at), epoch: Epoch(*epoch), to: to(*next) }
                })
                .collect();
            gives.sort_by(|a, b| a.key.cmp(&b.key));
            let text = serde_json::to_string(&Packed::of(&gives)).unwrap();
            let packs = serde_json::from_str::<serde_json::Value>(&text).unwrap();
            let distinct: BTreeSet<_> = numbers.values().collect();
            prop_assert_eq!(packs["by"].as_array().unwrap().len(), distinct.len());
            let mut reader = serde_json::Deserializer::from_str(&text);
            prop_assert_eq!(each_or_packed::<Give, _>(&mut reader).unwrap(), gives);
        }
    }
}
