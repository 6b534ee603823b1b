//! The keys of leases.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use crate::{
    env::WallTime,
    stream::{ShardId, StreamKey},
};

/// A lease's key, unique within an application: `stream/creation milliseconds/shard` for a shard,
/// `@name` for a role of the fleet.
///
/// The creation time distinguishes the lives of a stream that was deleted and created again under
/// the same name: both have the same shard ids.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct LeaseKey(Arc<str>);

impl LeaseKey {
    /// The longest key, in bytes.
    pub const MAX_LENGTH: usize = 300;

    /// The key of the planner's lease.
    #[must_use]
    pub fn planner() -> Self {
        Self("@planner".into())
    }

    /// The key of a shard's lease.
    #[must_use]
    pub fn of_shard(stream: &StreamKey, shard: &ShardId) -> Self {
        Self(format!("{stream}/{shard}").into())
    }

    /// True if the key names a role of the fleet and not a shard. Such leases are not counted, not
    /// audited and not deleted with ended shards.
    #[must_use]
    pub fn is_role(&self) -> bool {
        self.0.starts_with('@')
    }

    /// The stream of a shard's lease; `None` for a role.
    #[must_use]
    pub fn stream(&self) -> Option<StreamKey> {
        let (name, created, _) = self.place()?;
        Some(StreamKey::new(name, created))
    }

    /// True for a shard's lease of the stream with this name, in any of its lives.
    pub(crate) fn is_of(&self, stream: &str) -> bool {
        self.parts().is_some_and(|(name, ..)| name == stream)
    }

    /// The prefix of the keys of all leases of a stream. In key order these leases are adjacent.
    pub(crate) fn prefix_of(stream: &str) -> String {
        format!("{stream}/")
    }

    /// The shard of a shard's lease; `None` for a role.
    #[must_use]
    pub fn shard(&self) -> Option<ShardId> {
        self.parts()?.2.parse().ok()
    }

    /// The key of another shard of the same stream and life; `None` for a role.
    #[must_use]
    pub fn sibling(&self, shard: &ShardId) -> Option<Self> {
        let at = self.0.rfind('/')?;
        Some(Self(format!("{}/{shard}", &self.0[..at]).into()))
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// True if [`LeaseKey::of_shard`] could have made this text: the stream's name is neither empty
    /// nor begins with `@`, and the number is written in one way only.
    fn is_of_a_shard(&self) -> bool {
        !self.0.starts_with(['@', '/'])
            && self.stream().zip(self.shard()).is_some_and(|(stream, shard)| {
                Self::of_shard(&stream, &shard).as_str() == self.as_str()
            })
    }

    /// The stream's name, its creation time and the shard of a shard's lease.
    pub(crate) fn place(&self) -> Option<(&str, WallTime, &str)> {
        let (name, created, shard) = self.parts()?;
        Some((name, WallTime::from_millis(created.parse().ok()?), shard))
    }

    fn parts(&self) -> Option<(&str, &str, &str)> {
        let (name, rest) = self.0.split_once('/')?;
        let (created, shard) = rest.split_once('/')?;
        Some((name, created, shard))
    }
}

impl Borrow<str> for LeaseKey {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for LeaseKey {
    type Err = InvalidLeaseKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let key = Self(text.into());
        let role = text.strip_prefix('@').is_some_and(|role| {
            !role.is_empty() && role.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        });
        let known = role || key.is_of_a_shard();
        if known && text.len() <= Self::MAX_LENGTH {
            Ok(key)
        } else {
            Err(InvalidLeaseKey(text.chars().take(Self::MAX_LENGTH + 1).collect()))
        }
    }
}

impl TryFrom<String> for LeaseKey {
    type Error = InvalidLeaseKey;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LeaseKey> for String {
    fn from(key: LeaseKey) -> Self {
        key.as_str().to_owned()
    }
}

impl fmt::Display for LeaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for LeaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The error of a text that is no lease key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no lease key: expected stream/milliseconds/shard or @role")]
pub struct InvalidLeaseKey(String);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_shard_key_reads_back(
            name in "[a-zA-Z0-9_.-]{1,128}",
            created: u64,
            shard in "[a-zA-Z0-9_.-]{1,128}",
        ) {
            let stream = StreamKey::new(&name, WallTime::from_millis(created));
            let shard: ShardId = shard.parse().unwrap();
            let key = LeaseKey::of_shard(&stream, &shard);
            let read: LeaseKey = key.as_str().parse().unwrap();
            prop_assert_eq!(read.stream(), Some(stream));
            prop_assert_eq!(read.shard(), Some(shard.clone()));
            prop_assert_eq!(read.sibling(&shard), Some(key));
            prop_assert!(!read.is_role());
        }

        #[test]
        fn parsing_never_panics(text: String) {
            let _ = text.parse::<LeaseKey>();
        }
    }

    #[test]
    fn a_role_is_no_shard() {
        let planner: LeaseKey = "@planner".parse().unwrap();
        assert!(planner.is_role());
        assert_eq!((planner.stream(), planner.shard()), (None, None));
        assert!("@".parse::<LeaseKey>().is_err());
        for odd in ["orders/x/shard", "@/4/5667", "/4/5667", "orders/007/5667", "orders/+7/5667"] {
            assert!(odd.parse::<LeaseKey>().is_err(), "{odd}");
        }
    }
}
