//! How many workers the measured load needs.
//!
//! A report says of each shard: the share of time that its records are in the processor, how many
//! records arrive and are processed in a second, and the lag. From these follows the time that one
//! record takes. From that follows the share of time that the shard's reader needs to process the
//! arriving records, and to catch up with the waiting ones within [`CATCH_UP`]. This is the "true
//! processing rate" of Flink's autoscaler (FLIP-271). A shard is processed in order, so none needs
//! more than one reader's whole time.
//!
//! The capacity of one worker is measured, too: the greatest sum of busy time over all shards of
//! one worker, while none of these shards fell behind. It is at least one shard that is busy all
//! the time. It falls to the sum of a worker of which a shard falls behind although it is busy all
//! the time ([`BUSY`]). Workers should use [`TARGET`] of it.

use std::{collections::BTreeMap, time::Duration};

use crate::lease::{Load, WorkerId};

/// The time in which waiting records should be caught up with.
const CATCH_UP: Duration = Duration::from_secs(300);
/// A shard with a lag of at most this keeps up.
const KEEPS_UP: Duration = Duration::from_secs(30);
/// A shard that is busy for this many thousandths of the time can do no more.
const BUSY: u64 = 900;
/// The whole time, in thousandths.
const ALL: u64 = 1_000;
/// The share of its capacity that a worker should use, in thousandths.
const TARGET: u64 = 800;

/// A shard that may be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shard<'a> {
    /// The worker that reads it; `None` if none does.
    pub(super) worker: Option<&'a WorkerId>,
    /// Its load in a fresh report; `None` if there is none.
    pub(super) load: Option<&'a Load>,
}

/// How many workers these shards need, and the capacity of one worker, in thousandths of a shard
/// that is busy all the time. `borne` is the capacity known before. The number is `None` if less
/// than half of the shards are measured.
pub(super) fn desired(shards: &[Shard<'_>], borne: u64) -> (Option<u64>, u64) {
    let borne = bears(shards, borne.max(ALL));
    let known: Vec<u64> = shards.iter().filter_map(|shard| need(shard.load?)).collect();
    let (all, measured) = (shards.len() as u64, known.len() as u64);
    if measured == 0 || measured * 2 < all {
        return (None, borne);
    }
    // A shard that no worker has measured needs what the others need on average.
    let needed = known.iter().sum::<u64>().saturating_mul(all) / measured;
    let workers = (needed * ALL).div_ceil(borne * TARGET);
    (Some(workers.clamp(1, all)), borne)
}

/// The share of time that the reader of a shard needs, in thousandths; `None` if it is not
/// measured.
fn need(load: &Load) -> Option<u64> {
    let busy = load.busy_permille?.min(ALL);
    let for_arrivals = match (load.records_per_second, load.processed_per_second) {
        (Some(arrive), Some(processed)) if arrive > 0 && processed > 0 => {
            busy.saturating_mul(arrive) / processed
        }
        // Too few records to count them by the second.
        _ => busy,
    };
    let lag = load.lag.unwrap_or_default().min(CATCH_UP).as_millis();
    let lag = u64::try_from(lag).unwrap_or(0);
    let catching_up = for_arrivals.min(ALL) * lag / (CATCH_UP.as_secs() * 1_000);
    Some((for_arrivals.min(ALL) + catching_up).min(ALL))
}

/// The capacity of one worker, by these shards and the capacity known before.
fn bears(shards: &[Shard<'_>], before: u64) -> u64 {
    let mut workers: BTreeMap<&WorkerId, Option<(u64, bool, bool)>> = BTreeMap::new();
    for shard in shards {
        let Some(worker) = shard.worker else { continue };
        let known = shard.load.and_then(|load| Some((load.busy_permille?.min(ALL), load.lag?)));
        let sum = workers.entry(worker).or_insert(Some((0, true, false)));
        *sum = sum.zip(known).map(|((busy, keeps_up, is_full), (more, lag))| {
            let behind = lag > KEEPS_UP;
            (busy + more, keeps_up && !behind, is_full || (behind && more >= BUSY))
        });
    }
    let known = || workers.values().flatten();
    let most = known().filter(|(_, keeps_up, _)| *keeps_up).map(|(busy, ..)| *busy).max();
    let least = known().filter(|(_, _, is_full)| *is_full).map(|(busy, ..)| *busy).min();
    let borne = before.max(most.unwrap_or(0));
    least.map_or(borne, |least| borne.min(least)).max(ALL)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn load(busy: u64, arrive: u64, processed: u64, lag: u64) -> Load {
        Load {
            busy_permille: Some(busy),
            records_per_second: Some(arrive),
            processed_per_second: Some(processed),
            lag: Some(Duration::from_secs(lag)),
            ..Load::UNKNOWN
        }
    }

    /// The number of workers that is wanted, where each worker has these loads.
    fn wanted(workers: &[&[Load]], borne: u64) -> (Option<u64>, u64) {
        let ids: Vec<WorkerId> =
            (0..workers.len()).map(|at| format!("w{at}").parse().unwrap()).collect();
        let shards: Vec<Shard<'_>> = ids
            .iter()
            .zip(workers)
            .flat_map(|(id, loads)| {
                loads.iter().map(move |load| Shard { worker: Some(id), load: Some(load) })
            })
            .collect();
        desired(&shards, borne)
    }

    #[test]
    fn workers_that_are_hardly_busy_are_too_many() {
        let idle = [load(50, 10, 10, 0); 4];
        assert_eq!(wanted(&[&idle, &idle, &idle], 0), (Some(1), 1_000));
    }

    #[test]
    fn a_worker_is_to_be_busy_with_four_fifths_of_what_one_was_seen_to_bear() {
        let half = [load(500, 10, 10, 1); 8];
        // Each worker bears four busy shards, as was seen.
        assert_eq!(wanted(&[&half, &half], 0), (Some(3), 4_000));
        // That stays known although it is not seen any more: three workers are enough.
        let less = [load(500, 10, 10, 1); 6];
        assert_eq!(wanted(&[&less, &less, &less[..4]], 4_000), (Some(3), 4_000));
    }

    #[test]
    fn who_falls_behind_bears_no_more() {
        let full = [load(1_000, 20, 10, 60); 2];
        let fine = [load(100, 10, 10, 0); 2];
        let (workers, borne) = wanted(&[&full, &fine], 4_000);
        assert_eq!((workers, borne), (Some(2), 2_000));
    }

    #[test]
    fn what_is_caught_up_with_is_no_load_and_what_waits_is() {
        // It processes ten times what arrives, and has nearly caught up.
        assert_eq!(need(&load(1_000, 10, 100, 0)), Some(100));
        assert_eq!(need(&load(400, 10, 10, 150)), Some(600));
        // No shard needs more than one reader, however far behind it is.
        assert_eq!(need(&load(900, 50, 10, 9_000)), Some(1_000));
        assert_eq!(need(&Load::UNKNOWN), None);
    }

    #[test]
    fn unknown_is_not_zero() {
        assert_eq!(wanted(&[&[]], 0).0, None);
        assert_eq!(wanted(&[&[Load::UNKNOWN, Load::UNKNOWN, load(900, 9, 9, 0)]], 0).0, None);
        let loads = [Load::UNKNOWN, load(800, 9, 9, 0), load(800, 9, 9, 0)];
        assert_eq!(wanted(&[&loads], 0).0, Some(3));
    }

    proptest! {
        #[test]
        fn never_more_than_the_shards_and_never_none(
            loads in proptest::collection::vec(
                (0..2_000_u64, 0..100_000_u64, 0..100_000_u64, 0..100_000_u64), 1..30),
            borne: u16,
        ) {
            let loads: Vec<Load> = loads
                .into_iter()
                .map(|(busy, arrive, processed, lag)| load(busy, arrive, processed, lag))
                .collect();
            let halves = loads.split_at(loads.len() / 2);
            let (workers, borne) = wanted(&[halves.0, halves.1], borne.into());
            prop_assert!((1..=loads.len() as u64).contains(&workers.unwrap()));
            prop_assert!(borne >= ALL);
        }

        /// Acting on the number changes nothing that was wanted: shards that move take their loads
        /// along.
        #[test]
        fn what_is_wanted_does_not_hang_on_who_reads_what(
            busy in proptest::collection::vec(0..900_u64, 1..30),
            by in 1..8_usize,
        ) {
            let loads: Vec<Load> = busy.iter().map(|busy| load(*busy, 10, 10, 0)).collect();
            let (first, borne) = wanted(&[&loads], 0);
            let spread: Vec<&[Load]> = loads.chunks(by).collect();
            prop_assert_eq!(wanted(&spread, borne), (first, borne));
        }
    }
}
