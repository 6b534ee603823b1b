use kcl_core::{
    env::WallTime,
    stream::{ReadEvent, ShardReader, SourceErrorKind, StartAt},
};
use serde_json::{Value, json};

use super::{ROOM, after, another_shard, iterators, number, open, read};
use crate::testing::{Reply, Scripted, WALL, answer, iterator, record_of, records, refusal};

const HOUR: u64 = 3_600_000;

/// Expects a loss, and returns its start and end.
async fn lost(reader: &mut dyn ShardReader) -> (Option<String>, Option<String>) {
    match reader.next(ROOM).await.unwrap() {
        ReadEvent::Lost { from, to } => {
            (from.map(|at| at.to_string()), to.map(|at| at.to_string()))
        }
        other => panic!("expected a loss, got {other:?}"),
    }
}

fn gap(from: &str, to: &str) -> (Option<String>, Option<String>) {
    (Some(from.into()), Some(to.into()))
}

fn arrived(number: u64, at: WallTime) -> Value {
    let mut raw = record_of(number, b"");
    raw["ApproximateArrivalTimestamp"] = json!(at.as_millis() / 1_000);
    raw
}

#[tokio::test]
async fn a_checkpoint_older_than_the_oldest_record_is_a_loss_told_before_what_follows() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[9, 10], Some("b"), 5),
        iterator("oldest"),
        records(&[9], Some("c"), 5),
        records(&[11], Some("d"), 0),
    ]);
    let mut reader = open(&source, after(5, 2)).await;
    assert_eq!(lost(&mut *reader).await, gap("5.2", "9"));
    // The records of that answer are delivered without another read: they could be trimmed by
    // then.
    assert_eq!(read(&mut *reader).await, ["9", "10"]);
    assert_eq!(read(&mut *reader).await, ["11"]);
    assert_eq!(iterators(&service.played()), ["AT_SEQUENCE_NUMBER 5", "TRIM_HORIZON"]);
}

#[tokio::test]
async fn a_checkpoint_that_was_never_a_record_is_no_loss() {
    let (source, _) = Scripted::source([
        iterator("a"),
        records(&[9], Some("b"), 0),
        iterator("oldest"),
        records(&[], Some("c"), 5),
        records(&[3], Some("d"), 5),
    ]);
    let mut reader = open(&source, after(5, 0)).await;
    assert_eq!(read(&mut *reader).await, ["9"]);
}

#[tokio::test]
async fn a_first_record_that_is_gone_is_a_loss_without_beginning() {
    let (source, _) = Scripted::source([
        iterator("a"),
        records(&[9], Some("b"), 0),
        iterator("oldest"),
        records(&[9], Some("c"), 0),
    ]);
    let mut reader = open(&source, StartAt::At(number(5))).await;
    assert_eq!(lost(&mut *reader).await, (None, Some("9".into())));
    assert_eq!(read(&mut *reader).await, ["9"]);
}

#[tokio::test]
async fn an_empty_open_shard_is_no_loss_now_or_when_records_come() {
    let (source, _) =
        Scripted::source([iterator("a"), records(&[], Some("b"), 0), records(&[9], Some("c"), 0)]);
    let mut reader = open(&source, after(5, 0)).await;
    assert!(read(&mut *reader).await.is_empty());
    assert_eq!(read(&mut *reader).await, ["9"]);
}

#[tokio::test]
async fn the_proof_is_awaited_over_empty_answers() {
    let (source, _) = Scripted::source([
        iterator("a"),
        records(&[], Some("b"), 5),
        records(&[9], Some("c"), 0),
        iterator("oldest"),
        records(&[9], Some("d"), 0),
    ]);
    let mut reader = open(&source, after(5, 0)).await;
    assert_eq!(lost(&mut *reader).await, gap("5", "9"));
}

#[tokio::test]
async fn an_ended_shard_of_which_nothing_is_left_is_a_loss() {
    let (source, _) = Scripted::source([
        iterator("a"),
        records(&[], None, 0),
        iterator("oldest"),
        records(&[], None, 0),
        another_shard(),
    ]);
    let mut reader = open(&source, after(5, 0)).await;
    assert_eq!(lost(&mut *reader).await, (Some("5".into()), None));
    assert!(matches!(reader.next(ROOM).await, Ok(ReadEvent::End { children: None, .. })));
}

#[tokio::test]
async fn a_record_read_here_that_is_gone_when_the_iterator_expired_is_a_loss() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[5], Some("b"), 9),
        refusal("GetRecords", 400, "ExpiredIteratorException"),
        iterator("c"),
        records(&[9], Some("d"), 0),
        iterator("oldest"),
        records(&[9], Some("e"), 0),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["5"]);
    assert_eq!(lost(&mut *reader).await, gap("5", "9"));
    assert_eq!(read(&mut *reader).await, ["9"]);
    service.played();
}

#[tokio::test]
async fn a_reader_nearly_as_late_as_the_retention_proves_each_step() {
    let old = WallTime::from_millis(WALL.as_millis() - 23 * HOUR - HOUR / 2);
    let page = |numbers: &[u64], next| {
        let page: Vec<_> = numbers.iter().map(|number| arrived(*number, old)).collect();
        answer(&page, Some(next), 23 * HOUR)
    };
    let (source, service) = Scripted::source([
        iterator("a"),
        page(&[1, 2], "b"),
        // Record 2 is still there, so no record between 2 and 3 was trimmed.
        page(&[3], "c"),
        iterator("probe"),
        page(&[2], "x"),
        // Record 3 was trimmed.
        page(&[9], "d"),
        iterator("probe"),
        page(&[8], "x"),
        iterator("oldest"),
        page(&[8], "x"),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1", "2"]);
    assert_eq!(read(&mut *reader).await, ["3"]);
    assert_eq!(lost(&mut *reader).await, gap("3", "9"));
    assert_eq!(read(&mut *reader).await, ["9"]);
    let sent = service.played();
    let probes = ["AT_SEQUENCE_NUMBER 2", "AT_SEQUENCE_NUMBER 3", "TRIM_HORIZON"];
    assert_eq!(iterators(&sent)[1..], probes);
    assert_eq!(sent[4].body["Limit"], 1);
}

#[tokio::test]
async fn a_longer_retention_is_known_from_the_description() {
    let described = json!({ "StreamDescriptionSummary": {
        "StreamName": "orders", "StreamARN": "arn", "StreamStatus": "ACTIVE",
        "RetentionPeriodHours": 168, "StreamCreationTimestamp": 1, "EnhancedMonitoring": [],
        "OpenShardCount": 1,
    }});
    let old = arrived(1, WallTime::from_millis(WALL.as_millis() - 100 * HOUR));
    let (source, service) = Scripted::source([
        ("DescribeStreamSummary", Reply::Json(described)),
        iterator("a"),
        answer(&[old], Some("b"), 100 * HOUR),
        records(&[2], Some("c"), 0),
    ]);
    kcl_core::stream::StreamSource::describe(&source).await.unwrap();
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1"]);
    assert_eq!(read(&mut *reader).await, ["2"]);
    service.played();
}

#[tokio::test]
async fn a_position_refused_because_it_is_gone_is_a_loss_and_reading_goes_on() {
    let (source, service) = Scripted::source([
        refusal("GetShardIterator", 400, "InvalidArgumentException"),
        iterator("oldest"),
        records(&[9], Some("x"), 5),
        iterator("a"),
        records(&[9, 10], Some("b"), 0),
    ]);
    let mut reader = open(&source, after(5, 0)).await;
    assert_eq!(lost(&mut *reader).await, gap("5", "9"));
    assert_eq!(read(&mut *reader).await, ["9", "10"]);
    let asked = ["AT_SEQUENCE_NUMBER 5", "TRIM_HORIZON", "TRIM_HORIZON"];
    assert_eq!(iterators(&service.played()), asked);
}

#[tokio::test]
async fn a_position_refused_though_older_records_are_there_is_an_error() {
    let (source, service) = Scripted::source([
        refusal("GetShardIterator", 400, "InvalidArgumentException"),
        iterator("oldest"),
        records(&[3], Some("x"), 5),
    ]);
    let error = open(&source, after(5, 0)).await.next(ROOM).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Misconfigured);
    assert_eq!(error.op, "GetShardIterator");
    service.played();
}

#[tokio::test]
async fn a_record_that_does_not_come_again_is_no_loss_while_older_ones_are_there() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[3, 5], Some("b"), 9),
        refusal("GetRecords", 400, "ExpiredIteratorException"),
        iterator("c"),
        records(&[9], Some("d"), 0),
        iterator("oldest"),
        records(&[3], Some("e"), 9),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["3", "5"]);
    assert_eq!(read(&mut *reader).await, ["9"]);
    service.played();
}

#[tokio::test]
async fn an_answer_without_records_that_says_nothing_of_the_rest_proves_no_loss() {
    let shown_at_last = [iterator("oldest"), records(&[9], Some("y"), 0)];
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[9, 10], Some("b"), 0),
        iterator("oldest"),
        records(&[], None, 5_000),
    ]);
    let mut reader = open(&source, after(5, 0)).await;
    let error = reader.next(ROOM).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    service.then(shown_at_last);
    assert_eq!(lost(&mut *reader).await, gap("5", "9"));
    assert_eq!(read(&mut *reader).await, ["9", "10"]);
    service.played();
}

#[tokio::test]
async fn the_oldest_record_is_not_looked_for_for_ever_nor_without_pause() {
    let empty = || records(&[], Some("x"), 5_000);
    let script = [iterator("a"), records(&[9], Some("b"), 0), iterator("oldest")];
    let (source, service) = Scripted::source(script.into_iter().chain((0..11).map(|_| empty())));
    let error = open(&source, after(5, 0)).await.next(ROOM).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    let expected: Vec<u64> = [0].into_iter().chain((0..11).map(|n| n * 200)).collect();
    assert_eq!(super::times(&service.played(), "GetRecords"), expected);
}

#[tokio::test]
async fn an_unknown_lag_is_not_being_up_to_date() {
    // In both cases the reader seems to be at the tip, but only a lag of zero proves it.
    let late = WALL.as_millis() - 24 * HOUR + 60_000;
    for (lag, proves) in [(json!(0), false), (Value::Null, true)] {
        let (operation, Reply::Json(mut page)) =
            answer(&[arrived(1, WallTime::from_millis(late))], Some("b"), 0)
        else {
            unreachable!()
        };
        page["MillisBehindLatest"] = lag.clone();
        let mut idle = page.clone();
        idle["Records"] = json!([]);
        let (source, service) = Scripted::source([
            iterator("a"),
            (operation, Reply::Json(page)),
            (operation, Reply::Json(idle)),
            records(&[9], Some("d"), 0),
        ]);
        if proves {
            service.then([iterator("probe"), records(&[1], Some("x"), 9)]);
        }
        let mut reader = open(&source, StartAt::TrimHorizon).await;
        assert_eq!(read(&mut *reader).await, ["1"]);
        if !proves {
            assert!(read(&mut *reader).await.is_empty());
        }
        assert_eq!(read(&mut *reader).await, ["9"]);
        service.played();
    }
}

#[tokio::test]
async fn after_a_refused_position_everything_that_is_left_is_read_whatever_its_number() {
    let (source, service) = Scripted::source([
        refusal("GetShardIterator", 400, "InvalidArgumentException"),
        iterator("oldest"),
        records(&[], Some("x"), 0),
        iterator("a"),
        records(&[7], Some("b"), 0),
    ]);
    let mut reader = open(&source, after(50, 0)).await;
    assert_eq!(lost(&mut *reader).await, (Some("50".into()), None));
    assert_eq!(read(&mut *reader).await, ["7"]);
    service.played();
}
