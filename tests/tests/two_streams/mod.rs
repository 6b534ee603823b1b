//! One application name, two streams: real processes, on every store that processes can share.
//!
//! At any time one stream is read, all of it, and nobody reads one stream under the leases of
//! another. Whoever may not read its stream says which one is read, and what to do.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod stage;

use anyhow::{Result, ensure};
use kcl_tests::fleet::Signal;

use stage::{Fleets, Home, Which, on_each_store};

const RECORDS: usize = 40;

on_each_store!(
    of_two_that_start_at_once_on_two_streams_one_is_read,
    who_comes_after_the_others_were_killed_reads_another_stream,
    one_stream_after_the_other_is_read_without_waiting,
    a_rolling_change_of_stream_stops_at_its_first_process,
);

async fn of_two_that_start_at_once_on_two_streams_one_is_read(home: Home) -> Result<()> {
    let mut stage = Fleets::new(&home, "at-once").await?;
    stage.put(Which::A, RECORDS).await?;
    stage.put(Which::B, RECORDS).await?;
    stage.start(Which::A, "a")?;
    stage.start(Which::B, "b")?;
    let (loser, winner) = stage.first_to_end().await?;
    stage.check_refused(loser, winner).await?;
    stage.until_read(winner).await?;
    // What is put later is read, too.
    stage.put(winner, RECORDS).await?;
    stage.until_read(winner).await?;
    ensure!(stage.nothing_read(loser), "records of both streams came out");
    stage.check_repeats(winner).await
}

/// The stream changes once the sessions of those that were killed have been ended.
async fn who_comes_after_the_others_were_killed_reads_another_stream(home: Home) -> Result<()> {
    let mut stage = Fleets::new(&home, "killed").await?;
    stage.put(Which::A, RECORDS).await?;
    stage.put(Which::B, RECORDS).await?;
    stage.start(Which::A, "a1")?;
    stage.start(Which::A, "a2")?;
    stage.until_read(Which::A).await?;
    stage.signal(Which::A, "a1", Signal::KILL)?;
    stage.signal(Which::A, "a2", Signal::KILL)?;
    stage.start(Which::B, "b")?;
    stage.until_read(Which::B).await?;
    ensure!(stage.said(Which::B, "kcl.stream.differs"), "it did not say what it waits for");
    ensure!(stage.said(Which::B, "kcl.session.ended_dead"), "the dead were not waited for");
    stage.check_repeats(Which::B).await
}

/// Who leaves leaves nothing to wait for: one stream, another, and the first again from where it
/// was left.
async fn one_stream_after_the_other_is_read_without_waiting(home: Home) -> Result<()> {
    let mut stage = Fleets::new(&home, "in-turn").await?;
    for which in [Which::A, Which::B, Which::A] {
        stage.put(which, RECORDS).await?;
        stage.start(which, "w")?;
        stage.until_read(which).await?;
        stage.leave(which, "w").await?;
        ensure!(!stage.said(which, "kcl.session.ended_dead"), "somebody was waited for");
    }
    stage.check_repeats(Which::A).await?;
    stage.check_repeats(Which::B).await
}

async fn a_rolling_change_of_stream_stops_at_its_first_process(home: Home) -> Result<()> {
    let mut stage = Fleets::new(&home, "rolling").await?;
    stage.put(Which::A, RECORDS).await?;
    stage.put(Which::B, RECORDS).await?;
    stage.start(Which::A, "old1")?;
    stage.start(Which::A, "old2")?;
    stage.until_read(Which::A).await?;
    stage.leave(Which::A, "old1").await?;
    // It is replaced under its own id, as in a StatefulSet.
    stage.start(Which::B, "old1")?;
    stage.check_refused(Which::B, Which::A).await?;
    stage.put(Which::A, RECORDS).await?;
    stage.until_read(Which::A).await?;
    ensure!(stage.nothing_read(Which::B), "records of both streams came out");
    stage.check_repeats(Which::A).await
}
