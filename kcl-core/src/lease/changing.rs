//! Whether an application is closed while its rows are rewritten, and by whom.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::env::WallTime;

/// What the document [`super::DocName::changing`] says. It is never deleted, so that its version
/// only grows: each change of it is a compare-and-set on the version that was read.
///
/// A worker that registered while it says [`ChangeState::Closed`] ends that session and waits
/// without one. Without the document the application is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Changing {
    /// Whether workers may join.
    pub state: ChangeState,
    /// Who changes the application and for what, like `kcl leases reset --to latest on host x`.
    pub by: String,
    /// Since when the state holds, by the clock of whoever wrote it.
    pub since: WallTime,
    /// Names the one command that may go on: whoever takes the change over writes another.
    pub turn: String,
    /// What later versions add: kept by whoever rewrites the document.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Whether workers may join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeState {
    /// They may.
    Open,
    /// They wait: rows are being rewritten.
    Closed,
}

impl Changing {
    /// The state that holds since `since`, for `by`, in the hands of `turn`.
    #[must_use]
    pub fn new(
        state: ChangeState,
        by: impl Into<String>,
        since: WallTime,
        turn: impl Into<String>,
    ) -> Self {
        Self { state, by: by.into(), since, turn: turn.into(), more: Map::new() }
    }

    /// Whether workers have to wait.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == ChangeState::Closed
    }

    /// The document's text.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        // Serialising a plain struct with string keys into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Reads a document.
    ///
    /// # Errors
    /// What makes no sense in it. It may have been written by a later version: the application is
    /// then to be taken for closed, and the document is not to be overwritten.
    pub fn decode(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body)
    }
}

impl fmt::Display for Changing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.state {
            ChangeState::Open => write!(f, "open; last changed by {}", self.by),
            ChangeState::Closed => write!(f, "closed by {}", self.by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_version_adds_is_kept() {
        let text =
            br#"{"state":"closed","by":"kcl leases reset on h","since":7,"turn":"t1","n":1}"#;
        let mut changing = Changing::decode(text).unwrap();
        assert!(changing.is_closed());
        assert_eq!(changing.since, WallTime::from_millis(7));
        changing.state = ChangeState::Open;
        let again = Changing::decode(&changing.encode()).unwrap();
        assert_eq!((again.is_closed(), again.more.get("n")), (false, Some(&Value::from(1))));
    }

    #[test]
    fn what_makes_no_sense_is_not_taken_for_open() {
        for odd in ["", "{}", r#"{"state":"frozen","by":"x","since":1,"turn":"t"}"#] {
            assert!(Changing::decode(odd.as_bytes()).is_err(), "{odd}");
        }
    }
}
