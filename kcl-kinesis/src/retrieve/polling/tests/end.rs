use kcl_core::stream::{ReadEvent, Shard, ShardReader, SourceErrorKind, StartAt};
use serde_json::{Value, json};

use super::{ROOM, after, iterators, open, read};
use crate::testing::{Reply, Scripted, iterator, records};

const THIS: &str = "shardId-000000000000";

fn last(numbers: &[u64], children: Value) -> (&'static str, Reply) {
    change(records(numbers, None, 0), |body| body["ChildShards"] = children)
}

fn change(reply: (&'static str, Reply), with: impl FnOnce(&mut Value)) -> (&'static str, Reply) {
    let (operation, Reply::Json(mut body)) = reply else { unreachable!() };
    with(&mut body);
    (operation, Reply::Json(body))
}

/// An answer without iterator that does not show the end either (`Next::Unclear`).
fn unclear(numbers: &[u64]) -> (&'static str, Reply) {
    records(numbers, None, 5_000)
}

fn named(id: &str, parents: &[&str]) -> Value {
    json!({
        "ShardId": id,
        "ParentShards": parents,
        "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "9" },
    })
}

fn listed(id: &str, parent: Option<&str>, end: Option<&str>) -> Value {
    json!({
        "ShardId": id,
        "ParentShardId": parent,
        "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "9" },
        "SequenceNumberRange": { "StartingSequenceNumber": "1", "EndingSequenceNumber": end },
    })
}

fn list(shards: &[Value]) -> (&'static str, Reply) {
    ("ListShards", Reply::Json(json!({ "Shards": shards })))
}

/// Expects a proven end, and returns its children.
async fn children(reader: &mut dyn ShardReader) -> Option<Vec<Shard>> {
    match reader.next(ROOM).await.unwrap() {
        ReadEvent::End { children, proven: true } => children,
        other => panic!("expected the end, got {other:?}"),
    }
}

fn ids(shards: &[Shard]) -> Vec<&str> {
    shards.iter().map(|shard| shard.id.as_str()).collect()
}

#[tokio::test]
async fn the_last_records_come_before_the_end_that_came_with_them() {
    let page = last(&[1, 2], json!([named("shardId-1", &[THIS]), named("shardId-2", &[THIS])]));
    let (source, service) = Scripted::source([iterator("a"), page]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1", "2"]);
    let found = children(&mut *reader).await.unwrap();
    assert_eq!(ids(&found), ["shardId-1", "shardId-2"]);
    assert_eq!(found[0].parents, [THIS.parse().unwrap()]);
    assert_eq!(found[0].range.map(|range| (range.start, range.end)), Some((0, 9)));
    assert!(!found[0].closed);
    // No time has passed, and the next call returns the same event.
    assert_eq!(service.clock.millis(), 0);
    assert_eq!(children(&mut *reader).await.unwrap(), found);
    service.played();
}

#[tokio::test]
async fn an_end_without_children_is_settled_by_the_list() {
    let shards = [
        listed(THIS, None, Some("9")),
        listed("shardId-1", Some(THIS), None),
        listed("shardId-2", Some("another"), None),
    ];
    let (source, _) = Scripted::source([iterator("a"), last(&[], Value::Null), list(&shards)]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(ids(&children(&mut *reader).await.unwrap()), ["shardId-1"]);
}

#[tokio::test]
async fn children_that_do_not_say_whose_they_are_are_not_believed() {
    let page = last(&[], json!([named("shardId-1", &[THIS]), named("shardId-9", &[])]));
    let shards = [listed(THIS, None, Some("9")), listed("shardId-1", Some(THIS), None)];
    let (source, _) = Scripted::source([iterator("a"), page, list(&shards)]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(ids(&children(&mut *reader).await.unwrap()), ["shardId-1"]);
}

#[tokio::test]
async fn children_of_another_shard_are_none_of_this_one() {
    let page = last(&[], json!([named("shardId-1", &["another"]), named("shardId-2", &[THIS])]));
    let shards = [listed(THIS, None, Some("9")), listed("shardId-2", Some(THIS), None)];
    let (source, _) = Scripted::source([iterator("a"), page, list(&shards)]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(ids(&children(&mut *reader).await.unwrap()), ["shardId-2"]);
}

#[tokio::test]
async fn a_shard_that_is_no_longer_listed_has_ended_without_children() {
    let others = list(&[listed("shardId-7", None, None)]);
    let (source, _) = Scripted::source([iterator("a"), last(&[], Value::Null), others]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(children(&mut *reader).await, None);
}

#[tokio::test]
async fn a_shard_does_not_end_on_an_answer_that_cannot_be_its_last() {
    let wrong_child = json!([named("shardId-1", &["another"])]);
    let nonsense = json!([named("no shard id", &[THIS])]);
    let answers = [
        unclear(&[]),
        change(unclear(&[]), |body| body["NextShardIterator"] = "".into()),
        change(unclear(&[]), |body| body["ChildShards"] = json!([])),
        change(unclear(&[]), |body| body["ChildShards"] = wrong_child),
        change(unclear(&[]), |body| body["ChildShards"] = nonsense),
        change(unclear(&[]), |body| body["MillisBehindLatest"] = (-1).into()),
        change(unclear(&[]), |body| body["MillisBehindLatest"] = Value::Null),
    ];
    for answer in answers {
        let children_named = json!([named("shardId-1", &[THIS])]);
        let (source, service) = Scripted::source([
            iterator("a"),
            records(&[1], Some("b"), 9_000),
            answer,
            iterator("c"),
            last(&[1, 2, 3], children_named),
        ]);
        let mut reader = open(&source, StartAt::TrimHorizon).await;
        assert_eq!(read(&mut *reader).await, ["1"]);
        assert_eq!(read(&mut *reader).await, ["2", "3"]);
        assert_eq!(ids(&children(&mut *reader).await.unwrap()), ["shardId-1"]);
        assert_eq!(iterators(&service.played()), ["TRIM_HORIZON", "AT_SEQUENCE_NUMBER 1"]);
    }
}

#[tokio::test]
async fn a_first_answer_that_cannot_be_the_last_is_asked_for_again_from_the_start() {
    let (source, service) = Scripted::source([
        iterator("a"),
        unclear(&[]),
        iterator("b"),
        last(&[1], json!([named("shardId-1", &[THIS])])),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1"]);
    assert_eq!(ids(&children(&mut *reader).await.unwrap()), ["shardId-1"]);
    assert_eq!(iterators(&service.played()), ["TRIM_HORIZON"; 2]);
}

#[tokio::test]
async fn the_same_answer_twice_ends_a_shard_that_is_listed_as_closed_and_it_is_unproven() {
    for comes in [true, false] {
        let shards = [listed(THIS, None, Some("9")), listed("shardId-1", Some(THIS), None)];
        let (source, service) = Scripted::source([
            iterator("a"),
            records(&[1], Some("b"), 9_000),
            unclear(&[]),
            iterator("c"),
            // It proves nothing if the record that was passed is returned again or not.
            records(if comes { &[1] } else { &[] }, Some("d"), if comes { 0 } else { 9_000 }),
            unclear(&[]),
            list(&shards),
        ]);
        let mut reader = open(&source, StartAt::TrimHorizon).await;
        assert_eq!(read(&mut *reader).await, ["1"]);
        match reader.next(ROOM).await.unwrap() {
            ReadEvent::End { children: Some(found), proven: false } => {
                assert_eq!(ids(&found), ["shardId-1"]);
            }
            other => panic!("expected an unproven end, got {other:?}"),
        }
        service.played();
    }
}

#[tokio::test]
async fn the_same_answer_twice_does_not_end_a_shard_that_is_not_listed_as_closed() {
    for shards in [listed(THIS, None, None), listed("shardId-7", None, None)] {
        let (source, service) = Scripted::source([
            iterator("a"),
            unclear(&[1]),
            iterator("b"),
            unclear(&[1]),
            list(&[shards]),
            iterator("c"),
            records(&[1, 2], Some("d"), 0),
        ]);
        let mut reader = open(&source, StartAt::TrimHorizon).await;
        assert_eq!(read(&mut *reader).await, ["1"]);
        let error = reader.next(ROOM).await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Unavailable);
        assert_eq!(read(&mut *reader).await, ["2"]);
        service.played();
    }
}

#[tokio::test]
async fn answers_that_give_no_way_on_are_the_same_only_from_one_position() {
    // The shards are not listed, because each answer has a new record.
    let (source, service) = Scripted::source([
        iterator("a"),
        unclear(&[1]),
        iterator("b"),
        unclear(&[1, 2]),
        iterator("c"),
        unclear(&[2, 3]),
        iterator("d"),
        last(&[3, 4], json!([named("shardId-1", &[THIS])])),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    for expected in ["1", "2", "3", "4"] {
        assert_eq!(read(&mut *reader).await, [expected]);
    }
    assert_eq!(ids(&children(&mut *reader).await.unwrap()), ["shardId-1"]);
    service.played();
}

#[tokio::test]
async fn an_empty_iterator_is_none_and_the_children_are_read() {
    let empty = |body: &mut Value| body["NextShardIterator"] = "".into();
    let page = change(last(&[1], json!([named("shardId-1", &[THIS])])), empty);
    let (source, service) = Scripted::source([iterator("a"), page]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1"]);
    assert_eq!(ids(&children(&mut *reader).await.unwrap()), ["shardId-1"]);
    service.played();
}

#[tokio::test]
async fn an_end_of_a_shard_that_is_listed_as_open_is_not_believed() {
    let (source, service) = Scripted::source([
        iterator("a"),
        last(&[1], Value::Null),
        list(&[listed(THIS, None, None)]),
        iterator("b"),
        records(&[1, 2], Some("c"), 0),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1"]);
    let error = reader.next(ROOM).await.unwrap_err();
    assert_eq!(error.kind, SourceErrorKind::Unavailable);
    assert_eq!(read(&mut *reader).await, ["2"]);
    assert_eq!(iterators(&service.played()), ["TRIM_HORIZON", "AT_SEQUENCE_NUMBER 1"]);
}

#[tokio::test]
async fn children_beside_a_next_iterator_do_not_end_the_shard() {
    let (operation, Reply::Json(mut body)) = records(&[1], Some("b"), 9) else { unreachable!() };
    body["ChildShards"] = json!([named("shardId-1", &[THIS])]);
    let page = (operation, Reply::Json(body));
    let (source, _) = Scripted::source([iterator("a"), page, records(&[2], Some("c"), 0)]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1"]);
    assert_eq!(read(&mut *reader).await, ["2"]);
}

#[tokio::test]
async fn a_reader_that_resumes_at_the_last_record_of_an_ended_shard_ends() {
    let page = last(&[7], json!([named("shardId-1", &[THIS])]));
    let (source, _) = Scripted::source([iterator("a"), page]);
    let mut reader = open(&source, after(7, 0)).await;
    assert_eq!(ids(&children(&mut *reader).await.unwrap()), ["shardId-1"]);
}
