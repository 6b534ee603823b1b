use bytes::Bytes;
use kcl_core::stream::{HashKey, HashRange, KplMark, Position, Record, SequenceNumber};
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq)]
struct User {
    key: String,
    hash: Option<HashKey>,
    data: Vec<u8>,
}

fn users() -> impl Strategy<Value = Vec<User>> {
    let keys = prop_oneof![Just("a".to_owned()), Just("ключ".to_owned()), "[ -~]{1,40}"];
    let data = prop::collection::vec(any::<u8>(), 0..60);
    let user = (keys, any::<Option<HashKey>>(), data);
    prop::collection::vec(user.prop_map(|(key, hash, data)| User { key, hash, data }), 1..40)
}

fn packed(users: &[User]) -> Aggregate {
    let mut aggregator = Aggregator::new(1 << 20);
    for user in users {
        aggregator.add(&user.key, user.hash, Bytes::from(user.data.clone())).unwrap();
    }
    aggregator.finish().unwrap()
}

fn stored(data: Bytes) -> Record {
    Record::new(SequenceNumber::from(7).into(), "carrier".into(), data)
}

fn unpacked(data: Bytes, range: Option<HashRange>) -> (Result<(), Damage>, Vec<Record>) {
    let mut into = Vec::new();
    let result = unpack(stored(data), range, &mut into);
    (result, into)
}

/// Puts a digest that fits on any message.
fn sealed(message: &[u8]) -> Bytes {
    [&MAGIC, message, &md5(message)].concat().into()
}

fn delivered_whole(data: &Bytes, records: &[Record]) -> bool {
    matches!(records, [only] if only.data == *data && only.partition_key == "carrier")
}

proptest! {
    #[test]
    fn what_was_packed_comes_back_in_order(users in users()) {
        let aggregate = packed(&users);
        let (result, records) = unpacked(aggregate.data, None);
        prop_assert_eq!(result, Ok(()));
        let back: Vec<User> = records
            .iter()
            .map(|record| User {
                key: record.partition_key.clone(),
                hash: record.explicit_hash_key,
                data: record.data.to_vec(),
            })
            .collect();
        prop_assert_eq!(back, users);
        for (record, sub) in records.iter().zip(0..) {
            prop_assert_eq!(&record.position, &Position::new(SequenceNumber::from(7), sub));
            prop_assert_eq!(record.kpl, KplMark::Aggregated);
        }
    }

    #[test]
    fn the_size_is_what_kinesis_counts(users in users()) {
        let mut aggregator = Aggregator::new(1 << 20);
        for user in &users {
            aggregator.add(&user.key, user.hash, Bytes::from(user.data.clone())).unwrap();
        }
        let size = aggregator.size();
        let aggregate = aggregator.finish().unwrap();
        prop_assert_eq!(size, aggregate.data.len() + aggregate.partition_key.len());
        prop_assert!(aggregator.is_empty());
    }

    #[test]
    fn arbitrary_bytes_are_delivered_whole_or_fully(message: Vec<u8>) {
        let plain = Bytes::from(message.clone());
        let (result, records) = unpacked(plain.clone(), None);
        prop_assert!(result.is_ok() || plain.starts_with(&MAGIC));
        prop_assert!(delivered_whole(&plain, &records));
        // The same bytes as a message whose digest is right get past the first check.
        let data = sealed(&message);
        let (result, records) = unpacked(data.clone(), Some(HashRange::new(0, 9)));
        prop_assert!(result.is_ok() || delivered_whole(&data, &records));
    }

    #[test]
    fn a_changed_byte_is_noticed_and_nothing_is_delivered_in_part(
        users in users(), at: prop::sample::Index, flip in 1..=255_u8,
    ) {
        let mut data = packed(&users).data.to_vec();
        let at = MAGIC.len() + at.index(data.len() - MAGIC.len());
        data[at] ^= flip;
        let data = Bytes::from(data);
        let (result, records) = unpacked(data.clone(), None);
        prop_assert_eq!(result, Err(Damage::Digest));
        prop_assert!(delivered_whole(&data, &records));
        prop_assert_eq!(records[0].kpl, KplMark::Malformed);
    }

    #[test]
    fn a_changed_message_under_a_right_digest_is_unpacked_fully_or_not_at_all(
        users in users(), at: prop::sample::Index, flip in 1..=255_u8,
    ) {
        let data = packed(&users).data;
        let mut message = data[MAGIC.len()..data.len() - DIGEST].to_vec();
        let at = at.index(message.len());
        message[at] ^= flip;
        let data = sealed(&message);
        let (result, records) = unpacked(data.clone(), None);
        match result {
            Ok(()) => prop_assert!(records.iter().all(|r| r.kpl == KplMark::Aggregated)),
            Err(_) => prop_assert!(delivered_whole(&data, &records)),
        }
    }

    #[test]
    fn a_truncated_aggregate_is_delivered_whole(users in users(), cut: prop::sample::Index) {
        let data = packed(&users).data;
        let data = data.slice(..MAGIC.len() + cut.index(data.len() - MAGIC.len()));
        let (result, records) = unpacked(data.clone(), None);
        prop_assert!(result.is_err());
        prop_assert!(delivered_whole(&data, &records));
    }
}

#[test]
fn payloads_are_slices_of_the_aggregate() {
    let data = packed(&[User { key: "k".into(), hash: None, data: vec![1; 50] }]).data;
    let (_, records) = unpacked(data.clone(), None);
    let aggregate = data.as_ptr_range();
    assert!(aggregate.contains(&records[0].data.as_ptr()));
}

#[test]
fn a_key_outside_of_the_shard_is_delivered_with_a_mark() {
    let low = User { key: "k".into(), hash: Some(5), data: vec![1] };
    let high = User { key: "k".into(), hash: Some(HashKey::MAX), data: vec![2] };
    let by_key = User { key: "k".into(), hash: None, data: vec![3] };
    let data = packed(&[low, high, by_key]).data;
    let marks = |range| -> Vec<KplMark> {
        unpacked(data.clone(), range).1.iter().map(|record| record.kpl).collect()
    };
    use KplMark::{Aggregated, OutsideShard};
    assert_eq!(marks(None), [Aggregated; 3]);
    assert_eq!(marks(Some(HashRange::ALL)), [Aggregated; 3]);
    // The MD5 of "k" begins with 0x8c: it lies in the upper half.
    let (lower, upper) = HashRange::ALL.halves().unwrap();
    assert_eq!(marks(Some(lower)), [Aggregated, OutsideShard, OutsideShard]);
    assert_eq!(marks(Some(upper)), [OutsideShard, Aggregated, Aggregated]);
}

#[test]
fn more_entries_than_any_producer_writes_are_refused_before_they_take_memory() {
    let empty_record = [3 << 3 | 2, 0];
    let data = sealed(&empty_record.repeat(1_000_001));
    let (result, records) = unpacked(data.clone(), None);
    assert_eq!(result, Err(Damage::Entries));
    assert!(delivered_whole(&data, &records));
}

#[test]
fn each_kind_of_damage_is_told_apart() {
    use super::message::{AggregatedRecord, SubRecord};
    use prost::Message;
    let sub =
        SubRecord { partition_key: Some(0), explicit_hash_key: None, data: Some(Bytes::new()) };
    let sound = AggregatedRecord {
        partition_keys: vec!["k".into()],
        explicit_hash_keys: Vec::new(),
        records: vec![sub.clone(), sub.clone()],
    };
    let seen = |message: &AggregatedRecord| unpacked(sealed(&message.encode_to_vec()), None).0;
    assert_eq!(seen(&sound), Ok(()));
    let with_last = |last| AggregatedRecord { records: vec![sub.clone(), last], ..sound.clone() };
    let broken = [
        SubRecord { partition_key: None, ..sub.clone() },
        SubRecord { partition_key: Some(1), ..sub.clone() },
        SubRecord { partition_key: Some(u64::MAX), ..sub.clone() },
        SubRecord { explicit_hash_key: Some(0), ..sub.clone() },
        SubRecord { data: None, ..sub.clone() },
    ];
    for last in broken {
        assert_eq!(seen(&with_last(last)), Err(Damage::Record));
    }
    let long = AggregatedRecord { partition_keys: vec!["k".repeat(257)], ..sound.clone() };
    assert_eq!(seen(&long), Err(Damage::Key));
    let words = AggregatedRecord { explicit_hash_keys: vec!["one".into()], ..sound.clone() };
    assert_eq!(seen(&words), Err(Damage::Key));
    assert_eq!(unpacked(sealed(&[0x08, 0x01]), None).0, Err(Damage::Message));
    assert_eq!(unpacked(Bytes::from_static(&MAGIC), None).0, Err(Damage::Digest));
}

#[test]
fn a_record_that_does_not_fit_changes_nothing() {
    let mut aggregator = Aggregator::new(100);
    aggregator.add("key", Some(1), Bytes::from_static(&[0; 40])).unwrap();
    let size = aggregator.size();
    let refused = aggregator.add("other", Some(2), Bytes::from_static(&[0; 40]));
    assert!(matches!(refused, Err(AddError::Full { limit: 100, .. })), "{refused:?}");
    assert_eq!(aggregator.add("", None, Bytes::new()), Err(AddError::KeyLength(0)));
    assert_eq!(aggregator.size(), size);
    let aggregate = aggregator.finish().unwrap();
    assert_eq!((aggregate.partition_key.as_str(), aggregate.explicit_hash_key), ("key", Some(1)));
    assert_eq!(unpacked(aggregate.data, None).1.len(), 1);
    assert_eq!(aggregator.finish(), None);
}

#[test]
fn debug_output_shows_no_payload_and_no_key() {
    let mut aggregator = Aggregator::new(1000);
    aggregator.add("secret-key", None, Bytes::from_static(b"secret-data")).unwrap();
    let shown = format!("{aggregator:?}{:?}", aggregator.finish());
    assert!(!shown.contains("secret"), "{shown}");
}
