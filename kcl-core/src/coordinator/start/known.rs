//! The frozen starts that this process knows, and which of them the store may have lost.

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

/// The frozen starts that this process knows. They outlive its sessions.
#[derive(Debug, Default)]
pub(in crate::coordinator) struct Starts {
    /// By the stream's name in lease keys.
    streams: BTreeMap<Arc<str>, KnownStart>,
    /// The number of times that the store may have lost the starts: the number of the present
    /// doubt.
    doubts: u32,
    /// No other start may be frozen before this time.
    free_at: Time,
    /// The number of the last change of the application, as a session read it after registering.
    change: u64,
}

/// The start of one stream, as far as this process knows it.
#[derive(Debug, Default)]
struct KnownStart {
    /// The start; `None` if it is not known.
    known: Option<StreamStart>,
    /// The doubt up to which the store is known to hold the start.
    settled: u32,
    /// The doubt for which the start is being put again; `None` if it is not.
    giving: Option<u32>,
    /// Whether it was reported that the start came from another setting.
    told: bool,
}

impl KnownStart {
    /// The store may have lost the start. This process still knows it.
    fn doubt(&mut self) {
        self.known = self.known.take().filter(|_| is_known_whatever_the_store_has());
    }

    /// Whether the store may have lost the start, by this doubt, and it is not being put yet.
    fn is_to_be_given_back(&self, doubt: u32) -> bool {
        self.settled != doubt && self.giving != Some(doubt) && !planted!(StartNotGivenBack)
    }
}

/// Whether this process still knows a start that the store may have lost.
fn is_known_whatever_the_store_has() -> bool {
    !planted!(FrozenStartForgotten)
}

/// A put of a start that the store may have lost.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct GiveBack {
    /// The stream's name in lease keys.
    pub(super) of: Arc<str>,
    /// The put, which is refused if the document exists.
    pub(super) put: PutDoc,
    /// The doubt because of which it is put.
    pub(super) doubt: u32,
}

impl Starts {
    /// Learns the number of the last change of the application. After a later change the starts
    /// that were known before may be wrong: a reset sets another start.
    pub(in crate::coordinator) fn changed(&mut self, change: u64) {
        if change > self.change {
            self.change = change;
            for stream in self.streams.values_mut() {
                stream.known = None;
            }
        }
    }

    /// The number of the last change of the application, as far as it is known.
    pub(in crate::coordinator) const fn change(&self) -> u64 {
        self.change
    }

    /// Learns a start from an assignment document. A start that is older than the last change is
    /// ignored; one of a later life of the stream replaces the known one.
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

    /// Learns that the store holds this start.
    pub(in crate::coordinator) fn is_stored(&mut self, of: StreamKey, start: FrozenStart) {
        let FrozenStart { at, by } = start;
        let stream = self.streams.entry(of.name.clone()).or_default();
        stream.settled = self.doubts;
        stream.known = Some(StreamStart { of, at, by, change: self.change });
    }

    /// The store may have lost the starts. Other workers put them again by `free_at`; no other
    /// start may be frozen before.
    pub(in crate::coordinator) fn doubt(&mut self, free_at: Time) {
        self.streams.values_mut().for_each(KnownStart::doubt);
        self.doubts += 1;
        self.free_at = free_at;
    }

    /// The start of a stream, whether the store still holds it or not.
    pub(in crate::coordinator) fn of(&self, stream: &StreamKey) -> Option<FrozenStart> {
        let known = self.streams.get(&stream.name).and_then(|of| of.known.as_ref());
        let known = known.filter(|known| known.of == *stream);
        known.map(|known| FrozenStart { at: known.at, by: known.by })
    }

    /// The start of a stream, for the assignment documents.
    pub(in crate::coordinator) fn told(&self, stream: &StreamKey) -> Option<StreamStart> {
        let FrozenStart { at, by } = self.of(stream)?;
        Some(StreamStart { of: stream.clone(), at, by, change: self.change })
    }

    /// The start of a stream, if the store is known to hold it.
    pub(in crate::coordinator) fn stored_of(&self, stream: &StreamKey) -> Option<FrozenStart> {
        let is_settled = |known: &KnownStart| known.settled == self.doubts;
        self.of(stream).filter(|_| self.streams.get(&stream.name).is_some_and(is_settled))
    }

    /// The known starts, one for each stream.
    pub(in crate::coordinator) fn known(&self) -> impl Iterator<Item = &StreamStart> {
        self.streams.values().filter_map(|stream| stream.known.as_ref())
    }

    /// The starts that came from another setting than `wanted`; each is returned once.
    pub(super) fn take_other_than(&mut self, wanted: InitialPosition) -> Vec<StreamStart> {
        let untold = self.streams.values_mut().filter(|stream| !stream.told);
        let others = untold.filter_map(|stream| {
            let known = stream.known.as_ref()?;
            stream.told = known.by.is_some_and(|by| by != wanted);
            stream.told.then(|| known.clone())
        });
        others.collect()
    }

    /// The time from which another start may be frozen, if no worker has put the lost one by then.
    pub(in crate::coordinator) const fn free_at(&self) -> Time {
        self.free_at
    }

    /// The puts of the starts that the store may have lost.
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

    /// A start was put again for this doubt, or that failed.
    pub(super) fn on_given_back(&mut self, of: &str, doubt: u32, answer: Answered<op::PutDoc>) {
        let Some(stream) = self.streams.get_mut(of).filter(|of| of.giving == Some(doubt)) else {
            return;
        };
        stream.giving = None;
        let Ok(write) = answer else { return };
        // Only this doubt is settled: the store may have gone back once more since.
        stream.settled = doubt;
        if let (Some(start), Some(known)) = (stored(write), &mut stream.known) {
            known.at = start.at;
            known.by = start.by;
        }
    }

    /// Forgets the puts under way, with the session that sent them.
    pub(in crate::coordinator) fn forget_calls(&mut self) {
        self.streams.values_mut().for_each(|stream| stream.giving = None);
    }
}

impl StreamStart {
    /// The put of its document, which is refused if there is one.
    pub(in crate::coordinator) fn put(&self) -> PutDoc {
        let start = FrozenStart { at: self.at, by: self.by };
        PutDoc::new(DocName::start(&self.of), None, start.encode())
    }
}

/// The start that the store holds after an attempt to put one; `None` if it cannot be decoded.
pub(in crate::coordinator) fn stored(write: Write<Document>) -> Option<FrozenStart> {
    write.into_row().and_then(|doc| FrozenStart::decode(&doc.body))
}
