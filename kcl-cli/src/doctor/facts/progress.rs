//! What looks one after another show that one alone does not: which checkpoints stand, and whether
//! lag grows.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use kcl_core::{
    env::{Time, WallTime},
    lease::{Checkpoint, LeaseKey},
};

use super::{Facts, Known, Lag};

/// What is older tells nothing of how lag grows now.
const TREND: Duration = Duration::from_secs(60);

/// What was seen of the leases so far.
#[derive(Debug, Default)]
pub(crate) struct Progress(BTreeMap<LeaseKey, Seen>);

#[derive(Debug)]
struct Seen {
    checkpoint: Checkpoint,
    /// Since when it stands there.
    since: Time,
    /// How old the oldest unread record was whenever that was read in the last minute or so, and
    /// when these times were; the newest last.
    before: VecDeque<(Duration, Time)>,
    /// The same at the last look; nothing if it was not known then.
    last: Option<(Duration, Time)>,
}

impl Seen {
    fn note(&mut self, lag: Option<(Duration, Time)>) {
        self.last = lag;
        let Some((age, at)) = lag else { return };
        // Who looks at the store more often than at the stream sees the same reading again.
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
    /// Takes a look in.
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

    /// For how long the checkpoint has stood where it is, as far as was seen.
    pub(crate) fn stands(&self, key: &LeaseKey, now: Time) -> Duration {
        self.0.get(key).map_or(Duration::ZERO, |seen| now.since(seen.since))
    }

    /// By how many milliseconds a second the age of the oldest unread record grows; nothing if it
    /// was not known at two looks that are far enough apart.
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

/// How old the oldest unread record is: zero if there is none.
pub(crate) fn age(lag: &Lag, now: WallTime) -> Option<Duration> {
    match lag {
        Lag::Unread { since, .. } => Some(now.since(*since)),
        Lag::CaughtUp => Some(Duration::ZERO),
        Lag::Unknown(_) => None,
    }
}
