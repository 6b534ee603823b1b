//! A rule is set: until the plan that follows it is published, and until its worker reads the
//! shard.

use anyhow::{Context, Result, ensure};
use kcl_core::{
    assignment::placement::{Mode, Placement, PlacementRules, Rule, Target, Uncovered},
    lease::Lease,
    placing,
};
use kcl_tests::fleet::wall_millis;

use crate::{
    lab::Lab,
    profile::Profile,
    reads::{settled, times},
    row::Sample,
};

const WORKERS: [&str; 3] = ["a", "b", "c"];

/// Rules that are set in one run, each for another shard.
const RULES: usize = 5;

/// Three workers read twenty shards; shard after shard is required at another worker.
pub(crate) async fn placement(lab: &Lab, profile: Profile, name: &str) -> Result<Vec<Sample>> {
    let mut setup = lab.setup(profile, name, 20).await?;
    setup.fleet.start_all(&WORKERS)?;
    settled(&setup.fleet, &[7, 7, 6]).await?;
    let (mut published, mut read) = (Vec::new(), Vec::new());
    let mut rules: Vec<Rule> = Vec::new();
    for number in 0..RULES {
        let shard = format!("shardId-{number:012}");
        let of_shard =
            |row: &&Lease| row.key.shard().is_some_and(|it| it.as_str() == shard.as_str());
        let leases = setup.fleet.leases().await;
        let row = leases.iter().find(of_shard).context("no lease")?;
        let owner = row.owner.as_ref().context("no owner")?.worker.to_string();
        let to = WORKERS.iter().find(|worker| **worker != owner).context("nobody else")?;
        rules.push(Rule::new(Target::Shard(shard.parse()?), to.parse()?, Mode::Require));
        let store = setup.fleet.store();
        let stored = placing::read(store).await?;
        let next = PlacementRules::new(rules.clone(), Uncovered::Balance)?;
        let set = wall_millis();
        placing::put(store, &stored, &Placement::from(next)).await?;
        let moved = |leases: &[Lease]| {
            let now = leases.iter().find(of_shard).and_then(|row| row.owner.as_ref());
            now.is_some_and(|owner| owner.worker.as_str() == *to)
        };
        setup.fleet.until_leases("the rule is followed", moved).await?;
        let before = (shard.clone(), row.epoch.0);
        let mut first = None;
        setup
            .fleet
            .until("the shard is read by its new owner", |history| {
                let reads = times(history, "kcl.read.first");
                let mut later = reads.range((shard.clone(), before.1 + 1)..);
                first = later.next().filter(|((of, _), _)| *of == shard).map(|(_, at)| *at);
                first.is_some()
            })
            .await?;
        let plan = {
            let history = setup.fleet.history();
            let mut plans = history.events("kcl.plan.published");
            plans.find(|line| line.at > set).map(|line| line.at)
        };
        let plan = plan.context("no plan was published")?;
        let first = first.context("no read")?;
        ensure!(plan <= first, "the shard was read before the plan: {plan} {first}");
        published.push((plan - set) / 1e3);
        read.push((first - set) / 1e3);
    }
    Ok(vec![
        Sample::new("rule set → plan published", "s", "0.5 pushed, 1.5 DynamoDB", published),
        Sample::new("rule set → read by its worker", "s", "–", read),
    ])
}
