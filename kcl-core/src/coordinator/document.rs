//! The assignment document: what one worker should hold, as the planner writes it.

mod packed;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};

use self::packed::{Entry, Packed, each_or_packed};
use crate::{
    assignment::placement::Taking,
    env::WallTime,
    lease::{Document, Epoch, Lease, LeaseKey, PlanVersion, SessionId},
    settings::InitialPosition,
    stream::StreamKey,
};

/// The last in the order of succession who looks at the planner's session all the time.
pub(super) const NEAR: u32 = 8;

/// The most bytes that one lease takes, by the longest names: its key, and two sessions.
const LARGEST_ENTRY: usize = 800;

/// The most that a document takes without its leases, of one stream.
const LARGEST_REST: usize = 4_000;

/// A document whose lists are packed.
#[derive(Serialize)]
struct Lists<'a> {
    #[serde(rename = "h")]
    holds: Packed<<Hold as Entry>::Said>,
    #[serde(rename = "g")]
    gives: Packed<<Revoke as Entry>::Said>,
    #[serde(flatten)]
    rest: &'a Assignment,
}

/// What one worker should hold. Field names are short: the document is rewritten at each change.
///
/// Any later life of the worker may take the leases that it names ([`Hold`]). Orders ([`Revoke`],
/// and a hold by force) name the session and the epoch that they mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// Orders documents; an older one than a worker has seen is ignored.
    #[serde(rename = "p")]
    pub version: PlanVersion,
    /// For which life of the worker it was written.
    #[serde(rename = "s")]
    pub session: SessionId,
    /// The planner that wrote it.
    #[serde(rename = "l")]
    pub planner: SessionId,
    /// The worker the planner named to follow it.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none", default)]
    pub standby: Option<SessionId>,
    /// The one that comes after the standby. Planners of older builds name none.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    pub second: Option<SessionId>,
    /// This worker's place in the order of succession: 0 the planner, 1 and 2 the standbys.
    #[serde(rename = "r")]
    pub rank: u32,
    /// Whether the worker may acquire the children of any shard it has read to the end at once.
    /// Where rules say otherwise of some, each [`Hold`] tells.
    #[serde(rename = "k")]
    pub takes_children: bool,
    /// Where reading of each stream began: known to all, so that a store that lost it gets it back.
    /// Of one stream it is written without a list around it, as older builds read it.
    #[serde(rename = "f", skip_serializing_if = "Vec::is_empty", default, with = "one_or_many")]
    pub starts: Vec<StreamStart>,
    /// What the worker should hold.
    #[serde(
        rename = "h",
        skip_serializing_if = "Vec::is_empty",
        default,
        deserialize_with = "each_or_packed"
    )]
    pub holds: Vec<Hold>,
    /// What the worker should give away.
    #[serde(
        rename = "g",
        skip_serializing_if = "Vec::is_empty",
        default,
        deserialize_with = "each_or_packed"
    )]
    pub gives: Vec<Revoke>,
    /// How long the planner waits for a lease to be given away before another takes it by force, in
    /// milliseconds; given with `gives`. Planner and worker may have different settings.
    #[serde(rename = "w", skip_serializing_if = "Option::is_none", default)]
    pub give_within: Option<u64>,
}

/// A lease the worker should hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Which lease.
    #[serde(rename = "k")]
    pub key: LeaseKey,
    /// How the planner saw the row, when the worker does not hold it yet.
    #[serde(rename = "o", skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Origin>,
    /// Which children of its shard the worker may take at once although a rule keeps it from
    /// taking any ([`Assignment::takes_children`]). Older builds tell and read of none.
    #[serde(
        rename = "c",
        skip_serializing_if = "Taking::is_none",
        default,
        deserialize_with = "known_taking"
    )]
    pub children: Taking,
}

/// What is known, or none: later builds may tell of children that this one does not know.
fn known_taking<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Taking, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// How the planner saw the row of a lease that is to change its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The owner; `None`: nobody.
    #[serde(rename = "o", skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<SessionId>,
    /// The epoch.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// How to come by it.
    #[serde(rename = "h")]
    pub how: Transfer,
}

impl Origin {
    /// Whether this orders to take `row` from its owner by force (PROTOCOL rule 8). The
    /// order means one owner under one epoch: what its session acquired since is no part of it.
    #[must_use]
    pub fn forces(&self, row: &Lease) -> bool {
        self.how == Transfer::Force && self.means(row)
    }

    /// Whether the row is as the planner saw it.
    fn means(&self, row: &Lease) -> bool {
        self.owner == row.owner && self.epoch == row.epoch || planted!(ForcedWhateverTheEpoch)
    }
}

/// How to come by a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transfer {
    /// Nobody holds it, or its owner's session has ended: take it.
    #[serde(rename = "f")]
    Unowned,
    /// Its owner lives and has been or will be told to release it: wait for that.
    #[serde(rename = "w")]
    AwaitRelease,
    /// Its owner lives but did not release it in time: take it, if owner and epoch are still these.
    #[serde(rename = "x")]
    Force,
}

/// A lease the worker should give away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoke {
    /// Which lease.
    #[serde(rename = "k")]
    pub key: LeaseKey,
    /// The epoch the planner saw: the order to release a lease the worker does not run means this
    /// epoch only.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// Who takes it next.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none", default)]
    pub to: Option<SessionId>,
}

impl Entry for Hold {
    /// How to come by it, and which children its owner may take.
    type Said = (Option<(Option<SessionId>, Transfer)>, Option<Taking>);

    fn key(&self) -> &LeaseKey {
        &self.key
    }

    fn said(&self) -> Self::Said {
        let from = self.from.as_ref().map(|from| (from.owner.clone(), from.how));
        (from, Some(self.children).filter(|children| !children.is_none()))
    }

    fn epoch(&self) -> Epoch {
        self.from.as_ref().map_or(Epoch(0), |from| from.epoch)
    }

    fn of(key: LeaseKey, (from, children): &Self::Said, epoch: Epoch) -> Self {
        let from = from.clone().map(|(owner, how)| Origin { owner, epoch, how });
        Self { key, from, children: children.unwrap_or_default() }
    }
}

impl Entry for Revoke {
    type Said = Option<SessionId>;

    fn key(&self) -> &LeaseKey {
        &self.key
    }

    fn said(&self) -> Self::Said {
        self.to.clone()
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn of(key: LeaseKey, to: &Self::Said, epoch: Epoch) -> Self {
        Self { key, epoch, to: to.clone() }
    }
}

impl Assignment {
    /// What a document is told that makes no sense.
    pub(super) const EXPECTED: &str = "it is no assignment, or one of a later version";

    /// Those that watch all sessions, in the order in which they plan.
    pub fn heads(&self) -> impl Iterator<Item = &SessionId> {
        std::iter::once(&self.planner).chain(&self.standby).chain(&self.second)
    }

    /// Whether the worker comes so soon in the order of succession that it looks at the planner's
    /// session all the time, or watches all.
    pub(super) const fn is_near(&self) -> bool {
        self.rank <= NEAR
    }

    /// The worker's place among those that watch all sessions, if it is one of them.
    pub(super) fn part(&self) -> Option<usize> {
        self.heads().position(|head| *head == self.session)
    }

    /// Whether the worker may acquire a child of this lease's shard at once when it has read that
    /// to the end: one that is `merged` with another shard, or not.
    #[must_use]
    pub fn may_take_child(&self, parent: &LeaseKey, merged: bool) -> bool {
        let of_parent = || self.holds.iter().find(|hold| hold.key == *parent);
        self.takes_children || of_parent().is_some_and(|hold| hold.children.allows(merged))
    }

    /// The document's text: as builds of every version read it, if that is no larger than
    /// [`Document::MAX_BODY`], else with packed lists.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        // Serialising plain structs with string keys into memory cannot fail.
        let plain = serde_json::to_vec(self).unwrap_or_default();
        if plain.len() <= Document::MAX_BODY {
            return plain.into();
        }
        let rest = Self { holds: Vec::new(), gives: Vec::new(), ..self.clone() };
        let packed =
            Lists { holds: Packed::of(&self.holds), gives: Packed::of(&self.gives), rest: &rest };
        serde_json::to_vec(&packed).unwrap_or_default().into()
    }

    /// Leaves out, from the last on, leases that the worker does not hold yet or is to give away,
    /// until the document is no larger than it may be. What it is to give it goes on reading until
    /// a later document has room for that. How many leases are left out that nobody is told of.
    pub(super) fn cut_to_fit(&mut self) -> usize {
        let before = self.holds.len();
        while self.may_be_too_large() {
            let size = self.encode().len();
            let free = self.holds.iter().filter(|hold| hold.from.is_some()).count();
            if size <= Document::MAX_BODY || free + self.gives.len() == 0 {
                break;
            }
            let excess = size - Document::MAX_BODY;
            let kept = |of: usize| of - (of * excess / size + 1).min(of);
            self.gives.truncate(kept(self.gives.len()));
            let mut seen = 0;
            self.holds.retain(|hold| {
                seen += usize::from(hold.from.is_some());
                hold.from.is_none() || seen <= kept(free)
            });
        }
        before - self.holds.len()
    }

    /// Whether the document must be written to know its size.
    fn may_be_too_large(&self) -> bool {
        (self.holds.len() + self.gives.len()) * LARGEST_ENTRY > Document::MAX_BODY - LARGEST_REST
    }

    /// Reads a document; `None` if it makes no sense. That is no proof that there is none: whoever
    /// meets such a document says so.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The version of a document of which nothing else need make sense: a newer planner may write
    /// what this one cannot read.
    pub(super) fn version_in(body: &[u8]) -> Option<PlanVersion> {
        #[derive(Deserialize)]
        struct Versioned {
            #[serde(rename = "p")]
            version: PlanVersion,
        }
        serde_json::from_slice(body).ok().map(|Versioned { version }| version)
    }
}

/// A list that is written as what it holds, if that is one.
mod one_or_many {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany<T> {
        One(T),
        Many(Vec<T>),
    }

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        list: &[T],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match list {
            [one] => one.serialize(to),
            many => many.serialize(to),
        }
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Vec<T>, D::Error> {
        Ok(match OneOrMany::deserialize(from)? {
            OneOrMany::One(one) => vec![one],
            OneOrMany::Many(many) => many,
        })
    }
}

/// The frozen start of a stream, as others are told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamStart {
    /// Of which stream, in which life.
    #[serde(rename = "s")]
    pub of: StreamKey,
    /// As in [`FrozenStart`].
    #[serde(rename = "at", skip_serializing_if = "Option::is_none", default)]
    pub at: Option<WallTime>,
    /// As in [`FrozenStart`].
    #[serde(
        rename = "by",
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "known_setting"
    )]
    pub by: Option<InitialPosition>,
    /// The last change of the application that was known to whoever tells of it: a later one may
    /// have set another start.
    #[serde(rename = "c", skip_serializing_if = "is_zero", default)]
    pub change: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The frozen start of a stream: where leases start that no parent's end has created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenStart {
    /// The time LATEST was frozen to, or the configured timestamp; `None`: the trim horizon, which
    /// is written down as null.
    #[serde(rename = "at", deserialize_with = "Option::deserialize")]
    pub at: Option<WallTime>,
    /// The setting that it was frozen by, where that is known.
    #[serde(
        rename = "by",
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "known_setting"
    )]
    pub by: Option<InitialPosition>,
}

/// A setting, or `None` for one that only later versions know: where reading began does not hang
/// on it.
fn known_setting<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<InitialPosition>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

impl From<FrozenStart> for crate::lineage::FrozenStart {
    fn from(start: FrozenStart) -> Self {
        start.at.map_or(Self::TrimHorizon, Self::AtTimestamp)
    }
}

impl FrozenStart {
    /// What a document is told that makes no sense.
    pub(super) const EXPECTED: &str = "it is no frozen start, or one of a later version";

    /// The document's text.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Reads a document; `None` if it makes no sense, as one without a place does not. That is no
    /// proof that no start was frozen.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}
