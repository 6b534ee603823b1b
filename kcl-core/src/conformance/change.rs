//! A change of a row, as a judge gets it.

use std::sync::Arc;

use super::{Row, failure::shown};
use crate::coordinator::StoreCall;

/// The judge of [`super::Suite::judged_by`].
pub(super) type Judge = Arc<dyn Fn(&[Change]) -> Result<(), String> + Send + Sync>;

/// A write that took effect and changed a row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The write.
    pub call: StoreCall,
    /// The row before the write; `None` if there was none.
    pub before: Option<Row>,
    /// The row after the write; `None` if the write deleted it.
    pub after: Option<Row>,
}

impl Change {
    /// A change from `before` to `after` by `call`.
    #[must_use]
    pub const fn new(call: StoreCall, before: Option<Row>, after: Option<Row>) -> Self {
        Self { call, before, after }
    }
}

/// Formats changes for a failure, two lines each.
pub(super) fn story(changes: &[Change]) -> String {
    let line = |change: &Change| {
        let after = change.after.as_ref().map_or_else(|| "no row".into(), shown);
        format!("\n      {}\n           -> {after}", shown(&change.call))
    };
    changes.iter().map(line).collect()
}
