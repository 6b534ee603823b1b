//! The assignment document: what one worker should hold and give away, as the planner writes it,
//! and the document of a frozen start.
//!
//! [`Assignment`] lists [`Hold`]s (leases to take or keep) and [`Revoke`]s (leases to give away). A
//! lease that is in neither list stays where it is: a document that is late or lost takes nothing
//! from anybody. A document that would be larger than a store takes is written with packed lists
//! (`packed`), and cut if that is not enough.

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

/// The last place in the order of succession that reads the planner's session every watch interval
/// (PROTOCOL rule 6).
pub(super) const NEAR: u32 = 8;

/// The most bytes that one lease can take in a document, with the longest names: its key and two
/// sessions.
const LARGEST_ENTRY: usize = 800;

/// The most bytes that a document of one stream can take without its leases.
const LARGEST_REST: usize = 4_000;

/// A document with packed lists.
#[derive(Serialize)]
struct Lists<'a> {
    #[serde(rename = "h")]
    holds: Packed<<Hold as Entry>::Said>,
    #[serde(rename = "g")]
    gives: Packed<<Revoke as Entry>::Said>,
    #[serde(flatten)]
    rest: &'a Assignment,
}

/// The leases that one worker should hold and give away. The field names are short since the
/// planner rewrites the document at each change.
///
/// Any later life of the worker may take the leases that it names ([`Hold`]), as long as their rows
/// belong to that earlier life. Orders ([`Revoke`], and a hold by force) count only for the session
/// and the epoch that they name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The plan's version. A worker ignores a document with a version no higher than one it has
    /// seen.
    #[serde(rename = "p")]
    pub version: PlanVersion,
    /// The session of the worker that the document was written for.
    #[serde(rename = "s")]
    pub session: SessionId,
    /// The planner that wrote the document.
    #[serde(rename = "l")]
    pub planner: SessionId,
    /// The first standby; `None` if the planner named none.
    #[serde(rename = "b", skip_serializing_if = "Option::is_none", default)]
    pub standby: Option<SessionId>,
    /// The second standby; `None` if the planner named none, as older builds do.
    #[serde(rename = "c", skip_serializing_if = "Option::is_none", default)]
    pub second: Option<SessionId>,
    /// The worker's place in the order of succession: 0 the planner, 1 and 2 the standbys, then the
    /// other workers in the order of their registration.
    #[serde(rename = "r")]
    pub rank: u32,
    /// Whether the worker may acquire the children of every shard that it has read to its end,
    /// without a plan. Where rules allow that for some shards only, [`Hold::children`] says which.
    #[serde(rename = "k")]
    pub takes_children: bool,
    /// The frozen start of each stream: every worker knows it, so that a store that lost it gets it
    /// back. For one stream it is written without a list around it, since older builds read it so.
    #[serde(rename = "f", skip_serializing_if = "Vec::is_empty", default, with = "one_or_many")]
    pub starts: Vec<StreamStart>,
    /// The leases that the worker should hold.
    #[serde(
        rename = "h",
        skip_serializing_if = "Vec::is_empty",
        default,
        deserialize_with = "each_or_packed"
    )]
    pub holds: Vec<Hold>,
    /// The leases that the worker should give away.
    #[serde(
        rename = "g",
        skip_serializing_if = "Vec::is_empty",
        default,
        deserialize_with = "each_or_packed"
    )]
    pub gives: Vec<Revoke>,
    /// How long the planner waits for the `gives` before another worker takes them by force, in
    /// milliseconds. `None` if there are no `gives`. The settings of planner and worker may differ.
    #[serde(rename = "w", skip_serializing_if = "Option::is_none", default)]
    pub give_within: Option<u64>,
}

/// A lease the worker should hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The lease.
    #[serde(rename = "k")]
    pub key: LeaseKey,
    /// The row as the planner saw it; `None` if the worker holds the lease already.
    #[serde(rename = "o", skip_serializing_if = "Option::is_none", default)]
    pub from: Option<Origin>,
    /// Which children of its shard the worker may acquire at once although
    /// [`Assignment::takes_children`] is false. Older builds do not write or read this field.
    #[serde(
        rename = "c",
        skip_serializing_if = "Taking::is_none",
        default,
        deserialize_with = "known_taking"
    )]
    pub children: Taking,
}

/// A value that this version knows, else none: later versions may write others.
fn known_taking<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Taking, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// The row of a lease that should change its owner, as the planner saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The owner; `None` if the lease is unowned.
    #[serde(rename = "o", skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<SessionId>,
    /// The epoch of the row.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// The way in which the new owner gets the lease.
    #[serde(rename = "h")]
    pub how: Transfer,
}

impl Origin {
    /// Whether this orders to take `row` from its owner by force (PROTOCOL rule 8). The order
    /// counts for one owner under one epoch, and not for what that owner acquired since.
    #[must_use]
    pub fn forces(&self, row: &Lease) -> bool {
        self.how == Transfer::Force && self.means(row)
    }

    /// Whether the row is still as the planner saw it.
    fn means(&self, row: &Lease) -> bool {
        self.owner == row.owner && self.epoch == row.epoch || planted!(ForcedWhateverTheEpoch)
    }
}

/// The way in which a new owner gets a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Transfer {
    /// The lease is unowned, or its owner's session has ended: acquire it.
    #[serde(rename = "f")]
    Unowned,
    /// Its owner lives. The planner has ordered it to release the lease, or will do so next: wait
    /// for the release.
    #[serde(rename = "w")]
    AwaitRelease,
    /// Its owner lives and did not release it in time: acquire it, if owner and epoch are still
    /// these.
    #[serde(rename = "x")]
    Force,
}

/// A lease the worker should give away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoke {
    /// The lease.
    #[serde(rename = "k")]
    pub key: LeaseKey,
    /// The epoch of the row as the planner saw it. A worker that does not run the lease releases
    /// its row only at this epoch.
    #[serde(rename = "e")]
    pub epoch: Epoch,
    /// The session that should take the lease next; `None` if there is none.
    #[serde(rename = "t", skip_serializing_if = "Option::is_none", default)]
    pub to: Option<SessionId>,
}

impl Entry for Hold {
    /// The way to get the lease, and the children that its owner may take.
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
    /// The successor.
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
    /// The text of the error for a document that cannot be decoded.
    pub(super) const EXPECTED: &str = "it is no assignment, or one of a later version";

    /// The planner and the standbys, which watch all sessions, in the order in which they plan.
    pub fn heads(&self) -> impl Iterator<Item = &SessionId> {
        std::iter::once(&self.planner).chain(&self.standby).chain(&self.second)
    }

    /// Whether the worker is so early in the order of succession that it reads the planner's
    /// session every watch interval, or watches all sessions.
    pub(super) const fn is_near(&self) -> bool {
        self.rank <= NEAR
    }

    /// The worker's place among the heads, from 0; `None` if it is none of them.
    pub(super) fn part(&self) -> Option<usize> {
        self.heads().position(|head| *head == self.session)
    }

    /// Whether the worker may acquire a child of this shard at once when it has read the shard to
    /// its end. `merged` says whether the child has another parent, too.
    #[must_use]
    pub fn may_take_child(&self, parent: &LeaseKey, merged: bool) -> bool {
        let of_parent = || self.holds.iter().find(|hold| hold.key == *parent);
        self.takes_children || of_parent().is_some_and(|hold| hold.children.allows(merged))
    }

    /// The document as JSON: in the form that builds of every version read, if that is no larger
    /// than [`Document::MAX_BODY`]; else with packed lists.
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

    /// Leaves out leases until the document is no larger than a store takes: from the ends of both
    /// lists, leases to give away and leases that the worker does not hold yet. A lease to give
    /// away stays with its owner until a later document has space for it. How many leases to take
    /// were left out.
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

    /// Whether the document may be too large, so that it has to be written to know its size.
    fn may_be_too_large(&self) -> bool {
        (self.holds.len() + self.gives.len()) * LARGEST_ENTRY > Document::MAX_BODY - LARGEST_REST
    }

    /// Decodes a document; `None` if it is no assignment. That does not prove that there is none:
    /// the caller reports such a document.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// The version of a document whose other fields need not be readable: a planner of a later
    /// version may write fields that this build cannot read.
    pub(super) fn version_in(body: &[u8]) -> Option<PlanVersion> {
        #[derive(Deserialize)]
        struct Versioned {
            #[serde(rename = "p")]
            version: PlanVersion,
        }
        serde_json::from_slice(body).ok().map(|Versioned { version }| version)
    }
}

/// A list that is written as its element if it has exactly one.
mod one_or_many {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// One element, or a list of them.
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

/// The frozen start of a stream, as workers tell it to one another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamStart {
    /// The stream and its life.
    #[serde(rename = "s")]
    pub of: StreamKey,
    /// See [`FrozenStart::at`].
    #[serde(rename = "at", skip_serializing_if = "Option::is_none", default)]
    pub at: Option<WallTime>,
    /// See [`FrozenStart::by`].
    #[serde(
        rename = "by",
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "known_setting"
    )]
    pub by: Option<InitialPosition>,
    /// The number of the last change of the application (PROTOCOL §3) that the writer knew of; 0 if
    /// it knew of none. A later change may have set another start.
    #[serde(rename = "c", skip_serializing_if = "is_zero", default)]
    pub change: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it so")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The frozen start of a stream: where a lease starts whose row was not made by the end of a
/// parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrozenStart {
    /// The time to read from: that at which `Latest` was frozen, or the configured one. `None`
    /// means the trim horizon, and is written as null.
    #[serde(rename = "at", deserialize_with = "Option::deserialize")]
    pub at: Option<WallTime>,
    /// The setting that the start came from; `None` if it is not known.
    #[serde(
        rename = "by",
        skip_serializing_if = "Option::is_none",
        default,
        deserialize_with = "known_setting"
    )]
    pub by: Option<InitialPosition>,
}

/// A setting, or `None` for one that only later versions know: the start itself does not depend on
/// it.
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
    /// The text of the error for a document that cannot be decoded.
    pub(super) const EXPECTED: &str = "it is no frozen start, or one of a later version";

    /// The document as JSON.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Decodes a document; `None` if it is no frozen start. A document without `at` is none. That
    /// does not prove that no start was frozen.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}
