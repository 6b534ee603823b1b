//! Workers start: several, one, more.

use std::time::Duration;

use anyhow::{Result, ensure};
use kcl_tests::fleet::LogLine;

use crate::{
    lab::{Lab, pause},
    profile::Profile,
    reads::settled,
    row::Sample,
};

/// Three workers start: until 20 leases are read, 7/7/6.
pub(crate) async fn three(lab: &Lab, profile: Profile, name: &str) -> Result<Vec<Sample>> {
    let mut setup = lab.setup(profile, name, 20).await?;
    setup.fleet.start_all(&["a", "b", "c"])?;
    let started = setup.fleet.process("a")?.started;
    let settled = settled(&setup.fleet, &[7, 7, 6]).await?;
    let line = "3 workers start → 20 leases read, 7/7/6";
    Ok(vec![Sample::new(line, "s", "2 / 3", vec![(settled - started) / 1e3])])
}

/// One worker starts: until the first record is on its output.
pub(crate) async fn alone(lab: &Lab, profile: Profile, name: &str) -> Result<Vec<Sample>> {
    let mut setup = lab.setup(profile, name, 20).await?;
    setup.producer.put(800).await?;
    setup.fleet.start("a")?;
    let started = setup.fleet.process("a")?.started;
    let mut seen = f64::NAN;
    setup
        .fleet
        .until("a record", |history| {
            seen = history.deliveries.first().map_or(f64::NAN, |record| record.seen);
            !seen.is_nan()
        })
        .await?;
    let line = "one worker alone → first record";
    Ok(vec![Sample::new(line, "s", "0.5", vec![(seen - started) / 1e3])])
}

/// Two more join three, with 30 shards: until each reads six.
pub(crate) async fn join(lab: &Lab, profile: Profile, name: &str) -> Result<Vec<Sample>> {
    let mut setup = lab.setup(profile, name, 30).await?;
    setup.fleet.start_all(&["a", "b", "c"])?;
    settled(&setup.fleet, &[10, 10, 10]).await?;
    pause(Duration::from_secs(3)).await;
    let before = setup.fleet.caught_up().log.len();
    setup.fleet.start_all(&["d", "e"])?;
    let started = setup.fleet.process("d")?.started;
    let settled = settled(&setup.fleet, &[6, 6, 6, 6, 6]).await?;
    pause(Duration::from_secs(2)).await;
    let history = setup.fleet.caught_up();
    let since = &history.log[before..];
    let handed = since.iter().filter(|line| {
        line.message == "kcl.lease.lost" && line.text("reason").as_deref() == Some("handed over")
    });
    let plans = since.iter().filter(|line| line.message == "kcl.plan.published");
    let planned: u64 = plans.filter_map(|line| line.number("moves")).sum();
    let handed = handed.count();
    let joined = since.iter().filter(|line| line.message == "kcl.session.registered");
    let joined = joined.map(|line| line.at).fold(started, f64::max);
    Ok(vec![
        Sample::new(
            "3 → 5 workers, 30 shards → 6/6/6/6/6",
            "s",
            "2 / 3",
            vec![(settled - started) / 1e3],
        ),
        Sample::new(
            "… since the last of them registered",
            "s",
            "0.8 where wake-ups are pushed",
            vec![(settled - joined) / 1e3],
        ),
        Sample::new(
            "… a plan published → a moved lease read by its new owner",
            "s",
            "0.1 where wake-ups are pushed",
            moved_in(since),
        ),
        Sample::new("… leases moved", "moves", "12, or 13 in two plans", vec![handed as f64]),
        Sample::new(
            "… beyond the moves planned",
            "moves",
            "0",
            vec![handed as f64 - planned as f64],
        ),
    ])
}

/// How long it took to move each lease that one worker gave to another, from the publication of
/// the last plan before it was read there, in seconds.
fn moved_in(log: &[LogLine]) -> Vec<f64> {
    let plans: Vec<f64> = log
        .iter()
        .filter(|line| line.message == "kcl.plan.published" && line.number("moves") > Some(0))
        .map(|line| line.at)
        .collect();
    let reads = log.iter().filter(|line| line.message == "kcl.read.first");
    let since_plan = reads.filter_map(|read| {
        let before = plans.iter().copied().filter(|plan| *plan <= read.at);
        before.reduce(f64::max).map(|plan| (read.at - plan) / 1e3)
    });
    since_plan.collect()
}

/// Five start at once on an empty store: those that are lost.
pub(crate) async fn five(lab: &Lab, profile: Profile, name: &str) -> Result<Vec<Sample>> {
    const WORKERS: [&str; 5] = ["a", "b", "c", "d", "e"];
    let mut setup = lab.setup_bare(profile, name, 20).await?;
    setup.fleet.start_all(&WORKERS)?;
    pause(Duration::from_secs(10)).await;
    let lost = setup.fleet.lost()?;
    ensure!(lost.len() < WORKERS.len(), "nobody is left");
    let line = "5 workers started at once on an empty store: lost";
    Ok(vec![Sample::new(line, "workers", "0", vec![lost.len() as f64])])
}
