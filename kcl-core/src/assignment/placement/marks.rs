//! The operator's marks for single workers and leases, beside the rules: a worker is drained; a
//! lease is paused, released, or sent to a worker for a while; one record of a lease is given up.
//!
//! A mark names one worker id, or one lease in one life of its stream. Marks are in the operator's
//! document, next to the rules, and only commands write them.

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
    /// Workers that get no lease and hand over those that they hold, until they are undrained.
    pub drained: BTreeMap<WorkerId, Said>,
    /// Leases that no worker reads, until they are resumed. They keep their checkpoints.
    pub paused: BTreeMap<LeaseKey, Said>,
    /// Leases that their present owner should release, once.
    pub let_go: BTreeMap<LeaseKey, LetGo>,
    /// Leases that go to one worker for a while, as by a rule that prefers it.
    pub sent: BTreeMap<LeaseKey, Sent>,
    /// Records that go to the dead-letter sink if their shard is stuck on them. The planner ignores
    /// these marks: a worker whose shard is stuck reads them.
    pub given_up: BTreeMap<(LeaseKey, Position), GivenUp>,
}

/// The command that set a mark, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The command, in words.
    pub by: String,
    /// When the mark was set.
    pub since: WallTime,
}

/// The present owner of a lease should release it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetGo {
    /// The epoch of that owner. The mark counts no more once the lease has another epoch.
    pub epoch: Epoch,
    /// The command that set the mark.
    pub said: Said,
}

/// A lease should go to a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The worker.
    pub to: WorkerId,
    /// Until when the lease should be there, by the store's clock.
    pub until: WallTime,
    /// The command that set the mark.
    pub said: Said,
}

/// A record is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenUp {
    /// Whether that holds even if no dead-letter sink keeps the record.
    pub unkept: bool,
    /// Until when the mark counts, by the clock of the worker that reads it.
    pub until: WallTime,
    /// The command that set the mark.
    pub said: Said,
}

impl Marks {
    /// Whether there is no mark.
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

    /// Whether the owner of this row should release it.
    #[must_use]
    pub fn frees(&self, row: &Lease) -> bool {
        let is_meant = |mark: &LetGo| mark.epoch == row.epoch && row.owner.is_some();
        self.let_go.get(&row.key).is_some_and(is_meant)
    }

    /// The worker that this lease should be at, at the time `now`; `None` if it is not sent to one.
    #[must_use]
    pub fn sends(&self, lease: &LeaseKey, now: WallTime) -> Option<&WorkerId> {
        let sent = self.sent.get(lease).filter(|sent| !sent.is_over(now))?;
        Some(&sent.to)
    }

    /// The first record in this range that is given up at the time `now`.
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

    /// When the next order to send a lease ends, after `now`; `None` if there is none.
    #[must_use]
    pub fn next_end(&self, now: WallTime) -> Option<WallTime> {
        self.sent.values().filter(|sent| !sent.is_over(now)).map(|sent| sent.until).min()
    }

    /// These marks without those that have no effect any more at the time `now`: their time is
    /// over, the owner released the lease, the record was processed, or the lease has ended or does
    /// not exist. `rows` are all leases.
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

/// The marks in the document, a list for each kind. Kinds that this build does not know are kept by
/// the document, not here.
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

/// The form of an entry of [`Marks::drained`].
#[derive(Serialize, Deserialize)]
struct DrainedForm {
    worker: WorkerId,
    #[serde(flatten)]
    said: Said,
}

/// The form of an entry of [`Marks::paused`].
#[derive(Serialize, Deserialize)]
struct PausedForm {
    lease: LeaseKey,
    #[serde(flatten)]
    said: Said,
}

/// The form of an entry of [`Marks::let_go`].
#[derive(Serialize, Deserialize)]
struct LetGoForm {
    lease: LeaseKey,
    epoch: Epoch,
    #[serde(flatten)]
    said: Said,
}

/// The form of an entry of [`Marks::sent`].
#[derive(Serialize, Deserialize)]
struct SentForm {
    lease: LeaseKey,
    to: WorkerId,
    until: WallTime,
    #[serde(flatten)]
    said: Said,
}

/// The form of an entry of [`Marks::given_up`].
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

/// A position as text.
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
