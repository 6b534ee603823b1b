//! Which streams this worker reads, and in which life, as its sources last described them.
//!
//! No run starts on a lease of another stream, whatever a plan says: the reader would find shards
//! of the same names in its own stream, and write their positions into the other's leases.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    env::Time,
    lease::LeaseKey,
    stream::{SourceErrorKind, StreamDescription, StreamKey, StreamName},
};

/// The least time between two descriptions, however many leases ask for one.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest, while they all say the same.
const PAUSE_MAX: Duration = Duration::from_secs(16);

/// How a lease fits the sources: the better comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// It is of a source's stream, in its present life; or no stream's.
    Mine,
    /// It is of a later life of the stream: the source has to be described anew.
    LaterLife,
    /// It is of another stream, or of a life that is over.
    OtherStream,
}

/// The sources, each as it was last described. They outlive the process's sessions.
///
/// One source is the case of one entry.
#[derive(Debug)]
pub(super) struct Reads {
    /// By the stream that each said it reads; without a name one that has said none yet.
    sources: BTreeMap<Option<StreamName>, Source>,
}

/// A source, as last described.
#[derive(Debug)]
struct Source {
    known: Option<StreamDescription>,
    /// A description is under way.
    asked: bool,
    /// One is wanted.
    wanted: bool,
    /// None is asked for before.
    free_at: Time,
    pause: Duration,
}

impl Default for Source {
    fn default() -> Self {
        let free_at = Time::ZERO;
        Self { known: None, asked: false, wanted: false, free_at, pause: PAUSE }
    }
}

impl Default for Reads {
    fn default() -> Self {
        Self { sources: BTreeMap::from([(None, Source::default())]) }
    }
}

impl Reads {
    /// Every stream that is read, as far as its source has said what it is.
    pub(super) fn all(&self) -> impl Iterator<Item = &StreamDescription> {
        self.sources.values().filter_map(|source| source.known.as_ref())
    }

    /// The stream that is read.
    pub(super) fn known(&self) -> Option<&StreamDescription> {
        self.all().next()
    }

    pub(super) fn name(&self) -> Option<&StreamName> {
        self.known().map(|known| &known.name)
    }

    pub(super) fn fit(&self, key: &LeaseKey) -> Fit {
        let Some(of) = key.stream() else { return Fit::Mine };
        if !has_to_fit() {
            return Fit::Mine;
        }
        self.sources.values().map(|source| source.fit(&of)).min().unwrap_or(Fit::OtherStream)
    }

    /// Asks every source for a description, as soon as there may be another one.
    pub(super) fn want(&mut self) {
        for source in self.sources.values_mut() {
            source.wanted = true;
        }
    }

    /// The same of the source of a lease's stream; of each, if it is not known which that is.
    pub(super) fn want_of(&mut self, key: &LeaseKey) {
        let Some(of) = key.stream() else { return };
        let mut its = self.sources.values_mut().filter(|source| source.has_name(&of)).peekable();
        if its.peek().is_none() {
            return self.want();
        }
        its.for_each(|source| source.wanted = true);
    }

    /// When the next description is asked for.
    pub(super) fn next_wake(&self) -> Time {
        self.sources.values().map(Source::next_wake).min().unwrap_or(Time::NEVER)
    }

    /// The sources of which a description is to be asked for now, by the streams they said they
    /// read: they then count as asked.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<Option<StreamName>> {
        let due = self.sources.iter_mut().filter(|(_, source)| source.next_wake() <= now);
        let asked = due.map(|(of, source)| {
            source.asked = true;
            source.wanted = false;
            of.clone()
        });
        asked.collect()
    }

    /// A source was described, or could not be: then it is tried again. Whether something else is
    /// known of it now.
    pub(super) fn on_described(
        &mut self,
        of: Option<StreamName>,
        result: Result<StreamDescription, SourceErrorKind>,
        now: Time,
    ) -> bool {
        let Some(mut source) = self.sources.remove(&of) else { return false };
        let changed = source.on_described(result, now);
        let name = source.known.as_ref().map(|known| known.name.clone());
        self.sources.insert(name.or(of), source);
        changed
    }

    /// What was said of this stream is too early to be used: it is asked for again at this time.
    pub(super) fn ask_again_at(&mut self, of: &StreamName, at: Time) {
        if let Some(source) = self.sources.get_mut(&Some(of.clone())) {
            source.known = None;
            source.wanted = true;
            source.free_at = at;
        }
    }

    /// The answers to what was asked for mean nothing any more.
    pub(super) fn forget_call(&mut self) {
        for source in self.sources.values_mut() {
            source.wanted |= source.asked;
            source.asked = false;
        }
    }
}

impl Source {
    /// Whether leases of its stream carry this name.
    fn has_name(&self, of: &StreamKey) -> bool {
        self.known.as_ref().is_some_and(|known| known.key.name == of.name)
    }

    fn fit(&self, of: &StreamKey) -> Fit {
        match self.known.as_ref().map(|known| &known.key) {
            Some(known) if known == of => Fit::Mine,
            Some(known) if known.name != of.name || known.created > of.created => Fit::OtherStream,
            _ => Fit::LaterLife,
        }
    }

    const fn next_wake(&self) -> Time {
        if self.wanted && !self.asked { self.free_at } else { Time::NEVER }
    }

    fn on_described(
        &mut self,
        result: Result<StreamDescription, SourceErrorKind>,
        now: Time,
    ) -> bool {
        self.asked = false;
        self.free_at = now + PAUSE;
        let Ok(new) = result else {
            self.wanted = true;
            return false;
        };
        let same = self.known.as_ref().is_some_and(|old| old.key == new.key);
        self.pause = if same { (self.pause * 2).min(PAUSE_MAX) } else { PAUSE };
        self.free_at = now + self.pause;
        // An earlier life than one that was seen is an answer from the past.
        let older = self.known.as_ref().is_some_and(|old| new.key.created < old.key.created);
        if older {
            self.wanted = true;
        } else {
            self.known = Some(new);
        }
        !older && !same
    }
}

/// Whether a lease is run only if it is of the source's stream, in its present life.
fn has_to_fit() -> bool {
    !planted!(RunsWhateverItIsGiven)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::WallTime;

    fn orders(life: u64) -> StreamDescription {
        let key = StreamKey::new("orders", WallTime::from_millis(life));
        let name = "orders".parse().unwrap();
        StreamDescription::new(name, key, Duration::from_hours(24), WallTime::from_millis(9))
    }

    fn of(stream: &str) -> Option<StreamName> {
        Some(stream.parse().unwrap())
    }

    impl Reads {
        /// Whether the one source is asked.
        fn requests(&mut self, now: Time) -> bool {
            !self.take_due(now).is_empty()
        }

        fn described(
            &mut self,
            result: Result<StreamDescription, SourceErrorKind>,
            now: Time,
        ) -> bool {
            let of = self.sources.keys().next().unwrap().clone();
            self.on_described(of, result, now)
        }
    }

    fn lease(stream: &str) -> LeaseKey {
        format!("{stream}/shardId-000000000000").parse().unwrap()
    }

    #[test]
    fn a_lease_is_of_the_source_by_name_and_life() {
        let mut reads = Reads::default();
        assert_eq!(reads.fit(&lease("orders/5")), Fit::LaterLife, "nothing is known yet");
        let _ = reads.described(Ok(orders(5)), Time::ZERO);
        assert_eq!(reads.fit(&lease("orders/5")), Fit::Mine);
        assert_eq!(reads.fit(&LeaseKey::planner()), Fit::Mine);
        assert_eq!(reads.fit(&lease("orders/6")), Fit::LaterLife);
        assert_eq!(reads.fit(&lease("orders/4")), Fit::OtherStream);
        assert_eq!(reads.fit(&lease("payments/5")), Fit::OtherStream);
    }

    #[test]
    fn however_many_ask_there_is_one_description_a_second_and_fewer_while_nothing_changes() {
        let mut reads = Reads::default();
        let at = Time::from_millis;
        assert!(!reads.requests(at(0)), "nobody asked");
        reads.want();
        assert!(reads.requests(at(0)));
        reads.want();
        assert!(!reads.requests(at(0)), "one is under way");
        let _ = reads.described(Ok(orders(5)), at(0));
        assert!(!reads.requests(at(900)));
        assert!(reads.requests(at(1_000)));
        let _ = reads.described(Ok(orders(5)), at(1_000));
        reads.want();
        assert!(!reads.requests(at(2_900)), "it said the same");
        assert!(reads.requests(at(3_000)));
        let _ = reads.described(Ok(orders(6)), at(3_000));
        reads.want();
        assert!(reads.requests(at(4_000)), "it said something else");
        let _ = reads.described(Err(SourceErrorKind::Unavailable), at(4_000));
        assert!(reads.requests(at(5_000)), "a failure is no answer");
        let _ = reads.described(Ok(orders(5)), at(5_000));
        assert_eq!(reads.known().map(|known| known.key.created.as_millis()), Some(6));
    }

    #[test]
    fn of_several_sources_each_is_asked_by_the_stream_that_it_said_it_reads() {
        let mut reads = Reads::default();
        reads.want();
        assert_eq!(reads.take_due(Time::ZERO), [None], "nobody has said anything yet");
        assert!(reads.on_described(None, Ok(orders(5)), Time::ZERO));
        assert_eq!(reads.name(), of("orders").as_ref());
        let _ = reads.sources.insert(of("payments"), Source::default());
        let key = StreamKey::new("payments", WallTime::from_millis(7));
        let payments =
            StreamDescription::new(of("payments").unwrap(), key, PAUSE, orders(5).server_time);
        assert!(reads.on_described(of("payments"), Ok(payments), Time::ZERO));
        assert_eq!(reads.all().count(), 2);
        for (stream, fit) in [
            ("orders/5", Fit::Mine),
            ("payments/7", Fit::Mine),
            ("payments/8", Fit::LaterLife),
            ("payments/6", Fit::OtherStream),
            ("refunds/1", Fit::OtherStream),
        ] {
            assert_eq!(reads.fit(&lease(stream)), fit, "{stream}");
        }
        reads.want_of(&lease("payments/8"));
        assert_eq!(reads.take_due(Time::from_millis(1_000)), [of("payments")]);
        reads.want_of(&lease("refunds/1"));
        assert_eq!(reads.take_due(Time::from_millis(1_000)), [of("orders")]);
        reads.forget_call();
        let both = [of("orders"), of("payments")];
        assert_eq!(reads.take_due(Time::from_millis(1_000)), both, "the answers mean nothing");
    }
}
