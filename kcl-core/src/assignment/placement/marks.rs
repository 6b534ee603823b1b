//! What the operator has said of single workers and leases, beside the rules: a worker is drained,
//! a lease is paused, let go, or sent to a worker for a while, or one record of it is given up.
//!
//! A mark is about one worker id, or about one lease in one life of its stream. Marks stand in the
//! operator's document, next to the rules, and are written by command alone.

use std::{collections::BTreeMap, ops::RangeInclusive};

use serde::{Deserialize, Serialize};

use crate::{
    env::WallTime,
    lease::{Checkpoint, Epoch, Lease, LeaseKey, WorkerId},
    stream::Position,
};

/// The operator's marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Marks {
    /// Workers that get nothing and hand over what they hold, until they are undrained.
    pub drained: BTreeMap<WorkerId, Said>,
    /// Leases that nobody reads, until they are resumed. They keep their checkpoints.
    pub paused: BTreeMap<LeaseKey, Said>,
    /// Leases whose present owner is to let go of them, once.
    pub let_go: BTreeMap<LeaseKey, LetGo>,
    /// Leases that go to one worker for a while, as by a rule that prefers it.
    pub sent: BTreeMap<LeaseKey, Sent>,
    /// Records that go to the dead letter if their shard is stuck on them. The planner does not
    /// care: it is read by the workers whose shards are stuck.
    pub given_up: BTreeMap<(LeaseKey, Position), GivenUp>,
}

/// By which command something was said, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Which command, in words.
    pub by: String,
    /// Since when.
    pub since: WallTime,
}

/// A lease is to be let go of by its present owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetGo {
    /// The epoch of that owner: once the lease has another one, the mark means nothing any more.
    pub epoch: Epoch,
    /// Who says so.
    pub said: Said,
}

/// A lease is sent to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// To which one.
    pub to: WorkerId,
    /// Until when it is to be there, by the store's clock.
    pub until: WallTime,
    /// Who says so.
    pub said: Said,
}

/// A record is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Also where no dead letter keeps it.
    pub unkept: bool,
    /// Until when, by the clock of the worker that reads it.
    pub until: WallTime,
    /// Who says so.
    pub said: Said,
}

impl Marks {
    /// Whether nothing is said.
    #[must_use]
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this worker is drained.
    #[must_use]
    pub fn drains(&self, worker: &WorkerId) -> bool {
        self.drained.contains_key(worker)
    }

    /// Whether this lease is paused.
    #[must_use]
    pub fn pauses(&self, lease: &LeaseKey) -> bool {
        self.paused.contains_key(lease)
    }

    /// Whether the owner of this lease is to let go of it.
    #[must_use]
    pub fn frees(&self, row: &Lease) -> bool {
        let is_meant = |mark: &LetGo| mark.epoch == row.epoch && row.owner.is_some();
        self.let_go.get(&row.key).is_some_and(is_meant)
    }

    /// Where this lease is to be at `now`, if it is sent somewhere.
    #[must_use]
    pub fn sends(&self, lease: &LeaseKey, now: WallTime) -> Option<&WorkerId> {
        let sent = self.sent.get(lease).filter(|sent| !sent.is_over(now))?;
        Some(&sent.to)
    }

    /// The first record of these that the operator has given up at `now`.
    #[must_use]
    pub fn gives_up(
        &self,
        lease: &LeaseKey,
        among: RangeInclusive<Position>,
        now: WallTime,
    ) -> Option<(&Position, &GivenUp)> {
        let (first, last) = among.into_inner();
        let among = (lease.clone(), first)..=(lease.clone(), last);
        let mut all = self.given_up.range(among).filter(|(_, it)| it.until > now);
        all.next().map(|((_, at), it)| (at, it))
    }

    /// When the next lease ceases to be sent somewhere, after `now`.
    #[must_use]
    pub fn next_end(&self, now: WallTime) -> Option<WallTime> {
        self.sent.values().filter(|sent| !sent.is_over(now)).map(|sent| sent.until).min()
    }

    /// Without what means nothing any more at `now`, where the leases are these: what has ended,
    /// has come to pass, or is about a lease that is no more.
    #[must_use]
    pub fn tidied(mut self, now: WallTime, rows: &[Lease]) -> Self {
        let rows: BTreeMap<&LeaseKey, &Lease> = rows.iter().map(|row| (&row.key, row)).collect();
        let is_there = |lease: &LeaseKey| rows.get(lease).is_some_and(|row| !row.has_ended());
        self.paused.retain(|lease, _| is_there(lease));
        self.sent.retain(|lease, sent| is_there(lease) && !sent.is_over(now));
        self.given_up.retain(|(lease, at), it| {
            let is_passed =
                |row: &&Lease| row.checkpoint.may_follow(&Checkpoint::After(at.clone()));
            it.until > now && is_there(lease) && !rows.get(lease).is_some_and(is_passed)
        });
        self.let_go.retain(|lease, mark| {
            let row = rows.get(lease);
            row.is_some_and(|row| row.epoch == mark.epoch && row.owner.is_some())
        });
        self
    }
}

impl Sent {
    /// Whether the time is over at `now`.
    fn is_over(&self, now: WallTime) -> bool {
        self.until <= now && !planted!(SentForEver)
    }
}

/// Marks as they stand in the document, each kind a list of its own. A kind that is not known is
/// none of this build's: the document keeps it.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct MarksForm {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    drained: Vec<DrainedForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    paused: Vec<PausedForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    let_go: Vec<LetGoForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sent: Vec<SentForm>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    given_up: Vec<GivenUpForm>,
}

#[derive(Serialize, Deserialize)]
struct DrainedForm {
    worker: WorkerId,
    #[serde(flatten)]
    said: Said,
}

#[derive(Serialize, Deserialize)]
struct PausedForm {
    lease: LeaseKey,
    #[serde(flatten)]
    said: Said,
}

#[derive(Serialize, Deserialize)]
struct LetGoForm {
    lease: LeaseKey,
    epoch: Epoch,
    #[serde(flatten)]
    said: Said,
}

#[derive(Serialize, Deserialize)]
struct SentForm {
    lease: LeaseKey,
    to: WorkerId,
    until: WallTime,
    #[serde(flatten)]
    said: Said,
}

#[derive(Serialize, Deserialize)]
struct GivenUpForm {
    lease: LeaseKey,
    #[serde(with = "place")]
    at: Position,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unkept: bool,
    until: WallTime,
    #[serde(flatten)]
    said: Said,
}

/// Where a record stands, as text.
mod place {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::stream::Position;

    pub(super) fn serialize<S: Serializer>(at: &Position, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(at)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Position, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl From<&Marks> for MarksForm {
    fn from(marks: &Marks) -> Self {
        let drained = marks.drained.iter();
        let paused = marks.paused.iter();
        let let_go = marks.let_go.iter();
        let sent = marks.sent.iter();
        let given_up = marks.given_up.iter();
        Self {
            drained: drained
                .map(|(worker, said)| DrainedForm { worker: worker.clone(), said: said.clone() })
                .collect(),
            paused: paused
                .map(|(lease, said)| PausedForm { lease: lease.clone(), said: said.clone() })
                .collect(),
            let_go: let_go
                .map(|(lease, LetGo { epoch, said })| LetGoForm {
                    lease: lease.clone(),
                    epoch: *epoch,
                    said: said.clone(),
                })
                .collect(),
            sent: sent
                .map(|(lease, Sent { to, until, said })| SentForm {
                    lease: lease.clone(),
                    to: to.clone(),
                    until: *until,
                    said: said.clone(),
                })
                .collect(),
            given_up: given_up
                .map(|((lease, at), GivenUp { unkept, until, said })| GivenUpForm {
                    lease: lease.clone(),
                    at: at.clone(),
                    unkept: *unkept,
                    until: *until,
                    said: said.clone(),
                })
                .collect(),
        }
    }
}

impl From<MarksForm> for Marks {
    fn from(form: MarksForm) -> Self {
        let MarksForm { drained, paused, let_go, sent, given_up } = form;
        Self {
            drained: drained.into_iter().map(|it| (it.worker, it.said)).collect(),
            paused: paused.into_iter().map(|it| (it.lease, it.said)).collect(),
            let_go: let_go
                .into_iter()
                .map(|it| (it.lease, LetGo { epoch: it.epoch, said: it.said }))
                .collect(),
            sent: sent
                .into_iter()
                .map(|it| (it.lease, Sent { to: it.to, until: it.until, said: it.said }))
                .collect(),
            given_up: given_up
                .into_iter()
                .map(|GivenUpForm { lease, at, unkept, until, said }| {
                    ((lease, at), GivenUp { unkept, until, said })
                })
                .collect(),
        }
    }
}
