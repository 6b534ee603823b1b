//! The table of moves: leases that changed hands.
//!
//! Two sources are joined. Readings show that an owner changed, and for how long nobody read the
//! shard. The planner's document gives the reason, and knows moves that no reading saw.

use kcl_core::lease::{LeaseKey, WorkerId, report::Moved};
use serde_json::{Value, json};

use super::{
    Look, Table,
    history::{HANDED_OVER, Move},
};

/// The columns. The page's scripts use these names.
const COLUMNS: &[&str] = &[
    // The time of the reading that saw the move, or of the plan.
    "at_ms",
    "shard",
    "from",
    "to",
    "why",
    // For how long readings saw no live owner.
    "unread_ms",
    "epoch",
    // Whether a reading of this dashboard saw the move, or only the planner reported it.
    "how",
];

/// How far apart, in milliseconds, the planner's time of a move and the reading that saw it may be.
const APART: u64 = 60_000;

/// The table: the moves that readings saw, then those that only the planner reported.
pub(super) fn table(look: &Look<'_>) -> Table {
    let mut table = Table::of(COLUMNS);
    let planned: &[Moved] = look.planned.map_or(&[], |it| &it.moves);
    let is_of = |it: &Move, moved: &Moved| {
        let apart = it.at.as_millis().abs_diff(moved.at.0);
        moved.lease == it.lease && moved.to == it.to.worker && apart < APART
    };
    for (number, it) in &look.history.moves {
        let plan = planned.iter().rfind(|moved| is_of(it, moved));
        // The planner knows why it moved a lease of a live worker. If the worker died, the readings
        // know more.
        let why = plan.filter(|_| it.why == HANDED_OVER).map_or(it.why, |it| it.why.means());
        let cells = vec![
            json!(it.at.as_millis()),
            json!(shard(&it.lease)),
            json!(it.from.as_ref().map(|from| from.worker.as_str())),
            json!(it.to.worker.as_str()),
            json!(why),
            json!(it.unread),
            json!(it.epoch),
            json!("seen"),
        ];
        table.rows.insert(format!("{number:010}"), cells);
    }
    // Moves that the planner reports and that no reading of this dashboard saw.
    for moved in planned {
        if look.history.moves.iter().any(|(_, it)| is_of(it, moved)) {
            continue;
        }
        let cells = vec![
            json!(moved.at.0),
            json!(shard(&moved.lease)),
            json!(moved.from.as_ref().map(WorkerId::as_str)),
            json!(moved.to.as_str()),
            json!(moved.why.means()),
            Value::Null,
            Value::Null,
            json!("planned"),
        ];
        table.rows.insert(format!("planned {} {}", moved.at.0, moved.lease), cells);
    }
    table
}

/// The shard's id; the whole key for a lease that has none.
fn shard(lease: &LeaseKey) -> String {
    lease.shard().map_or_else(|| lease.to_string(), |it| it.to_string())
}
