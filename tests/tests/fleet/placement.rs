//! Placement rules, with real processes: the published mapping through reshards and deaths, a map
//! that changes, the operator's commands, and a fleet that is frozen.

use std::{collections::BTreeMap, process::Output};

use anyhow::{Context, Result, bail, ensure};
use kcl_core::lease::Lease;
use kcl_postgres::PostgresStore;
use kcl_redis::RedisStore;
use kcl_tests::{
    fleet::{History, Signal},
    servers::{Postgres, RedisMake, RedisServer},
};
use serde_json::Value;

use super::stage::{self, Servers, Stage, on_each_pair, pause};

on_each_pair!(the_published_mapping_holds_through_a_reshard_and_a_death);

/// A `kcl` command about the application of the stage.
async fn kcl(stage: &Stage, words: &[&str]) -> Result<Output> {
    stage::run(stage::command(&stage.fleet.launch, words)).await
}

/// The same, which succeeds and writes JSON.
async fn told(stage: &Stage, words: &[&str]) -> Result<Value> {
    let output = kcl(stage, words).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{words:?}: {said}");
    serde_json::from_slice(&output.stdout).with_context(|| format!("{words:?}: {said}"))
}

fn shard(number: usize) -> String {
    format!("shardId-{number:012}")
}

/// Pairs of shards and workers, as `SHARD_MAPPING` takes them.
fn mapping(pairs: &[(usize, &str)]) -> String {
    let pairs = pairs.iter().map(|(number, worker)| format!("{}:{worker}", shard(*number)));
    pairs.collect::<Vec<_>>().join(",\n")
}

/// Starts a worker that has this map in its environment.
fn start(stage: &mut Stage, worker: &str, map: &str) -> Result<()> {
    let mut command = stage.fleet.launch.consumer(worker);
    command.env("SHARD_MAPPING", map);
    stage.fleet.start_command(worker, command)
}

/// The worker of each open shard, by its name.
fn owners(leases: &[Lease]) -> BTreeMap<String, String> {
    let open = leases.iter().filter(|row| !row.has_ended());
    let owner = |row: &Lease| {
        let owner = row.owner.as_ref().map_or("-", |owner| owner.worker.as_str());
        Some((row.key.shard()?.to_string(), owner.to_owned()))
    };
    open.filter_map(owner).collect()
}

fn are(leases: &[Lease], wanted: &[(usize, &str)]) -> bool {
    let wanted = wanted.iter().map(|(number, worker)| (shard(*number), (*worker).to_owned()));
    owners(leases) == wanted.collect()
}

/// Waits until each open shard is read by this worker.
async fn until(stage: &Stage, what: &str, wanted: &[(usize, &str)]) -> Result<()> {
    stage.fleet.until_leases(what, |leases| are(leases, wanted)).await
}

/// Nobody else reads them a while later.
async fn stays(stage: &Stage, what: &str, wanted: &[(usize, &str)]) -> Result<()> {
    pause(2_500).await;
    let leases = stage.fleet.leases().await;
    ensure!(are(&leases, wanted), "{what}: {:?}", owners(&leases));
    Ok(())
}

/// Waits until a worker has logged an event, whose field holds these words.
async fn says(stage: &Stage, worker: &str, event: &str, field: &str, words: &str) -> Result<()> {
    let has_said = |history: &History| {
        let mut lines = history.events(event).filter(|line| *line.worker == *worker);
        lines.any(|line| line.text(field).is_some_and(|text| text.contains(words)))
    };
    stage.fleet.until(&format!("{worker} logs {event} with {words}"), has_said).await
}

/// Each open shard, and which of the first four it comes from.
async fn parents_of_children(stage: &Stage) -> Result<BTreeMap<String, usize>> {
    let mut of_children = BTreeMap::new();
    for child in stage.stream.shards().await?.iter().filter(|shard| !shard.closed) {
        let parent = child.parents.first().context("a child has a parent")?;
        let parent = (0..4).find(|number| shard(*number) == parent.as_str());
        of_children.insert(child.id.to_string(), parent.context("one of the four")?);
    }
    ensure!(of_children.len() == 8, "{of_children:?}");
    Ok(of_children)
}

/// Whether one of the workers that are left tells that leases wait for `worker-3`.
fn is_told(history: &History) -> bool {
    let waits = |reason: String| reason.contains("worker-3");
    let mut lines = history.events("kcl.lease.unassignable");
    lines.any(|line| &*line.worker != "worker-3" && line.text("reason").is_some_and(waits))
}

/// Four shards and three workers, the last with two. Every shard is split: each child is read by
/// its parent's worker. Then one dies: what prefers it is read by others, what requires it by
/// nobody, and that is told.
async fn the_published_mapping_holds_through_a_reshard_and_a_death(servers: Servers) -> Result<()> {
    let mut stage = Stage::new(servers, "placement-poc", 4).await?;
    let by_parent = the_published_mapping_holds(&mut stage).await?;

    // It comes back: at once what requires it, and later what prefers it.
    start(&mut stage, "worker-3", &mapping(&PUBLISHED))?;
    let is = |leases: &[Lease]| owners(leases) == by_parent;
    stage.fleet.until_leases("it is as it was", is).await?;
    stage.producer.put(200).await?;
    stage.until_delivered().await?;
    let checked = told(&stage, &["placement", "check", "--json"]).await?;
    ensure!(checked["findings"] == Value::Array(Vec::new()), "{checked:#}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_mapping_holds_on_postgres() -> Result<()> {
    let server = Postgres::start()?;
    let (name, url) = ("placement-postgres", server.url());
    let mut stage = Stage::in_store(name, 4, &url, PostgresStore::new(name, &url)?).await?;
    the_published_mapping_holds(&mut stage).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_mapping_holds_on_redis() -> Result<()> {
    let server = RedisServer::start(RedisMake::Redis)?;
    let (name, url) = ("placement-redis", server.url());
    let mut stage = Stage::in_store(name, 4, &url, RedisStore::new(name, &url)?).await?;
    the_published_mapping_holds(&mut stage).await.map(drop)
}

/// The published pairs; the last worker is only preferred for the last shard.
const PUBLISHED: [(usize, &str); 4] =
    [(0, "worker-1"), (1, "worker-2"), (2, "worker-3"), (3, "worker-3?")];

/// As above, up to the death. Who reads which child as long as all live.
async fn the_published_mapping_holds(stage: &mut Stage) -> Result<BTreeMap<String, String>> {
    let map = mapping(&PUBLISHED);
    for worker in ["worker-1", "worker-2", "worker-3"] {
        start(stage, worker, &map)?;
    }
    let read = [(0, "worker-1"), (1, "worker-2"), (2, "worker-3"), (3, "worker-3")];
    until(stage, "each shard is read by its worker", &read).await?;
    stage.producer.put(200).await?;
    stage.until_delivered().await?;

    stage.split(4).await?;
    let of_children = parents_of_children(stage).await?;
    let workers = |of: &dyn Fn(usize) -> &'static str| -> BTreeMap<String, String> {
        of_children
            .iter()
            .map(|(child, of_parent)| (child.clone(), of(*of_parent).into()))
            .collect()
    };
    let by_parent = workers(&|parent| read[parent].1);
    let is = |leases: &[Lease]| owners(leases) == by_parent;
    stage.fleet.until_leases("children are read by their parents' workers", is).await?;
    stage.producer.put(200).await?;
    stage.until_delivered().await?;

    stage.fleet.signal("worker-3", Signal::KILL)?;
    let others_only = |leases: &[Lease]| {
        let owners = owners(leases);
        let of = |parent: usize| {
            let mine = of_children.iter().filter(move |(_, of)| **of == parent);
            mine.map(|(child, _)| owners.get(child).map_or("-", String::as_str)).collect::<Vec<_>>()
        };
        let waits = of(2).iter().all(|owner| matches!(*owner, "-" | "worker-3"));
        waits && of(3).iter().all(|owner| matches!(*owner, "worker-1" | "worker-2"))
    };
    stage.fleet.until_leases("what prefers the dead one is read by others", others_only).await?;
    pause(2_500).await;
    ensure!(others_only(&stage.fleet.leases().await), "what requires the dead one waits");

    stage.fleet.until("the planner tells who waits", is_told).await?;
    let check = kcl(stage, &["placement", "check", "--json"]).await?;
    ensure!(check.status.code() == Some(1), "{check:?}");
    let check: Value = serde_json::from_slice(&check.stdout)?;
    ensure!(check["unread"].as_array().is_some_and(|unread| unread.len() == 2), "{check:#}");
    let kinds: Vec<&str> = check["findings"]
        .as_array()
        .context("findings")?
        .iter()
        .filter_map(|finding| finding["kind"].as_str())
        .collect();
    ensure!(kinds == ["worker-not-alive", "unread", "unread"], "{check:#}");
    Ok(by_parent)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_map_that_changes_is_applied_and_an_old_one_changes_nothing() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "placement-maps", 2).await?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("mapping");
    let (first, second) = ([(0, "a"), (1, "b")], [(0, "b"), (1, "a")]);
    std::fs::write(&file, mapping(&first))?;
    for worker in ["a", "b"] {
        let mut command = stage.fleet.launch.consumer(worker);
        command.arg("--mapping-file").arg(&file);
        stage.fleet.start_command(worker, command)?;
    }
    until(&stage, "as the file says", &first).await?;
    std::fs::write(&file, mapping(&second))?;
    until(&stage, "as the changed file says", &second).await?;

    // An old pod is started again, with the map of before.
    start(&mut stage, "old", &mapping(&first))?;
    says(&stage, "old", "kcl.rules.passed_over", "why", "declared since").await?;
    stays(&stage, "an old map", &second).await?;
    stage.fleet.leave("old").await?;

    std::fs::write(&file, "shardId-000000000000 b")?;
    says(&stage, "a", "kcl.mapping.refused", "problem", "names no worker").await?;
    stays(&stage, "a slip in the file", &second).await?;
    std::fs::write(&file, mapping(&first))?;
    until(&stage, "a change that is taken back", &first).await?;

    // The operator changes it by command: from then on no map counts until it is adopted.
    let pair = format!("{}:b", shard(0));
    let shown = told(&stage, &["placement", "set", &pair, "--yes", "--json"]).await?;
    ensure!(shown["moves"][0]["to"] == "b", "{shown:#}");
    let by_command = [(0, "b"), (1, "b")];
    until(&stage, "as the command says", &by_command).await?;
    start(&mut stage, "new", &mapping(&[(0, "new"), (1, "a")]))?;
    says(&stage, "new", "kcl.rules.passed_over", "why", "kcl placement set").await?;
    stays(&stage, "a map after a command", &by_command).await?;
    told(&stage, &["placement", "adopt", "--yes", "--json"]).await?;
    stage.fleet.leave("new").await?;
    start(&mut stage, "new", &mapping(&[(0, "new"), (1, "a")]))?;
    until(&stage, "a new map once maps are adopted", &[(0, "new"), (1, "a")]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manual_assignment_needs_rules_and_holds_what_none_covers() -> Result<()> {
    let stage = Stage::with(Servers::InProcess, "placement-manual", 2, |launch| {
        launch.set("consumer.assignment_mode=manual")
    });
    let mut stage = stage.await?;
    stage.fleet.start("a")?;
    let status = stage.fleet.gone("a").await?;
    ensure!(!status.success(), "it started without rules");
    start(&mut stage, "a", &mapping(&[(1, "a")]))?;
    until(&stage, "only what a rule covers", &[(0, "-"), (1, "a")]).await?;
    stays(&stage, "what no rule covers is held", &[(0, "-"), (1, "a")]).await?;
    // There are rules in the store now: that is enough for others.
    stage.fleet.start("b")?;
    stays(&stage, "rules of the store", &[(0, "-"), (1, "a")]).await?;
    told(&stage, &["placement", "set", "--uncovered", "balance", "--yes", "--json"]).await?;
    until(&stage, "the others are balanced", &[(0, "b"), (1, "a")]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_no_rule_names_warns_while_rules_name_workers_that_are_not_there()
-> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "placement-names", 2).await?;
    start(&mut stage, "orders-7d9c5bf8b5-x2x7k", &mapping(&[(0, "worker-1?")]))?;
    let worker = "orders-7d9c5bf8b5-x2x7k";
    says(&stage, worker, "kcl.rules.worker_not_named", "absent", "worker-1").await?;
    says(&stage, worker, "kcl.rules.worker_not_named", "unnamed", worker).await?;
    let check = kcl(&stage, &["placement", "check", "--json"]).await?;
    ensure!(check.status.code() == Some(1), "{check:?}");
    let said = String::from_utf8(check.stdout)?;
    ensure!(said.contains("random-name") && said.contains("worker-not-alive"), "{said}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_fleet_keeps_what_it_holds_until_it_is_thawed() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "placement-frozen", 4).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let frozen = told(&stage, &["app", "freeze", "--yes"]).await?;
    ensure!(frozen["frozen"] == true && frozen["changed"] == true, "{frozen:#}");
    stage.fleet.start("c")?;
    pause(4_000).await;
    stage.fleet.until_shared(&[2, 2]).await?;
    let show = told(&stage, &["placement", "show", "--json"]).await?;
    ensure!(show["frozen"]["by"].as_str().is_some_and(|by| by.contains("app freeze")), "{show:#}");
    told(&stage, &["app", "thaw", "--yes"]).await?;
    stage.fleet.until_shared(&[2, 1, 1]).await
}

/// What is wrong is refused with the value and the remedy, and nothing is changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_that_make_no_sense_are_refused_and_change_nothing() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "placement-refused", 1).await?;
    stage.fleet.start("a")?;
    until(&stage, "it is read", &[(0, "a")]).await?;
    let folder = tempfile::tempdir()?;
    let file = |name: &str, text: &str| -> Result<String> {
        let path = folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.display().to_string())
    };
    let pair = format!("{}:a", shard(0));
    let crossing =
        file("crossing", "rules:\n  - {range: 0-9, worker: a}\n  - {range: 5-12, worker: b}\n")?;
    let twice = file("twice", &format!("{pair}\n{pair}\n"))?;
    let syntax = file("syntax", "rules: [")?;
    for (words, says) in [
        (vec!["placement", "set", "shardId-0", "--yes"], "shard:worker"),
        (vec!["placement", "set", "--range", "9-x:a", "--yes"], "START-END"),
        (vec!["placement", "apply", &crossing, "--yes"], "0-9 and 5-12 cross"),
        (vec!["placement", "apply", &twice, "--yes"], "two placement rules for shard"),
        (vec!["placement", "apply", &syntax, "--yes"], "makes no sense"),
        (vec!["placement", "unset", "shardId-9", "--yes"], "kcl placement show"),
        (vec!["placement", "set", &pair], "--yes"),
    ] {
        let refused = kcl(&stage, &words).await?;
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        if refused.status.success() || !said.contains(says) {
            bail!("{words:?} is to be refused with {says:?}: {said}");
        }
    }
    let show = told(&stage, &["placement", "show", "--json"]).await?;
    ensure!(show["rules"] == Value::Array(Vec::new()), "{show:#}");
    let applied = file("pairs", &format!("# the orders\n{pair}\n"))?;
    told(&stage, &["placement", "apply", &applied, "--yes", "--json"]).await?;
    let show = told(&stage, &["placement", "show", "--json"]).await?;
    ensure!(show["rules"][0]["worker"] == "a", "{show:#}");
    told(&stage, &["placement", "unset", "--all", "--yes", "--json"]).await?;
    let show = told(&stage, &["placement", "show", "--json"]).await?;
    ensure!(show["rules"] == Value::Array(Vec::new()), "{show:#}");
    Ok(())
}
