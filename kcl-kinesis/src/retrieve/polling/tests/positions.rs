use bytes::Bytes;
use kcl_core::{
    env::WallTime,
    stream::{KplMark, StartAt},
};

use super::{after, another_shard, batch, iterators, number, open, read, shown};
use crate::{
    kpl::Aggregator,
    retrieve::polling::tests::ROOM,
    testing::{ManualClock, Reply, Scripted, WALL, answer, iterator, record_of, records, refusal},
};

fn aggregate(users: u8) -> Vec<u8> {
    let mut aggregator = Aggregator::new(1 << 20);
    for user in 0..users {
        aggregator.add("user", None, Bytes::from(vec![user])).unwrap();
    }
    aggregator.finish().unwrap().data.to_vec()
}

const EXPIRED: &str = "ExpiredIteratorException";

#[tokio::test]
async fn each_start_asks_for_its_iterator() {
    let at = WallTime::from_millis(1_700_000_000_250);
    let cases = [
        (StartAt::TrimHorizon, "TRIM_HORIZON"),
        (StartAt::Latest, "LATEST"),
        (StartAt::AtTimestamp(at), "AT_TIMESTAMP 1700000000.25"),
        (StartAt::At(number(7)), "AT_SEQUENCE_NUMBER 7"),
        (after(7, 0), "AT_SEQUENCE_NUMBER 7"),
    ];
    for (start, asked) in cases {
        let (source, service) = Scripted::source([iterator("a"), records(&[7, 8], Some("b"), 0)]);
        let mut reader = open(&source, start.clone()).await;
        let expected: &[&str] = if start == after(7, 0) { &["8"] } else { &["7", "8"] };
        assert_eq!(read(&mut *reader).await, expected);
        assert_eq!(iterators(&service.played()), [asked]);
    }
}

#[tokio::test]
async fn a_record_carries_all_that_the_service_says() {
    let mut raw = record_of(7, b"payload");
    raw["EncryptionType"] = "KMS".into();
    raw["ApproximateArrivalTimestamp"] = 1_700_000_000.25.into();
    let (source, _) = Scripted::source([iterator("a"), answer(&[raw], Some("b"), 1_500)]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    let batch = batch(reader.next(ROOM).await);
    let record = &batch.records[0];
    assert_eq!(record.data, "payload");
    assert_eq!(record.partition_key.as_deref(), Some("k"));
    assert_eq!(record.arrival, Some(WallTime::from_millis(1_700_000_000_250)));
    assert_eq!(record.encryption, kcl_core::stream::Encryption::Kms);
    assert_eq!(record.kpl, KplMark::Plain);
    assert_eq!((batch.millis_behind, batch.at_tip), (Some(1_500), false));
    assert_eq!(batch.through, Some(record.position.clone()));
}

#[tokio::test]
async fn an_expired_iterator_is_renewed_at_the_last_record_which_is_not_repeated() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[1, 2], Some("b"), 0),
        refusal("GetRecords", 400, EXPIRED),
        iterator("c"),
        records(&[2, 3], Some("d"), 0),
        records(&[4], Some("e"), 0),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1", "2"]);
    assert_eq!(read(&mut *reader).await, ["3"]);
    assert_eq!(read(&mut *reader).await, ["4"]);
    let sent = service.played();
    assert_eq!(iterators(&sent), ["TRIM_HORIZON", "AT_SEQUENCE_NUMBER 2"]);
    assert_eq!(sent[5].body["ShardIterator"], "d");
}

#[tokio::test]
async fn an_iterator_that_expires_again_and_again_is_an_error_after_a_few_renewals() {
    let expired = || [iterator("a"), refusal("GetRecords", 400, EXPIRED)];
    let (source, service) = Scripted::source((0..4).flat_map(|_| expired()));
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    let error = reader.next(ROOM).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(iterators(&service.played()), ["TRIM_HORIZON"; 4]);
}

#[tokio::test]
async fn latest_is_frozen_so_that_renewing_it_skips_nothing() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[], Some("b"), 0),
        refusal("GetRecords", 400, EXPIRED),
        iterator("c"),
        records(&[5], Some("d"), 0),
    ]);
    let mut reader = open(&source, StartAt::Latest).await;
    assert!(read(&mut *reader).await.is_empty());
    assert_eq!(read(&mut *reader).await, ["5"]);
    // One second before the date of the first answer.
    let frozen = (WALL.as_millis() - 1_000) / 1_000;
    assert_eq!(iterators(&service.played()), ["LATEST", &format!("AT_TIMESTAMP {frozen}")]);
}

#[tokio::test]
async fn latest_is_refused_where_the_service_hides_its_clock() {
    let source = Scripted::undated([iterator("a")]);
    let error = open(&source, StartAt::Latest).await.next(ROOM).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("no Date header"), "{cause}");
}

#[tokio::test]
async fn records_older_than_the_timestamp_asked_for_are_not_delivered() {
    let aged = |number, millis: u64| {
        let mut raw = record_of(number, b"");
        let seconds = std::time::Duration::from_millis(WALL.as_millis() + millis).as_secs_f64();
        raw["ApproximateArrivalTimestamp"] = seconds.into();
        raw
    };
    // An arrival time up to a second early may have been truncated, so record 2 is delivered.
    // Records need not be in the order of arrival.
    let page = answer(&[aged(1, 0), aged(2, 4_200), aged(3, 0), aged(4, 9_000)], Some("b"), 0);
    let (source, _) = Scripted::source([iterator("a"), page]);
    let from = WallTime::from_millis(WALL.as_millis() + 5_000);
    let mut reader = open(&source, StartAt::AtTimestamp(from)).await;
    assert_eq!(read(&mut *reader).await, ["2", "3", "4"]);
}

#[tokio::test]
async fn reading_resumes_inside_an_aggregate() {
    let page = [record_of(7, &aggregate(3)), record_of(8, b"plain")];
    let (source, _) =
        Scripted::source([iterator("a"), answer(&page, Some("b"), 0), another_shard()]);
    let mut reader = open(&source, after(7, 1)).await;
    assert_eq!(read(&mut *reader).await, ["7.2", "8"]);
}

#[tokio::test]
async fn a_checkpoint_at_the_first_sub_record_does_not_skip_the_others() {
    let page = [record_of(7, &aggregate(3))];
    let (source, _) =
        Scripted::source([iterator("a"), answer(&page, Some("b"), 0), another_shard()]);
    let mut reader = open(&source, after(7, 0)).await;
    assert_eq!(read(&mut *reader).await, ["7.1", "7.2"]);
}

#[tokio::test]
async fn an_iterator_that_expires_behind_an_aggregate_repeats_none_of_it() {
    let (source, _) = Scripted::source([
        iterator("a"),
        answer(&[record_of(7, &aggregate(2))], Some("b"), 0),
        another_shard(),
        refusal("GetRecords", 400, EXPIRED),
        iterator("c"),
        answer(&[record_of(7, &aggregate(2)), record_of(8, b"")], Some("d"), 0),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["7", "7.1"]);
    assert_eq!(read(&mut *reader).await, ["8"]);
}

#[tokio::test]
async fn a_damaged_aggregate_is_delivered_whole() {
    let mut data = aggregate(3);
    data[20] ^= 1;
    let page = [record_of(7, &data), record_of(8, b"")];
    let (source, _) =
        Scripted::source([iterator("a"), answer(&page, Some("b"), 0), another_shard()]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    let batch = batch(reader.next(ROOM).await);
    assert_eq!(shown(&batch), ["7", "8"]);
    assert_eq!(batch.records[0].kpl, KplMark::Malformed);
    assert_eq!(batch.records[0].data, data);
}

#[tokio::test]
async fn the_hash_range_is_learned_for_aggregates_and_only_once() {
    let upper_half = serde_json::json!({ "Shards": [{
        "ShardId": "shardId-000000000000",
        "HashKeyRange": {
            "StartingHashKey": (1_u128 << 127).to_string(),
            "EndingHashKey": u128::MAX.to_string(),
        },
        "SequenceNumberRange": { "StartingSequenceNumber": "1" },
    }]});
    let mut aggregator = Aggregator::new(1 << 20);
    aggregator.add("user", Some(1), Bytes::new()).unwrap();
    aggregator.add("user", Some(u128::MAX), Bytes::new()).unwrap();
    let data = aggregator.finish().unwrap().data;
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[1], Some("b"), 0),
        answer(&[record_of(2, &data)], Some("c"), 0),
        ("ListShards", Reply::Json(upper_half)),
        answer(&[record_of(3, &data)], Some("d"), 0),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1"]);
    for _ in 0..2 {
        let batch = batch(reader.next(ROOM).await);
        let marks: Vec<_> = batch.records.iter().map(|record| record.kpl).collect();
        assert_eq!(marks, [KplMark::OutsideShard, KplMark::Aggregated]);
    }
    service.played();
}

#[tokio::test]
async fn a_failed_call_is_told_and_the_next_goes_on_from_the_same_place() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[1], Some("b"), 9),
        ("GetRecords", Reply::Broken),
        iterator("c"),
        records(&[1, 2], Some("d"), 0),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1"]);
    let error = reader.next(ROOM).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(read(&mut *reader).await, ["2"]);
    assert_eq!(iterators(&service.played()), ["TRIM_HORIZON", "AT_SEQUENCE_NUMBER 1"]);
}

#[tokio::test]
async fn a_missing_shard_is_told_from_a_missing_stream() {
    use kcl_core::stream::SourceErrorKind::{NoShard, NoStream};
    let described = serde_json::json!({ "StreamDescriptionSummary": {
        "StreamName": "orders", "StreamARN": "arn", "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 24, "StreamCreationTimestamp": 1, "EnhancedMonitoring": [],
        "OpenShardCount": 1,
    }});
    let missing = |operation| refusal(operation, 400, "ResourceNotFoundException");
    let cases = [
        (("DescribeStreamSummary", Reply::Json(described)), NoShard),
        (missing("DescribeStreamSummary"), NoStream),
    ];
    for (answer, kind) in cases {
        let (source, _) = Scripted::source([missing("GetShardIterator"), answer]);
        let error = open(&source, StartAt::TrimHorizon).await.next(ROOM).await.unwrap_err();
        assert_eq!(error.kind, kind);
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("the service's message"), "{cause}");
    }
}

#[tokio::test]
async fn a_number_that_is_none_is_reported_and_never_skipped() {
    let mut raw = record_of(7, b"");
    raw["SequenceNumber"] = "seven".into();
    let (source, _) = Scripted::source([iterator("a"), answer(&[raw], Some("b"), 0)]);
    let error = open(&source, StartAt::TrimHorizon).await.next(ROOM).await.unwrap_err();
    assert_eq!(error.kind, kcl_core::stream::SourceErrorKind::Corrupt);
}

#[tokio::test]
async fn a_record_without_number_and_an_iterator_without_text_are_reported() {
    use kcl_core::stream::SourceErrorKind::Corrupt;
    let mut raw = record_of(7, b"");
    raw.as_object_mut().unwrap().remove("SequenceNumber");
    let scripts = [vec![iterator("a"), answer(&[raw], Some("b"), 0)], vec![iterator("")]];
    for script in scripts {
        let (source, service) = Scripted::source(script);
        let error = open(&source, StartAt::TrimHorizon).await.next(ROOM).await.unwrap_err();
        assert_eq!(error.kind, Corrupt, "{error}");
        service.played();
    }
}

#[tokio::test]
async fn a_range_that_could_not_be_learned_is_asked_for_again() {
    let (source, service) = Scripted::source([
        iterator("a"),
        answer(&[record_of(1, &aggregate(1))], Some("b"), 9),
        ("ListShards", Reply::Broken),
        answer(&[record_of(2, &aggregate(1))], Some("c"), 9),
        another_shard(),
        answer(&[record_of(3, &aggregate(1))], Some("d"), 9),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    for expected in ["1", "2", "3"] {
        assert_eq!(read(&mut *reader).await, [expected]);
    }
    service.played();
}

#[test]
fn the_clock_of_these_tests_moves_by_sleeping_only() {
    let (env, clock) = ManualClock::env();
    clock.advance(5);
    assert_eq!(env.clock.wall().since(WALL).as_millis(), 5);
}
