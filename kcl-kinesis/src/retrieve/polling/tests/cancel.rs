use kcl_core::stream::{ReadEvent, ShardReader, StartAt};

use super::{ROOM, after, another_shard, open, read};
use crate::testing::{Reply, Scripted, iterator, records, refusal};

const SILENT: Reply = Reply::Silence;

/// Starts a call of `next`, and cancels it while it waits for an answer that never comes.
async fn give_up(reader: &mut dyn ShardReader, service: &Scripted) {
    let mut call = reader.next(ROOM);
    std::future::poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending(), "the call was answered");
        match service.is_silent() {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
}

#[tokio::test]
async fn a_dropped_read_is_made_again_with_the_same_iterator() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[1], Some("b"), 9),
        ("GetRecords", SILENT),
        records(&[2], Some("c"), 9),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1"]);
    give_up(&mut *reader, &service).await;
    assert_eq!(read(&mut *reader).await, ["2"]);
    let sent = service.played();
    assert_eq!(sent[2].body["ShardIterator"], sent[3].body["ShardIterator"]);
}

#[tokio::test]
async fn a_dropped_request_for_an_iterator_changes_nothing() {
    let (source, service) = Scripted::source([
        ("GetShardIterator", SILENT),
        iterator("a"),
        records(&[7, 8], Some("b"), 0),
    ]);
    let mut reader = open(&source, after(7, 0)).await;
    give_up(&mut *reader, &service).await;
    assert_eq!(read(&mut *reader).await, ["8"]);
    service.played();
}

#[tokio::test]
async fn an_answer_survives_the_dropped_proof_that_nothing_is_missing_before_it() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[9], Some("b"), 0),
        iterator("oldest"),
        ("GetRecords", SILENT),
        iterator("oldest"),
        records(&[9], Some("x"), 0),
        records(&[10], Some("c"), 0),
    ]);
    let mut reader = open(&source, after(5, 0)).await;
    give_up(&mut *reader, &service).await;
    assert!(matches!(reader.next(ROOM).await, Ok(ReadEvent::Lost { .. })));
    assert_eq!(read(&mut *reader).await, ["9"]);
    assert_eq!(read(&mut *reader).await, ["10"]);
    service.played();
}

#[tokio::test]
async fn a_dropped_end_is_told_again() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[1], None, 0),
        ("ListShards", SILENT),
        another_shard(),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1"]);
    give_up(&mut *reader, &service).await;
    assert!(matches!(reader.next(ROOM).await, Ok(ReadEvent::End { children: None, .. })));
    service.played();
}

#[tokio::test]
async fn a_dropped_renewal_delivers_nothing_twice() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[1, 2], Some("b"), 0),
        refusal("GetRecords", 400, "ExpiredIteratorException"),
        ("GetShardIterator", SILENT),
        iterator("c"),
        records(&[2, 3], Some("d"), 0),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1", "2"]);
    give_up(&mut *reader, &service).await;
    assert_eq!(read(&mut *reader).await, ["3"]);
    service.played();
}
