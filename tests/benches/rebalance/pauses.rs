//! A process stands still, and comes back.

use std::time::Duration;

use anyhow::{Context, Result};
use kcl_tests::fleet::{Signal, oracle::judge};

use crate::{
    lab::{Lab, pause},
    profile::Profile,
    reads::{pick, settled},
    row::Sample,
};

const WORKERS: [&str; 3] = ["a", "b", "c"];

/// One of three is paused for twelve seconds: what is delivered twice, and what may be.
pub(crate) async fn worker(lab: &Lab, profile: Profile, name: &str) -> Result<Vec<Sample>> {
    let mut setup = lab.setup(profile, name, 20).await?;
    setup.fleet.start_all(&WORKERS)?;
    settled(&setup.fleet, &[7, 7, 6]).await?;
    let load = setup.producer.clone().go_on(20, Duration::from_millis(100));
    pause(Duration::from_secs(8)).await;
    let paused = pick(&setup.fleet, &WORKERS, false).await?;
    setup.fleet.signal(&paused, Signal::STOP)?;
    // What it had sent arrives.
    pause(Duration::from_millis(300)).await;
    let due = setup.fleet.uncheckpointed(&paused).await;
    pause(Duration::from_secs(12)).await;
    setup.fleet.signal(&paused, Signal::CONT)?;
    setup.fleet.until_shared(&[7, 7, 6]).await?;
    setup.producer = load.stop().await?;
    setup.fleet.until_delivered(setup.producer.produced.len()).await?;
    let shards = setup.stream.shards().await?;
    let verdict = judge(&setup.fleet.caught_up(), &setup.producer.produced, &shards);
    verdict.check_repeats_of(&[&paused]).context("the oracle")?;
    let repeated = verdict.repeats.len() as f64;
    Ok(vec![
        Sample::new(
            "worker paused for 12 s: records delivered twice",
            "records",
            "–",
            vec![repeated],
        ),
        Sample::new(
            "… beyond those after its checkpoints",
            "records",
            "0",
            vec![(repeated - due as f64).max(0.0)],
        ),
    ])
}
