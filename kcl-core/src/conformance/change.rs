//! What a history did to a row, for whoever judges it.

use std::sync::Arc;

use super::{Row, failure::shown};
use crate::coordinator::StoreCall;

/// Whoever judges histories ([`super::Suite::judged_by`]).
pub(super) type Judge = Arc<dyn Fn(&[Change]) -> Result<(), String> + Send + Sync>;

/// A write that changed a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The write.
    pub call: StoreCall,
    /// The row before it; `None`: there was none.
    pub before: Option<Row>,
    /// The row after it; `None`: there is none any more.
    pub after: Option<Row>,
}

impl Change {
    /// `call` made `after` of `before`.
    #[must_use]
    pub const fn new(call: StoreCall, before: Option<Row>, after: Option<Row>) -> Self {
        Self { call, before, after }
    }
}

/// The changes, two lines each.
pub(super) fn story(changes: &[Change]) -> String {
    let line = |change: &Change| {
        let after = change.after.as_ref().map_or_else(|| "no row".into(), shown);
        format!("\n      {}\n           -> {after}", shown(&change.call))
    };
    changes.iter().map(line).collect()
}
