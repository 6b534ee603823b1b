//! The window of one watched session: its newest beat, and when that was first received.

use std::time::Duration;

use super::health::Health;
use crate::{env::Time, lease::Session};

/// How closely a watcher reads a suspect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    /// For a head: as soon as the suspect is overdue, with this pause between two reads.
    Close(Duration),
    /// For any other session: once the suspicion is confirmed, with this pause between two reads.
    Casual(Duration),
}

/// The facts on which the deadlines of all sessions depend. If they change, the watch sets all
/// deadlines anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub(super) pace: Pace,
    /// Whether this watcher may end sessions now.
    pub(super) judges: bool,
    /// No session is ended before this time.
    pub(super) not_before: Time,
    /// Since when this watcher has been well without a gap.
    pub(super) unbroken_since: Time,
}

/// The window of one watched session.
#[derive(Debug)]
pub(super) struct Window {
    /// The newest beat of the session.
    pub(super) beat: u64,
    /// When `beat` was first received.
    pub(super) since: Time,
    /// The session's timeout and heartbeat interval, which never change.
    timeout: Duration,
    interval: Duration,
    /// Whether a read of the session's row is under way.
    pub(super) looking: bool,
    /// When the last such read was sent.
    pub(super) looked_at: Time,
    /// When a failed one is tried again.
    pub(super) again_at: Time,
    /// When the newest such read was sent that found no beat after `beat`; `None` if a beat came
    /// since.
    unchanged_at: Option<Time>,
    /// Whether the end of the session is being written.
    pub(super) fencing: bool,
    /// The session is not ended before this time, since an attempt failed.
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

    /// Learns from a row. A beat below the newest is out of date, and ignored.
    pub(super) const fn observe(&mut self, row: &Session, now: Time) {
        if row.beat > self.beat {
            self.beat = row.beat;
            self.since = now;
            self.unchanged_at = None;
        }
    }

    /// When the session may be ended: a session timeout after its newest beat was first received,
    /// counted only from when the watcher was well.
    pub(super) fn due_at(&self, health: &Health) -> Time {
        (self.silent_from(health) + self.hold()).max(self.not_before)
    }

    /// From when the silence counts. While the watcher is not well, silence proves nothing.
    fn silent_from(&self, health: &Health) -> Time {
        if planted!(OutageIsDeath) { self.since } else { self.since.max(health.unbroken_since()) }
    }

    /// How long a session may be silent: its own session timeout.
    fn hold(&self) -> Duration {
        if planted!(FencedEarly) { self.interval * 2 } else { self.timeout }
    }

    /// A read of the session's row, sent at `asked`, was answered and learnt from.
    pub(super) fn was_read(&mut self, asked: Time) {
        if self.since < asked {
            self.unchanged_at = Some(asked);
        }
    }

    /// Whether the newest read of the session's row found no new beat.
    pub(super) const fn is_unchanged(&self) -> bool {
        self.unchanged_at.is_some()
    }

    /// Whether a read that was sent when the next beat was overdue found no new beat.
    pub(super) fn is_suspect(&self) -> bool {
        self.unchanged_at.is_some_and(|asked| asked >= self.overdue_at())
    }

    /// Whether the next beat should have been seen half an interval ago.
    pub(super) fn is_overdue(&self, now: Time) -> bool {
        now >= self.overdue_at()
    }

    /// When the row of a suspect is read next. A head reads it as soon as a beat is overdue, often,
    /// so that it sees a beat that comes late. Any other session reads it only after a read of its
    /// own after that time found no new beat. A read that failed is tried again soon by both.
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

    /// Sets the earliest time of the next attempt to end the session.
    pub(super) const fn postpone(&mut self, to: Time) {
        self.not_before = to;
    }

    /// When the next beat is overdue: half an interval after it should have been seen.
    fn overdue_at(&self) -> Time {
        self.since + self.interval + self.interval / 2
    }
}

/// Whether the row of a suspect is read by itself.
fn suspects_are_watched() -> bool {
    !planted!(SuspectNotWatched)
}
