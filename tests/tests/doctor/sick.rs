//! Fleets whose workers are killed, stand still, or are required and never came.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use kcl_core::lease::{DocName, PutDoc};
use kcl_tests::fleet::{Process, Signal};
use serde_json::Value;

use super::look;
use crate::fleet::stage::{Servers, Stage, pause};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_is_silent_at_first_and_healthy_once_it_is_replaced() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "doctor-killed", 4).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    stage.fleet.signal("b", Signal::KILL)?;
    let told = look::look(&stage.fleet.launch, &[]).await?;
    let silent = told.finding("worker-silent").with_context(|| format!("{:#}", told.json))?;
    ensure!(told.code == 1 && silent["severity"] == "warning", "{silent:#}");
    ensure!(silent["workers"][0] == "b" && silent["shards"].as_array().unwrap().len() == 2);
    ensure!(silent["says"].as_str().unwrap().contains("no proof of death"), "{silent:#}");
    look::until(&stage.fleet.launch, "b is replaced", |told| {
        told.code == 0 && told.json["counts"]["read"] == 4
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_looks_on_sees_a_silence_outlast_the_session_with_every_worker_paused() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "doctor-paused", 2).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[1, 1]).await?;
    for worker in ["a", "b"] {
        stage.fleet.signal(worker, Signal::STOP)?;
    }
    stage.producer.put(40).await?;
    let arguments = ["--json", "--watch", "--every", "1", "--max-lag", "0"];
    let mut command = look::command(&stage.fleet.launch, &arguments);
    let folder = tempfile::tempdir()?;
    let (out, log) = (folder.path().join("out"), folder.path().join("log"));
    command.stdin(Stdio::null());
    let mut watch = Process::start(&mut command, &out, &log)?;
    let mut severities: Vec<String> = Vec::new();
    for _ in 0..300 {
        pause(200).await;
        let text = std::fs::read_to_string(&out)?;
        let looks = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let first = |look: Value| {
            let finding = &look["findings"][0];
            (finding["kind"] == "no-worker").then(|| finding["severity"].to_string())
        };
        severities = looks.filter_map(first).collect();
        if severities.last().is_some_and(|last| last.contains("problem")) {
            break;
        }
    }
    ensure!(severities[0].contains("warning"), "one look is no proof: {severities:?}");
    ensure!(severities.last().unwrap().contains("problem"), "{severities:?}");
    watch.signal(Signal::INT)?;
    let status = crate::fleet::stage::ended(&mut watch).await?;
    ensure!(status.code() == Some(1), "{status}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unread_shard_is_followed_to_the_worker_that_a_rule_requires() -> Result<()> {
    let mut stage = Stage::new(Servers::Node, "doctor-rule", 2).await?;
    let store = stage.fleet.store();
    store.prepare().await?;
    let rules = r#"{"rules":[{"shard":"shardId-000000000000","worker":"w9","mode":"require"}]}"#;
    let put = PutDoc::new(DocName::placement(), None, Bytes::from_static(rules.as_bytes()));
    ensure!(store.put_doc(put).await?.is_done());
    stage.producer.put(40).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[1]).await?;
    stage.split(1).await?;
    let told = look::until(&stage.fleet.launch, "the chain", |told| {
        told.finding("shards-unread").is_some_and(|it| it["shards"].as_array().unwrap().len() == 3)
    })
    .await?;
    let unread = told.finding("shards-unread").unwrap();
    let because: Vec<&str> =
        unread["because"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    ensure!(because.len() == 3, "{unread:#}");
    ensure!(because[0].contains("waits for the end of its parent shardId-000000000000"));
    ensure!(because[1].contains("placement rule 1") && because[1].contains("worker w9"));
    ensure!(because[2].contains("worker w9 is not there"), "{unread:#}");
    ensure!(unread["says"].as_str().unwrap().contains("the oldest unread record is"));
    // The first remedy works as it is said.
    let command = unread["remedies"][0]["command"].as_str().unwrap();
    ensure!(command.ends_with("--worker-id w9"), "{command}");
    stage.fleet.start("w9")?;
    look::until(&stage.fleet.launch, "health", |told| {
        told.code == 0 && told.json["counts"]["read"] == 3
    })
    .await?;
    Ok(())
}
