//! The checkpoint of a lease: the position up to which a shard is processed.

use std::fmt;

use crate::{
    env::WallTime,
    stream::{Position, SequenceNumber, StartAt},
};

/// The position up to which a shard is processed, or the place where its first reader starts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Checkpoint {
    /// Nothing is processed yet; reading starts at the oldest record.
    TrimHorizon,
    /// Nothing is processed yet; reading starts after the newest record. No worker writes it: the
    /// initial position `latest` is frozen to a timestamp before the first lease exists.
    Latest,
    /// Nothing is processed yet; reading starts at the first record that arrived at or after this
    /// time.
    AtTimestamp(WallTime),
    /// Every record up to and including this position is processed.
    After(Position),
    /// Every record is processed and the shard has ended (`SHARD_END` in the Java KCL).
    ShardEnd,
}

/// The digits of the sub-sequence number in a key: the length of the highest `u64`.
const SUB_DIGITS: usize = 20;

impl Checkpoint {
    /// The number of characters of every [`Self::key`].
    pub const KEY_LENGTH: usize = SequenceNumber::MAX_DIGITS + SUB_DIGITS;

    /// The checkpoint as ASCII digits of fixed width, whose text order is the order of progress:
    /// initial positions first, the end of the shard last. Stores compare these texts. So no store
    /// needs large numbers (those of DynamoDB hold 38 digits, those of Lua 53 bits), and no
    /// collation matters.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::TrimHorizon | Self::Latest | Self::AtTimestamp(_) => "0".repeat(Self::KEY_LENGTH),
            Self::After(at) => format!("{}{:0>SUB_DIGITS$}", at.sequence.padded(), at.sub),
            Self::ShardEnd => "9".repeat(Self::KEY_LENGTH),
        }
    }

    /// The kind of the checkpoint, which [`Self::key`] does not show: `TRIM_HORIZON`, `LATEST`,
    /// `AT_TIMESTAMP:` with milliseconds since 1970, `AFTER` or `SHARD_END`.
    #[must_use]
    pub fn kind(&self) -> String {
        match self {
            Self::TrimHorizon => "TRIM_HORIZON".into(),
            Self::Latest => "LATEST".into(),
            Self::AtTimestamp(at) => format!("AT_TIMESTAMP:{}", at.as_millis()),
            Self::After(_) => "AFTER".into(),
            Self::ShardEnd => "SHARD_END".into(),
        }
    }

    /// Reads a checkpoint from its [`Self::kind`] and its [`Self::key`].
    ///
    /// # Errors
    /// The kind is unknown, or the key of an `AFTER` is no position.
    pub fn from_parts(kind: &str, key: &str) -> Result<Self, InvalidCheckpoint> {
        let refuse = || InvalidCheckpoint::new(kind, key);
        match kind {
            "TRIM_HORIZON" => Ok(Self::TrimHorizon),
            "LATEST" => Ok(Self::Latest),
            "SHARD_END" => Ok(Self::ShardEnd),
            "AFTER" => {
                if key.len() != Self::KEY_LENGTH || !key.is_ascii() {
                    return Err(refuse());
                }
                let (sequence, sub) = key.split_at(SequenceNumber::MAX_DIGITS);
                let sequence = sequence.parse().map_err(|_| refuse())?;
                let sub = sub.parse().map_err(|_| refuse())?;
                Ok(Self::After(Position::new(sequence, sub)))
            }
            other => {
                let millis = other.strip_prefix("AT_TIMESTAMP:").ok_or_else(refuse)?;
                let millis = millis.parse().map_err(|_| refuse())?;
                Ok(Self::AtTimestamp(WallTime::from_millis(millis)))
            }
        }
    }

    /// True if a write of this checkpoint over `stored` takes no progress back.
    #[must_use]
    pub fn may_follow(&self, stored: &Self) -> bool {
        self.rank() >= stored.rank()
    }

    /// Whether the shard is processed to its end.
    #[must_use]
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::ShardEnd)
    }

    /// The place where a reader continues from this checkpoint; `None` at the end of the shard.
    #[must_use]
    pub fn start(&self) -> Option<StartAt> {
        match self {
            Self::TrimHorizon => Some(StartAt::TrimHorizon),
            Self::Latest => Some(StartAt::Latest),
            Self::AtTimestamp(at) => Some(StartAt::AtTimestamp(*at)),
            Self::After(position) => Some(StartAt::After(position.clone())),
            Self::ShardEnd => None,
        }
    }

    /// Orders checkpoints as [`Self::key`] does, without making strings. Position zero, which no
    /// record has, has the same key as the initial positions.
    fn rank(&self) -> (u8, Option<&Position>) {
        match self {
            Self::TrimHorizon | Self::Latest | Self::AtTimestamp(_) => (0, None),
            Self::After(position) if position.is_zero() => (0, None),
            Self::After(position) => (1, Some(position)),
            Self::ShardEnd => (2, None),
        }
    }
}

impl From<Position> for Checkpoint {
    fn from(position: Position) -> Self {
        Self::After(position)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(position) => write!(f, "{position}"),
            other => f.write_str(&other.kind()),
        }
    }
}

/// The error of [`Checkpoint::from_parts`]. It shows the stored kind and key, cut to 40 and 90
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored checkpoint (kind {kind:?}, key {key:?}) makes no sense")]
pub struct InvalidCheckpoint {
    kind: String,
    key: String,
}

impl InvalidCheckpoint {
    fn new(kind: &str, key: &str) -> Self {
        Self { kind: kind.chars().take(40).collect(), key: key.chars().take(90).collect() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_checkpoint() -> impl Strategy<Value = Checkpoint> {
        prop_oneof![
            Just(Checkpoint::TrimHorizon),
            Just(Checkpoint::Latest),
            any::<u64>().prop_map(|at| Checkpoint::AtTimestamp(WallTime::from_millis(at))),
            (prop_oneof![0..3_u128, any::<u128>()], prop_oneof![0..3_u64, any::<u64>()])
                .prop_map(|(n, sub)| Checkpoint::After(Position::new(n.into(), sub))),
            any::<u64>().prop_map(|sub| {
                let highest = "9".repeat(SequenceNumber::MAX_DIGITS).parse().unwrap();
                Checkpoint::After(Position::new(highest, sub))
            }),
            Just(Checkpoint::ShardEnd),
        ]
    }

    proptest! {
        #[test]
        fn reads_back(checkpoint in any_checkpoint()) {
            let key = checkpoint.key();
            prop_assert_eq!(key.len(), Checkpoint::KEY_LENGTH);
            prop_assert_eq!(Checkpoint::from_parts(&checkpoint.kind(), &key).unwrap(), checkpoint);
        }

        #[test]
        fn keys_order_as_the_rule_does(a in any_checkpoint(), b in any_checkpoint()) {
            prop_assert_eq!(a.may_follow(&b), a.key() >= b.key());
        }

        #[test]
        fn parsing_never_panics(kind: String, key: String) {
            let _ = Checkpoint::from_parts(&kind, &key);
            let _ = Checkpoint::from_parts("AFTER", &key);
        }
    }
}
