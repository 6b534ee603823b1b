//! The state of a run: its intent, its turn, and its phase.
//!
//! The phases in their order, for a change that meets no trouble:
//!
//! ```text
//!  Looking → Taking → Stamping, Unstamping → Proving → Finding → Rows → Docs → Stream
//!    → Keeping → Sealing → Marking, Stamping, Unstamping → Writing → Sweeping
//!    → Marking, Stamping, Unstamping → Opening → Over
//! ```

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

/// The purpose of a command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Intent {
    /// Makes a change, or goes on with it.
    Make(Arc<dyn Design>),
    /// Closes the application for a change, makes sure that every session has ended, and leaves it
    /// closed: workers that start wait until the change is made or taken back.
    Prepare(Arc<dyn Design>),
    /// Takes back the change that was broken off; if there is none, the last one.
    Undo,
}

impl Intent {
    /// The intent in words, as `changing` names it.
    pub(super) fn what(&self) -> String {
        match self {
            Self::Make(design) | Self::Prepare(design) => design.what(),
            Self::Undo => "undo".to_owned(),
        }
    }
}

/// The outcome of a change that was made or taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Changed {
    /// The number of the change.
    pub number: u64,
    /// How many leases were written; 0 after [`Intent::Prepare`].
    pub leases: usize,
    /// Whether the change was taken back.
    pub undone: bool,
}

/// One run of a command that changes an application while it is closed. The module `change`
/// describes the steps.
#[derive(Clone, Debug)]
pub struct Closing {
    /// The purpose of the command.
    pub(super) intent: Intent,
    /// When the run began, by the clock of its machine.
    pub(super) wall: WallTime,
    /// The name of this run.
    pub(super) turn: String,
    /// The session that this run registers to learn the store's time and generation.
    pub(super) session: Session,
    /// The version of `changing` with which this run holds the turn; 0 before that.
    pub(super) version: u64,
    /// The change in that document.
    pub(super) change: Change,
    /// The content of `changing` while this run holds the turn.
    pub(super) closed: Changing,
    /// The store's generation when this run took the turn.
    pub(super) generation: Option<Generation>,
    /// Set once the store lost the turn: the leases or document that were sent last, if any were.
    pub(super) lost: Option<Option<String>>,
    /// The version of a copy's head that belongs to a change which the store lost: the own head is
    /// put over it.
    pub(super) stray: Option<u64>,
    /// The highest store time that is known: every new epoch is above it.
    pub(super) floor: u64,
    /// The most rows that are written at once.
    pub(super) lanes: usize,
    /// One more row at once for each this many rows.
    pub(super) rows_a_lane: usize,
    pub(super) phase: Phase,
    /// How many calls failed in a row.
    pub(super) failures: u32,
    /// When the next call may be made.
    pub(super) resume_at: Time,
}

/// The phase of a run: which call it makes next.
#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Read `changing`.
    Looking,
    /// Put `changing`, to take the turn.
    Taking(PutDoc),
    /// Put `changing` again, with the same content: the store can then lose earlier writes only
    /// together with this put.
    Marking(Then),
    /// Register the session: the answer holds the store's time and generation.
    Stamping(Then),
    /// End that session.
    Unstamping(Then),
    /// Make sure that every session has ended.
    Proving(Proof),
    /// Read the head of a copy.
    Finding(Which),
    /// Read the parts of a copy.
    Loading {
        which: Which,
        head: Head,
        parts: Vec<Bytes>,
    },
    /// List the leases, then the documents; then find the former copy, or list the shards.
    Rows,
    Docs(Vec<Lease>),
    Stream(Vec<Lease>, Vec<Document>),
    /// Put the parts of the copy.
    Keeping {
        copy: Copy,
        head: Head,
        parts: Vec<Bytes>,
        next: usize,
    },
    /// Put the head of the copy.
    Sealing {
        copy: Copy,
        head: Head,
    },
    /// Write the rows, then the documents.
    Writing(Writing),
    /// List the copies of former changes, then delete them.
    Sweeping {
        leases: usize,
        copies: Option<Vec<Document>>,
    },
    /// Open the application.
    Opening(Opening),
    /// The change cannot be made: read whether there is a copy, which decides whether the
    /// application may be opened.
    BackingOut(ChangeError),
    /// The run is over.
    Over(Result<Changed, ChangeError>),
}

/// Which copy is read.
#[derive(Clone, Debug)]
pub(super) enum Which {
    /// The copy of the present change.
    Mine,
    /// The copy of the change before, which is being undone; with the rows and documents as they
    /// are now.
    Former(Vec<Lease>, Vec<Document>),
}

/// The step that follows once the store is known not to have gone back.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// Make sure that every session has ended.
    Prove,
    /// Write the rows: the copy is stored.
    Write(Target),
    /// Open the application: this many leases are written.
    Open(usize),
    /// Leave it closed: the change is prepared.
    Stay,
}

/// The progress of writing rows and documents.
#[derive(Clone, Debug)]
pub(super) struct Writing {
    /// The rows and documents to write.
    pub(super) target: Target,
    /// The number of rows, and then of documents, whose write was begun. All of these are done but
    /// those in `open`.
    pub(super) begun: usize,
    /// The indexes of the current writes: several rows, or one document.
    pub(super) open: Vec<usize>,
    /// The most rows that may be under way at once.
    pub(super) lanes: usize,
    pub(super) step: Step,
    /// The leases or the document that were sent last.
    pub(super) sent: Option<String>,
}

/// The step of the rows, or the document, that are under way.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// Read the rows, or the document.
    Read,
    /// They were read; now read `changing`: does this run still hold the turn?
    CheckRows(Vec<Option<Lease>>),
    CheckDoc(Option<Document>),
    /// Send the writes of the rows as they were read; `None`: there was no row.
    SendRows(Vec<Option<Lease>>),
    /// Send the put of the document as it was read.
    SendDoc(Option<Document>),
    /// Read the rows after the turn. No step of the protocol, but of a planted bug.
    ReadLate,
}

/// The application is being opened.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    /// The result of the run once the application is open.
    pub(super) result: Result<Changed, ChangeError>,
    /// Whether an attempt may have been applied, so that `changing` is read first.
    pub(super) looks: bool,
}

impl Opening {
    /// Makes the next call read `changing`, since an attempt may have been applied.
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
    /// The run is over, with this error.
    pub(super) const fn failed(error: ChangeError) -> Self {
        Self::Over(Err(error))
    }
}

impl Closing {
    /// A run of `intent` by the command `by`, which begins at the time `wall`. Two runs must not
    /// get the same random numbers.
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

    /// The same run, which writes up to `lanes` rows at once: one, and one more for each
    /// `rows_each` rows.
    #[must_use]
    pub fn in_lanes(mut self, lanes: usize, rows_each: usize) -> Self {
        (self.lanes, self.rows_a_lane) = (lanes.max(1), rows_each.max(1));
        self
    }

    /// The outcome; `None` until the run is over.
    #[must_use]
    pub const fn result(&self) -> Option<&Result<Changed, ChangeError>> {
        match &self.phase {
            Phase::Over(result) => Some(result),
            _ => None,
        }
    }

    /// The present change; `None` until this run holds the turn.
    #[must_use]
    pub const fn change(&self) -> Option<&Change> {
        if self.version == 0 { None } else { Some(&self.change) }
    }

    /// Whether the store went back in time, so that the run started over.
    #[must_use]
    pub const fn starts_over(&self) -> bool {
        self.lost.is_some()
    }

    /// The name of this run.
    #[must_use]
    pub fn turn(&self) -> &str {
        &self.turn
    }

    /// Whether the run takes a change back.
    #[must_use]
    pub const fn is_undo(&self) -> bool {
        matches!(self.intent, Intent::Undo)
    }

    /// The outcome, once every row is written and only the opening is left.
    #[must_use]
    pub const fn opens(&self) -> Option<&Changed> {
        match &self.phase {
            Phase::Opening(opening) => opening.changed(),
            _ => None,
        }
    }

    /// The number of the change whose copy is read.
    pub(super) fn number_of(&self, which: &Which) -> u64 {
        match which {
            Which::Mine => self.change.number,
            Which::Former(..) => self.change.former.unwrap_or_default(),
        }
    }
}

/// A worker id for the session that only asks for the store's time.
#[expect(clippy::expect_used, reason = "letters, digits and dashes make a valid worker id")]
fn worker_named(turn: &str) -> WorkerId {
    format!("change-{turn}").parse().expect("a valid worker id")
}
