//! The writes of a session's row: register, beat, end and forget.

use crate::{
    conformance::{
        bench::Bench,
        failure::{Check, check, same},
        samples::{report, session, session_id},
    },
    lease::{Beat, EndSession, Ending, Forget, Session, Stamp},
};

/// A registration never replaces a row; another incarnation has a row of its own. A replaced row
/// would lose the beat that the other workers watch.
pub(super) async fn a_new_session_is_put_once(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let id = session_id("worker", 1)?;
    script.done(session(id.clone())?).await?;
    // The same row again, and another row with the same id.
    script.refused(session(id.clone())?).await?;
    let mut other = session(id.clone())?;
    other.start += 1;
    other.beat = 9;
    script.refused(other).await?;
    script.done(session(session_id("worker", 2)?)?).await?;
    // A session without any optional value.
    let bare = Session::new(
        session_id("bare", 1)?,
        0,
        std::time::Duration::from_secs(3),
        std::time::Duration::from_millis(750),
    );
    script.done(bare).await
}

/// A beat is accepted only with a number above the stored one, so that a duplicate has no effect.
/// The other workers take a changed number for a sign of life.
pub(super) async fn a_beat_counts_only_forwards(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let id = session_id("worker", 1)?;
    script.done(session(id.clone())?).await?;
    // A new session has beat number 0. Numbers may be skipped, but not used twice.
    script.refused(Beat::new(id.clone(), 0, report(2))).await?;
    script.done(Beat::new(id.clone(), 1, report(2))).await?;
    script.refused(Beat::new(id.clone(), 1, report(3))).await?;
    script.done(Beat::new(id.clone(), 5, report(4))).await?;
    script.refused(Beat::new(id.clone(), 4, report(5))).await?;
    script.done(Beat::new(id.clone(), 6, crate::lease::Report::NOTHING)).await?;
    script.refused(Beat::new(session_id("worker", 2)?, 7, report(6))).await
}

/// A later beat that does not say `leaving` leaves the session in that state. Otherwise the planner
/// would assign leases again to a worker that is about to stop.
pub(super) async fn leaving_is_for_good(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let id = session_id("worker", 1)?;
    script.done(session(id.clone())?).await?;
    script.done(Beat::new(id.clone(), 1, report(1)).leaving(true)).await?;
    script.done(Beat::new(id.clone(), 2, report(2))).await?;
    script.refused(Beat::new(id.clone(), 2, report(2)).leaving(true)).await?;
    script.done(id.clone()).await?;
    script.done(EndSession::new(id, Ending::Leave)).await
}

/// No write changes the row of an ended session, whatever ended it. Other workers take the leases
/// of an ended session, so it must not return.
pub(super) async fn an_ended_session_stays_ended(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let endings = [Ending::Leave, Ending::Replace, Ending::Fence { beat: 0 }];
    for (incarnation, ending) in (1..).zip(endings) {
        let id = session_id("worker", incarnation)?;
        script.done(session(id.clone())?).await?;
        script.done(EndSession::new(id.clone(), ending)).await?;
        for again in endings {
            script.refused(EndSession::new(id.clone(), again)).await?;
        }
        script.refused(Beat::new(id.clone(), 1, report(1))).await?;
        script.refused(Beat::new(id.clone(), 2, report(1)).leaving(true)).await?;
        script.refused(session(id.clone())?).await?;
        script.refused(id).await?;
    }
    Ok(())
}

/// A fence is refused if the session has beaten since the caller watched it. Otherwise a watcher
/// that was slow itself could end a live session.
pub(super) async fn a_fence_needs_the_beat_that_was_watched(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let id = session_id("worker", 1)?;
    script.done(session(id.clone())?).await?;
    script.done(Beat::new(id.clone(), 7, report(1))).await?;
    // The first beat, one before, one after, and a number that only starts like the right one.
    for wrong in [0, 6, 8, 70] {
        script.refused(EndSession::new(id.clone(), Ending::Fence { beat: wrong })).await?;
    }
    script.done(EndSession::new(id, Ending::Fence { beat: 7 })).await
}

/// The row of a live or leaving session is not deleted. The other workers treat a session without a
/// row as ended, so they would take its leases.
pub(super) async fn only_an_ended_session_is_forgotten(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let id = session_id("worker", 1)?;
    // Missing, live, leaving, and ended.
    script.refused(Forget::new(id.clone())).await?;
    script.done(session(id.clone())?).await?;
    script.refused(Forget::new(id.clone())).await?;
    script.done(Beat::new(id.clone(), 1, report(1)).leaving(true)).await?;
    script.refused(Forget::new(id.clone())).await?;
    script.done(EndSession::new(id.clone(), Ending::Leave)).await?;
    script.done(Forget::new(id.clone())).await?;
    script.refused(Forget::new(id.clone())).await?;
    // After the row was deleted, the same session may register again.
    script.done(session(id)?).await
}

/// Finds updates that create a missing row. Such a row would look like a live session that no
/// worker runs.
pub(super) async fn an_absent_session_is_not_made_by_accident(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let id = session_id("nobody", 1)?;
    script.refused(Beat::new(id.clone(), 1, report(1))).await?;
    script.refused(Beat::new(id.clone(), 2, report(1)).leaving(true)).await?;
    for ending in [Ending::Leave, Ending::Replace, Ending::Fence { beat: 0 }] {
        script.refused(EndSession::new(id.clone(), ending)).await?;
    }
    script.refused(Forget::new(id)).await
}

/// Every answer to a beat, a refusal too, carries the store's time, which never goes back, and its
/// generation. Workers take the time for new epochs; a changed generation shows them that the store
/// went back in time.
pub(super) async fn the_store_tells_time_and_generation(bench: Bench) -> Check {
    let store = bench.store().await?;
    let id = session_id("worker", 1)?;
    let mut last: Stamp = store.register(session(id.clone())?).await?.stamp;
    for number in 1..=20 {
        let stamp = store.beat(Beat::new(id.clone(), number, report(1))).await?.stamp;
        check(stamp.at >= last.at, || {
            format!("beat {number}: the store's time went back from {last:?} to {stamp:?}")
        })?;
        same(format_args!("the generation at beat {number}"), &stamp.generation, &last.generation)?;
        last = stamp;
    }
    let refused = store.beat(Beat::new(id, 20, report(1))).await?;
    check(!refused.value.is_done(), || "beat 20 was counted twice".into())?;
    check(last.at.0 > 0 && refused.stamp.at >= last.at, || {
        format!("no time on a refused beat: {:?} after {last:?}", refused.stamp)
    })
}
