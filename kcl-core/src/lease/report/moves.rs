//! The document with the last moves of leases between workers.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    lives::{join, split},
    named::named,
};
use crate::lease::{LeaseKey, StoreTime, WorkerId};

named! {
    /// Why a lease moved. Reasons may come.
    Why {
        Free = "free": "nobody held it",
        Gone = "gone": "its worker is gone",
        Leaves = "leaves": "its worker leaves",
        Rule = "rule": "a placement rule asks for it",
        Drained = "drained": "the operator drains its worker",
        Asked = "asked": "the operator asked for it",
        Stalled = "stalled": "its processor made no progress there",
        Balance = "balance": "leases are shared out evenly, or by load",
    }
}

/// A lease that the plan gave to another worker. The time for which its shard was not read is not
/// recorded: no row says when a lease was released, and the planner sees rows only.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moved {
    /// The lease.
    pub lease: LeaseKey,
    /// The former owner; `None` if there was none.
    pub from: Option<WorkerId>,
    /// The new owner.
    pub to: WorkerId,
    /// The reason.
    pub why: Why,
    /// The time of the plan, by the store's clock.
    pub at: StoreTime,
}

impl Moved {
    /// A move with these fields.
    #[must_use]
    pub const fn new(
        lease: LeaseKey,
        from: Option<WorkerId>,
        to: WorkerId,
        why: Why,
        at: StoreTime,
    ) -> Self {
        Self { lease, from, to, why, at }
    }
}

/// The content of the document [`crate::lease::DocName::moves`]: the last moves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moves {
    /// The last moves, at most [`Self::MAX`], oldest first.
    pub moves: Vec<Moved>,
    /// The number of older moves, which are not kept.
    pub dropped: u64,
}

/// A move in the document. Workers, streams and lives are numbers: places in the lists of [`Text`].
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    #[serde(rename = "s")]
    shard: String,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    from: Option<usize>,
    #[serde(rename = "t")]
    to: usize,
    #[serde(rename = "y")]
    why: String,
    #[serde(rename = "a")]
    at: u64,
    /// The place of the stream and life; left out if it is 0.
    #[serde(rename = "l", default, skip_serializing_if = "is_zero")]
    life: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
const fn is_zero(of: &usize) -> bool {
    *of == 0
}

/// The document as JSON.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Text {
    #[serde(rename = "w", default)]
    workers: Vec<String>,
    #[serde(rename = "l", default)]
    lives: Vec<String>,
    #[serde(rename = "m", default)]
    moves: Vec<Line>,
    #[serde(rename = "d", default)]
    dropped: u64,
}

/// Collects names, each once, and numbers them in the order of their first use.
#[derive(Default)]
struct Places<'a>(BTreeMap<&'a str, usize>);

impl<'a> Places<'a> {
    /// The number of a name, which is added if it is new.
    fn of(&mut self, name: &'a str) -> usize {
        let next = self.0.len();
        *self.0.entry(name).or_insert(next)
    }

    /// All names, in the order of their numbers.
    fn names(self) -> Vec<String> {
        let mut names: Vec<(usize, &str)> =
            self.0.into_iter().map(|(name, at)| (at, name)).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name.to_owned()).collect()
    }
}

impl Moves {
    /// The most moves that are kept. With the longest possible names, they fit in a document.
    pub const MAX: usize = 200;

    /// Adds moves, and drops the oldest above [`Self::MAX`].
    pub fn add(&mut self, moved: impl IntoIterator<Item = Moved>) {
        self.moves.extend(moved);
        let over = self.moves.len().saturating_sub(Self::MAX);
        self.moves.drain(..over);
        self.dropped = self.dropped.saturating_add(over as u64);
    }

    /// The content as JSON.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let (mut workers, mut lives) = (Places::default(), Places::default());
        let kept = self.moves.iter().skip(self.moves.len().saturating_sub(Self::MAX));
        let lines = kept.filter_map(|moved| {
            let (life, shard) = split(&moved.lease)?;
            Some(Line {
                shard: shard.to_owned(),
                from: moved.from.as_ref().map(|from| workers.of(from.as_str())),
                to: workers.of(moved.to.as_str()),
                why: moved.why.as_str().to_owned(),
                at: moved.at.0,
                life: lives.of(life),
            })
        });
        let moves = lines.collect();
        let (workers, lives) = (workers.names(), lives.names());
        let text = Text { workers, lives, moves, dropped: self.dropped };
        // Serialising plain structs with string keys into memory cannot fail.
        serde_json::to_vec(&text).unwrap_or_default().into()
    }

    /// Reads the content from JSON; `None` if the text is no such document. Leaves out moves with
    /// invalid names.
    #[must_use]
    pub fn decode(body: &[u8]) -> Option<Self> {
        let text: Text = serde_json::from_slice(body).ok()?;
        let worker = |at: usize| text.workers.get(at)?.parse::<WorkerId>().ok();
        let moved = |line: &Line| {
            let lease = join(text.lives.get(line.life)?, &line.shard)?;
            let from = match line.from {
                Some(at) => Some(worker(at)?),
                None => None,
            };
            let why = Why::named(&line.why);
            Some(Moved::new(lease, from, worker(line.to)?, why, StoreTime(line.at)))
        };
        let mut all = Self { moves: Vec::new(), dropped: text.dropped };
        all.add(text.moves.iter().filter_map(moved));
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lease::Document;

    fn moved() -> impl Strategy<Value = Moved> {
        let why = prop::sample::select(Why::ALL.to_vec());
        let names = (0..3_usize, 0..20_usize, prop::option::of(0..5_usize), 0..5_usize);
        (names, why, any::<u64>()).prop_map(|((life, shard, from, to), why, at)| {
            let lease = format!("orders-{life}/1700000000000/shardId-{shard:012}");
            let worker = |at: usize| format!("worker-{at}").parse().unwrap();
            let (lease, from) = (lease.parse().unwrap(), from.map(worker));
            Moved::new(lease, from, worker(to), why, StoreTime(at))
        })
    }

    proptest! {
        #[test]
        fn moves_read_back(moves in proptest::collection::vec(moved(), 0..30), dropped: u64) {
            let moves = Moves { moves, dropped };
            prop_assert_eq!(Moves::decode(&moves.encode()), Some(moves));
        }
    }

    #[test]
    fn the_last_two_hundred_are_kept_and_fit_whatever_their_names() {
        let name = |letter: &str, length| letter.repeat(length);
        let all = (0..250_u64).map(|at| {
            let lease = format!("{}/{}/{at:0128}", name("s", 128), u64::MAX).parse().unwrap();
            let worker = |letter| format!("{}{at:08}", name(letter, 120)).parse().unwrap();
            Moved::new(lease, Some(worker("a")), worker("b"), Why::Balance, StoreTime(at))
        });
        let mut moves = Moves::default();
        moves.add(all);
        assert_eq!((moves.moves.len(), moves.dropped), (Moves::MAX, 50));
        assert_eq!(moves.moves.first().map(|moved| moved.at), Some(StoreTime(50)));
        let text = moves.encode();
        assert!(text.len() < Document::MAX_BODY, "{}", text.len());
        assert_eq!(Moves::decode(&text), Some(moves));
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over_and_what_makes_no_sense_left_out() {
        let text = br#"{"w":["a","b"],"l":["orders/7"],"x":1,"m":[
            {"s":"shard-0","f":0,"t":1,"y":"moon","a":5,"u":7,"z":9},
            {"s":"shard-1","f":7,"t":1,"y":"gone","a":6},
            {"s":"?","t":1,"y":"gone","a":6}]}"#;
        let read = Moves::decode(text).unwrap();
        let key = "orders/7/shard-0".parse().unwrap();
        let why = Why::Other("moon".into());
        let worker = |name: &str| name.parse().unwrap();
        let expected = Moved::new(key, Some(worker("a")), worker("b"), why, StoreTime(5));
        assert_eq!(read.moves, [expected]);
        assert_eq!(Moves::decode(b"{}"), Some(Moves::default()));
        assert_eq!(Moves::decode(b"[]x"), None);
    }
}
