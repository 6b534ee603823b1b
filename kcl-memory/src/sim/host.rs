//! A simulated process: one coordinator, its runs, its clock.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    coordinator::{Coordinator, Event},
    env::{Rng, Time},
    lease::{LeaseKey, WorkerId},
};

use super::run::Run;

/// A simulated process.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) worker: WorkerId,
    pub(super) coordinator: Coordinator,
    pub(super) runs: BTreeMap<LeaseKey, Run>,
    pub(super) clock: HostClock,
    /// Runs may dispatch before this local time.
    pub(super) valid_until: Time,
    pub(super) paused_until: Option<Time>,
    /// Events that arrived while the process stood still.
    pub(super) inbox: Vec<Event>,
    pub(super) requests_cut_until: Time,
    pub(super) replies_cut_until: Time,
    pub(super) batch_takes: Duration,
    pub(super) slow: Slowness,
    pub(super) state: HostState,
    /// The timer that is set, by number: only the newest counts.
    pub(super) timer: u64,
    pub(super) timer_at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostState {
    Up,
    /// It was asked to leave.
    Leaving,
    Down,
}

/// Until when a batch takes how much longer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slowness {
    pub(super) until: Time,
    pub(super) extra: Duration,
    /// It cannot be interrupted.
    pub(super) hung: bool,
}

/// A clock that starts anywhere and runs a little fast or slow.
#[derive(Clone, Copy, Debug)]
pub(super) struct HostClock {
    offset: u64,
    /// Parts per million.
    drift: i64,
}

impl HostClock {
    /// NTP slews a clock by at most 500 parts per million.
    const DRIFT_MAX: u64 = 500;

    pub(super) fn from_rng(rng: &mut Rng) -> Self {
        let drift = i64::try_from(rng.below(2 * Self::DRIFT_MAX + 1)).unwrap_or(0) - 500;
        Self { offset: rng.below(1_000_000_000), drift }
    }

    /// What the clock shows at the true time `at`.
    pub(super) fn local(&self, at: Time) -> Time {
        let micros = i128::from(at.as_micros());
        let shown = micros + micros * i128::from(self.drift) / 1_000_000;
        Time::from_micros(self.offset + u64::try_from(shown).unwrap_or(0))
    }

    /// The first true time at which the clock shows `local` or more.
    pub(super) fn global(&self, local: Time) -> Time {
        if local == Time::NEVER {
            return Time::NEVER;
        }
        let shown = i128::from(local.as_micros().saturating_sub(self.offset));
        let micros = shown * 1_000_000 / (1_000_000 + i128::from(self.drift));
        let mut at = Time::from_micros(u64::try_from(micros).unwrap_or(0));
        while self.local(at) < local {
            at = at + Duration::from_micros(1);
        }
        at
    }
}

impl Host {
    pub(super) fn is_up(&self) -> bool {
        self.state != HostState::Down
    }

    /// How long the processor takes for a batch that it is given now, and whether it can be
    /// interrupted meanwhile.
    pub(super) fn takes(&self, now: Time) -> (Duration, bool) {
        if now < self.slow.until {
            (self.batch_takes + self.slow.extra, self.slow.hung)
        } else {
            (self.batch_takes, false)
        }
    }

    pub(super) fn is_paused(&self, now: Time) -> bool {
        self.paused_until.is_some_and(|until| now < until)
    }
}
