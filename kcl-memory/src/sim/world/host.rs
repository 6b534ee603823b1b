//! A simulated process: one coordinator, its runs, its clock.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    coordinator::{Coordinator, Event, RunEvent, RunNews},
    env::{Rng, Time},
    lease::{SessionId, WorkerId, Zone},
    settings::Coordination,
};

use super::{gates::Gates, run::Run};
use crate::sim::stream::{ShardNo, StreamNo};

/// Makes other draws of a seed.
const TELLING: u64 = 0x7e11;

/// A simulated process.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) worker: WorkerId,
    /// Its source.
    pub(super) reads: StreamNo,
    /// The session that has joined, as far as it told.
    pub(super) joined: Option<SessionId>,
    pub(super) zone: Option<Zone>,
    pub(super) coordinator: Coordinator,
    pub(super) runs: BTreeMap<ShardNo, Run>,
    pub(super) clock: HostClock,
    /// Draws the fates of this host's calls.
    pub(super) rng: Rng,
    /// The same for those that only tell what it does.
    pub(super) telling: Rng,
    /// What its runs may do, and what they report.
    pub(super) gates: Gates,
    /// When the process last stood still, and until when; it stays after that time has passed.
    pub(super) still: Option<Still>,
    /// Events that arrived while the process stood still.
    pub(super) inbox: Vec<Event>,
    pub(super) requests_cut_until: Time,
    pub(super) replies_cut_until: Time,
    pub(super) stream_cut_until: Time,
    pub(super) failing_until: Time,
    pub(super) batch_takes: Duration,
    pub(super) slow: Slowness,
    pub(super) state: HostState,
    /// The timer that is set, by number: only the newest counts.
    pub(super) timer: u64,
    pub(super) timer_at: Time,
    pub(super) since: Time,
    /// Store calls, by name.
    pub(super) calls: BTreeMap<&'static str, u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostState {
    Up,
    /// It was asked to leave.
    Leaving,
    Down,
}

/// A process that stands still.
#[derive(Clone, Copy, Debug)]
pub(super) struct Still {
    pub(super) since: Time,
    pub(super) until: Time,
    pub(super) how: Stillness,
}

/// How a process stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stillness {
    /// Clock and timers go on.
    Stopped,
    /// The clock goes on, timers do not.
    Suspended,
    /// Neither does.
    Uncounted,
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
    /// A clock that drifts by at most so many parts per million. (NTP slews by at most 500.)
    fn draw(rng: &mut Rng, most: u64) -> Self {
        let most_signed = i64::try_from(most).unwrap_or(0);
        let drift = i64::try_from(rng.below(2 * most + 1)).unwrap_or(0) - most_signed;
        Self { offset: 1_000_000_000 + rng.below(1_000_000_000), drift }
    }

    /// What the clock shows at the true time `at`.
    pub(super) fn local(&self, at: Time) -> Time {
        let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX);
        let shown =
            micros + micros / 1_000_000 * self.drift + micros % 1_000_000 * self.drift / 1_000_000;
        Time::from_micros(self.offset.saturating_add_signed(shown))
    }

    /// The first true time at which the clock shows `local` or more.
    pub(super) fn global(&self, local: Time) -> Time {
        if local == Time::NEVER {
            return Time::NEVER;
        }
        let shown = i64::try_from(local.as_micros().saturating_sub(self.offset)).unwrap_or(0);
        let rate = 1_000_000 + self.drift;
        let micros = shown / rate * 1_000_000 + shown % rate * 1_000_000 / rate;
        let mut at = Time::from_micros(u64::try_from(micros).unwrap_or(0));
        while self.local(at) < local {
            at = at + Duration::from_micros(1);
        }
        at
    }

    /// From now on it shows so much less.
    pub(super) fn set_back(&mut self, by: Duration) {
        let by = u64::try_from(by.as_micros()).unwrap_or(u64::MAX);
        self.offset = self.offset.saturating_sub(by);
    }
}

impl Host {
    /// A process that starts now. Its draws depend on `seed` alone.
    pub(super) fn new(
        (worker, reads): (WorkerId, StreamNo),
        settings: Coordination,
        seed: u64,
        drift: u64,
        now: Time,
    ) -> Self {
        let mut rng = Rng::new(seed);
        let clock = HostClock::draw(&mut rng, drift);
        let zone = settings.zone.clone();
        let coordinator =
            Coordinator::new(worker.clone(), settings, clock.local(now), rng.next_u64());
        Self {
            coordinator,
            worker,
            reads,
            joined: None,
            zone,
            runs: BTreeMap::new(),
            clock,
            gates: Gates::new(),
            still: None,
            inbox: Vec::new(),
            requests_cut_until: Time::ZERO,
            replies_cut_until: Time::ZERO,
            stream_cut_until: Time::ZERO,
            failing_until: Time::ZERO,
            slow: Slowness::default(),
            batch_takes: Duration::from_millis(20 + rng.below(200)),
            state: HostState::Up,
            timer: 0,
            timer_at: Time::NEVER,
            since: now,
            calls: BTreeMap::new(),
            telling: Rng::new(seed ^ TELLING),
            rng,
        }
    }

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

    /// What its clock shows, and its gates see from now on.
    pub(super) fn look(&self, now: Time) -> Time {
        let local = self.clock.local(now);
        self.gates.show(local);
        local
    }

    /// Whether it believes in its session.
    pub(super) fn is_valid(&self, now: Time) -> bool {
        self.look(now);
        !self.gates.validity.is_over()
    }

    /// News of progress mean all that there has been since, as to a worker's keeper.
    pub(super) fn with_all_progress(&self, no: ShardNo, event: RunEvent) -> RunEvent {
        let RunEvent { key, epoch, news } = event;
        let news = match news {
            RunNews::Progress { .. } => {
                let run = self.runs.get(&no).filter(|run| run.epoch() == epoch);
                run.and_then(|run| run.gate.take_progress()).unwrap_or(news)
            }
            other => other,
        };
        RunEvent { key, epoch, news }
    }

    /// Whether the process stands still, and until when.
    pub(super) fn stands_still(&self, now: Time) -> Option<Still> {
        self.still.filter(|still| now < still.until)
    }
}
