//! Services that answer every call without progress.

use kcl_core::stream::{ReadEvent, ShardReader, StartAt};
use serde_json::json;

use super::{ROOM, open, times};
use crate::testing::{Reply, Scripted, Sent, iterator, records, refusal};

type Step = (&'static str, Reply);

fn expired() -> Step {
    refusal("GetRecords", 400, "ExpiredIteratorException")
}

/// A list with the shard, which is open.
fn list() -> Step {
    let shard = json!({
        "ShardId": "shardId-000000000000",
        "HashKeyRange": { "StartingHashKey": "0", "EndingHashKey": "9" },
        "SequenceNumberRange": { "StartingSequenceNumber": "1" },
    });
    ("ListShards", Reply::Json(json!({ "Shards": [shard] })))
}

/// Plays a script, followed by an answer with the record 99. Returns the standstills reported until
/// that record, and the calls sent.
async fn told(script: impl IntoIterator<Item = Step>) -> (Vec<(u32, String)>, Vec<Sent>) {
    let (source, service) = Scripted::source(script);
    service.then([records(&[1, 99], Some("z"), 0)]);
    let mut reader = open(&source, StartAt::TrimHorizon).await;
    let told = until_99(&mut *reader).await;
    (told, service.played())
}

async fn until_99(reader: &mut dyn ShardReader) -> Vec<(u32, String)> {
    let mut told = Vec::new();
    loop {
        match reader.next(ROOM).await {
            Ok(ReadEvent::Standstill { calls, why }) => told.push((calls, why)),
            Ok(ReadEvent::Batch(batch)) => {
                if batch.records.iter().any(|record| record.position.to_string() == "99") {
                    return told;
                }
            }
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
}

fn counts(told: &[(u32, String)]) -> Vec<u32> {
    told.iter().map(|(calls, _)| *calls).collect()
}

/// The time between the last two reads, in milliseconds.
fn last_gap(sent: &[Sent]) -> u64 {
    let times = times(sent, "GetRecords");
    times[times.len() - 1] - times[times.len() - 2]
}

#[tokio::test]
async fn iterators_that_are_refused_again_and_again_are_told_and_asked_for_more_slowly() {
    let script = (0..45).flat_map(|_| [iterator("a"), expired()]).chain([iterator("b")]);
    let (told, sent) = told(script).await;
    assert_eq!(counts(&told), [10, 20, 40]);
    assert!(told[0].1.contains("refused"), "{}", told[0].1);
    assert!(last_gap(&sent) >= 3_200, "{:?}", times(&sent, "GetRecords"));
}

#[tokio::test]
async fn a_success_without_progress_does_not_hide_refused_iterators() {
    let behind = || [iterator("a"), records(&[], Some("b"), 5_000), expired()];
    let (told_behind, _) = told((0..6).flat_map(|_| behind()).chain([iterator("c")])).await;
    assert_eq!(counts(&told_behind), [10]);
    let idle = || [iterator("a"), records(&[], Some("b"), 0), expired()];
    let (told_idle, _) = told((0..12).flat_map(|_| idle()).chain([iterator("c")])).await;
    assert_eq!(counts(&told_idle), [10]);
}

#[tokio::test]
async fn an_empty_iterator_on_an_open_shard_is_told_and_not_asked_for_without_pause() {
    for lag in [0, 5_000] {
        let round = || [iterator("a"), records(&[], Some(""), lag), list()];
        // The first unclear answer is repeated before the shards are listed.
        let first = (lag > 0).then(|| [iterator("a"), records(&[], Some(""), lag)]);
        let script = first.into_iter().flatten().chain((0..25).flat_map(|_| round()));
        let (told, sent) = told(script.chain([iterator("b")])).await;
        assert_eq!(told.len(), if lag == 0 { 2 } else { 3 }, "{told:?}");
        assert!(last_gap(&sent) >= 800, "{:?}", times(&sent, "GetRecords"));
    }
}

#[tokio::test]
async fn answers_with_a_lag_and_never_a_record_are_told() {
    let script = [iterator("a")].into_iter().chain((0..12).map(|_| records(&[], Some("b"), 7)));
    let (told, sent) = told(script).await;
    // The first answer does not count as a standstill, because its lag is the first one.
    assert_eq!(counts(&told), [10]);
    assert!(last_gap(&sent) >= 400);
}

#[tokio::test]
async fn neither_a_long_stretch_without_records_nor_a_shard_at_rest_is_a_standstill() {
    let stretch = (0..60).map(|n| records(&[], Some("b"), 90_000 - n * 1_000));
    let rest = (0..60).map(|_| records(&[], Some("b"), 0));
    let (told, sent) = told([iterator("a")].into_iter().chain(stretch).chain(rest)).await;
    assert_eq!(told, []);
    assert_eq!(last_gap(&sent), 1_000);
}

#[tokio::test]
async fn a_record_between_is_a_new_beginning() {
    let nine = || (0..9).flat_map(|_| [iterator("a"), expired()]);
    let script = nine().chain([iterator("b"), records(&[1], Some("c"), 9), expired()]);
    let (told, _) = told(script.chain(nine().take(16)).chain([iterator("d")])).await;
    assert_eq!(told, []);
}
