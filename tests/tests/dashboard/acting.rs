//! What can be changed: shown first, confirmed by name, and told in the log.

use anyhow::{Context, Result, ensure};
use kcl_core::{
    assignment::placement::Mode,
    lease::{DocName, report::Watch},
    placing,
};
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

/// The same marks as the commands make, with the same refusals.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shards_are_paused_moved_and_released_and_workers_drained_from_the_page() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "dashboard-marks", 2).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[1, 1]).await?;
    let dashboard = Dashboard::start(&stage.fleet.launch, &["--allow-changes"])?;
    let shards = "/app/dashboard-marks/shards.json";
    let read = dashboard.until(shards, |it| in_state(it, "read") == 2).await?;
    let second = "shardId-000000000001";
    let owner = cell(&read, second, "owner").as_str().context("no owner")?;
    let other = if owner == "a" { "b" } else { "a" };
    let confirmed = |fields| json!({ "fields": fields, "confirm": "dashboard-marks" });
    let act = |name: &str, fields: serde_json::Value, says: &str| -> Result<()> {
        let path = format!("/app/dashboard-marks/act/{name}");
        let preview =
            dashboard.post(&format!("{path}/preview"), &json!({ "fields": fields }))?.json()?;
        let command = preview["command"].as_str().context("no command")?;
        ensure!(command.starts_with(says) && preview["already"] == false, "{preview:#}");
        let done = dashboard.post(&path, &confirmed(fields))?;
        ensure!(done.status == 200, "{name}: {done:?}");
        Ok(())
    };
    act("pause", json!({ "shard": second }), &format!("kcl leases pause {second} "))?;
    dashboard.until(shards, |it| cell(it, second, "reason").to_string().contains("paused")).await?;
    let paused = dashboard.get(shards)?.json()?;
    let mark = &cell(&paused, second, "marks")[0];
    ensure!(mark["what"] == "paused", "{mark}");
    ensure!(mark["by"].as_str().is_some_and(|it| it.starts_with("kcl dashboard: pause")), "{mark}");
    act("resume", json!({ "shard": second }), &format!("kcl leases resume {second} "))?;
    dashboard.until(shards, |it| in_state(it, "read") == 2).await?;
    act("drain", json!({ "worker": owner }), &format!("kcl workers drain {owner} "))?;
    dashboard.until(shards, |it| cell(it, second, "owner") == other).await?;
    let workers = dashboard.get("/app/dashboard-marks/workers.json")?.json()?;
    let drained = workers.to_string().matches(r#""what":"drained""#).count();
    ensure!(drained == 1, "{workers:#}");
    let sent = json!({ "shard": second, "worker": owner, "for": "10m" });
    let refused = dashboard.post("/app/dashboard-marks/act/move", &confirmed(sent.clone()))?;
    ensure!(refused.status == 422 && refused.error().contains("undrain"), "{refused:?}");
    act("undrain", json!({ "worker": owner }), &format!("kcl workers undrain {owner} "))?;
    act("move", sent, &format!("kcl leases move {second} --to {owner} --for 10m "))?;
    dashboard.until(shards, |it| cell(it, second, "owner") == owner).await?;
    act("release", json!({ "shard": second }), &format!("kcl leases release {second} "))?;
    dashboard.until(shards, |it| cell(it, second, "owner") == other).await?;
    let watched = stage.fleet.store().doc(&DocName::watch()).await?.context("nobody watches")?;
    let by = Watch::decode(&watched.body).context("a watch")?.by;
    ensure!(by.starts_with("kcl dashboard"), "{by}");
    Ok(())
}
