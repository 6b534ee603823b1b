//! How far a reading has got.

use std::collections::BTreeSet;

use crate::{
    coordinator::context::Context,
    env::Time,
    lease::{Lease, LeaseKey, Session},
};

/// How far a reading has got.
#[derive(Debug)]
pub(super) enum Phase {
    Idle,
    /// Leases and sessions are being read, and what goes with them.
    Reading(Reading),
    /// Rows that the lineage asks for are being put.
    Mending {
        /// Those that are put when the present ones are there.
        waiting: Vec<Lease>,
        /// Those being put.
        missing: BTreeSet<LeaseKey>,
        absence: Absence,
    },
    /// A call failed: everything is read again at this time.
    Again(Time),
}

/// What has been read so far.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) leases: Option<Vec<Lease>>,
    pub(super) sessions: Option<Vec<Session>>,
    /// Whether the sessions were asked for after the leases had been read: only then does a
    /// session's absence mean that it is gone. A session registers before it takes a lease.
    pub(super) sessions_after: bool,
    /// Whether the placement rules are as fresh as they need be.
    pub(super) rules: bool,
    /// Whether what shards inherit is as fresh as it need be.
    pub(super) inherited: bool,
    pub(super) since: Time,
}

impl Reading {
    /// Whether leases, sessions and rules are read, and what goes with the rules.
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

/// Something that a read did not find. That it is absent is believed once a beat was answered that
/// was sent after the read: a store that lost it says so in that answer, and who knows more of it
/// puts it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Absence {
    found: Time,
    /// The beat was asked for.
    asked: bool,
}

impl Absence {
    pub(super) const fn found(now: Time) -> Self {
        Self { found: now, asked: false }
    }

    pub(super) fn is_sure(&self, ctx: &Context) -> bool {
        ctx.heard >= self.found
    }

    /// Whether the beat is still to be asked for: it then counts as asked for.
    pub(super) fn take_doubt(&mut self, ctx: &Context) -> bool {
        !self.is_sure(ctx) && !std::mem::replace(&mut self.asked, true)
    }
}
