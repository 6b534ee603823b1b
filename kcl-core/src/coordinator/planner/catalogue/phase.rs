//! The phase of a reading.

use std::collections::BTreeSet;

use crate::{
    coordinator::context::Context,
    env::Time,
    lease::{Lease, LeaseKey, Session},
};

/// The phase of a reading.
#[derive(Debug)]
pub(super) enum Phase {
    /// No reading is under way.
    Idle,
    /// Leases, sessions, shards, rules and starts are being read.
    Reading(Reading),
    /// Rows that shards lack are being put.
    Mending {
        /// The rows that are put after those in `missing`.
        waiting: Vec<Lease>,
        /// The rows that are being put.
        missing: BTreeSet<LeaseKey>,
        /// Whether it is certain yet that these rows are absent.
        absence: Absence,
    },
    /// A call failed, or no start may be frozen yet: everything is read again at this time.
    Again(Time),
}

/// The state of a reading, with the things that it has read so far.
#[derive(Debug)]
pub(super) struct Reading {
    /// The leases; `None` until they are listed.
    pub(super) leases: Option<Vec<Lease>>,
    /// The sessions; `None` while they are being listed.
    pub(super) sessions: Option<Vec<Session>>,
    /// Whether the sessions were listed after the leases. Only then is a session that the listing
    /// lacks gone, since a session registers before it acquires a lease.
    pub(super) sessions_after: bool,
    /// Whether the rules are as new as this reading needs them.
    pub(super) rules: bool,
    /// Whether the known inherited rules are as new as this reading needs them.
    pub(super) inherited: bool,
    /// When the reading began.
    pub(super) since: Time,
}

impl Reading {
    /// Whether all of it was read but the streams.
    pub(super) fn is_whole(&self) -> bool {
        let rules = self.rules && self.inherited;
        self.leases.is_some() && self.sessions.is_some() && rules
    }
}

impl Phase {
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
    }

    pub(super) const fn is_reading(&self) -> bool {
        matches!(self, Self::Reading(_))
    }

    pub(super) const fn next_wake(&self) -> Time {
        match self {
            Self::Again(at) => *at,
            _ => Time::NEVER,
        }
    }
}

/// The absence of something that a read did not find. It counts once a beat was answered that was
/// sent after the read: that answer shows whether the store has gone back and lost it. If it has,
/// the workers that know more put it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Absence {
    /// When the read did not find it.
    found: Time,
    /// Whether the beat was asked for.
    asked: bool,
}

impl Absence {
    pub(super) const fn found(now: Time) -> Self {
        Self { found: now, asked: false }
    }

    /// Whether a beat was answered that was sent after the read.
    pub(super) fn is_sure(&self, ctx: &Context) -> bool {
        ctx.heard >= self.found
    }

    /// Whether the beat is to be asked for now; it counts as asked for then.
    pub(super) fn take_doubt(&mut self, ctx: &Context) -> bool {
        !self.is_sure(ctx) && !std::mem::replace(&mut self.asked, true)
    }
}
