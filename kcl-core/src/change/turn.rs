//! Whose turn it is: what the document `changing` says of the change at hand.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lease::Changing;

/// The change at hand, or the last one if the application is open. It stands in the document
/// beside who makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// Names the change, and its copy: the version of the document with which it began.
    #[serde(rename = "change")]
    pub number: u64,
    /// The turn that began it. Empty: not known.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub begun: String,
    /// What it is, as its command says it.
    pub what: String,
    /// The change before it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub former: Option<u64>,
    /// Whether it was prepared: nothing is to be opened before it is made, or taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub prepared: bool,
    /// Whether it is being taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub undoing: bool,
}

impl Change {
    pub(super) fn new(number: u64, what: String, former: Option<u64>, begun: &str) -> Self {
        Self { number, begun: begun.to_owned(), what, former, prepared: false, undoing: false }
    }

    /// The change that a document tells of.
    #[must_use]
    pub fn of(changing: &Changing) -> Option<Self> {
        serde_json::from_value(Value::Object(changing.more.clone())).ok()
    }

    /// The document with this change in it.
    pub(super) fn write(&self, mut changing: Changing) -> Changing {
        if let Ok(Value::Object(mine)) = serde_json::to_value(self) {
            for name in ["change", "begun", "what", "former", "prepared", "undoing"] {
                changing.more.remove(name);
            }
            changing.more.extend(mine);
        }
        changing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{env::WallTime, lease::ChangeState};

    #[test]
    fn the_change_stands_beside_what_others_wrote() {
        let mut changing =
            Changing::new(ChangeState::Closed, "me", WallTime::from_millis(7), "turn");
        assert_eq!(Change::of(&changing), None);
        changing.more.insert("later".to_owned(), Value::from(1));
        let undo = Change { undoing: true, ..Change::new(4, "reset".to_owned(), Some(1), "t0") };
        let written = undo.write(changing);
        assert_eq!(Change::of(&written), Some(undo.clone()));
        let forward = Change { former: None, undoing: false, ..undo };
        let written = forward.write(written);
        assert_eq!(Change::of(&written), Some(forward));
        assert_eq!(written.more.get("later"), Some(&Value::from(1)));
    }
}
