//! Checks the invariants of simulated runs on the history of one row.
//!
//! The conformance suite runs drawn commands on a store and records the row before and after each.
//! [`judge_row`] checks that history. So a store is judged by the invariants of the protocol, and
//! not only by its equality with `lease::rules`.

use kcl_core::{
    conformance::{Change, Row},
    coordinator::StoreCall,
    env::Time,
};

use crate::sim::{Violation, fact::Fact, invariants, oracle::Oracle};

/// Judges the changes of one row, in their order, by the invariants of simulated runs that a single
/// row can show: epochs, checkpoints and the sessions that wrote them, stale writes, ends of
/// sessions, deletions, and terms of plans. The changes become the same facts as those of a
/// simulated store. Invariants that need a fleet are left out: the commands of a history are drawn
/// without a reason, and a history has no time, no stream and no other rows.
///
/// A row may be deleted and created again. Each of its lives is judged by itself: whether a session
/// registers twice, or a lease row is created again, is the fleet's responsibility and not the
/// store's.
///
/// ```no_run
/// use kcl_core::conformance::{Failed, StoreFactory, Suite};
/// use kcl_memory::sim::judge_row;
///
/// async fn test(mine: impl StoreFactory) -> Result<(), Failed> {
///     let judge = |row: &[_]| judge_row(row).map_err(|broken| broken.to_string());
///     println!("{}", Suite::new(mine).judged_by(judge).run().await?);
///     Ok(())
/// }
/// ```
///
/// # Errors
/// The invariant that a change broke, with the number of that change, counted from 1. Its
/// time is always zero, since histories have no time. The invariant "a history has no gap" is
/// broken if a change begins with another row than the change before it left.
pub fn judge_row(changes: &[Change]) -> Result<(), Violation> {
    let new_life = || {
        let all = invariants::of_rows().into_iter().chain(invariants::of_writes());
        Oracle::of_a_row(all.collect())
    };
    let mut life = new_life();
    let mut row: Option<&Row> = None;
    for (change, number) in changes.iter().zip(1_u64..) {
        let learned =
            goes_on(row, change).and_then(|()| facts(change, |fact| life.learn(Time::ZERO, &fact)));
        learned.map_err(|broken| Violation {
            what: format!("change {number} ({}): {}", change.call.name(), broken.what),
            ..broken
        })?;
        row = change.after.as_ref();
        if row.is_none() {
            life = new_life();
        }
    }
    Ok(())
}

/// An error unless a change begins with the row that the change before it left.
fn goes_on(row: Option<&Row>, change: &Change) -> Result<(), Violation> {
    if change.before.as_ref() == row {
        return Ok(());
    }
    let what = format!("{:?} became {:?} unseen", row, change.before);
    Err(Violation { invariant: "a history has no gap", at: Time::ZERO, what })
}

/// Gives `learn` the facts of one change, as a simulated store would report them.
fn facts(
    change: &Change,
    mut learn: impl FnMut(Fact<'_>) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let (call, before, after) = (&change.call, change.before.as_ref(), change.after.as_ref());
    let Some(kind) = after.or(before) else { return Ok(()) };
    if kind.session().is_some() {
        let (before, after) = (before.and_then(Row::session), after.and_then(Row::session));
        return learn(Fact::Session { call, before, after, up: true });
    }
    if kind.lease().is_some() {
        let (before, after) = (before.and_then(Row::lease), after.and_then(Row::lease));
        learn(Fact::row_seen(call, before, after, None))?;
        if let (StoreCall::Delete(delete), Some(row), None) = (call, before, after) {
            let (unfinished, listed) = (delete.unfinished, false);
            return learn(Fact::Deleted { row, unfinished, listed });
        }
        return Ok(());
    }
    after.and_then(Row::doc).map_or(Ok(()), |doc| learn(Fact::Document(doc)))
}

#[cfg(test)]
mod tests;
