//! Compares readings with the readings before: for how long a checkpoint has stood, and whether
//! the lag of a shard grows.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use kcl_core::{
    env::{Time, WallTime},
    lease::{Checkpoint, LeaseKey},
};

use super::{Facts, Known, Lag};

/// The length of time over which a trend is measured. Older readings are dropped.
const TREND: Duration = Duration::from_secs(60);

/// What the readings so far showed of each lease. A lease that the newest listing lacks is
/// forgotten.
#[derive(Debug, Default)]
pub(crate) struct Progress(BTreeMap<LeaseKey, Seen>);

/// What the readings so far showed of one lease.
#[derive(Debug)]
struct Seen {
    /// The checkpoint of the last reading.
    checkpoint: Checkpoint,
    /// The time of the first reading that showed this checkpoint.
    since: Time,
    /// The age of the oldest unread record in each reading of about the last [`TREND`], with the
    /// time of that reading; the newest is last.
    before: VecDeque<(Duration, Time)>,
    /// The same pair at the last reading; `None` if the age was unknown then.
    last: Option<(Duration, Time)>,
}

impl Seen {
    /// Adds the age of the oldest unread record, and drops entries older than [`TREND`] but the
    /// first of them, so that the entries always span it.
    fn note(&mut self, lag: Option<(Duration, Time)>) {
        self.last = lag;
        let Some((age, at)) = lag else { return };
        // The dashboard reads the store more often than the stream, and passes the same lag again.
        if self.before.back().is_some_and(|(_, then)| *then == at) {
            return;
        }
        self.before.push_back((age, at));
        while self.before.len() > 2 && at.since(self.before[1].1) >= TREND {
            self.before.pop_front();
        }
    }
}

impl Progress {
    /// Adds a reading. A reading without known leases changes nothing.
    pub(crate) fn note(&mut self, facts: &Facts) {
        let Some(leases) = facts.leases.get() else { return };
        let lags = match &facts.lags {
            Known::Read { value, at } => Some((value, *at)),
            Known::Failed(_) | Known::LeftOut(_) => None,
        };
        self.0.retain(|key, _| leases.rows.iter().any(|lease| lease.key == *key));
        for lease in leases.rows.iter().filter(|lease| !lease.key.is_role()) {
            let lag =
                lags.and_then(|(lags, at)| Some((age(lags.get(&lease.key)?, facts.wall)?, at)));
            let seen = self.0.entry(lease.key.clone()).or_insert_with(|| Seen {
                checkpoint: lease.checkpoint.clone(),
                since: facts.at,
                before: VecDeque::new(),
                last: None,
            });
            if seen.checkpoint != lease.checkpoint {
                seen.checkpoint = lease.checkpoint.clone();
                seen.since = facts.at;
            }
            seen.note(lag);
        }
    }

    /// For how long the checkpoint of this lease is known not to have moved; zero at the first
    /// reading.
    pub(crate) fn stands(&self, key: &LeaseKey, now: Time) -> Duration {
        self.0.get(key).map_or(Duration::ZERO, |seen| now.since(seen.since))
    }

    /// By how many milliseconds a second the age of the oldest unread record grows; negative if it
    /// shrinks. `None` unless the age was known in two readings that are a second apart or more.
    pub(crate) fn trend(&self, key: &LeaseKey) -> Option<i64> {
        const APART: Duration = Duration::from_secs(1);
        let seen = self.0.get(key)?;
        let ((was, then), (is, now)) = (*seen.before.front()?, seen.last?);
        let apart = now.since(then);
        if apart < APART {
            return None;
        }
        let millis = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        Some((millis(is) - millis(was)).saturating_mul(1_000) / millis(apart).max(1))
    }
}

/// The age of the oldest unread record; zero if no record is unread, `None` if that is unknown.
pub(crate) fn age(lag: &Lag, now: WallTime) -> Option<Duration> {
    match lag {
        Lag::Unread { since, .. } => Some(now.since(*since)),
        Lag::CaughtUp => Some(Duration::ZERO),
        Lag::Unknown(_) => None,
    }
}
