//! What can be changed: shown first, confirmed by name, and told in the log.

use anyhow::{Context, Result, ensure};
use kcl_core::{assignment::placement::Mode, placing};
use kcl_tests::dashboard::{Dashboard, cell, in_state};
use serde_json::json;

use crate::fleet::stage::{Servers, Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_shown_confirmed_made_and_told() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "dashboard-acts", 2).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[1, 1]).await?;
    let dashboard = Dashboard::start(&stage.fleet.launch, &["--allow-changes"])?;
    let shards = "/app/dashboard-acts/shards.json";
    let read = dashboard.until(shards, |it| in_state(it, "read") == 2).await?;
    let shard = "shardId-000000000000";
    let owner = cell(&read, shard, "owner").as_str().context("no owner")?;
    let other = if owner == "a" { "b" } else { "a" };
    let fields = json!({ "shard": shard, "worker": other, "mode": "require" });
    let pin = "/app/dashboard-acts/act/pin";
    let preview =
        dashboard.post(&format!("{pin}/preview"), &json!({ "fields": fields }))?.json()?;
    ensure!(preview["moves"].to_string().contains(shard), "{preview:#}");
    let command = preview["command"].as_str().context("no command")?;
    ensure!(command.starts_with(&format!("kcl placement set {shard}:{other} ")), "{command}");
    for confirm in [json!(null), json!("dashboard-act"), json!("y")] {
        let refused = dashboard.post(pin, &json!({ "fields": fields, "confirm": confirm }))?;
        ensure!(refused.status == 422 && refused.error().contains("type the application's name"));
    }
    let rules = async || -> Result<Vec<(String, Mode)>> {
        let stored = placing::read(stage.fleet.store()).await?.placement.unwrap_or_default();
        let rules = stored.rules.rules().iter();
        Ok(rules.map(|rule| (rule.worker.to_string(), rule.mode)).collect())
    };
    ensure!(rules().await?.is_empty(), "nothing was changed yet");
    let done = dashboard.post(pin, &json!({ "fields": fields, "confirm": "dashboard-acts" }))?;
    ensure!(done.status == 200, "{done:?}");
    ensure!(rules().await? == [(other.to_owned(), Mode::Require)]);
    dashboard.until(shards, |it| cell(it, shard, "owner") == other).await?;
    // What makes no sense is refused, and named.
    for worker in ["<img src=x onerror=alert(1)>", "a b", ""] {
        let fields = json!({ "shard": shard, "worker": worker, "mode": "prefer" });
        let asked = json!({ "fields": fields, "confirm": "dashboard-acts" });
        let refused = dashboard.post(pin, &asked)?;
        ensure!(refused.status == 422 && !refused.error().is_empty(), "{worker}: {refused:?}");
    }
    ensure!(rules().await?.len() == 1, "nothing was changed by that");
    let confirmed = |fields| json!({ "fields": fields, "confirm": "dashboard-acts" });
    let freeze = dashboard.post("/app/dashboard-acts/act/freeze", &confirmed(json!({})))?;
    ensure!(freeze.status == 200, "{freeze:?}");
    dashboard.until("/apps.json", |it| it["applications"][0]["frozen"]["by"].is_string()).await?;
    // Nothing is read again while somebody reads.
    let reset = "/app/dashboard-acts/act/reset";
    let fields = json!({ "to": "trim-horizon" });
    let preview = dashboard.post(&format!("{reset}/preview"), &json!({ "fields": fields }))?;
    ensure!(preview.json()?["refused"] == "2 workers live: stop them first", "{preview:?}");
    let refused = dashboard.post(reset, &confirmed(fields.clone()))?;
    ensure!(refused.status == 422 && refused.error().contains("2 workers live"), "{refused:?}");
    for worker in ["a", "b"] {
        stage.fleet.leave(worker).await?;
    }
    dashboard.until("/apps.json", |it| it["applications"][0]["counts"]["workers"] == 0).await?;
    let done = dashboard.post(reset, &confirmed(fields))?;
    ensure!(done.status == 200, "{done:?}");
    ensure!(dashboard.post("/app/dashboard-acts/act/nothing", &json!({}))?.status == 422);
    let log = dashboard.end()?;
    let told =
        |act: &str| log.lines().any(|it| it.contains("kcl.dashboard.changed") && it.contains(act));
    ensure!(told("pin") && told("freeze") && told("reset"), "{log}");
    Ok(())
}
