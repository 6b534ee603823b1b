//! What an operator says of single workers and leases, with real processes: workers are drained,
//! leases paused, moved and released, and a run is analyzed.

use std::{
    collections::BTreeMap,
    process::{Output, Stdio},
};

use anyhow::{Context, Result, ensure};
use kcl_core::lease::{DocName, Lease, report::Watch};
use kcl_postgres::PostgresStore;
use kcl_tests::{
    fleet::{Launch, Process, Signal},
    servers::Postgres,
};
use serde_json::Value;

use super::stage::{self, KCL, Servers, Stage, pause};

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

/// The same, which is refused with these words.
async fn refused(stage: &Stage, words: &[&str], says: &str) -> Result<()> {
    let output = kcl(stage, words).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && said.contains(says), "{words:?}: {said}");
    Ok(())
}

fn shard(number: usize) -> String {
    format!("shardId-{number:012}")
}

/// The worker of each open shard, by its name.
fn owners(leases: &[Lease]) -> BTreeMap<String, String> {
    let owner = |row: &Lease| {
        let owner = row.owner.as_ref().map_or("-", |owner| owner.worker.as_str());
        Some((row.key.shard()?.to_string(), owner.to_owned()))
    };
    leases.iter().filter(|row| !row.has_ended()).filter_map(owner).collect()
}

async fn until_owner(
    stage: &Stage,
    number: usize,
    is: impl Fn(&str) -> bool + Send + Sync,
) -> Result<()> {
    let what = format!("{} changes hands", shard(number));
    let done = |leases: &[Lease]| owners(leases).get(&shard(number)).is_some_and(|it| is(it));
    stage.fleet.until_leases(&what, done).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_drains_pauses_moves_and_releases_on_a_dynamodb_api_server() -> Result<()> {
    drains_pauses_moves_and_releases(Stage::new(Servers::InProcess, "marks", 4).await?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_drains_pauses_moves_and_releases_on_postgres() -> Result<()> {
    let server = Postgres::start()?;
    let (name, url) = ("marks-postgres", server.url());
    let stage = Stage::in_store(name, 4, &url, PostgresStore::new(name, &url)?).await?;
    drains_pauses_moves_and_releases(stage).await
}

async fn drains_pauses_moves_and_releases(mut stage: Stage) -> Result<()> {
    stage.fleet.start_all(&["a", "b", "c"])?;
    stage.fleet.until_shared(&[2, 1, 1]).await?;
    stage.producer.put(100).await?;
    stage.until_delivered().await?;

    // A worker is drained: others read what it held, and it gets nothing.
    let held = owners(&stage.fleet.leases().await).values().filter(|it| *it == "a").count();
    let shown = told(&stage, &["workers", "drain", "a", "--yes", "--json"]).await?;
    let moves = shown["moves"].as_array().context("moves")?;
    ensure!(moves.len() == held && moves.iter().all(|it| it["from"] == "a"), "{shown:#}");
    let empty = |leases: &[Lease]| !owners(leases).values().any(|it| it == "a" || it == "-");
    stage.fleet.until_leases("a hands over", empty).await?;
    stage.producer.put(100).await?;
    stage.until_delivered().await?;
    let listed = told(&stage, &["workers", "list", "--json"]).await?;
    let of_a = listed["workers"].as_array().context("workers")?.iter();
    let of_a = of_a.into_iter().find(|row| row["worker"] == "a").context("a")?;
    ensure!(of_a["drained"] == true && of_a["leases"] == 0, "{listed:#}");
    let last = ["workers", "drain", "b", "c", "--yes"];
    refused(&stage, &last, "start another worker first").await?;
    refused(&stage, &["workers", "drain", "b"], "--yes").await?;
    refused(&stage, &["leases", "move", &shard(0), "--to", "a", "--yes"], "undrain a").await?;
    ensure!(empty(&stage.fleet.leases().await), "it gets nothing");
    told(&stage, &["workers", "undrain", "a", "--yes", "--json"]).await?;
    stage.fleet.until_shared(&[2, 1, 1]).await?;

    // A lease is paused: nobody reads it, and its records wait.
    told(&stage, &["leases", "pause", &shard(0), "--yes", "--json"]).await?;
    until_owner(&stage, 0, |owner| owner == "-").await?;
    stage.producer.put(100).await?;
    pause(2_500).await;
    ensure!(owners(&stage.fleet.leases().await)[&shard(0)] == "-", "it stays paused");
    let delivered = stage.fleet.caught_up().distinct();
    ensure!(delivered < stage.producer.produced.len(), "its records wait");
    let table = String::from_utf8(kcl(&stage, &["leases", "list"]).await?.stdout)?;
    ensure!(table.contains("(paused)"), "{table}");
    let plan = told(&stage, &["plan", "--workers", "+1", "--json"]).await?;
    ensure!(plan["unread"][0]["shard"] == shard(0), "{plan:#}");
    told(&stage, &["leases", "resume", &shard(0), "--yes", "--json"]).await?;
    stage.until_delivered().await?;

    // A lease is moved, and then handed to somebody else.
    let owner = owners(&stage.fleet.leases().await)[&shard(1)].clone();
    let to = if owner == "b" { "c" } else { "b" };
    let moved = ["leases", "move", &shard(1), "--to", to, "--for", "20m", "--yes", "--json"];
    let shown = told(&stage, &moved).await?;
    ensure!(shown["notes"][0].as_str().is_some_and(|it| it.contains("until")), "{shown:#}");
    until_owner(&stage, 1, |owner| owner == to).await?;
    let show = told(&stage, &["placement", "show", "--json"]).await?;
    ensure!(show["marks"]["moved"][0]["to"] == to, "{show:#}");
    told(&stage, &["leases", "release", &shard(1), "--yes", "--json"]).await?;
    until_owner(&stage, 1, |owner| owner != to && owner != "-").await?;
    stage.producer.put(100).await?;
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&[])
}

/// A lone worker's shard is released: it gives it back and takes it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lone_worker_starts_a_shard_again_that_is_released() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "marks-lone", 1).await?;
    stage.fleet.start("a")?;
    until_owner(&stage, 0, |owner| owner == "a").await?;
    let epoch = |leases: &[Lease]| {
        let mut held = leases.iter().filter(|row| !row.key.is_role() && row.owner.is_some());
        held.next().map(|row| row.epoch)
    };
    let before = epoch(&stage.fleet.leases().await);
    let shown = told(&stage, &["leases", "release", &shard(0), "--yes", "--json"]).await?;
    let reason = shown["unread"][0]["reason"].as_str().context("why")?;
    ensure!(reason.contains("may take it again at once"), "{shown:#}");
    let again = |leases: &[Lease]| epoch(leases) > before;
    stage.fleet.until_leases("it is taken again", again).await?;
    stage.producer.put(20).await?;
    stage.until_delivered().await?;
    stage.judge().await?.check_repeats_of(&[])
}

/// What `kcl leases watch` writes is analyzed: a worker joins, and a lease moves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_watch_writes_is_analyzed_and_a_signal_ends_it() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "marks-watch", 2).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[2]).await?;
    let mut watch = stage::command(
        &stage.fleet.launch,
        &["leases", "watch", "--format", "json", "--every", "0.3"],
    );
    watch.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watch = Process::spawn(&mut watch)?;
    pause(2_000).await;
    stage.fleet.start("b")?;
    stage.fleet.until_shared(&[1, 1]).await?;
    pause(2_000).await;
    // Who watches has workers report with each beat.
    let watched = stage.fleet.store().doc(&DocName::watch()).await?.context("nobody watches")?;
    let by = Watch::decode(&watched.body).context("a watch")?.by;
    ensure!(by.starts_with("kcl leases watch"), "{by}");
    watch.signal(Signal::TERM)?;
    let status = stage::ended(&mut watch).await?;
    ensure!(status.success(), "{status}");
    let folder = tempfile::tempdir()?;
    let (run, svg) = (folder.path().join("run.jsonl"), folder.path().join("run.svg"));
    std::fs::write(&run, watch.into_output()?.stdout)?;
    let mut analyze = Launch::command(KCL.as_ref());
    analyze.args(["leases", "analyze", "--json"]).arg(&run).arg("--svg").arg(&svg);
    let output = stage::run(analyze).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    let found: Value = serde_json::from_slice(&output.stdout).with_context(|| said.into_owned())?;
    let event = &found["events"][1];
    ensure!(event["what"] == "join b" && event["moves"] == 1, "{found:#}");
    ensure!(event["optimum"] == 1 && event["converged_ms"].is_u64(), "{found:#}");
    ensure!(std::fs::read_to_string(&svg)?.starts_with("<svg"), "a drawing");
    Ok(())
}
