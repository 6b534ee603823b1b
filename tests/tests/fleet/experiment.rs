//! The published experiments in small, with the settings that stand in `config/`, and the words
//! that belong to them: each `make` target and script is run, on servers that `scripts/local.sh`
//! starts.

use std::{fs, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use kcl_cli::config::{Config, Environment, SettingsArgs};
use kcl_tests::experiment::{self, Place, Plan, Timeline, manual};
use serde_json::Value;

use super::{
    local::Local,
    stage::{KCL, Servers, pause},
};

fn place(servers: Servers, results: &Path) -> Place {
    Place {
        binary: KCL.into(),
        kinesis: servers.kinesis().to_owned(),
        dynamodb: servers.dynamodb().to_owned(),
        settings: experiment::settings(),
        results: results.to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_small_it_comes_out_as_published() -> Result<()> {
    // How long it takes is for `make experiment` to say.
    let folder = tempfile::tempdir()?;
    let plan = Plan {
        stream: "experiment-small".into(),
        shards: 4,
        pods: 2,
        more: 3,
        rest: Duration::from_millis(500),
    };
    let mut told = Timeline::silent();
    let place = place(Servers::InProcess, folder.path());
    let outcome = experiment::play(&place, &plan, &mut told).await;
    let outcome = outcome.with_context(|| told.to_string())?;
    ensure!(outcome.records > 0, "{outcome}");
    let leases = fs::read_to_string(folder.path().join("leases.json"))?;
    let leases: Value = serde_json::from_str(&leases)?;
    ensure!(leases["workers"].as_array().is_some_and(|workers| workers.len() == 3), "{leases:#}");
    let picture = fs::read_to_string(folder.path().join("timeline.svg"))?;
    ensure!(picture.contains(">pod-3</text>") && picture.contains("<path d=\"M"), "{picture}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_mapping_of_its_settings_holds() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = place(Servers::InProcess, folder.path());
    let mut told = Timeline::silent();
    let doctor = manual::play(&place, "experiment-mapped", &mut told).await;
    let doctor = doctor.with_context(|| told.to_string())?;
    ensure!(doctor.contains("rule-of-absent-worker"), "{doctor}");
    Ok(())
}

fn config(pod: usize) -> Result<Config> {
    let config = Some(experiment::settings().join(format!("config-pod{pod}.yaml")));
    let args = SettingsArgs { config, ..SettingsArgs::default() };
    Config::load(&args, &Environment::default())
}

#[test]
fn the_settings_of_the_pods_differ_in_their_names_alone() -> Result<()> {
    let first = config(1)?;
    let limits = first.worker_settings()?.coordination.limits;
    ensure!(limits.per_worker == Some(10) && limits.fair_share, "{limits:?}");
    // As published: the leases of 20 shards among 3, and of 30 among 5, all find a seat.
    for (leases, pods, most) in [(20, 3, 7), (30, 3, 10), (30, 5, 6)] {
        ensure!(limits.per_worker(leases, pods, None) == most);
        ensure!(most * pods >= leases);
    }
    for pod in 1..=5 {
        let mut config = config(pod)?;
        ensure!(config.consumer.worker_id.as_deref() == Some(&*format!("pod-{pod}")));
        config.consumer.worker_id.clone_from(&first.consumer.worker_id);
        ensure!(config == first, "pod {pod}");
    }
    Ok(())
}

/// Waits until a file holds these words.
async fn until(file: &Path, words: &[&str]) -> Result<()> {
    for _ in 0..1_000 {
        let text = fs::read_to_string(file)?;
        if words.iter().all(|word| text.contains(word)) {
            return Ok(());
        }
        pause(50).await;
    }
    anyhow::bail!("no {words:?} in {}", fs::read_to_string(file)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_its_words_works() -> Result<()> {
    let local = Local::start("4")?;
    ensure!(local.run("scripts/verify-stream.sh", &[])?.matches(" open ").count() == 4);
    let (_first, read) = local.spawn("pod1", "make", &["--no-print-directory", "consumer-pod1"])?;
    let (_second, _) = local.spawn("pod2", "make", &["--no-print-directory", "consumer-pod2"])?;
    let (_producer, _) = local.spawn("put", "make", &["--no-print-directory", "producer"])?;
    until(&read, &["\"number\\\":"]).await?;
    let (_monitor, seen) =
        local.spawn("seen", "scripts/monitor-leases.sh", &["--format", "json"])?;
    until(&seen, &["\"owner\":\"pod-1\"", "\"owner\":\"pod-2\""]).await?;
    let shown = local.run("scripts/view-distribution.sh", &["--no-wait"])?;
    ensure!(shown.contains("pod-1") && shown.contains("pod-2"), "{shown}");

    let asked = local.run("scripts/split-shards.sh", &[]).unwrap_err().to_string();
    ensure!(asked.contains("--yes"), "{asked}");
    let split = local.run("scripts/split-shards.sh", &["--force"])?;
    ensure!(split.lines().count() == 2, "{split}");
    ensure!(local.run("scripts/verify-stream.sh", &[])?.matches(" open ").count() == 6);
    local.run("scripts/reshard-stream.sh", &["8"])?;
    ensure!(local.run("scripts/verify-stream.sh", &[])?.matches(" open ").count() == 8);

    until(&seen, &["shardId-000000000008"]).await?;
    let told = local.run("scripts/analyze-rebalancing.sh", &[&seen.to_string_lossy()])?;
    ensure!(told.contains("reshard") && told.contains("pod-2"), "{told}");

    let file = local.folder.path().join("leases.json");
    local.run("scripts/export-lease-data.sh", &[&file.to_string_lossy()])?;
    let leases: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
    ensure!(leases["leases"].as_array().is_some_and(|it| it.len() >= 8), "{leases:#}");
    Ok(())
}
