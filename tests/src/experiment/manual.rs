//! The published experiment with a fixed mapping: four shards and three workers, the third with two
//! shards.
//!
//! 1. The shards are split: each child is read by its parent's worker.
//! 2. The third worker dies: shards that prefer it are read by others, shards that require it by no
//!    worker, and `kcl doctor` reports that.
//! 3. The third worker starts again, and gets its shards.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use kcl_core::lease::Lease;

use super::{Place, Timeline};
use crate::{
    fleet::{Fleet, Producer, Signal},
    kinesis::TestStream,
};

/// The workers of the shards 0 to 3, as `config/config-manual.yaml` says.
const WORKERS: [&str; 4] = ["worker-1", "worker-2", "worker-3", "worker-3"];

/// Plays the experiment, and adds each step to the timeline. Returns the output of `kcl doctor`
/// while the third worker is dead.
///
/// # Errors
/// A server or the operating system fails, or an expected fact does not come within a minute.
pub async fn play(place: &Place, stream: &str, told: &mut Timeline) -> Result<String> {
    let made = TestStream::create(&place.kinesis, stream, 4).await?;
    let mut fleet = Fleet::new(place.launch(stream))?;
    told.tell("worker-1, worker-2 and worker-3 start on 4 shards".into());
    for worker in &WORKERS[..3] {
        start(&mut fleet, place, worker)?;
    }
    let roots = (0..4).map(|it| (shard(it), it)).collect();
    until(&fleet, "each shard is read by its worker", &roots, &WORKERS).await?;
    told.tell("each shard is read by its worker; worker-3 has two".into());

    for listed in made.shards().await?.iter().filter(|shard| !shard.closed) {
        made.split(listed).await?;
    }
    told.tell("every shard was split".into());
    let mut children = BTreeMap::new();
    for child in made.shards().await?.iter().filter(|shard| !shard.closed) {
        let parent = child.parents.first().context("a child has a parent")?;
        let parent = (0..4).find(|it| shard(*it) == parent.as_str()).context("one of four")?;
        children.insert(child.id.to_string(), parent);
    }
    ensure!(children.len() == 8, "{children:?}");
    until(&fleet, "children are read by their parents' workers", &children, &WORKERS).await?;
    told.tell("each child is read by its parent's worker".into());

    fleet.signal("worker-3", Signal::KILL)?;
    told.tell("worker-3 dies".into());
    let others = |leases: &[Lease]| {
        let owners = owners(leases);
        let of = |parent: usize| children.iter().filter(move |(_, of)| **of == parent);
        let is_left =
            |child: &str| owners.get(child).is_none_or(|owner| owner == "-" || owner == "worker-3");
        of(2).all(|(child, _)| is_left(child)) && of(3).all(|(child, _)| !is_left(child))
    };
    fleet.until_leases("what prefers the dead one is read by others", others).await?;
    told.tell("what prefers worker-3 is read by others; what requires it waits".into());
    Producer::new(&made, 40).put(200).await?;
    let (doctor, is_healthy) = place.ask(&fleet.launch, &["doctor"])?;
    ensure!(!is_healthy && doctor.contains("worker worker-3 is not there"), "{doctor}");

    start(&mut fleet, place, "worker-3")?;
    told.tell("worker-3 starts again".into());
    until(&fleet, "it is as it was", &children, &WORKERS).await?;
    told.tell("each child is read by its parent's worker again".into());
    fleet.keep_logs(&place.results)?;
    Ok(doctor)
}

/// Starts a worker with the settings of the mapping.
fn start(fleet: &mut Fleet, place: &Place, worker: &str) -> Result<()> {
    let mut command = fleet.launch.consumer(worker);
    command.arg("--config").arg(place.settings.join("config-manual.yaml"));
    fleet.start_command(worker, command)
}

/// The id of a shard.
fn shard(number: usize) -> String {
    format!("shardId-{number:012}")
}

/// The owner of each open shard; `-` if it has none.
fn owners(leases: &[Lease]) -> BTreeMap<String, String> {
    let open = leases.iter().filter(|lease| !lease.has_ended());
    let owner = |lease: &Lease| {
        let owner = lease.owner.as_ref().map_or("-", |owner| owner.worker.as_str());
        Some((lease.key.shard()?.to_string(), owner.to_owned()))
    };
    open.filter_map(owner).collect()
}

/// Waits until each shard is held by the worker of its root. `shards` has the index of each one's
/// root in `workers`.
async fn until(
    fleet: &Fleet,
    what: &str,
    shards: &BTreeMap<String, usize>,
    workers: &[&str],
) -> Result<()> {
    let wanted = shards.iter().map(|(shard, of)| (shard.clone(), workers[*of].to_owned()));
    let wanted: BTreeMap<String, String> = wanted.collect();
    fleet.until_leases(what, |leases| owners(leases) == wanted).await
}
