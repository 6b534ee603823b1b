//! Where reading of each stream began, as far as this process knows.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    coordinator::{
        document::{FrozenStart, StreamStart},
        op::{self, Answered},
    },
    env::Time,
    lease::{DocName, Document, PutDoc, Write},
    settings::InitialPosition,
    stream::StreamKey,
};

/// What this process knows of the frozen starts. It outlives the process's sessions.
#[derive(Debug, Default)]
pub(in crate::coordinator) struct Starts {
    /// By the stream's name in keys of leases.
    streams: BTreeMap<Arc<str>, KnownStart>,
    /// How often the store may have lost them.
    doubts: u32,
    /// Nobody freezes another before this time.
    free_at: Time,
    /// The last change of the application, as was read after registering.
    change: u64,
}

/// What is known of the start of one stream.
#[derive(Debug, Default)]
struct KnownStart {
    known: Option<StreamStart>,
    /// The doubts that the store has answered since.
    settled: u32,
    /// The doubt with which it is being given back.
    giving: Option<u32>,
    /// It was told that it differs from the settings.
    told: bool,
}

impl KnownStart {
    /// The store may have lost it. What this process knows of it holds.
    fn doubt(&mut self) {
        self.known = self.known.take().filter(|_| is_known_whatever_the_store_has());
    }

    /// Whether the store may have lost it, by this doubt, and it is not on its way back yet.
    fn is_to_be_given_back(&self, doubt: u32) -> bool {
        self.settled != doubt && self.giving != Some(doubt) && !planted!(StartNotGivenBack)
    }
}

/// Whether a start stays known here although the store may have lost it.
fn is_known_whatever_the_store_has() -> bool {
    !planted!(FrozenStartForgotten)
}

/// A start that is given back to a store that may have lost it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GiveBack {
    pub(super) of: Arc<str>,
    pub(super) put: PutDoc,
    pub(super) doubt: u32,
}

impl Starts {
    /// Learns which change of the application was the last. What was known or is told from before
    /// it may no longer be so: a reset sets another start.
    pub(in crate::coordinator) fn changed(&mut self, change: u64) {
        if change > self.change {
            self.change = change;
            for stream in self.streams.values_mut() {
                stream.known = None;
            }
        }
    }

    /// The last change of the application, as far as it is known.
    pub(in crate::coordinator) const fn change(&self) -> u64 {
        self.change
    }

    /// Learns from a document that tells of a start: that of a stream made again is newer.
    pub(in crate::coordinator) fn learn(&mut self, told: &StreamStart) {
        if told.change < self.change {
            return;
        }
        let newer = |known: &StreamStart| told.of.created > known.of.created;
        let stream = self.streams.entry(told.of.name.clone()).or_default();
        if stream.known.as_ref().is_none_or(newer) {
            stream.known = Some(told.clone());
        }
    }

    /// Learns what the store holds.
    pub(in crate::coordinator) fn is_stored(&mut self, of: StreamKey, start: FrozenStart) {
        let FrozenStart { at, by } = start;
        let stream = self.streams.entry(of.name.clone()).or_default();
        stream.settled = self.doubts;
        stream.known = Some(StreamStart { of, at, by, change: self.change });
    }

    /// The store may have lost them. Those who know them give them back by `free_at`.
    pub(in crate::coordinator) fn doubt(&mut self, free_at: Time) {
        self.streams.values_mut().for_each(KnownStart::doubt);
        self.doubts += 1;
        self.free_at = free_at;
    }

    /// The start of a stream, whether or not the store still has it.
    pub(in crate::coordinator) fn of(&self, stream: &StreamKey) -> Option<FrozenStart> {
        let known = self.streams.get(&stream.name).and_then(|of| of.known.as_ref());
        let known = known.filter(|known| known.of == *stream);
        known.map(|known| FrozenStart { at: known.at, by: known.by })
    }

    /// The start of a stream, for others to learn.
    pub(in crate::coordinator) fn told(&self, stream: &StreamKey) -> Option<StreamStart> {
        let FrozenStart { at, by } = self.of(stream)?;
        Some(StreamStart { of: stream.clone(), at, by, change: self.change })
    }

    /// The start of a stream, if the store has it.
    pub(in crate::coordinator) fn stored_of(&self, stream: &StreamKey) -> Option<FrozenStart> {
        let is_settled = |known: &KnownStart| known.settled == self.doubts;
        self.of(stream).filter(|_| self.streams.get(&stream.name).is_some_and(is_settled))
    }

    /// What is known, each stream once.
    pub(in crate::coordinator) fn known(&self) -> impl Iterator<Item = &StreamStart> {
        self.streams.values().filter_map(|stream| stream.known.as_ref())
    }

    /// The starts in force that came from another setting than `wanted`, each once.
    pub(super) fn take_other_than(&mut self, wanted: InitialPosition) -> Vec<StreamStart> {
        let untold = self.streams.values_mut().filter(|stream| !stream.told);
        let others = untold.filter_map(|stream| {
            let known = stream.known.as_ref()?;
            stream.told = known.by.is_some_and(|by| by != wanted);
            stream.told.then(|| known.clone())
        });
        others.collect()
    }

    /// From when on another one may be frozen, should nobody have given it back.
    pub(in crate::coordinator) const fn free_at(&self) -> Time {
        self.free_at
    }

    /// What gives back those that the store may have lost.
    pub(super) fn give_back(&mut self) -> Vec<GiveBack> {
        let doubt = self.doubts;
        let doubted =
            self.streams.iter_mut().filter(|(_, stream)| stream.is_to_be_given_back(doubt));
        let given = doubted.filter_map(|(of, stream)| {
            let put = stream.known.as_ref()?.put();
            stream.giving = Some(doubt);
            sometimes!(StartGivenBack);
            Some(GiveBack { of: of.clone(), put, doubt })
        });
        given.collect()
    }

    /// One was given back for that doubt, or could not be.
    pub(super) fn on_given_back(&mut self, of: &str, doubt: u32, answer: Answered<op::PutDoc>) {
        let Some(stream) = self.streams.get_mut(of).filter(|of| of.giving == Some(doubt)) else {
            return;
        };
        stream.giving = None;
        let Ok(write) = answer else { return };
        // The store may have gone back once more since.
        stream.settled = doubt;
        if let (Some(start), Some(known)) = (stored(write), &mut stream.known) {
            known.at = start.at;
            known.by = start.by;
        }
    }

    /// Calls under way are forgotten: their outcomes mean nothing to a new life.
    pub(in crate::coordinator) fn forget_calls(&mut self) {
        self.streams.values_mut().for_each(|stream| stream.giving = None);
    }
}

impl StreamStart {
    /// What puts its document, if there is none.
    pub(in crate::coordinator) fn put(&self) -> PutDoc {
        let start = FrozenStart { at: self.at, by: self.by };
        PutDoc::new(DocName::start(&self.of), None, start.encode())
    }
}

/// The start that the store holds after an attempt to put one where there is none.
pub(in crate::coordinator) fn stored(write: Write<Document>) -> Option<FrozenStart> {
    write.into_row().and_then(|doc| FrozenStart::decode(&doc.body))
}
