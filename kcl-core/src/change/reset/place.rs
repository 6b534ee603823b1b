//! A position in one shard, as commands take it.

use std::{fmt, str::FromStr};

use crate::{
    env::WallTime,
    lease::Checkpoint,
    settings::InitialPosition,
    stream::{Position, SequenceNumber},
};

/// A position in one shard.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// Before the oldest record.
    TrimHorizon,
    /// After the newest record: at the stream's own time, when the change is planned.
    Latest,
    /// Before the first record that arrived at this time or later.
    At(WallTime),
    /// After this record, which counts as processed.
    After(Position),
}

impl Place {
    /// The checkpoint that starts at this position. `now` is the stream's own time.
    #[must_use]
    pub fn checkpoint(&self, now: WallTime) -> Checkpoint {
        match self {
            Self::TrimHorizon => Checkpoint::TrimHorizon,
            Self::Latest => Checkpoint::AtTimestamp(now),
            Self::At(at) => Checkpoint::AtTimestamp(*at),
            Self::After(position) => Checkpoint::After(position.clone()),
        }
    }
}

impl From<InitialPosition> for Place {
    fn from(position: InitialPosition) -> Self {
        match position {
            InitialPosition::TrimHorizon => Self::TrimHorizon,
            InitialPosition::Latest => Self::Latest,
            InitialPosition::AtTimestamp(at) => Self::At(at),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrimHorizon => f.write_str("trim-horizon"),
            Self::Latest => f.write_str("latest"),
            Self::At(at) => at.fmt(f),
            Self::After(position) => write!(f, "{position}"),
        }
    }
}

/// Parses `trim-horizon`, `latest`, a sequence number, or a sequence number and a sub-sequence
/// number with a colon or (as a list of leases shows it) a dot between them. It parses no times:
/// the caller does, since it knows their formats.
///
/// ```
/// use kcl_core::change::Place;
///
/// assert_eq!("latest".parse::<Place>().unwrap(), Place::Latest);
/// let place: Place = "4959:3".parse().unwrap();
/// assert!(matches!(place, Place::After(position) if position.sub == 3));
/// ```
impl FromStr for Place {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "trim-horizon" | "TRIM_HORIZON" => return Ok(Self::TrimHorizon),
            "latest" | "LATEST" => return Ok(Self::Latest),
            _ => {}
        }
        let refuse = || InvalidPlace(text.chars().take(100).collect());
        let (sequence, sub) = text.split_once([':', '.']).unwrap_or((text, "0"));
        let sequence: SequenceNumber = sequence.parse().map_err(|_| refuse())?;
        if sub.is_empty() || !sub.bytes().all(|b| b.is_ascii_digit()) {
            return Err(refuse());
        }
        let sub = sub.parse().map_err(|_| refuse())?;
        Ok(Self::After(Position::new(sequence, sub)))
    }
}

/// A text that is no position; at most 100 characters of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no position: use trim-horizon, latest, a time like 2026-01-31T08:00:00Z, or the \
     sequence number of the last record that counts as processed, like 4959…0898 or 4959…0898:3"
)]
pub struct InvalidPlace(pub(super) String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_what_it_shows() {
        for text in ["trim-horizon", "latest", "4959", "4959.3"] {
            assert_eq!(text.parse::<Place>().unwrap().to_string(), text);
        }
        assert_eq!("4959:3".parse::<Place>().unwrap().to_string(), "4959.3");
        for bad in ["", "newest", "-1", "49x", "4:", "4:-1", "4:+1", "4:3:1", &"9".repeat(65)] {
            let told = bad.parse::<Place>().unwrap_err().to_string();
            assert!(told.contains("trim-horizon") && told.contains("sequence number"), "{told}");
        }
    }
}
