//! What a settled fleet costs: units of the lease store, memory.

use std::time::Duration;

use anyhow::{Context, Result};
use kcl_tests::{
    fleet::shares,
    servers::{Bill, units},
};

use crate::{
    lab::{Lab, Setup, pause},
    profile::Profile,
    reads::settled,
    row::Sample,
};

/// How long the bill is added up: what is told once a minute is in it once.
const SECONDS: u64 = 60;

/// A settled fleet of three that reads twenty shards.
async fn fleet(lab: &Lab, profile: Profile, name: &str) -> Result<Setup> {
    let mut setup = lab.setup(profile, name, 20).await?;
    setup.fleet.start_all(&["a", "b", "c"])?;
    settled(&setup.fleet, &[7, 7, 6]).await?;
    pause(Duration::from_secs(5)).await;
    Ok(setup)
}

/// Twenty leases, three workers, no records.
pub(crate) async fn idle(lab: &Lab, profile: Profile, name: &str) -> Result<Vec<Sample>> {
    let _setup = fleet(lab, profile, name).await?;
    let bill = lab.bill(SECONDS).await?;
    let (writes, reads) = per_second(&bill);
    Ok(vec![
        Sample::new("idle, 20 leases, 3 workers: written", "write units/s", "2.2", vec![writes]),
        Sample::new("… read", "read units/s", "5.5", vec![reads]),
    ])
}

/// The same, with records in every shard all the time.
pub(crate) async fn busy(lab: &Lab, profile: Profile, name: &str) -> Result<Vec<Sample>> {
    let setup = fleet(lab, profile, name).await?;
    let load = setup.producer.clone().go_on(200, Duration::from_millis(250));
    pause(Duration::from_secs(5)).await;
    let bill = lab.bill(SECONDS).await?;
    let (writes, reads) = per_second(&bill);
    load.stop().await?;
    Ok(vec![
        Sample::new("busy, 20 leases, 3 workers: written", "write units/s", "6.5", vec![writes]),
        Sample::new("… read meanwhile", "read units/s", "5.5", vec![reads]),
    ])
}

fn per_second(bill: &Bill) -> (f64, f64) {
    for (operation, cost) in bill {
        eprintln!("    {operation}: {} requests, {} units", cost.requests, cost.units);
    }
    let (writes, reads) = units(bill);
    (writes / SECONDS as f64, reads / SECONDS as f64)
}

/// The memory of a worker of seven shards at the tip: of the command, and of an application that
/// uses the library as the README does.
pub(crate) async fn memory(lab: &Lab, profile: Profile, name: &str) -> Result<Vec<Sample>> {
    let mut setup = fleet(lab, profile, name).await?;
    let command = resident(&mut setup).await?;
    drop(setup);
    let mut setup = lab.setup_bare(profile, &format!("{name}-library"), 20).await?;
    for worker in ["a", "b", "c"] {
        let application = setup.application(worker);
        setup.fleet.start_command(worker, application)?;
    }
    setup.fleet.until_shared(&[7, 7, 6]).await?;
    let library = resident(&mut setup).await?;
    Ok(vec![
        Sample::new(
            "RSS of a worker, 7 shards, 100 records/s, after 60 s: the README's example",
            "MB",
            "20",
            vec![library],
        ),
        Sample::new("… of `kcl consume`, which has every store in it", "MB", "20", vec![command]),
    ])
}

/// What the worker with seven shards takes after a minute of a hundred records a second, in MB.
async fn resident(setup: &mut Setup) -> Result<f64> {
    let load = setup.producer.clone().go_on(10, Duration::from_millis(100));
    pause(Duration::from_secs(60)).await;
    let shares = shares(&setup.fleet.leases().await);
    let seven = shares.iter().find(|(_, share)| **share == 7).context("nobody has seven")?;
    let resident = setup.fleet.process(seven.0)?.resident_kib()?;
    load.stop().await?;
    Ok(resident as f64 * 1.024 / 1e3)
}
