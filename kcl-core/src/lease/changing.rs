//! The document that closes an application while a command rewrites its rows.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::env::WallTime;

/// The content of the document [`super::DocName::changing`]. Nobody ever deletes the document, so
/// that its version only grows; each change is a compare-and-set on the version that was read.
///
/// A worker that has registered and then finds [`ChangeState::Closed`] ends its session and waits
/// without one. Without the document, the application is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Changing {
    /// Whether workers may join.
    pub state: ChangeState,
    /// The command that changes the application, such as `kcl leases reset --to latest on host x`.
    pub by: String,
    /// The start of the present state, by the clock of the command.
    pub since: WallTime,
    /// Identifies the run of a command that may continue the change. Another run that takes the
    /// change over writes another value.
    pub turn: String,
    /// Fields that later versions add. A version that does not know them keeps them.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

/// Whether workers may join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeState {
    /// Workers may join.
    Open,
    /// Workers wait: a command rewrites the rows.
    Closed,
}

impl Changing {
    /// Makes the content with these fields, and without unknown ones.
    #[must_use]
    pub fn new(
        state: ChangeState,
        by: impl Into<String>,
        since: WallTime,
        turn: impl Into<String>,
    ) -> Self {
        Self { state, by: by.into(), since, turn: turn.into(), more: Map::new() }
    }

    /// True if workers must wait.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.state == ChangeState::Closed
    }

    /// The content as JSON.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        // Serialising a plain struct with string keys into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Reads the content from JSON.
    ///
    /// # Errors
    /// The text is not such a document. A later version may have written it: the caller then takes
    /// the application for closed, and does not overwrite the document.
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
