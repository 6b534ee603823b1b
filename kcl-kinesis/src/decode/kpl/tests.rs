use bytes::Bytes;
use kcl_core::stream::{HashKey, HashRange, KplMark, Position, Record, SequenceNumber};
use proptest::prelude::*;
use prost::Message;

use super::{
    message::{AggregatedRecord, SubRecord},
    *,
};

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
    Record::new(SequenceNumber::from(7).into(), Some("carrier".into()), data)
}

fn unpacked(data: Bytes, range: Option<HashRange>) -> (Result<(), Damage>, Vec<Record>) {
    let mut into = Vec::new();
    let result = unpack(stored(data), range, &mut into);
    (result, into)
}

/// Makes an aggregate from any message, with the right digest.
fn sealed(message: &[u8]) -> Bytes {
    [&MAGIC, message, &md5(message)].concat().into()
}

/// True if all data was delivered, and damaged data is marked: the whole, or the records without
/// key.
fn is_complete(result: Result<(), Damage>, data: &Bytes, records: &[Record]) -> bool {
    let is_marked = |record: &Record| record.kpl == KplMark::Malformed;
    match result {
        Ok(()) => !records.is_empty() && !records.iter().any(is_marked),
        Err(Damage::Key) => records.iter().any(is_marked),
        Err(_) => delivered_whole(data, records) && is_marked(&records[0]),
    }
}

fn delivered_whole(data: &Bytes, records: &[Record]) -> bool {
    let is_carrier = |record: &Record| record.partition_key.as_deref() == Some("carrier");
    matches!(records, [only] if only.data == *data && is_carrier(only))
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
                key: record.partition_key.clone().unwrap_or_default(),
                hash: record.explicit_hash_key(),
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
        // The same bytes as a message with the right digest pass the first check.
        let data = sealed(&message);
        let (result, records) = unpacked(data.clone(), Some(HashRange::new(0, 9)));
        prop_assert!(is_complete(result, &data, &records));
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
        prop_assert!(is_complete(result, &data, &records));
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
    // The MD5 of "k" begins with 0x8c, so it lies in the upper half.
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

fn sub(key: u64, data: &'static [u8]) -> SubRecord {
    SubRecord {
        partition_key: Some(key),
        explicit_hash_key: None,
        data: Some(Bytes::from_static(data)),
    }
}

fn two_records() -> AggregatedRecord {
    AggregatedRecord {
        partition_keys: vec!["k".into()],
        explicit_hash_keys: Vec::new(),
        records: vec![sub(0, b"one"), sub(0, b"two")],
    }
}

#[test]
fn a_record_that_lacks_its_key_in_an_aggregate_without_one_has_none() {
    let message = AggregatedRecord { partition_keys: Vec::new(), ..two_records() };
    let data = sealed(&message.encode_to_vec());
    let carrier = Record::new(SequenceNumber::from(7).into(), None, data);
    let mut records = Vec::new();
    assert_eq!(unpack(carrier, None, &mut records), Err(Damage::Key));
    let seen: Vec<_> = records.iter().map(|it| (it.partition_key.clone(), it.kpl)).collect();
    assert_eq!(seen, [(None, KplMark::Malformed), (None, KplMark::Malformed)]);
}

/// The key, payload and mark of a record.
type Seen = (String, String, KplMark);

/// The result of unpacking a message.
fn seen(message: &[u8]) -> (Result<(), Damage>, Vec<Seen>) {
    let (outcome, records) = unpacked(sealed(message), None);
    let tell = |record: Record| {
        let text = String::from_utf8_lossy(&record.data).into_owned();
        (record.partition_key.unwrap_or_default(), text, record.kpl)
    };
    (outcome, records.into_iter().map(tell).collect())
}

fn both(marks: [KplMark; 2], keys: [&str; 2]) -> Vec<Seen> {
    let texts = ["one", "two"];
    (0..2).map(|n| (keys[n].to_owned(), texts[n].to_owned(), marks[n])).collect()
}

#[test]
fn unknown_fields_of_every_wire_type_are_skipped() {
    let message = two_records().encode_to_vec();
    let records = both([KplMark::Aggregated; 2], ["k"; 2]);
    let unknown: [&[u8]; 9] = [
        &[4 << 3, 1],                                      // a number
        &[4 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0],             // eight bytes
        &[4 << 3 | 2, 2, 0xff, 0xff],                      // bytes
        &[4 << 3 | 5, 0, 0, 0, 0],                         // four bytes
        &[4 << 3 | 3, 1 << 3, 9, 4 << 3 | 4],              // a group
        &[4 << 3 | 3, 9 << 3 | 3, 9 << 3 | 4, 4 << 3 | 4], // a group in a group
        &[0xf8, 0xff, 0xff, 0xff, 0x0f, 0],                // the highest number
        &[1 << 3, 1],                                      // a known field of another type
        &[3 << 3 | 5, 0, 0, 0, 0],                         // another one
    ];
    for field in unknown {
        for message in [[field, &message[..]].concat(), [&message[..], field].concat()] {
            assert_eq!(seen(&message), (Ok(()), records.clone()), "{field:?}");
        }
    }
    // Unknown fields inside of a record as well.
    let inner = [[0x20, 7].as_slice(), &sub(0, b"one").encode_to_vec()].concat();
    let field = [&[3 << 3 | 2, u8::try_from(inner.len()).unwrap()], &inner[..]].concat();
    let (outcome, records) = seen(&[&message[..], &field].concat());
    assert_eq!((outcome, records.len()), (Ok(()), 3));
}

#[test]
fn what_is_no_field_is_a_damaged_message() {
    let message = two_records().encode_to_vec();
    let broken: [&[u8]; 8] = [
        &[4 << 3],                 // a number without digits
        &[4 << 3 | 1, 0, 0],       // less than eight bytes
        &[4 << 3 | 2, 9, 0],       // less than it says
        &[4 << 3 | 3, 1 << 3, 9],  // a group without end
        &[4 << 3 | 3, 5 << 3 | 4], // the end of another group
        &[4 << 3 | 4],             // the end of none
        &[4 << 3 | 6],             // no wire type
        &[0, 0],                   // no field number
    ];
    for field in broken {
        let message = [&message[..], field].concat();
        let (outcome, records) = unpacked(sealed(&message), None);
        assert_eq!(outcome, Err(Damage::Message), "{field:?}");
        assert!(is_complete(outcome, &sealed(&message), &records));
    }
    let deep = [[4 << 3 | 3].repeat(101), [4 << 3 | 4].repeat(101)].concat();
    assert_eq!(seen(&[&message[..], &deep].concat()).0, Err(Damage::Message));
    let endless = [[0xff; 11].as_slice(), &[0]].concat();
    assert_eq!(seen(&endless).0, Err(Damage::Message));
}

#[test]
fn an_explicit_hash_key_that_is_none_is_left_out_and_the_record_is_not() {
    let records = both([KplMark::Aggregated; 2], ["k"; 2]);
    for digits in ["one", "", "-1", "340282366920938463463374607431768211456"] {
        let mut message = two_records();
        message.explicit_hash_keys = vec![digits.into()];
        message.records[0].explicit_hash_key = Some(0);
        // An index that is not in the table.
        message.records[1].explicit_hash_key = Some(7);
        assert_eq!(seen(&message.encode_to_vec()), (Ok(()), records.clone()), "{digits}");
        let (_, records) = unpacked(sealed(&message.encode_to_vec()), None);
        assert!(records.iter().all(|record| record.explicit_hash_key().is_none()));
    }
}

#[test]
fn a_record_whose_key_is_missing_is_marked_and_the_others_are_as_they_are() {
    use KplMark::{Aggregated, Malformed};
    for key in [None, Some(1), Some(u64::MAX)] {
        let mut message = two_records();
        message.records[0].partition_key = key;
        let records = both([Malformed, Aggregated], ["carrier", "k"]);
        assert_eq!(seen(&message.encode_to_vec()), (Err(Damage::Key), records));
    }
}

#[test]
fn a_key_that_kinesis_would_not_take_is_taken() {
    let mut message = two_records();
    message.partition_keys = vec!["k".repeat(257)];
    let (outcome, records) = seen(&message.encode_to_vec());
    assert_eq!((outcome, records.len()), (Ok(()), 2));
    // A key that is not UTF-8: field 1 with one byte.
    let records = message.records.iter().flat_map(|sub| {
        let sub = sub.encode_to_vec();
        [vec![3 << 3 | 2, u8::try_from(sub.len()).unwrap()], sub].concat()
    });
    let message: Vec<u8> = [1 << 3 | 2, 1, 0xff].into_iter().chain(records).collect();
    let expected = both([KplMark::Aggregated; 2], ["\u{fffd}"; 2]);
    assert_eq!(seen(&message), (Ok(()), expected));
}

#[test]
fn an_aggregate_without_records_is_delivered_whole() {
    let keys = AggregatedRecord { records: Vec::new(), ..two_records() }.encode_to_vec();
    for message in [vec![], keys, vec![4 << 3, 1]] {
        let (outcome, records) = unpacked(sealed(&message), None);
        assert_eq!(outcome, Err(Damage::Empty));
        assert!(is_complete(outcome, &sealed(&message), &records), "{records:?}");
    }
}

#[test]
fn a_record_without_data_makes_the_aggregate_a_damaged_one() {
    let mut message = two_records();
    message.records[1].data = None;
    let (outcome, records) = unpacked(sealed(&message.encode_to_vec()), None);
    assert_eq!(outcome, Err(Damage::Record));
    assert!(is_complete(outcome, &sealed(&message.encode_to_vec()), &records));
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
