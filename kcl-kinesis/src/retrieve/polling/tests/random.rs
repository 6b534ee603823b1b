//! Random backlogs, faults, cancelled calls and restarts: the records delivered have to be those
//! written.

use bytes::Bytes;
use kcl_core::{
    env::{Rng, WallTime},
    stream::{ByteLimit, Position, ReadEvent, StartAt},
};
use proptest::prelude::*;

use super::{number, open};
use crate::{
    KinesisSource,
    kpl::Aggregator,
    testing::{Kept, Model, WALL, record_of},
};

/// An arrival time so old that the record may be trimmed at any time.
const OLD: u64 = WALL.as_millis() - 24 * 3_600_000 + 60_000;

/// Stream records with these numbers of user records (with one, the record is no aggregate), and
/// the positions of all user records.
fn backlog(users: &[u64], arrival: WallTime) -> (Vec<Kept>, Vec<Position>) {
    let mut positions = Vec::new();
    let records = users.iter().zip(1..).map(|(users, sequence)| {
        positions.extend((0..*users).map(|sub| Position::new(number(sequence), sub)));
        let mut body = record_of(sequence, &payload(*users));
        body["ApproximateArrivalTimestamp"] = (arrival.as_millis() / 1_000).into();
        (sequence, body)
    });
    (records.collect(), positions)
}

fn payload(users: u64) -> Vec<u8> {
    if users == 1 {
        return b"plain".to_vec();
    }
    let mut aggregator = Aggregator::new(1 << 20);
    for _ in 0..users {
        aggregator.add("user", None, Bytes::from_static(b"x")).unwrap();
    }
    aggregator.finish().unwrap().data.to_vec()
}

/// The events of a consumer.
#[derive(Debug, PartialEq)]
enum Seen {
    Record(Position),
    Gap(Option<Position>, Option<Position>),
}

/// Reads to the end of the shard, cancels calls that hang, and sometimes opens a new reader at the
/// last position.
async fn consume(source: &KinesisSource, model: &Model, mut rng: Rng) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut reader = open(source, StartAt::TrimHorizon).await;
    for step in 0.. {
        if step == 1_000 {
            model.calm();
        }
        assert!(step < 2_000, "no end in sight after {seen:?}");
        let event = tokio::select! {
            biased;
            event = reader.next(ByteLimit(1 + usize::try_from(rng.below(9_000)).unwrap())) => event,
            () = model.silence.notified() => continue,
        };
        match event {
            Ok(ReadEvent::Batch(batch)) => {
                let positions = batch.records.into_iter().map(|record| record.position);
                seen.extend(positions.map(Seen::Record));
            }
            Ok(ReadEvent::Lost { from, to }) => seen.push(Seen::Gap(from, to)),
            Ok(ReadEvent::Standstill { .. }) => {}
            Ok(ReadEvent::End { children, proven }) => {
                assert!(proven, "after {seen:?}");
                assert_eq!(children.unwrap()[0].id.as_str(), "shardId-000000000001");
                return seen;
            }
            // If another event ever replaces one of these, the run does not end, and the test
            // fails.
            Ok(_) | Err(_) => {}
        }
        // Not directly after a gap: a new reader would report it again.
        if let (0, Some(Seen::Record(last))) = (rng.below(8), seen.last()) {
            reader = open(source, StartAt::After(last.clone())).await;
        }
    }
    unreachable!()
}

fn run(users: &[u64], arrival: WallTime, trims: usize, seed: u64) -> (Vec<Seen>, Vec<Position>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (records, positions) = backlog(users, arrival);
    let (source, model) = Model::source(records, trims, seed);
    let seen = runtime.block_on(consume(&source, &model, Rng::new(seed ^ 1)));
    (seen, positions)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_record_is_delivered_once_and_in_order(
        users in prop::collection::vec(1..4_u64, 0..30), old: bool, seed: u64,
    ) {
        let arrival = if old { WallTime::from_millis(OLD) } else { WALL };
        let (seen, positions) = run(&users, arrival, 0, seed);
        prop_assert_eq!(seen, positions.into_iter().map(Seen::Record).collect::<Vec<_>>());
    }

    #[test]
    fn no_record_is_missing_without_a_gap_that_tells_of_it(
        users in prop::collection::vec(1..4_u64, 1..30), trims: prop::sample::Index, seed: u64,
    ) {
        let trims = trims.index(users.len() + 1);
        let (seen, positions) = run(&users, WallTime::from_millis(OLD), trims, seed);
        // Before the first record no gap is reported: reading starts at the oldest remaining
        // record.
        let mut last = None;
        let mut gap = true;
        for seen in seen {
            match seen {
                Seen::Gap(from, to) => {
                    prop_assert_eq!(&from, &last);
                    prop_assert!(to.is_none_or(|to| Some(to) > from));
                    gap = true;
                }
                Seen::Record(position) => {
                    let next = positions.iter().find(|next| Some(*next) > last.as_ref());
                    prop_assert!(gap || next == Some(&position), "{position} after {last:?}");
                    prop_assert!(last < Some(position.clone()));
                    last = Some(position);
                    gap = false;
                }
            }
        }
        prop_assert!(gap || last.as_ref() == positions.last());
    }
}
