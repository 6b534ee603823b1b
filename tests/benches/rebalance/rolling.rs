//! All workers are replaced one after another, as a rollout does.

use std::time::Duration;

use anyhow::Result;
use kcl_tests::fleet::wall_millis;

use crate::{
    lab::{Lab, Setup, pause},
    profile::Profile,
    reads::{Held, settled, successors, times},
    row::Sample,
};

const OLD: [&str; 3] = ["a", "b", "c"];
const NEW: [&str; 3] = ["d", "e", "f"];
const SHARDS: i32 = 20;
const SHARED: [usize; 3] = [7, 7, 6];

/// As a deployment waits between two pods.
const READY: Duration = Duration::from_secs(5);

/// How pods are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    /// A StatefulSet: a pod goes, then its successor of the same name comes.
    Same,
    /// A Deployment: a new pod comes, then an old one goes.
    New,
}

pub(crate) async fn roll(
    lab: &Lab,
    profile: Profile,
    name: &str,
    names: Names,
) -> Result<Vec<Sample>> {
    let mut setup = lab.setup(profile, name, SHARDS).await?;
    setup.fleet.start_all(&OLD)?;
    settled(&setup.fleet, &SHARED).await?;
    pause(READY).await;
    let held = times(&setup.fleet.caught_up(), "kcl.lease.gained").len();
    let mut even = Vec::new();
    for (old, new) in OLD.into_iter().zip(NEW) {
        let begun = wall_millis();
        let at = match names {
            Names::Same => {
                setup.fleet.leave(old).await?;
                setup.fleet.start(old)?;
                settled(&setup.fleet, &SHARED).await?
            }
            Names::New => {
                setup.fleet.start(new)?;
                settled(&setup.fleet, &[5, 5, 5, 5]).await?;
                setup.fleet.leave(old).await?;
                settled(&setup.fleet, &SHARED).await?
            }
        };
        even.push((at - begun) / 1e3);
        pause(READY).await;
    }
    let gained = times(&setup.fleet.caught_up(), "kcl.lease.gained").len() - held;
    let moves = gained as f64 / f64::from(SHARDS);
    let unread = unread(&setup).await?;
    let [line_moves, line_unread, line_even] = match names {
        Names::Same => [
            "rollout of three under the same names: moves of each lease",
            "… each moved shard unread",
            "… a worker told to go → its successor there, and even",
        ],
        Names::New => [
            "rollout of three under new names, one more meanwhile: moves of each lease",
            "… each shard unread that moved",
            "… a new worker starts → an old one gone, and even",
        ],
    };
    Ok(vec![
        Sample::new(line_moves, "moves", "2", vec![moves]),
        Sample::new(line_unread, "s", "0.3 / 0.5", unread),
        Sample::new(line_even, "s", "–", even),
    ])
}

/// For each release, how long until the shard was read again, in seconds.
async fn unread(setup: &Setup) -> Result<Vec<f64>> {
    let released = times(&setup.fleet.caught_up(), "kcl.lease.releasing");
    let held: Vec<Held> = released.keys().cloned().collect();
    let mut spans = Vec::new();
    setup
        .fleet
        .until("every shard is read again", |history| {
            let span = |(held, read): (Held, Option<f64>)| Some((read? - released[&held]) / 1e3);
            let all: Option<Vec<f64>> = successors(history, &held).into_iter().map(span).collect();
            spans = all.unwrap_or_default();
            !spans.is_empty()
        })
        .await?;
    Ok(spans)
}
