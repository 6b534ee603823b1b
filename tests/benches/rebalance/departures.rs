//! Workers die or leave.

use std::time::Duration;

use anyhow::{Context, Result};
use kcl_tests::fleet::{Signal, wall_millis};

use crate::{
    lab::{Lab, Setup, pause},
    profile::Profile,
    reads::{Held, held_by, pick, settled, successors, times},
    row::Sample,
};

const WORKERS: [&str; 3] = ["a", "b", "c"];

/// A settled fleet of three that reads twenty shards.
async fn fleet(lab: &Lab, profile: Profile, name: &str) -> Result<Setup> {
    let mut setup = lab.setup(profile, name, 20).await?;
    setup.fleet.start_all(&WORKERS)?;
    settled(&setup.fleet, &[7, 7, 6]).await?;
    at_no_particular_moment().await;
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
    let read = read_again(&setup, &held).await?;
    let line = if planner {
        "kill -9 of the planner → all its shards read by others"
    } else {
        "kill -9 of a follower → all its shards read by others"
    };
    let target = "6.3 / 7.5 (fast 3.2 / 3.9)";
    Ok(vec![Sample::new(line, "s", target, vec![(read - killed) / 1e3])])
}

/// Which workers are lost at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Of six: the planner, its standby, and one that watches nobody.
    BothHeads,
    /// Of nine in three zones: all three of the planner's zone.
    Zone,
}

impl Lost {
    const fn line(self) -> &'static str {
        match self {
            Self::BothHeads => {
                "kill -9 of planner, standby and one more of six → all their shards read by others"
            }
            Self::Zone => {
                "kill -9 of the planner's zone, three of nine → all their shards read by others"
            }
        }
    }

    /// Each worker with its zone, and how they share twenty shards.
    const fn fleet(self) -> (&'static [(&'static str, Option<&'static str>)], &'static [usize]) {
        match self {
            Self::BothHeads => (
                &[("a", None), ("b", None), ("c", None), ("d", None), ("e", None), ("f", None)],
                &[4, 4, 3, 3, 3, 3],
            ),
            Self::Zone => (
                &[
                    ("a", Some("x")),
                    ("b", Some("y")),
                    ("c", Some("z")),
                    ("d", Some("x")),
                    ("e", Some("y")),
                    ("f", Some("z")),
                    ("g", Some("x")),
                    ("h", Some("y")),
                    ("i", Some("z")),
                ],
                &[3, 3, 2, 2, 2, 2, 2, 2, 2],
            ),
        }
    }
}

/// Several are killed at one moment: until all their shards are read by others.
pub(crate) async fn together(
    lab: &Lab,
    profile: Profile,
    name: &str,
    lost: Lost,
) -> Result<Vec<Sample>> {
    let (workers, shared) = lost.fleet();
    let mut setup = lab.setup(profile, name, 20).await?;
    for (worker, zone) in workers {
        let mut consumer = setup.fleet.launch.consumer(worker);
        consumer.args(zone.iter().flat_map(|zone| ["--zone", *zone]));
        setup.fleet.start_command(worker, consumer)?;
    }
    settled(&setup.fleet, shared).await?;
    at_no_particular_moment().await;
    let heads = setup.fleet.heads(3).await?;
    let planner = workers.iter().find(|(worker, _)| *worker == heads[0]).context("no planner")?;
    let victims: Vec<&str> = match lost {
        Lost::BothHeads => {
            let more = workers.iter().map(|(worker, _)| *worker);
            let more = more.filter(|worker| heads.iter().all(|head| head != worker)).take(1);
            heads[..2].iter().map(String::as_str).chain(more).collect()
        }
        Lost::Zone => {
            let of_zone = workers.iter().filter(|(_, zone)| *zone == planner.1);
            of_zone.map(|(worker, _)| *worker).collect()
        }
    };
    let mut held = Vec::new();
    for victim in &victims {
        held.extend(held_by(&setup.fleet, victim).await?);
    }
    let mut killed = f64::MAX;
    for victim in &victims {
        killed = killed.min(setup.fleet.signal(victim, Signal::KILL)?);
    }
    let read = read_again(&setup, &held).await?;
    let target = "T + 3 / T + 4.5 (fast 4.5 / 5.5)";
    Ok(vec![Sample::new(lost.line(), "s", target, vec![(read - killed) / 1e3])])
}

/// When the last of these was read again by another.
async fn read_again(setup: &Setup, held: &[Held]) -> Result<f64> {
    let mut last = None;
    setup
        .fleet
        .until("every shard is read again", |history| {
            let read: Option<Vec<f64>> = successors(history, held).into_values().collect();
            last = read.and_then(|read| read.into_iter().reduce(f64::max));
            last.is_some()
        })
        .await?;
    last.context("nothing was held")
}

/// Whoever goes does so at no particular moment of anybody's beat.
async fn at_no_particular_moment() {
    let spread = Duration::from_millis(10).mul_f64(wall_millis() % 300.0);
    pause(Duration::from_secs(5) + spread).await;
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
