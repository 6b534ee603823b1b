//! Which stream this worker reads, and in which life, as its source last described it.
//!
//! No run starts on a lease of another stream, whatever a plan says: the reader would find shards
//! of the same names in its own stream, and write their positions into the other's leases.

use std::time::Duration;

use crate::{
    env::Time,
    lease::LeaseKey,
    stream::{SourceErrorKind, StreamDescription, StreamName},
};

/// The least time between two descriptions, however many leases ask for one.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest, while they all say the same.
const PAUSE_MAX: Duration = Duration::from_secs(16);

/// How a lease fits the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is of the source's stream, in its present life; or no stream's.
    Mine,
    /// It is of a later life of the stream: the source has to be described anew.
    LaterLife,
    /// It is of another stream, or of a life that is over.
    OtherStream,
}

/// The source, as last described. It outlives the process's sessions.
#[derive(Debug)]
pub(super) struct Reads {
    known: Option<StreamDescription>,
    /// A description is under way.
    asked: bool,
    /// One is wanted.
    wanted: bool,
    /// None is asked for before.
    free_at: Time,
    pause: Duration,
}

impl Default for Reads {
    fn default() -> Self {
        let free_at = Time::ZERO;
        Self { known: None, asked: false, wanted: false, free_at, pause: PAUSE }
    }
}

impl Reads {
    pub(super) const fn known(&self) -> Option<&StreamDescription> {
        self.known.as_ref()
    }

    pub(super) fn name(&self) -> Option<&StreamName> {
        self.known.as_ref().map(|known| &known.name)
    }

    pub(super) fn fit(&self, key: &LeaseKey) -> Fit {
        let Some(of) = key.stream() else { return Fit::Mine };
        match self.known.as_ref().map(|known| &known.key) {
            _ if !has_to_fit() => Fit::Mine,
            Some(known) if *known == of => Fit::Mine,
            Some(known) if known.name != of.name || known.created > of.created => Fit::OtherStream,
            _ => Fit::LaterLife,
        }
    }

    /// Asks for a description, as soon as there may be another one.
    pub(super) const fn want(&mut self) {
        self.wanted = true;
    }

    /// When the next description is asked for.
    pub(super) const fn next_wake(&self) -> Time {
        if self.wanted && !self.asked { self.free_at } else { Time::NEVER }
    }

    /// Whether a description is to be asked for now: it then counts as asked for.
    pub(super) fn take_due(&mut self, now: Time) -> bool {
        let due = self.next_wake() <= now;
        if due {
            self.asked = true;
            self.wanted = false;
        }
        due
    }

    /// The source was described, or could not be: then it is tried again. Whether something else is
    /// known of it now.
    pub(super) fn on_described(
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

    /// What was said is too early to be used: it is asked for again at this time.
    pub(super) fn ask_again_at(&mut self, at: Time) {
        self.known = None;
        self.wanted = true;
        self.free_at = at;
    }

    /// The answer to what was asked for means nothing any more.
    pub(super) const fn forget_call(&mut self) {
        self.wanted |= self.asked;
        self.asked = false;
    }
}

/// Whether a lease is run only if it is of the source's stream, in its present life.
fn has_to_fit() -> bool {
    !planted!(RunsWhateverItIsGiven)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{env::WallTime, stream::StreamKey};

    fn orders(life: u64) -> StreamDescription {
        let key = StreamKey::new("orders", WallTime::from_millis(life));
        let name = "orders".parse().unwrap();
        StreamDescription::new(name, key, Duration::from_hours(24), WallTime::from_millis(9))
    }

    fn lease(stream: &str) -> LeaseKey {
        format!("{stream}/shardId-000000000000").parse().unwrap()
    }

    #[test]
    fn a_lease_is_of_the_source_by_name_and_life() {
        let mut reads = Reads::default();
        assert_eq!(reads.fit(&lease("orders/5")), Fit::LaterLife, "nothing is known yet");
        let _ = reads.on_described(Ok(orders(5)), Time::ZERO);
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
        assert!(!reads.take_due(at(0)), "nobody asked");
        reads.want();
        assert!(reads.take_due(at(0)));
        reads.want();
        assert!(!reads.take_due(at(0)), "one is under way");
        let _ = reads.on_described(Ok(orders(5)), at(0));
        assert!(!reads.take_due(at(900)));
        assert!(reads.take_due(at(1_000)));
        let _ = reads.on_described(Ok(orders(5)), at(1_000));
        reads.want();
        assert!(!reads.take_due(at(2_900)), "it said the same");
        assert!(reads.take_due(at(3_000)));
        let _ = reads.on_described(Ok(orders(6)), at(3_000));
        reads.want();
        assert!(reads.take_due(at(4_000)), "it said something else");
        let _ = reads.on_described(Err(SourceErrorKind::Unavailable), at(4_000));
        assert!(reads.take_due(at(5_000)), "a failure is no answer");
        let _ = reads.on_described(Ok(orders(5)), at(5_000));
        assert_eq!(reads.known().map(|known| known.key.created.as_millis()), Some(6));
    }
}
