//! Which streams the sources of this worker read, and in which life, as the sources last described
//! them.
//!
//! No run starts on a lease of another stream, whatever the plan says. All streams have shards of
//! the same names: the reader would read its own stream and write its positions into the other
//! stream's leases.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    env::Time,
    lease::LeaseKey,
    stream::{SourceErrorKind, StreamDescription, StreamKey, StreamName},
};

/// The least time between two descriptions of a stream, however many leases ask for one.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest time between two, while all of them are the same: the pause doubles up to this.
const PAUSE_MAX: Duration = Duration::from_secs(16);

/// Whether a worker may run a lease: does a source read its stream? The better comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fit {
    /// A source reads the lease's stream in this life; or the lease belongs to no stream.
    Mine,
    /// The lease belongs to a later life of the stream than the source described: it is to be
    /// described again.
    LaterLife,
    /// The lease belongs to another stream, or to a life that is over.
    OtherStream,
}

/// The sources of the process, each as it was last described. Most workers have one source. The
/// entries outlive the sessions of the process.
#[derive(Debug)]
pub(super) struct Reads {
    /// By the stream that the source said it reads; under `None` a source that has said nothing
    /// yet.
    sources: BTreeMap<Option<StreamName>, Source>,
}

/// One source, as it was last described.
#[derive(Debug)]
struct Source {
    /// The last description; `None` before the first.
    known: Option<StreamDescription>,
    /// Whether a description is under way.
    asked: bool,
    /// Whether some part needs a description.
    wanted: bool,
    /// The earliest time of the next description.
    free_at: Time,
    /// The pause after the next answer that says the same.
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
    /// The description of each stream whose source has given one.
    pub(super) fn all(&self) -> impl Iterator<Item = &StreamDescription> {
        self.sources.values().filter_map(|source| source.known.as_ref())
    }

    /// The description of the first stream.
    pub(super) fn known(&self) -> Option<&StreamDescription> {
        self.all().next()
    }

    /// The full name of the first stream.
    pub(super) fn name(&self) -> Option<&StreamName> {
        self.known().map(|known| &known.name)
    }

    /// Whether a source reads this lease's stream, in its present life.
    pub(super) fn fit(&self, key: &LeaseKey) -> Fit {
        let Some(of) = key.stream() else { return Fit::Mine };
        if !has_to_fit() {
            return Fit::Mine;
        }
        self.sources.values().map(|source| source.fit(&of)).min().unwrap_or(Fit::OtherStream)
    }

    /// Wants a description of every source, as soon as the pause allows one.
    pub(super) fn want(&mut self) {
        for source in self.sources.values_mut() {
            source.wanted = true;
        }
    }

    /// Wants a description of the source of this lease's stream; of every source, if none is known
    /// to read that stream.
    pub(super) fn want_of(&mut self, key: &LeaseKey) {
        let Some(of) = key.stream() else { return };
        let mut its = self.sources.values_mut().filter(|source| source.has_name(&of)).peekable();
        if its.peek().is_none() {
            return self.want();
        }
        its.for_each(|source| source.wanted = true);
    }

    /// When the next description is due.
    pub(super) fn next_wake(&self) -> Time {
        self.sources.values().map(Source::next_wake).min().unwrap_or(Time::NEVER)
    }

    /// The sources whose descriptions are due, by the streams that they read. They count as asked
    /// from now on.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<Option<StreamName>> {
        let due = self.sources.iter_mut().filter(|(_, source)| source.next_wake() <= now);
        let asked = due.map(|(of, source)| {
            source.asked = true;
            source.wanted = false;
            of.clone()
        });
        asked.collect()
    }

    /// A source described its stream, or failed to and is asked again. Whether the known stream or
    /// life has changed.
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

    /// Forgets the description of this stream, because it came too early to be used, and wants
    /// another one at `at`.
    pub(super) fn ask_again_at(&mut self, of: &StreamName, at: Time) {
        if let Some(source) = self.sources.get_mut(&Some(of.clone())) {
            source.known = None;
            source.wanted = true;
            source.free_at = at;
        }
    }

    /// Forgets the descriptions under way, and wants them again: the session that asked is over.
    pub(super) fn forget_call(&mut self) {
        for source in self.sources.values_mut() {
            source.wanted |= source.asked;
            source.asked = false;
        }
    }
}

impl Source {
    /// Whether the leases of this source's stream carry the name in `of`.
    fn has_name(&self, of: &StreamKey) -> bool {
        self.known.as_ref().is_some_and(|known| known.key.name == of.name)
    }

    /// Whether this source reads the stream `of`.
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
        // An answer with an earlier life than a previous answer is out of date.
        let older = self.known.as_ref().is_some_and(|old| new.key.created < old.key.created);
        if older {
            self.wanted = true;
        } else {
            self.known = Some(new);
        }
        !older && !same
    }
}

/// Whether a worker runs only leases of its source's stream, in its present life.
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
        /// Whether the one source is asked for a description.
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
