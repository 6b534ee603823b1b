use kcl_core::stream::{SourceErrorKind, StartAt};

use super::{ROOM, batch, open, open_shard, read, times};
use crate::testing::{Scripted, WALL, answer, iterator, record_of, records, refusal};

const EXCEEDED: &str = "ProvisionedThroughputExceededException";

#[tokio::test]
async fn at_the_tip_reads_are_an_idle_poll_apart() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[], Some("b"), 0),
        records(&[], Some("c"), 0),
        records(&[1], Some("d"), 0),
        records(&[], Some("e"), 0),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    for expected in [0, 0, 1, 0] {
        let batch = batch(reader.next(ROOM).await);
        assert_eq!((batch.records.len(), batch.at_tip), (expected, true));
    }
    assert_eq!(times(&service.played(), "GetRecords"), [0, 1_000, 2_000, 3_000]);
}

#[tokio::test]
async fn behind_the_tip_there_is_no_pause() {
    // Three answers that are not at the tip: with a lag; full, though the lag is zero; with an old
    // last record.
    let mut old = record_of(7, b"");
    old["ApproximateArrivalTimestamp"] = (WALL.as_millis() / 1_000 - 60).into();
    let (source, service) = Scripted::builder([
        iterator("a"),
        records(&[1], Some("b"), 5),
        records(&[2, 3], Some("c"), 0),
        answer(&[old], Some("d"), 0),
        records(&[8], Some("e"), 0),
    ]);
    let source = source.max_records(2).build().unwrap();
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    for at_tip in [false, false, false, true] {
        assert_eq!(batch(reader.next(ROOM).await).at_tip, at_tip);
    }
    assert_eq!(times(&service.played(), "GetRecords"), [0, 0, 0, 0]);
}

#[tokio::test]
async fn a_stretch_without_records_is_crossed_at_the_documented_rate() {
    let empty = |next| records(&[], Some(next), 60_000);
    let (source, service) = Scripted::source([
        iterator("a"),
        empty("b"),
        empty("c"),
        empty("d"),
        empty("e"),
        empty("f"),
        empty("g"),
        records(&[1], Some("h"), 0),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    let nothing = batch(reader.next(ROOM).await);
    assert_eq!((nothing.records.len(), nothing.at_tip), (0, false));
    assert_eq!(nothing.millis_behind, Some(60_000));
    assert_eq!(read(&mut *reader).await, ["1"]);
    let times = times(&service.played(), "GetRecords");
    assert_eq!(times, [0, 200, 400, 600, 800, 1_000, 1_200]);
}

#[tokio::test]
async fn after_a_first_refusal_every_reader_of_the_stream_keeps_to_the_documented_rate() {
    let (source, service) = Scripted::source([
        iterator("a"),
        records(&[1], Some("b"), 9),
        records(&[2], Some("c"), 9),
        refusal("GetRecords", 400, EXCEEDED),
        records(&[3], Some("d"), 9),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    for expected in ["1", "2", "3"] {
        assert_eq!(read(&mut *reader).await, [expected]);
    }
    let first = times(&service.played(), "GetRecords");
    assert_eq!(first[..3], [0, 0, 0]);
    assert!((400..=600).contains(&first[3]), "half the rate, with jitter: {first:?}");

    let start = service.clock.millis();
    service.then([
        iterator("x"),
        records(&[1], Some("y"), 9),
        records(&[2], Some("z"), 9),
        records(&[3], Some("a"), 9),
    ]);
    let mut other = open_shard(&source, "other", StartAt::TrimHorizon).await;
    for _ in 0..3 {
        read(&mut *other).await;
    }
    let times = &times(&service.played(), "GetRecords")[4..];
    let times: Vec<_> = times.iter().map(|at| at - start).collect();
    assert_eq!(times, [0, 200, 400]);
}

#[tokio::test]
async fn a_service_that_goes_on_refusing_is_asked_ever_more_slowly_and_it_is_told() {
    let refusals = (0..8).map(|_| refusal("GetRecords", 400, EXCEEDED));
    let script = [iterator("a")].into_iter().chain(refusals).chain([records(&[1], Some("b"), 0)]);
    let (source, service) = Scripted::source(script);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    let mut told = 0;
    while service.sent_count() < 10 {
        // A call that only waits for the rate limit returns an empty batch.
        if let Err(error) = reader.next(ROOM).await {
            assert_eq!(error.kind, SourceErrorKind::Throttled);
            told += 1;
        }
    }
    assert!(told >= 6, "told {told} times");
    let times = times(&service.played(), "GetRecords");
    let gaps: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let least = [400, 800, 1_600, 3_200, 6_400, 6_400, 6_400, 6_400];
    for (gap, least) in gaps.iter().zip(least) {
        assert!((least..=least * 8 / 5).contains(gap), "{gaps:?}");
    }
}

#[tokio::test]
async fn a_refused_iterator_is_asked_for_again_in_its_turn() {
    let (source, service) = Scripted::source([
        refusal("GetShardIterator", 400, EXCEEDED),
        iterator("a"),
        records(&[1], Some("b"), 0),
    ]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    assert_eq!(read(&mut *reader).await, ["1"]);
    let times = times(&service.played(), "GetShardIterator");
    assert!(times[1] - times[0] >= 400, "{times:?}");
}

#[tokio::test]
async fn iterators_are_asked_for_five_times_a_second_at_most() {
    let failing = || [iterator("a"), ("GetRecords", crate::testing::Reply::Broken)];
    let (source, service) = Scripted::source((0..8).flat_map(|_| failing()));
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    for _ in 0..8 {
        reader.next(ROOM).await.unwrap_err();
    }
    let times = times(&service.played(), "GetShardIterator");
    assert_eq!(times, [0, 0, 0, 0, 0, 200, 400, 600]);
}
