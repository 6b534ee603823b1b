//! Workers die or leave.

use std::time::Duration;

use anyhow::{Context, Result};
use kcl_tests::fleet::{Signal, wall_millis};

use crate::{
    lab::{Lab, Setup, pause},
    profile::Profile,
    reads::{held_by, pick, settled, successors, times},
    row::Sample,
};

const WORKERS: [&str; 3] = ["a", "b", "c"];

/// A settled fleet of three that reads twenty shards.
async fn fleet(lab: &Lab, profile: Profile, name: &str) -> Result<Setup> {
    let mut setup = lab.setup(profile, name, 20).await?;
    setup.fleet.start_all(&WORKERS)?;
    settled(&setup.fleet, &[7, 7, 6]).await?;
    // Whoever leaves does so at no particular moment of anybody's beat.
    let spread = Duration::from_millis(10).mul_f64(wall_millis() % 300.0);
    pause(Duration::from_secs(5) + spread).await;
    Ok(setup)
}

/// One is killed: until all its shards are read by others.
pub(crate) async fn kill(
    lab: &Lab,
    profile: Profile,
    name: &str,
    planner: bool,
) -> Result<Vec<Sample>> {
    let mut setup = fleet(lab, profile, name).await?;
    let victim = pick(&setup.fleet, &WORKERS, planner).await?;
    let held = held_by(&setup.fleet, &victim).await?;
    let killed = setup.fleet.signal(&victim, Signal::KILL)?;
    let mut last = None;
    setup
        .fleet
        .until("every shard is read again", |history| {
            let read: Option<Vec<f64>> = successors(history, &held).into_values().collect();
            last = read.and_then(|read| read.into_iter().reduce(f64::max));
            last.is_some()
        })
        .await?;
    let line = if planner {
        "kill -9 of the planner → all its shards read by others"
    } else {
        "kill -9 of a follower → all its shards read by others"
    };
    let target = "6.3 / 7.5 (fast 3.2 / 3.9)";
    Ok(vec![Sample::new(line, "s", target, vec![(last.context("none")? - killed) / 1e3])])
}

/// One is asked to leave: how long each of its shards goes unread, and when it is gone.
pub(crate) async fn term(
    lab: &Lab,
    profile: Profile,
    name: &str,
    planner: bool,
) -> Result<Vec<Sample>> {
    let mut setup = fleet(lab, profile, name).await?;
    let victim = pick(&setup.fleet, &WORKERS, planner).await?;
    let held = held_by(&setup.fleet, &victim).await?;
    let told = setup.fleet.signal(&victim, Signal::TERM)?;
    setup.fleet.gone(&victim).await?;
    let gone = wall_millis();
    let mut unread = Vec::new();
    setup
        .fleet
        .until("every shard is read again", |history| {
            let released = times(history, "kcl.lease.releasing");
            let spans = successors(history, &held).into_iter().map(|(held, read)| {
                // One that was not released was freed with the session.
                let released = released.get(&held).copied().unwrap_or(gone);
                Some((read? - released) / 1e3)
            });
            let spans: Option<Vec<f64>> = spans.collect();
            unread = spans.unwrap_or_default();
            !unread.is_empty()
        })
        .await?;
    let (unread_line, gone_line) = if planner {
        ("SIGTERM of the planner: each shard unread", "… the planner's process gone")
    } else {
        ("SIGTERM of a follower: each shard unread", "… the follower's process gone")
    };
    Ok(vec![
        Sample::new(unread_line, "s", "0.3 / 0.5", unread),
        Sample::new(gone_line, "s", "2 / 3", vec![(gone - told) / 1e3]),
    ])
}
