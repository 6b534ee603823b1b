//! One watched session: its newest beat, and since when it is the newest.

use std::time::Duration;

use super::health::Health;
use crate::{env::Time, lease::Session};

/// How closely a watcher follows a suspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// Who watches all sessions: at once, this often.
    Close(Duration),
    /// Everybody else: once the suspicion is confirmed, this often.
    Casual(Duration),
}

/// What the deadlines of all sessions hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) pace: Pace,
    /// Whether somebody may be ended.
    pub(super) judges: bool,
    /// Nobody is ended before.
    pub(super) not_before: Time,
    pub(super) unbroken_since: Time,
}

/// One watched session.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) beat: u64,
    /// When `beat` was first received.
    pub(super) since: Time,
    /// The session's timeout and interval, which it keeps for life.
    timeout: Duration,
    interval: Duration,
    /// A single read of the session is under way.
    pub(super) looking: bool,
    /// When the last single read was sent.
    pub(super) looked_at: Time,
    /// When a single read that failed is tried again.
    pub(super) again_at: Time,
    /// When the newest single read was sent that found no beat after `beat`, if one did.
    unchanged_at: Option<Time>,
    /// Its end is being written.
    pub(super) fencing: bool,
    not_before: Time,
}

impl Window {
    pub(super) const fn new(row: &Session, now: Time) -> Self {
        Self {
            beat: row.beat,
            since: now,
            timeout: row.timeout,
            interval: row.interval,
            looking: false,
            looked_at: now,
            again_at: Time::NEVER,
            unchanged_at: None,
            fencing: false,
            not_before: Time::ZERO,
        }
    }

    /// Learns from a read. A lower beat than the newest known is a stale read.
    pub(super) const fn observe(&mut self, row: &Session, now: Time) {
        if row.beat > self.beat {
            self.beat = row.beat;
            self.since = now;
            self.unchanged_at = None;
        }
    }

    /// When the session may be ended: a timeout after its newest beat was first received, of which
    /// the watcher was well all the time.
    pub(super) fn due_at(&self, health: &Health) -> Time {
        (self.silent_from(health) + self.hold()).max(self.not_before)
    }

    /// From when silence counts: while the watcher is not well it proves nothing.
    fn silent_from(&self, health: &Health) -> Time {
        if planted!(OutageIsDeath) { self.since } else { self.since.max(health.unbroken_since()) }
    }

    /// How long a session may be silent: its own timeout.
    fn hold(&self) -> Duration {
        if planted!(FencedEarly) { self.interval * 2 } else { self.timeout }
    }

    /// A single read that was sent then has been answered, and learnt from.
    pub(super) fn was_read(&mut self, asked: Time) {
        if self.since < asked {
            self.unchanged_at = Some(asked);
        }
    }

    /// Whether the newest single read found no new beat.
    pub(super) const fn is_unchanged(&self) -> bool {
        self.unchanged_at.is_some()
    }

    /// Whether a read that was sent when the next beat was overdue has not found it.
    pub(super) fn is_suspect(&self) -> bool {
        self.unchanged_at.is_some_and(|asked| asked >= self.overdue_at())
    }

    /// Whether the next beat should have been seen half an interval ago.
    pub(super) fn is_overdue(&self, now: Time) -> bool {
        now >= self.overdue_at()
    }

    /// When a suspect is looked at next. A close watcher suspects as soon as a beat is overdue and
    /// looks fast, so that a beat that comes late is seen; a casual one only once a look after that
    /// time has found nothing new. A look that failed is tried again soon, whoever looks.
    pub(super) fn next_look(&self, pace: Pace) -> Time {
        if self.looking || self.fencing {
            return Time::NEVER;
        }
        let regular = match pace {
            Pace::Close(_) if !suspects_are_watched() => Time::NEVER,
            Pace::Close(every) => self.overdue_at().max(self.looked_at + every),
            Pace::Casual(_) if self.looked_at < self.overdue_at() => Time::NEVER,
            Pace::Casual(every) => self.looked_at + every,
        };
        regular.min(self.again_at)
    }

    pub(super) const fn postpone(&mut self, to: Time) {
        self.not_before = to;
    }

    fn overdue_at(&self) -> Time {
        self.since + self.interval + self.interval / 2
    }
}

/// Whether a suspect is looked at by single reads.
fn suspects_are_watched() -> bool {
    !planted!(SuspectNotWatched)
}
