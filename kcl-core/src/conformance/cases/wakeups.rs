//! Wake-ups: the mailbox counter of each session, and the channel of a store that pushes.

use std::time::Duration;

use crate::{
    conformance::{
        Failure,
        bench::Bench,
        failure::{Check, check, made, same},
        samples::{report, session, session_id},
    },
    lease::{Beat, EndSession, Ending, SessionId, Write},
    store::{Consistency, LeaseStore, Wakeups},
};

/// The longest time that a pushed wake-up may take: long, so that only a lost one fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The mailbox counter of a session.
async fn mailbox(store: &dyn LeaseStore, id: &SessionId) -> Result<u64, Failure> {
    let row = store.session(id, Consistency::Strong).await?;
    Ok(row.ok_or_else(|| Failure::new(format!("{id} is gone")))?.mailbox)
}

/// The answer to the next beat shows the mailbox, which is the wake-up of a store that does not
/// push. A wake-up must not count as a beat, or a dead session would look alive.
pub(super) async fn a_wake_up_raises_the_mailbox_and_nothing_else(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let (id, other) = (session_id("worker", 1)?, session_id("worker", 2)?);
    script.done(session(id.clone())?).await?;
    script.done(session(other.clone())?).await?;
    // The script compares the whole row after each command.
    script.done(id.clone()).await?;
    script.done(id.clone()).await?;
    same("the other's mailbox", &mailbox(script.store(), &other).await?, &0)?;
    script.done(Beat::new(id.clone(), 1, report(2))).await?;
    script.done(id.clone()).await?;
    let answer = script.store().beat(Beat::new(id, 2, report(3))).await?.value;
    match answer {
        Write::Done(row) => same("the mailbox in a beat's reply", &row.mailbox, &3),
        Write::Refused(row) => Err(Failure::new(format!("the second beat was refused: {row:?}"))),
    }
}

/// A wake-up for a missing or ended session has no effect. The sender may know an old list of
/// sessions.
pub(super) async fn nobody_is_made_or_woken_by_waking_the_absent_or_ended(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    let id = session_id("worker", 1)?;
    script.refused(id.clone()).await?;
    let listed = script.store().sessions(None, Consistency::Strong).await?.items;
    check(listed.is_empty(), || format!("waking made a session: {listed:?}"))?;
    script.done(session(id.clone())?).await?;
    script.done(id.clone()).await?;
    // After its end the session's mailbox stays as it is.
    script.done(EndSession::new(id.clone(), Ending::Replace)).await?;
    script.refused(id).await
}

/// The channel exists exactly if the factory says so, and no wake-up after its opening is missed. A
/// missed wake-up costs no correctness, but the time until the next poll.
pub(super) async fn wake_ups_are_pushed_where_the_store_says_so(bench: Bench) -> Check {
    let (store, other) = (bench.store().await?, bench.store().await?);
    let id = session_id("worker", 1)?;
    made(store.register(session(id.clone())?).await?.value)?;
    let wakeups = store.wakeups(&id).await?;
    let pushes = bench.capabilities().pushes_wakeups;
    same("whether the store pushes wake-ups", &wakeups.is_some(), &pushes)?;
    let Some(mut wakeups) = wakeups else { return Ok(()) };
    for round in 1..=3 {
        // Another client wakes before this one waits: the channel must keep the wake-up.
        other.wake(&id).await?;
        arrives(wakeups.as_mut(), round).await?;
    }
    same("the mailbox after three wake-ups", &mailbox(store.as_ref(), &id).await?, &3)
}

/// Fails if no wake-up arrives within [`PATIENCE`].
#[expect(clippy::disallowed_methods, reason = "a watchdog of tests, no part of any simulation")]
async fn arrives(wakeups: &mut dyn Wakeups, round: u32) -> Check {
    match tokio::time::timeout(PATIENCE, wakeups.next()).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::new(format!("wake-up {round} did not arrive in {PATIENCE:?}"))),
    }
}
