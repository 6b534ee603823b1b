//! The way through a closed application, step by step: what to ask next, what an answer means.
//!
//! Does no I/O and reads no clock: the command, the simulator and the search of small worlds drive
//! the same machine. One call is under way at a time.

mod collecting;
mod opening;
mod taking;
mod witness;
mod writing;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use self::{opening::Opening, witness::Then, writing::Writing};
use super::{
    copy::{Copy, Head},
    design::Design,
    error::ChangeError,
    proof::{Next, Proof},
    turn::Change,
};
use crate::{
    coordinator::{StoreCall, StoreOutcome, StreamView},
    env::{Rng, Time, WallTime},
    lease::{
        ChangeState, Changing, DocName, Document, EndSession, Ending, Generation, Incarnation,
        Lease, PutDoc, Session, SessionId, WorkerId,
    },
    store::StoreErrorKind,
};

/// What a command is to do.
#[derive(Clone, Debug)]
pub enum Intent {
    /// Makes a change, or goes on with it.
    Make(Arc<dyn Design>),
    /// Takes a change back that was broken off; if there is none, the last one.
    Undo,
}

impl Intent {
    fn what(&self) -> String {
        match self {
            Self::Make(design) => design.what(),
            Self::Undo => "undo".to_owned(),
        }
    }
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Carry out a call on the store, and tell the outcome.
    Store(Box<StoreCall>),
    /// Describe the stream and list its shards, and tell what they are.
    Stream,
    /// Wait until then.
    Wait(Time),
    /// Nothing: it is over.
    Over,
}

/// A change that was made, or taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Names the change, and its copy.
    pub number: u64,
    /// How many leases were written.
    pub leases: usize,
    /// Whether it was taken back.
    pub undone: bool,
}

/// How long to wait before a call that failed is sent again.
const PAUSE: Duration = Duration::from_millis(250);
/// How many calls may fail in a row.
const FAILURES_MAX: u32 = 60;

/// One run of a command that changes an application while it is closed.
#[derive(Clone, Debug)]
pub struct Closing {
    intent: Intent,
    wall: WallTime,
    /// Names this run.
    turn: String,
    session: Session,
    /// The version of `changing` that made the turn mine, and the change that it tells of.
    version: u64,
    change: Change,
    /// What `changing` says while the turn is mine.
    closed: Changing,
    /// The store's history when the turn was taken.
    generation: Option<Generation>,
    /// The store has lost the turn since; what was sent last, if that was a row or a document.
    lost: Option<Option<String>>,
    /// The version of a copy's head that is of a change that the store has lost.
    stray: Option<u64>,
    /// Every new epoch is above this: the store's time.
    floor: u64,
    phase: Phase,
    failures: u32,
    resume_at: Time,
}

/// Where a run is.
#[derive(Clone, Debug)]
enum Phase {
    /// `changing` is read.
    Looking,
    /// It is written.
    Taking(PutDoc),
    /// `changing` is put again: what was written before is lost only together with it.
    Marking(Then),
    /// The store's time and history are asked for: they are told to those who register.
    Stamping(Then),
    /// The session that was registered for that is ended.
    Unstamping(Then),
    /// Nobody is to live.
    Proving(Proof),
    /// The head of a copy is read: that of the change at hand, or that of the one before.
    Finding(Which),
    /// The parts of a copy are read.
    Loading {
        which: Which,
        head: Head,
        parts: Vec<Bytes>,
    },
    /// The leases are read, and then the documents, the former copy, and the stream.
    Rows,
    Docs(Vec<Lease>),
    Stream(Vec<Lease>, Vec<Document>),
    /// The parts of the copy are put.
    Keeping {
        copy: Copy,
        head: Head,
        parts: Vec<Bytes>,
        next: usize,
    },
    /// Its head is put.
    Sealing {
        copy: Copy,
        head: Head,
    },
    /// Rows, and then documents, are written.
    Writing(Writing),
    /// Copies of former changes are listed, and deleted.
    Sweeping {
        leases: usize,
        copies: Option<Vec<Document>>,
    },
    /// The application is opened.
    Opening(Opening),
    /// It is not changed after all: whether it may be opened depends on whether there is a copy.
    BackingOut(ChangeError),
    Over(Result<Changed, ChangeError>),
}

/// Which copy.
#[derive(Clone, Debug)]
enum Which {
    /// That of the change at hand.
    Mine,
    /// That of the change before, to be restored; with what was found now.
    Former(Vec<Lease>, Vec<Document>),
}

impl Closing {
    /// A run for `intent`, by somebody called `by`, which begins when it is `wall`. Two runs may
    /// not be given the same randomness.
    #[must_use]
    pub fn new(intent: Intent, by: &str, wall: WallTime, rng: &mut Rng) -> Self {
        let incarnation = Incarnation::from_bits(rng.next_u128());
        let turn = incarnation.to_string();
        let worker = worker_named(&turn);
        let second = Duration::from_secs(1);
        let id = SessionId::new(worker, incarnation);
        let change = Change::new(0, intent.what(), None, &turn);
        let closed = Changing::new(ChangeState::Closed, by, wall, &*turn);
        Self {
            intent,
            wall,
            turn,
            session: Session::new(id, 1, second * 6, second),
            version: 0,
            change,
            closed,
            generation: None,
            lost: None,
            stray: None,
            floor: 0,
            phase: Phase::Looking,
            failures: 0,
            resume_at: Time::ZERO,
        }
    }

    /// What came of it, once it is over.
    #[must_use]
    pub const fn result(&self) -> Option<&Result<Changed, ChangeError>> {
        match &self.phase {
            Phase::Over(result) => Some(result),
            _ => None,
        }
    }

    /// The change at hand, once the turn is mine.
    #[must_use]
    pub const fn change(&self) -> Option<&Change> {
        if self.version == 0 { None } else { Some(&self.change) }
    }

    /// Whether the store went back in time, so that everything is done again.
    #[must_use]
    pub const fn starts_over(&self) -> bool {
        self.lost.is_some()
    }

    /// Names this run.
    #[must_use]
    pub fn turn(&self) -> &str {
        &self.turn
    }

    /// Whether it takes a change back.
    #[must_use]
    pub const fn is_undo(&self) -> bool {
        matches!(self.intent, Intent::Undo)
    }

    /// What it has made, once nothing is left to do but to open the application.
    #[must_use]
    pub const fn opens(&self) -> Option<&Changed> {
        match &self.phase {
            Phase::Opening(opening) => opening.changed(),
            _ => None,
        }
    }

    /// What is to be done at `now`.
    #[must_use]
    pub fn next(&mut self, now: Time) -> Ask {
        if self.resume_at > now && !matches!(self.phase, Phase::Over(_)) {
            return Ask::Wait(self.resume_at);
        }
        if let Phase::Proving(proof) = &self.phase {
            match proof.next(now) {
                Next::Ask(call) => return Ask::Store(call),
                Next::Wait(until) => return Ask::Wait(until),
                Next::NobodyLives => self.phase = Phase::Finding(Which::Mine),
                Next::Alive(workers) => {
                    self.phase = Phase::BackingOut(ChangeError::Alive { workers, closed: false });
                }
            }
        }
        match &self.phase {
            Phase::Stream(..) => Ask::Stream,
            Phase::Over(_) => Ask::Over,
            _ => Ask::Store(Box::new(self.call())),
        }
    }

    fn call(&self) -> StoreCall {
        let doc = |name: DocName| StoreCall::Doc(name);
        match &self.phase {
            Phase::Taking(put) => StoreCall::PutDoc(put.clone()),
            Phase::Marking(_) => self.mark(),
            Phase::Stamping(_) => StoreCall::Register(self.session.clone()),
            Phase::Unstamping(_) => {
                StoreCall::EndSession(EndSession::new(self.session.id.clone(), Ending::Leave))
            }
            Phase::Finding(which) => doc(DocName::copy(self.number_of(which))),
            Phase::BackingOut(_) => doc(DocName::copy(self.change.number)),
            Phase::Loading { which, head, parts } => {
                let mut names = head.names(self.number_of(which));
                names.nth(parts.len()).map_or(StoreCall::Leases, doc)
            }
            Phase::Rows => StoreCall::Leases,
            Phase::Docs(_) | Phase::Sweeping { copies: None, .. } => StoreCall::Docs,
            Phase::Keeping { head, parts, next, .. } => self.keep(head, parts, *next),
            Phase::Sealing { head, .. } => {
                let name = DocName::copy(self.change.number);
                StoreCall::PutDoc(PutDoc::new(name, self.stray, head.encode()))
            }
            Phase::Writing(writing) => writing.call(self),
            Phase::Sweeping { copies: Some(copies), .. } => Self::sweep(copies),
            Phase::Opening(opening) => self.open_call(opening),
            Phase::Looking | Phase::Stream(..) | Phase::Proving(_) | Phase::Over(_) => {
                doc(DocName::changing())
            }
        }
    }

    fn number_of(&self, which: &Which) -> u64 {
        match which {
            Which::Mine => self.change.number,
            Which::Former(..) => self.change.former.unwrap_or_default(),
        }
    }

    /// The outcome of the call that was asked for came at `now`.
    pub fn learn(&mut self, now: Time, outcome: StoreOutcome) {
        match outcome {
            Ok(reply) => {
                self.failures = 0;
                let phase = std::mem::replace(&mut self.phase, Phase::Looking);
                self.phase = self.after(now, phase, reply);
            }
            Err(kind) => self.on_failed(now, kind),
        }
    }

    /// The stream could be listed, or not.
    pub fn learn_stream(&mut self, found: Result<StreamView, String>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Looking);
        self.phase = match (phase, found) {
            (Phase::Stream(rows, docs), Ok(view)) => self.plan(&rows, docs, &view),
            (Phase::Stream(..), Err(why)) => Phase::BackingOut(ChangeError::Stream(why)),
            (phase, _) => phase,
        };
    }

    /// A call failed. It may have been applied, and may still be: what depends on a row is asked
    /// again from the reading of that row on.
    fn on_failed(&mut self, now: Time, kind: StoreErrorKind) {
        self.failures += 1;
        let retried = matches!(
            kind,
            StoreErrorKind::Unavailable | StoreErrorKind::Throttled | StoreErrorKind::Unknown
        );
        if matches!(self.phase, Phase::Over(_)) {
            return;
        }
        if !retried || self.failures > FAILURES_MAX {
            let closed = self.version > 0;
            self.phase = Phase::Over(Err(ChangeError::Store { kind, closed }));
            return;
        }
        self.resume_at = now + PAUSE;
        match &mut self.phase {
            Phase::Taking(_) => self.phase = Phase::Looking,
            Phase::Writing(writing) => writing.again(),
            Phase::Opening(opening) => opening.look(),
            // What is left of former copies goes with the next change.
            Phase::Sweeping { leases, .. } => self.phase = Phase::Marking(Then::Open(*leases)),
            _ => {}
        }
    }
}

/// A name for the session that only asks for the time.
#[expect(clippy::expect_used, reason = "letters, digits and dashes make a valid worker id")]
fn worker_named(turn: &str) -> WorkerId {
    format!("change-{turn}").parse().expect("a valid worker id")
}
