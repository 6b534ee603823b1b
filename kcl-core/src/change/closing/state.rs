//! What a run knows: what it is for, whose turn it is, and where it is.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    change::{
        copy::{Copy, Head},
        design::Design,
        error::ChangeError,
        proof::Proof,
        target::Target,
        turn::Change,
    },
    env::{Rng, Time, WallTime},
    lease::{
        ChangeState, Changing, Document, Generation, Incarnation, Lease, PutDoc, Session,
        SessionId, WorkerId,
    },
};

/// What a command is to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Intent {
    /// Makes a change, or goes on with it.
    Make(Arc<dyn Design>),
    /// Closes the application for a change, sees that nobody lives, and leaves it closed: workers
    /// that start wait until the change is made, or taken back.
    Prepare(Arc<dyn Design>),
    /// Takes a change back that was broken off; if there is none, the last one.
    Undo,
}

impl Intent {
    pub(super) fn what(&self) -> String {
        match self {
            Self::Make(design) | Self::Prepare(design) => design.what(),
            Self::Undo => "undo".to_owned(),
        }
    }
}

/// A change that was made, or taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// Names the change, and its copy.
    pub number: u64,
    /// How many leases were written.
    pub leases: usize,
    /// Whether it was taken back.
    pub undone: bool,
}

/// One run of a command that changes an application while it is closed.
#[derive(Clone, Debug)]
pub struct Closing {
    pub(super) intent: Intent,
    pub(super) wall: WallTime,
    /// Names this run.
    pub(super) turn: String,
    pub(super) session: Session,
    /// The version of `changing` that made the turn mine, and the change that it tells of.
    pub(super) version: u64,
    pub(super) change: Change,
    /// What `changing` says while the turn is mine.
    pub(super) closed: Changing,
    /// The store's history when the turn was taken.
    pub(super) generation: Option<Generation>,
    /// The store has lost the turn since; what was sent last, if that was a row or a document.
    pub(super) lost: Option<Option<String>>,
    /// The version of a copy's head that is of a change that the store has lost.
    pub(super) stray: Option<u64>,
    /// Every new epoch is above this: the store's time.
    pub(super) floor: u64,
    /// How many rows may be under way at once.
    pub(super) lanes: usize,
    /// How many rows are worth a lane more.
    pub(super) rows_a_lane: usize,
    pub(super) phase: Phase,
    pub(super) failures: u32,
    pub(super) resume_at: Time,
}

/// Where a run is.
#[derive(Clone, Debug)]
pub(super) enum Phase {
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
pub(super) enum Which {
    /// That of the change at hand.
    Mine,
    /// That of the change before, to be restored; with what was found now.
    Former(Vec<Lease>, Vec<Document>),
}

/// What comes when the store is known not to have gone back.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// It is made sure that nobody lives.
    Prove,
    /// Rows are written: their copy is there.
    Write(Target),
    /// The application is opened: so many leases are written.
    Open(usize),
    /// It stays closed: the change is prepared.
    Stay,
}

/// How far the rows and documents are written.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    pub(super) target: Target,
    /// How many of the rows, and then of the documents, are begun: all but `open` are done.
    pub(super) begun: usize,
    /// Which of them are at hand: several rows, or one document.
    pub(super) open: Vec<usize>,
    /// How many rows may be at hand at once.
    pub(super) lanes: usize,
    pub(super) step: Step,
    /// What was sent last: rows, or a document.
    pub(super) sent: Option<String>,
}

/// How far those at hand are.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Read,
    /// They were read: whose turn is it?
    CheckRows(Vec<Option<Lease>>),
    CheckDoc(Option<Document>),
    SendRows(Vec<Option<Lease>>),
    SendDoc(Option<Document>),
    /// The rows are read after the look at the turn. No step of the protocol: that of a planted
    /// bug.
    ReadLate,
}

/// The application is being opened.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// What is told once it is open.
    pub(super) result: Result<Changed, ChangeError>,
    /// An attempt may have landed: the document is read first.
    pub(super) looks: bool,
}

impl Opening {
    pub(super) const fn look(&mut self) {
        self.looks = true;
    }

    pub(super) const fn changed(&self) -> Option<&Changed> {
        match &self.result {
            Ok(changed) => Some(changed),
            Err(_) => None,
        }
    }
}

impl Phase {
    /// It is over, and nothing came of it.
    pub(super) const fn failed(error: ChangeError) -> Self {
        Self::Over(Err(error))
    }
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
            lanes: 1,
            rows_a_lane: 1,
            phase: Phase::Looking,
            failures: 0,
            resume_at: Time::ZERO,
        }
    }

    /// The same run, which writes up to so many rows at once where there are many: so many rows are
    /// worth a lane more.
    #[must_use]
    pub fn in_lanes(mut self, lanes: usize, rows_each: usize) -> Self {
        (self.lanes, self.rows_a_lane) = (lanes.max(1), rows_each.max(1));
        self
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

    pub(super) fn number_of(&self, which: &Which) -> u64 {
        match which {
            Which::Mine => self.change.number,
            Which::Former(..) => self.change.former.unwrap_or_default(),
        }
    }
}

/// A name for the session that only asks for the time.
#[expect(clippy::expect_used, reason = "letters, digits and dashes make a valid worker id")]
fn worker_named(turn: &str) -> WorkerId {
    format!("change-{turn}").parse().expect("a valid worker id")
}
