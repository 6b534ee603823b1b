//! What is served, with every worker alive and with none, with slow stores and denied streams.

use anyhow::{Context, Result, ensure};
use kcl_core::lease::{Checkpoint, Lease};
use kcl_tests::{
    dashboard::{Dashboard, cell, in_state},
    fleet::Signal,
    servers::Link,
};
use serde_json::Value;

use crate::fleet::{
    fake::{FakeKinesis, Reply},
    stage::{Servers, Stage},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_its_files_and_every_table_are_served_and_follow_the_fleet() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "dashboard-served", 4).await?;
    stage.producer.put(60).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let dashboard = Dashboard::start(&stage.fleet.launch, &[])?;
    let page = dashboard.get("/")?;
    ensure!(page.status == 200 && page.head.contains("content-type: text/html"), "{}", page.head);
    ensure!(page.head.contains("default-src 'none'; script-src 'self'"), "{}", page.head);
    let files = page.body.split('"').filter(|it| it.starts_with("/assets/"));
    let files: Vec<&str> = files.collect();
    ensure!(files.len() == 2, "{files:?}");
    for file in files {
        let served = dashboard.get(file)?;
        ensure!(served.status == 200 && served.head.contains("immutable"), "{file}: {served:?}");
    }
    let shards = dashboard
        .until("/app/dashboard-served/shards.json", |it| in_state(it, "read") == 4)
        .await?;
    let owner = cell(&shards, "shardId-000000000000", "owner");
    ensure!(owner == "a" || owner == "b", "{shards:#}");
    let workers =
        dashboard.until("/app/dashboard-served/workers.json", |it| in_state(it, "beats") == 2);
    let workers = workers.await?;
    let held = workers["rows"].as_object().context("no workers")?.keys();
    for worker in held {
        ensure!(cell(&workers, worker, "held") == 2, "{workers:#}");
    }
    let all =
        dashboard.until("/apps.json", |it| it["applications"][0]["verdict"] == "healthy").await?;
    let head = &all["applications"][0];
    ensure!(head["stream"]["retention_ms"] == 86_400_000 && all["changes"] == false, "{all:#}");
    // A worker dies: it is told, and what helps; then the other has all.
    stage.fleet.signal("b", Signal::KILL)?;
    let why = dashboard
        .until("/app/dashboard-served/why.json", |it| it.to_string().contains("worker-silent"))
        .await?;
    ensure!(why.to_string().contains("kcl consume --app dashboard-served"), "{why:#}");
    let seen = |it: &Value| -> Vec<String> {
        let rows = it["rows"].as_object().into_iter().flatten().map(|(key, _)| key);
        rows.filter(|key| cell(it, key, "how") == "seen").cloned().collect()
    };
    let moves =
        dashboard.until("/app/dashboard-served/moves.json", |it| seen(it).len() == 2).await?;
    for key in &seen(&moves) {
        ensure!(cell(&moves, key, "from") == "b" && cell(&moves, key, "to") == "a", "{moves:#}");
        ensure!(cell(&moves, key, "why") == "its worker died", "{moves:#}");
        ensure!(cell(&moves, key, "unread_ms").as_u64() > Some(1_000), "{moves:#}");
    }
    stage.fleet.signal("a", Signal::KILL)?;
    dashboard.until("/apps.json", |it| it["applications"][0]["state"] == "dead").await?;
    dashboard.end().map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_is_told_what_it_missed() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "dashboard-events", 2).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[2]).await?;
    let dashboard = Dashboard::start(&stage.fleet.launch, &[])?;
    let path = "/app/dashboard-events/events";
    let first = dashboard.events(path, None, 3)?;
    let kinds: Vec<&str> = first.iter().map(|(_, kind, _)| kind.as_str()).collect();
    ensure!(kinds == ["snapshot", "delta", "delta"], "{kinds:?}");
    ensure!(first[0].2["tables"]["shards"]["rows"].is_object(), "{:#}", first[0].2);
    let number = |id: &str| id.rsplit('-').next().and_then(|it| it.parse::<u64>().ok());
    let last = &first[2].0;
    let again = dashboard.events(path, Some(last), 1)?;
    ensure!(again[0].1 == "delta", "{again:?}");
    ensure!(number(&again[0].0) == number(last).map(|it| it + 1), "{last} {again:?}");
    let other = dashboard.events(path, Some("0-1"), 1)?;
    ensure!(other[0].1 == "snapshot", "of another life: {}", other[0].1);
    let heads = dashboard.events("/events", None, 1)?;
    ensure!(heads[0].1 == "heads" && heads[0].2["applications"].is_array(), "{heads:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_stands_still_and_a_stream_that_is_denied_are_unknown_and_never_zero()
-> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "dashboard-dark", 2).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[2]).await?;
    let denied = FakeKinesis::start(|_, _| Reply::Error("AccessDeniedException")).await?;
    let port = stage.fleet.launch.dynamodb.rsplit(':').next().context("a port")?.parse()?;
    let link = Link::to(port)?;
    let mut launch = stage.fleet.launch.clone();
    launch.kinesis.clone_from(&denied.url);
    launch.dynamodb = format!("http://127.0.0.1:{}", link.port());
    let dashboard = Dashboard::start(&launch, &["--deadline", "1"])?;
    let source = |head: &Value, name: &str| {
        let sources = head["sources"].as_array().into_iter().flatten();
        sources.clone().find(|it| it["name"] == name).cloned().unwrap_or_default()
    };
    let said = dashboard.until("/apps.json", |it| {
        let head = &it["applications"][0];
        let why = source(head, "stream")["why"].to_string();
        head["counts"]["read"] == 2 && why.contains("denied")
    });
    let said = said.await?;
    let head = &said["applications"][0];
    ensure!(source(head, "stream")["at_ms"].is_null() && head["stream"].is_null(), "{head:#}");
    link.hold(true);
    let said = dashboard
        .until("/apps.json", |it| source(&it["applications"][0], "leases")["why"].is_string());
    let said = said.await?;
    let head = &said["applications"][0];
    ensure!(head["counts"]["workers"].is_null() && head["counts"]["open"].is_null(), "{head:#}");
    ensure!(head["state"] == "unknown" && source(head, "leases")["at_ms"].is_u64(), "{head:#}");
    // The rows that were read last are still there, and say that nothing is known of who lives.
    let shards = dashboard.get("/app/dashboard-dark/shards.json")?.json()?;
    ensure!(in_state(&shards, "unseen") == 2, "{shards:#}");
    link.hold(false);
    dashboard.until("/apps.json", |it| it["applications"][0]["counts"]["read"] == 2).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_are_shown_without_touching_a_checkpoint() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "dashboard-records", 1).await?;
    let data = r#"{"text": "<img src=x onerror=alert(1)>"}"#;
    stage.stream.put("<b>key</b>", None, data.as_bytes()).await?;
    stage.stream.put("key", None, &[0xff, 0x00]).await?;
    stage.fleet.start("a")?;
    let is_read = |leases: &[Lease]| matches!(leases[0].checkpoint, Checkpoint::After(_));
    stage.fleet.until_leases("its records are processed", is_read).await?;
    let dashboard = Dashboard::start(&stage.fleet.launch, &[])?;
    let ask = |more: &str| {
        dashboard
            .get(&format!("/app/dashboard-records/records.json?shard=shardId-000000000000{more}"))
    };
    stage.fleet.leave("a").await?;
    let before = stage.fleet.leases().await;
    let found = ask("&from=trim-horizon")?.json()?;
    let records = found["records"].as_array().context("no records")?;
    ensure!(records.len() == 2 && found["then"] == "tip", "{found:#}");
    ensure!(records[0]["text"] == data && records[0]["partition_key"] == "<b>key</b>", "{found:#}");
    ensure!(records[1]["base64"] == "/wA=" && records[1]["text"].is_null(), "{found:#}");
    let found = ask("")?.json()?;
    ensure!(found["records"] == serde_json::json!([]), "all of it is processed: {found:#}");
    ensure!(stage.fleet.leases().await == before, "no lease and no checkpoint is touched");
    for (odd, says) in [("&from=yesterday", "trim-horizon"), ("&most=9999", "1 to 200")] {
        let answer = ask(odd)?;
        ensure!(answer.status == 422 && answer.error().contains(says), "{answer:?}");
    }
    let none = Dashboard::start(&stage.fleet.launch, &["--no-records"])?;
    ensure!(none.get("/app/dashboard-records/records.json?shard=s")?.status == 403);
    let log = dashboard.end()?;
    ensure!(!log.contains("onerror") && !log.contains("<b>"), "records go to no log: {log}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_applications_are_served_side_by_side() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "dashboard-first", 1).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[1]).await?;
    let dashboard = Dashboard::start(&stage.fleet.launch, &["--app", "dashboard-none"])?;
    let all = dashboard
        .until("/apps.json", |it| {
            it["applications"][0]["counts"]["read"] == 1
                && it["applications"][1]["application"] == "dashboard-none"
                && it["applications"][1]["state"] != "looking"
        })
        .await?;
    ensure!(all["applications"][1]["counts"]["read"].is_null(), "there is no table: {all:#}");
    ensure!(dashboard.get("/app/nobody/shards.json")?.status == 404);
    Ok(())
}
