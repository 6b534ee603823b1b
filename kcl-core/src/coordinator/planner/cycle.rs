//! How far the making of a plan has got.

use std::collections::BTreeSet;

use crate::{
    coordinator::context::Context,
    env::Time,
    lease::{Lease, LeaseKey, Session},
};

/// How far the making of a plan has got.
#[derive(Debug)]
pub(super) enum Cycle {
    Idle,
    /// Leases and sessions are being read.
    Reading {
        leases: Option<Vec<Lease>>,
        sessions: Option<Vec<Session>>,
        /// Whether the sessions were asked for after the leases had been read: only then does a
        /// session's absence mean that it is gone. A session registers before it takes a lease.
        sessions_after: bool,
        /// Whether the placement rules are as fresh as they need be.
        rules: bool,
        start: StartDoc,
        since: Time,
    },
    /// Rows that the lineage asks for are being put.
    Creating {
        /// Those that are put when the present ones are there.
        waiting: Vec<Lease>,
        /// Those being put.
        missing: BTreeSet<LeaseKey>,
        absence: Absence,
    },
    /// A call failed: everything is read again.
    Again(Time),
}

/// Whether the plan in the making needs a listing of the shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sync {
    NotWanted,
    /// The shards are to be listed once the rows are read.
    Wanted,
    /// They are being listed.
    Listing,
    /// They were listed after the rows were read.
    Fresh,
    /// They could not be listed.
    Failed,
}

impl Cycle {
    pub(super) const fn is_idle(&self) -> bool {
        matches!(self, Self::Idle)
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

/// What the plan in the making knows of the stored start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StartDoc {
    Unasked,
    Asked,
    /// There is none.
    Missing(Absence),
    /// There is one, and it makes no sense: where reading began is not known, and no other start is
    /// frozen.
    Unreadable,
}
