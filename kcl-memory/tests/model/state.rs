//! One state of the small world.

use super::{
    verdicts::Broken,
    world::{Letters, Row, SessionNo},
};

/// Sessions at most: two workers with two lives.
const SESSIONS_MAX: usize = 4;

/// Everything that is so at one moment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct State {
    pub(crate) row: Row,
    pub(crate) child: Child,
    pub(crate) sessions: [Session; SESSIONS_MAX],
    pub(crate) workers: [Worker; 2],
    pub(crate) letters: Letters,
    pub(crate) truth: Truth,
}

/// What is true, whatever the workers believe.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Truth {
    /// Every record up to this one has been processed.
    pub(crate) processed: u8,
    /// Who was given the row's epoch.
    pub(crate) holder: Option<SessionNo>,
    /// A live owner that never said that it saw the order was robbed: both may dispatch for a
    /// while.
    pub(crate) deaf_owner_robbed: bool,
    /// What the judge objects to.
    pub(crate) broken: Broken,
    /// What was stored before an acquire was delivered under it.
    pub(crate) delivered_again: bool,
}

impl Truth {
    /// Whether something is broken: nothing that comes after it says anything.
    pub(crate) fn is_broken(&self) -> bool {
        self.delivered_again || self.broken != Broken::default()
    }
}

/// The row of the one child of the shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Child {
    Absent,
    Put,
    Taken,
}

/// The row of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Session {
    /// Not registered yet.
    Absent,
    Live {
        /// Whether a beat is on its way.
        beat: bool,
        /// A fence that is on its way.
        fence: Option<Fence>,
    },
    Ended,
}

/// A fence on its way, conditional on the beat that the watcher saw for the session's timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fence {
    /// The row still shows that beat.
    OnThisBeat,
    /// The session has beaten since.
    OnAnEarlierBeat,
}

/// A worker's process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Worker {
    /// Which of its lives this is.
    pub(crate) life: u8,
    pub(crate) up: bool,
    /// Whether it may dispatch now (rule 2).
    pub(crate) valid: bool,
    /// An answered beat is on its way back.
    pub(crate) answer: bool,
    /// The epoch that it has said to have stopped dispatching for, on the planner's order.
    pub(crate) told: u8,
    pub(crate) phase: Phase,
}

/// What a worker does about the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Phase {
    Idle,
    /// An acquire is under way.
    Acquiring {
        epoch: u8,
        /// The lease was given away meanwhile: a success starts nothing.
        cancelled: bool,
        /// The checkpoint that the row showed; only where it is to be used.
        read: u8,
    },
    /// The acquire has landed; its answer is on its way back.
    Granted {
        epoch: u8,
        cancelled: bool,
        read: u8,
        checkpoint: u8,
    },
    /// Records are dispatched; processed up to `at`.
    Running {
        epoch: u8,
        at: u8,
    },
    /// The plan gives the lease away: nothing is dispatched.
    Draining {
        epoch: u8,
        at: u8,
    },
    /// The shard has ended; its children are put and its end is written.
    Ending {
        epoch: u8,
    },
}

impl State {
    /// Two workers, registered; a lease that nobody ever held.
    pub(crate) fn first(lives: u8) -> Self {
        let mut sessions = [Session::Absent; SESSIONS_MAX];
        for worker in 0..2 {
            sessions[usize::from(worker * lives)] = Session::Live { beat: false, fence: None };
        }
        let worker =
            Worker { life: 0, up: true, valid: true, answer: false, told: 0, phase: Phase::Idle };
        Self {
            row: Row { owner: None, epoch: 0, checkpoint: 0 },
            child: Child::Absent,
            sessions,
            workers: [worker.clone(), worker],
            letters: Letters::default(),
            truth: Truth::default(),
        }
    }

    pub(crate) fn has_ended(&self, session: SessionNo) -> bool {
        self.sessions[usize::from(session)] == Session::Ended
    }

    pub(crate) const fn is_owned(&self, session: SessionNo, epoch: u8) -> bool {
        matches!(self.row.owner, Some(owner) if owner == session) && self.row.epoch == epoch
    }
}

impl Worker {
    /// Whether records may be given to its processor now.
    pub(crate) const fn dispatches(&self) -> bool {
        self.up && self.valid && matches!(self.phase, Phase::Running { .. })
    }

    /// The epoch under which it believes to hold the lease.
    pub(crate) const fn tenure(&self) -> Option<u8> {
        match self.phase {
            Phase::Running { epoch, .. }
            | Phase::Draining { epoch, .. }
            | Phase::Ending { epoch } => Some(epoch),
            _ => None,
        }
    }

    /// The process is gone, and with it all that it knew.
    pub(crate) const fn crash(&mut self) {
        *self = Self {
            life: self.life,
            up: false,
            valid: false,
            answer: false,
            told: 0,
            phase: Phase::Idle,
        };
    }
}
