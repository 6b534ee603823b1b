//! The turn: which run may write, as the document `changing` says.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lease::Changing;

/// The present change; if the application is open, the last one. The document `changing` holds it
/// beside the name of the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// The number of the change: the version that `changing` got when the change began. The copy is
    /// named after it.
    #[serde(rename = "change")]
    pub number: u64,
    /// The turn that began the change; empty if an older build wrote it.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub begun: String,
    /// The change in the words of its command.
    pub what: String,
    /// The number of the change before; `None` if there was none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub former: Option<u64>,
    /// Whether the change was prepared: the application stays closed until the change is made or
    /// taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub prepared: bool,
    /// Whether the change is being taken back.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub undoing: bool,
}

impl Change {
    pub(super) fn new(number: u64, what: String, former: Option<u64>, begun: &str) -> Self {
        Self { number, begun: begun.to_owned(), what, former, prepared: false, undoing: false }
    }

    /// The change in a document; `None` if it names none.
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
