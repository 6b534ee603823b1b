//! Where reading of the stream began, as far as this process knows.
//!
//! ARCHITECTURE §7: the start is frozen once, in a document that is written before the first lease.
//! A store that goes back in time may lose that document; then whoever knows the start gives it
//! back, and only if nobody does is another one frozen.

use super::{
    document::{FrozenStart, StreamStart},
    op::{self, Answered},
};
use crate::{
    env::Time,
    lease::{DocName, Document, PutDoc, Write},
    settings::InitialPosition,
    stream::StreamKey,
};

/// What this process knows of the frozen start. It outlives the process's sessions.
#[derive(Debug)]
pub(super) struct KnownStart {
    known: Option<StreamStart>,
    /// How often the store may have lost it.
    doubts: u32,
    /// The doubts that the store has answered since.
    settled: u32,
    /// The doubt with which it is being given back.
    giving: Option<u32>,
    /// Nobody freezes another before this time.
    free_at: Time,
    /// It was told that it differs from the settings.
    told: bool,
    /// The last change of the application, as was read after registering.
    change: u64,
}

impl Default for KnownStart {
    fn default() -> Self {
        Self {
            known: None,
            doubts: 0,
            settled: 0,
            giving: None,
            free_at: Time::ZERO,
            told: false,
            change: 0,
        }
    }
}

impl KnownStart {
    /// Learns which change of the application was the last. What was known or is told from before
    /// it may no longer be so: a reset sets another start.
    pub(super) fn changed(&mut self, change: u64) {
        if change > self.change {
            self.change = change;
            self.known = None;
        }
    }

    /// Learns from a document that tells of the start: that of a stream made again is newer.
    pub(super) fn learn(&mut self, told: &StreamStart) {
        if told.change < self.change {
            return;
        }
        let newer = |known: &StreamStart| told.of.created > known.of.created;
        if self.known.as_ref().is_none_or(newer) {
            self.known = Some(told.clone());
        }
    }

    /// Learns what the store holds.
    pub(super) fn is_stored(&mut self, of: StreamKey, start: FrozenStart) {
        let FrozenStart { at, by } = start;
        self.known = Some(StreamStart { of, at, by, change: self.change });
        self.settled = self.doubts;
    }

    /// The store may have lost it. Those who know it give it back by `free_at`.
    pub(super) fn doubt(&mut self, free_at: Time) {
        if planted!(FrozenStartForgotten) {
            self.known = None;
        }
        self.doubts += 1;
        self.free_at = free_at;
    }

    /// The start of a stream, whether or not the store still has it.
    pub(super) fn of(&self, stream: &StreamKey) -> Option<FrozenStart> {
        let known = self.known.as_ref().filter(|known| known.of == *stream);
        known.map(|known| FrozenStart { at: known.at, by: known.by })
    }

    /// The start of a stream, for others to learn.
    pub(super) fn told(&self, stream: &StreamKey) -> Option<StreamStart> {
        let FrozenStart { at, by } = self.of(stream)?;
        Some(StreamStart { of: stream.clone(), at, by, change: self.change })
    }

    /// The start of a stream, if the store has it.
    pub(super) fn stored_of(&self, stream: &StreamKey) -> Option<FrozenStart> {
        self.of(stream).filter(|_| !self.is_doubted())
    }

    pub(super) const fn known(&self) -> Option<&StreamStart> {
        self.known.as_ref()
    }

    /// The start that is in force, once, if it came from another setting than `wanted`.
    pub(super) fn take_other_than(&mut self, wanted: InitialPosition) -> Option<StreamStart> {
        let known = self.known.as_ref().filter(|_| !self.told)?;
        let other = known.by.is_some_and(|by| by != wanted);
        self.told = other;
        other.then(|| known.clone())
    }

    /// From when on another one may be frozen, should nobody have given it back.
    pub(super) const fn free_at(&self) -> Time {
        self.free_at
    }

    const fn is_doubted(&self) -> bool {
        self.settled != self.doubts
    }

    /// What gives it back to a store that may have lost it, and for which doubt.
    pub(super) fn give_back(&mut self) -> Option<(PutDoc, u32)> {
        if !self.is_doubted() || self.giving == Some(self.doubts) || planted!(StartNotGivenBack) {
            return None;
        }
        let known = self.known.as_ref()?;
        self.giving = Some(self.doubts);
        sometimes!(StartGivenBack);
        Some((known.put(), self.doubts))
    }

    /// It was given back for that doubt, or could not be.
    pub(super) fn on_given_back(&mut self, doubt: u32, answer: Answered<op::PutDoc>) {
        if self.giving != Some(doubt) {
            return;
        }
        self.giving = None;
        let Ok(write) = answer else { return };
        // The store may have gone back once more since.
        self.settled = doubt;
        if let (Some(start), Some(known)) = (stored(write), &mut self.known) {
            known.at = start.at;
            known.by = start.by;
        }
    }

    /// Calls under way are forgotten: their outcomes mean nothing to a new life.
    pub(super) const fn forget_calls(&mut self) {
        self.giving = None;
    }
}

impl StreamStart {
    /// What puts its document, if there is none.
    pub(super) fn put(&self) -> PutDoc {
        let start = FrozenStart { at: self.at, by: self.by };
        PutDoc::new(DocName::start(&self.of), None, start.encode())
    }
}

/// The start that the store holds after an attempt to put one where there is none.
pub(super) fn stored(write: Write<Document>) -> Option<FrozenStart> {
    write.into_row().and_then(|doc| FrozenStart::decode(&doc.body))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::WallTime;

    fn start(created: u64, at: u64) -> StreamStart {
        let of = StreamKey::new("orders", WallTime::from_millis(created));
        StreamStart { of, at: Some(WallTime::from_millis(at)), by: None, change: 0 }
    }

    fn put(told: &StreamStart) -> Answered<op::PutDoc> {
        let put = told.put();
        Ok(Write::Done(Document::new(put.name, 1, put.body)))
    }

    #[test]
    fn what_is_known_is_given_back_once_for_each_doubt() {
        let mut known = KnownStart::default();
        known.doubt(Time::ZERO);
        assert_eq!(known.give_back(), None, "nothing is known");
        known.learn(&start(1, 5));
        let (given, first) = known.give_back().unwrap();
        assert_eq!(given, start(1, 5).put());
        assert_eq!(known.give_back(), None, "it is on its way");
        known.doubt(Time::ZERO);
        known.on_given_back(first, put(&start(1, 5)));
        let (_, second) = known.give_back().expect("the store went back once more since");
        known.on_given_back(second, put(&start(1, 5)));
        assert_eq!(known.give_back(), None);
    }

    #[test]
    fn a_start_by_another_setting_is_told_once() {
        let mut known = KnownStart::default();
        known.learn(&start(1, 5));
        assert_eq!(known.take_other_than(InitialPosition::TrimHorizon), None, "it is not known");
        let by = Some(InitialPosition::Latest);
        known.is_stored(start(1, 5).of, FrozenStart { at: start(1, 5).at, by });
        assert_eq!(known.take_other_than(InitialPosition::Latest), None, "it is the same");
        let told = known.take_other_than(InitialPosition::TrimHorizon);
        assert_eq!(told.map(|told| told.by), Some(by));
        assert_eq!(known.take_other_than(InitialPosition::TrimHorizon), None, "it was told");
    }

    #[test]
    fn what_is_told_from_before_a_reset_is_not_believed() {
        let mut known = KnownStart::default();
        known.learn(&start(1, 5));
        known.changed(3);
        assert_eq!(known.known(), None);
        known.learn(&start(1, 5));
        assert_eq!(known.known(), None, "an assignment of a former planner tells of it");
        let after = StreamStart { change: 3, ..start(1, 9) };
        known.learn(&after);
        known.changed(3);
        assert_eq!(known.known(), Some(&after));
        assert_eq!(known.told(&after.of), Some(after));
    }

    #[test]
    fn what_the_store_has_counts_for_more_and_a_stream_made_again_has_a_start_of_its_own() {
        let mut known = KnownStart::default();
        known.learn(&start(1, 5));
        known.doubt(Time::ZERO);
        let (_, doubt) = known.give_back().unwrap();
        known.on_given_back(doubt, put(&start(1, 9)));
        assert_eq!(known.known(), Some(&start(1, 9)), "another was there first");
        known.learn(&start(2, 20));
        known.learn(&start(1, 5));
        assert_eq!(known.of(&start(1, 0).of), None);
        assert_eq!(known.stored_of(&start(2, 0).of).and_then(|of| of.at), start(2, 20).at);
    }
}
