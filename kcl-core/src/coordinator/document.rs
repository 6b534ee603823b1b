//! The assignment document: what one worker should hold, as the planner writes it.

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    assignment::placement::Taking,
    env::WallTime,
    lease::{Epoch, Lease, LeaseKey, PlanVersion, SessionId},
    settings::InitialPosition,
    stream::StreamKey,
};

/// The last in the order of succession who looks at the planner's session all the time.
pub(super) const NEAR: u32 = 8;

/// What one worker should hold. Field names are short: the document is rewritten at each change.
///
/// Wishes ([`Hold`]) may be followed by any later life of the worker; orders ([`Give`], and a hold
/// by force) name the session and epoch they mean.
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
    #[serde(rename = "h", skip_serializing_if = "Vec::is_empty", default)]
    pub holds: Vec<Hold>,
    /// What the worker should give away.
    #[serde(rename = "g", skip_serializing_if = "Vec::is_empty", default)]
    pub gives: Vec<Give>,
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
    pub how: How,
}

impl Origin {
    /// Whether this orders to take `row` from its owner by force (ARCHITECTURE §4 rule 8). The
    /// order means one owner under one epoch: what its session acquired since is no part of it.
    #[must_use]
    pub fn forces(&self, row: &Lease) -> bool {
        let meant = self.owner == row.owner && self.epoch == row.epoch;
        self.how == How::Force && (meant || planted!(ForcedWhateverTheEpoch))
    }
}

/// How to come by a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// Nobody holds it, or its owner's session has ended: take it.
    #[serde(rename = "f")]
    Free,
    /// Its owner lives and has been or will be told to release it: wait for that.
    #[serde(rename = "w")]
    Wait,
    /// Its owner lives but did not release it in time: take it, if owner and epoch are still these.
    #[serde(rename = "x")]
    Force,
}

/// A lease the worker should give away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Give {
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

    /// The document's text.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        // Serialising plain structs with string keys into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::Incarnation;

    fn session(number: u32) -> SessionId {
        let worker = format!("w{number}").parse().unwrap();
        SessionId::new(worker, Incarnation::from_bits(u128::from(number) + 1))
    }

    fn document() -> Assignment {
        Assignment {
            version: PlanVersion { term: Epoch(7), version: 3 },
            session: session(3),
            planner: session(0),
            standby: Some(session(1)),
            second: Some(session(2)),
            rank: 3,
            takes_children: true,
            starts: Vec::new(),
            holds: Vec::new(),
            gives: Vec::new(),
            give_within: None,
        }
    }

    #[test]
    fn a_frozen_start_without_a_place_is_none_and_not_the_oldest_record() {
        let horizon = FrozenStart { at: None, by: None };
        assert_eq!(FrozenStart::decode(&horizon.encode()), Some(horizon));
        assert_eq!(FrozenStart::decode(br#"{"at":null,"more":1}"#), Some(horizon));
        for unreadable in ["", "{}", r#"{"At":7}"#, r#"{"at":"noon"}"#, "null"] {
            assert_eq!(FrozenStart::decode(unreadable.as_bytes()), None, "{unreadable}");
        }
    }

    #[test]
    fn the_version_of_an_assignment_is_read_although_nothing_else_makes_sense() {
        let newer = br#"{"p":{"t":9,"v":4},"h":{"by":"shard"}}"#;
        assert_eq!(Assignment::decode(newer), None);
        let version = PlanVersion { term: Epoch(9), version: 4 };
        assert_eq!(Assignment::version_in(newer), Some(version));
        assert_eq!(Assignment::version_in(b"{}"), None);
    }

    #[test]
    fn one_start_is_written_as_older_builds_read_it_and_several_as_a_list() {
        let start = |stream: &str| StreamStart {
            of: StreamKey::new(stream, WallTime::from_millis(5)),
            at: None,
            by: None,
            change: 0,
        };
        let text = |starts| {
            let text = Assignment { starts, ..document() }.encode();
            let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
            (Assignment::decode(&text).unwrap().starts, value.get("f").cloned())
        };
        assert_eq!(text(vec![]), (vec![], None));
        let (read, written) = text(vec![start("orders")]);
        assert_eq!(read, [start("orders")]);
        assert!(written.unwrap().is_object());
        let two = vec![start("orders"), start("payments")];
        let (read, written) = text(two.clone());
        assert_eq!(read, two);
        assert_eq!(written.unwrap().as_array().map(Vec::len), Some(2));
    }

    /// A worker of an older build passes over what it is told of children, and takes none; an older
    /// planner tells of none, and what a later one tells may be more than is known.
    #[test]
    fn what_children_may_be_taken_stands_beside_what_older_builds_write_and_read() {
        let key: LeaseKey = "orders/5/shardId-000000000000".parse().unwrap();
        let ruled = |children| {
            let holds = vec![Hold { key: key.clone(), from: None, children }];
            Assignment { takes_children: false, holds, ..document() }
        };
        for (taking, golden) in [
            (Taking::None, r#"{"k":"orders/5/shardId-000000000000"}"#),
            (Taking::OfSplit, r#"{"k":"orders/5/shardId-000000000000","c":"s"}"#),
            (Taking::All, r#"{"k":"orders/5/shardId-000000000000","c":"a"}"#),
        ] {
            let text = ruled(taking).encode();
            let value: serde_json::Value = serde_json::from_slice(&text).unwrap();
            assert_eq!(value["k"], false, "an older build goes by this alone");
            assert!(String::from_utf8_lossy(&text).contains(&format!(r#""h":[{golden}]"#)));
            assert_eq!(Assignment::decode(&text), Some(ruled(taking)));
        }
        let later = String::from_utf8_lossy(&ruled(Taking::All).encode())
            .replace(r#""c":"a""#, r#""c":{"only":"left"}"#);
        assert_eq!(Assignment::decode(later.as_bytes()), Some(ruled(Taking::None)));
        let free = Assignment { takes_children: true, ..ruled(Taking::None) };
        assert!(
            free.may_take_child(&key, true) && !ruled(Taking::None).may_take_child(&key, false)
        );
    }

    #[test]
    fn a_start_tells_its_setting_if_it_knows_one() {
        let at = Some(WallTime::from_millis(7));
        for by in [None, Some(InitialPosition::Latest), at.map(InitialPosition::AtTimestamp)] {
            let start = FrozenStart { at, by };
            assert_eq!(FrozenStart::decode(&start.encode()), Some(start));
        }
        let older = FrozenStart::decode(br#"{"at":7}"#);
        let later = FrozenStart::decode(br#"{"at":7,"by":{"at-offset":3},"more":1}"#);
        assert_eq!((older, later), (Some(FrozenStart { at, by: None }), older));
    }

    #[test]
    fn a_document_of_a_planner_that_names_one_standby_is_read() {
        let mut old = document();
        old.second = None;
        let text = old.encode();
        assert!(!text.windows(3).any(|part| part == b"\"c\""), "nothing is said of a second");
        assert_eq!(Assignment::decode(&text).unwrap(), old);
    }

    /// A worker of an older build knows no second standby, and passes over what it does not know.
    #[test]
    fn the_second_standby_stands_beside_what_older_workers_read() {
        let text: serde_json::Value = serde_json::from_slice(&document().encode()).unwrap();
        let mut known = text.clone();
        known.as_object_mut().unwrap().remove("c").expect("the second standby");
        assert_eq!(known["b"], text["b"], "the first stands where it always stood");
        let read = Assignment::decode(known.to_string().as_bytes()).unwrap();
        assert_eq!((read.standby, read.second), (Some(session(1)), None));
        let later = text.to_string().replacen('{', "{\"later\": 1,", 1);
        assert_eq!(Assignment::decode(later.as_bytes()), Some(document()));
    }

    #[test]
    fn those_that_watch_all_come_in_the_order_in_which_they_plan() {
        let told = document();
        assert_eq!(told.heads().cloned().collect::<Vec<_>>(), [session(0), session(1), session(2)]);
        assert_eq!((told.part(), told.is_near()), (None, true));
        let far = Assignment { rank: NEAR + 1, ..told };
        assert!(!far.is_near());
    }
}
