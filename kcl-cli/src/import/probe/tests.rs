use std::collections::VecDeque;

use async_trait::async_trait;
use kcl_core::{
    env::WallTime,
    stream::{Batch, Record, SourceError, SourceErrorKind},
};

use super::*;

/// A reader that gives these answers, one after the other, and then fails.
#[derive(Debug)]
struct Scripted(VecDeque<ReadEvent>);

#[async_trait]
impl ShardReader for Scripted {
    fn size_hint(&self) -> ByteLimit {
        ROOM
    }

    async fn next(&mut self, _: ByteLimit) -> SourceResult<ReadEvent> {
        let none = || SourceError::new(SourceErrorKind::Unavailable, "next", "shardId-0");
        self.0.pop_front().ok_or_else(none)
    }
}

fn position(sequence: u128, sub: u64) -> Position {
    Position::new(sequence.into(), sub)
}

/// A batch of records at these positions, which arrived when their sequence numbers say.
fn batch(records: &[(u128, u64)], at_tip: bool) -> ReadEvent {
    let record = |(sequence, sub): &(u128, u64)| {
        let mut record = Record::new(position(*sequence, *sub), None, "x".into());
        record.arrival = Some(WallTime::from_millis(u64::try_from(*sequence).unwrap()));
        record
    };
    let mut batch = Batch::of(records.iter().map(record).collect());
    batch.at_tip = at_tip;
    ReadEvent::Batch(batch)
}

#[tokio::test]
async fn one_reading_shows_the_checkpoints_record_and_what_follows_it() {
    let lost = || ReadEvent::Lost { from: None, to: None };
    let end = || ReadEvent::End { children: None, proven: true };
    let since = |millis| Some(WallTime::from_millis(millis));
    let caught_up = |found| Probe::CaughtUp { found: Some(found) };
    for (events, expected) in [
        // The checkpoint stands at 49, in the second record of an aggregate.
        (vec![batch(&[(49, 0), (49, 1), (49, 2)], true)], (since(49), false)),
        (vec![batch(&[(49, 1)], false), batch(&[(77, 0)], true)], (since(77), false)),
        (vec![batch(&[(77, 0)], true)], (since(77), false)),
        (vec![lost(), batch(&[(77, 0)], true)], (since(77), true)),
        (vec![lost(), batch(&[], true)], (None, true)),
        (vec![lost(), end()], (None, true)),
    ] {
        let (since, lost) = expected;
        let shown = format!("{events:?}");
        let probe = next(&mut Scripted(events.into()), &position(49, 1)).await.unwrap();
        assert_eq!(probe, Probe::Next { since, lost }, "{shown}");
    }
    for (events, expected) in [
        (vec![batch(&[(49, 0), (49, 1)], true)], caught_up(true)),
        (vec![batch(&[(49, 1)], false), batch(&[], true)], caught_up(true)),
        (vec![batch(&[(49, 1)], false), end()], caught_up(true)),
        (vec![batch(&[], false), batch(&[], true)], caught_up(false)),
        (vec![end()], caught_up(false)),
    ] {
        let shown = format!("{events:?}");
        let probe = next(&mut Scripted(events.into()), &position(49, 1)).await.unwrap();
        assert_eq!(probe, expected, "{shown}");
    }
    // Answers that show neither prove nothing.
    assert!(next(&mut Scripted(vec![batch(&[], false)].into()), &position(49, 1)).await.is_err());
}
