//! How far a session has got with passing, and what the document `streams` means to it.

use super::readers::Readers;
use crate::{
    env::Time,
    lease::{Document, Streams},
    stream::{StreamDescription, StreamName},
};

/// How far it has got.
#[derive(Debug, Default)]
pub(super) struct Pass {
    /// Whether the application was seen open after registering.
    pub(super) open: bool,
    /// The version that was read first, 0 if there was none. What is above it was put since I
    /// registered, so that it also ends whatever anybody decided about an earlier one.
    pub(super) floor: Option<u64>,
    /// The document as it was last read, until it is judged.
    pub(super) read: Option<Option<Document>>,
    pub(super) step: Step,
    /// It named a later life of my stream than I knew of.
    pub(super) later: bool,
    /// Numbers the steps: an answer to an earlier one means nothing.
    pub(super) round: u64,
    /// What is waited for, as it was last told.
    pub(super) told: Option<String>,
}

#[derive(Debug, Default)]
pub(super) enum Step {
    /// Nothing is to be done at a time: not registered yet; the document is being read or put, or
    /// waits to be judged; or passed.
    #[default]
    Idle,
    /// It is read again at this time.
    Again(Time),
    /// It names another stream, or there is none: who reads that is being found out.
    Watching(Readers),
    /// One of them lives: the document is read once more.
    Leaving(Option<StreamName>),
}

impl Pass {
    /// The number of the step that begins now.
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

/// What the document means to who reads the stream as it is described.
pub(super) enum Meaning {
    /// It is mine.
    Passed,
    /// It names my stream: this is to be put over it.
    Put(Streams),
    /// It names a later life of my stream than was described.
    Later,
    /// It names another stream, or none.
    Other(Option<StreamName>),
    /// It makes no sense, because of this.
    Unreadable(String),
}

/// What the document means, whose version was `floor` when it was first read after registering.
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

/// Whether this version was put since I registered.
fn is_put_since(version: u64, floor: u64) -> bool {
    version > floor || planted!(PassesWithoutPutting)
}
