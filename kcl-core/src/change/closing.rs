//! The steps of a change, as a state machine: it names the next call, and learns from the answer.
//!
//! It does no I/O and reads no clock: the command, the simulator and the search of small worlds
//! drive the same [`Closing`]. One call is under way at a time, or several calls on different rows.
//! The driver repeats: [`Closing::next`], make the call, [`Closing::learn`].
//!
//! `state` holds the knowledge of a run and its phases. `taking`, `collecting`, `writing` and
//! `opening` are the steps in their order; `witness` notices a store that goes back in time
//! meanwhile.

mod collecting;
mod opening;
mod state;
mod taking;
mod witness;
mod writing;

pub use state::{Changed, Closing, Intent};

use std::time::Duration;

use self::state::{Phase, Then, Which};
use super::{error::ChangeError, proof::Next};
use crate::{
    coordinator::{StoreCall, StoreOutcome, StreamView},
    env::Time,
    lease::{DocName, EndSession, Ending, PutDoc},
    store::StoreErrorKind,
};

/// The next action of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Make this call to the store, and hand in its outcome with [`Closing::learn`].
    Store(Box<StoreCall>),
    /// Make these calls on different rows at the same time, and hand in the outcomes in this order
    /// with [`Closing::learn_each`].
    Each(Vec<StoreCall>),
    /// Describe the stream and list its shards, and hand them in with [`Closing::learn_stream`].
    Stream,
    /// Wait until this time.
    Wait(Time),
    /// Nothing: the run is over. [`Closing::result`] has its outcome.
    Over,
}

/// The pause before a failed call is made again.
const PAUSE: Duration = Duration::from_millis(250);
/// After this many failed calls in a row the run fails.
const FAILURES_MAX: u32 = 60;

impl Closing {
    /// The next action of the driver, at `now`.
    #[must_use]
    pub fn next(&mut self, now: Time) -> Ask {
        if self.resume_at > now && !matches!(self.phase, Phase::Over(_)) {
            return Ask::Wait(self.resume_at);
        }
        if let Phase::Proving(proof) = &self.phase {
            match proof.next(now) {
                Next::Ask(call) => return Ask::Store(call),
                Next::Wait(until) => return Ask::Wait(until),
                Next::NobodyLives => self.phase = self.proved(),
                Next::Alive(workers) => {
                    self.phase = Phase::BackingOut(ChangeError::Alive { workers, closed: false });
                }
            }
        }
        match &self.phase {
            Phase::Stream(..) => Ask::Stream,
            Phase::Over(_) => Ask::Over,
            Phase::Writing(writing) if writing.is_wide() => Ask::Each(writing.calls(self)),
            _ => Ask::Store(Box::new(self.call())),
        }
    }

    /// The single call of the present phase.
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

    /// Takes the outcome of the single call that came at `now`.
    pub fn learn(&mut self, now: Time, outcome: StoreOutcome) {
        match outcome {
            Ok(reply) => {
                self.failures = 0;
                // The phase is taken out, so that the next one can be made of its parts.
                let phase = std::mem::replace(&mut self.phase, Phase::Looking);
                self.phase = self.after(now, phase, reply);
            }
            Err(kind) => self.on_failed(now, kind),
        }
    }

    /// Takes the outcomes of the calls of [`Ask::Each`] that came at `now`, in their order.
    pub fn learn_each(&mut self, now: Time, outcomes: Vec<StoreOutcome>) {
        let failed = outcomes.iter().find_map(|outcome| outcome.as_ref().err().copied());
        let some_done = outcomes.iter().any(Result::is_ok);
        let replies = outcomes.into_iter().map(Result::ok).collect();
        let phase = std::mem::replace(&mut self.phase, Phase::Looking);
        self.phase = match phase {
            Phase::Writing(writing) => self.on_rows(writing, replies),
            phase => phase,
        };
        if some_done {
            self.failures = 0;
        }
        if let Some(kind) = failed {
            self.on_failed(now, kind);
        }
    }

    /// Every session has ended: a preparation notes that and stays closed, anything else goes on.
    fn proved(&mut self) -> Phase {
        if !matches!(self.intent, Intent::Prepare(_)) {
            return Phase::Finding(Which::Mine);
        }
        self.change.prepared = true;
        self.closed = self.change.write(self.closed.clone());
        Phase::Marking(Then::Stay)
    }

    /// Takes the stream and its shards, or the reason why they could not be listed.
    pub fn learn_stream(&mut self, found: Result<StreamView, String>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Looking);
        self.phase = match (phase, found) {
            (Phase::Stream(rows, docs), Ok(view)) => self.plan(&rows, docs, &view),
            (Phase::Stream(..), Err(why)) => Phase::BackingOut(ChangeError::Stream(why)),
            (phase, _) => phase,
        };
    }

    /// A call failed. It may have been applied, or may be applied later: so what depends on a row
    /// starts again with reading it.
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
            Phase::Writing(writing) => {
                writing.again();
                if kind == StoreErrorKind::Throttled {
                    writing.slow_down();
                }
            }
            Phase::Opening(opening) => opening.look(),
            // The copies of former changes that are left are deleted by the next change.
            Phase::Sweeping { leases, .. } => self.phase = Phase::Marking(Then::Open(*leases)),
            _ => {}
        }
    }
}
