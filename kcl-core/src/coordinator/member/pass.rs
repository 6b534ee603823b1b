//! The state of a pass: its step, and how the session judges the document `streams`.
//!
//! `passing.rs` explains the pass.

use super::readers::Readers;
use crate::{
    env::Time,
    lease::{Document, Streams},
    stream::{StreamDescription, StreamName},
};

/// The state of a session's pass.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// Whether the application was seen open after this session registered.
    pub(super) open: bool,
    /// The version of `streams` that was read first, 0 if there was none. Every higher version was
    /// put after this session registered.
    pub(super) floor: Option<u64>,
    /// The document as it was last read, until it is judged.
    pub(super) read: Option<Option<Document>>,
    pub(super) step: Step,
    /// Whether `streams` named a later life of the stream than the source had described.
    pub(super) later: bool,
    /// The number of the present step. An answer to an earlier step is ignored.
    pub(super) round: u64,
    /// The reason that was last reported for a document that cannot be used.
    pub(super) told: Option<String>,
}

/// The present step of passing.
#[derive(Debug, Default)]
pub(super) enum Step {
    /// Nothing is due at a time: the session has not registered, or has passed, or the document is
    /// being read or put, or waits to be judged.
    #[default]
    Idle,
    /// The document is read again at this time.
    Again(Time),
    /// The document names another stream, or does not exist. The sessions that may read that stream
    /// are being watched.
    Watching(Readers),
    /// One of them is live: the document is read once more, and if it still names another stream,
    /// this worker leaves.
    Leaving(Option<StreamName>),
}

impl Pass {
    /// Starts the next step: its number.
    pub(super) const fn next_round(&mut self) -> u64 {
        self.round += 1;
        self.round
    }

    pub(super) fn next_wake(&self) -> Time {
        match &self.step {
            Step::Again(at) => *at,
            Step::Watching(readers) => readers.next_wake(),
            _ => Time::NEVER,
        }
    }
}

/// The meaning of the document `streams` to a worker that reads a given stream.
pub(super) enum Meaning {
    /// It names this worker's stream, and was put since this session registered.
    Passed,
    /// It names this worker's stream: this content is to be put over it.
    Put(Streams),
    /// It names a later life of the stream than the source described.
    Later,
    /// It names another stream, or does not exist (`None`).
    Other(Option<StreamName>),
    /// It cannot be decoded, for this reason.
    Unreadable(String),
}

/// The meaning of the document. `floor` is the version that was read first after registering.
pub(super) fn meaning(doc: Option<&Document>, mine: &StreamDescription, floor: u64) -> Meaning {
    let Some(doc) = doc else { return Meaning::Other(None) };
    let streams = match Streams::decode(&doc.body) {
        Ok(streams) => streams,
        Err(problem) => return Meaning::Unreadable(problem),
    };
    let Some(life) = streams.life_of(&mine.name) else {
        return Meaning::Other(streams.name().cloned());
    };
    if life > mine.key.created {
        return Meaning::Later;
    }
    if is_put_since(doc.version, floor) && life == mine.key.created {
        return Meaning::Passed;
    }
    Meaning::Put(streams.at_life(&mine.name, mine.key.created))
}

/// Whether this version was put after this session registered.
fn is_put_since(version: u64, floor: u64) -> bool {
    version > floor || planted!(PassesWithoutPutting)
}
