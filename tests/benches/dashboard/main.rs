//! How soon the dashboard's page shows something, and how long an update keeps its main thread
//! busy, in a browser without a window, with 4, 200 and 2,000 shards.
//!
//! `cargo bench -p kcl-tests --bench dashboard` prints a table. The store is filled beforehand and
//! no worker runs; meanwhile beats, a tenth of all checkpoints each half second, and an owner here
//! and there change between two updates. `-- --pictures FOLDER` writes what is seen.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where results go")]

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use kcl_core::{
    env::Env,
    lease::{Acquire, Advance, Epoch, Lease},
    store::{LeaseStore, LeaseStoreExt},
    stream::{Position, SequenceNumber},
};
use kcl_redis::RedisStore;
use kcl_tests::{
    browser::Browser,
    dashboard::Dashboard,
    filled::{beat, fill, session_id},
    fleet::Launch,
    servers::{RedisMake, RedisServer},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

const SIZES: [u32; 3] = [4, 200, 2_000];
const WORKERS: usize = 20;
/// How often the first paint is measured.
const OPENED: usize = 5;
/// How long updates are measured, at two a second.
const WATCHED: Duration = Duration::from_secs(20);

/// When there was something to see, and when there were rows.
const FIRST: &str = r"(() => {
  new MutationObserver((_, self) => {
    if (document.querySelector('tbody tr[data-key], details tbody tr')) {
      self.disconnect();
      requestAnimationFrame(() => { window.rowsAt = performance.now(); });
    }
  }).observe(document, { childList: true, subtree: true });
})()";

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let pictures = arguments.iter().position(|it| it == "--pictures");
    let pictures = pictures.and_then(|at| arguments.get(at + 1)).map(PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!(
        "| shards | view | first paint | rows painted | update by scripts, median / \
         most | updates | main thread busy per update, all told |\n|---|---|---|---|---|---|---|"
    );
    for shards in SIZES {
        runtime.block_on(measure(shards, pictures.as_ref()))?;
    }
    Ok(())
}

async fn measure(shards: u32, pictures: Option<&PathBuf>) -> Result<()> {
    let server = RedisServer::start(RedisMake::Redis)?;
    let store: Arc<dyn LeaseStore> = Arc::new(RedisStore::new("bench", &server.url())?);
    store.prepare().await?;
    let ids = (0..WORKERS).map(session_id).collect::<Result<Vec<_>>>()?;
    fill(&store, &ids, shards).await?;
    let mut work = JoinSet::new();
    for id in &ids {
        work.spawn(beat(Arc::clone(&store), id.clone()));
    }
    work.spawn(advance(Arc::clone(&store)));
    let binary = env!("CARGO_BIN_EXE_kcl-under-test");
    let mut launch = Launch::new(binary, "bench", "http://127.0.0.1:9", "http://127.0.0.1:9");
    launch.other_store = Some(server.url());
    let dashboard = Dashboard::start(&launch, &["--no-stream", "--every", "0.5"])?;
    dashboard.until("/apps.json", |it| it["applications"][0]["counts"]["read"] == shards).await?;
    let mut browser = Browser::start()?;
    browser.ask("Page.addScriptToEvaluateOnNewDocument", &json!({ "source": FIRST }))?;
    // Of the thread's own time, whatever else the machine does.
    browser.ask("Performance.enable", &json!({ "timeDomain": "threadTicks" }))?;
    for view in ["shards", "map"] {
        let url = dashboard.url(&format!("/app/bench/{view}"));
        let (mut painted, mut rows) = (Vec::new(), Vec::new());
        for _ in 0..OPENED {
            browser.open(&url)?;
            browser.until("window.rowsAt > 0")?;
            let first = browser
                .eval("performance.getEntriesByName('first-contentful-paint')[0].startTime")?;
            painted.push(first.as_f64().context("no paint")?);
            rows.push(browser.eval("window.rowsAt")?.as_f64().context("no rows")?);
        }
        let before = metrics(&mut browser)?;
        browser.eval("performance.clearMeasures(); 1")?;
        Env::system().clock.sleep(WATCHED).await;
        let after = metrics(&mut browser)?;
        let took = "performance.getEntriesByName('kcl update').map((it) => it.duration)";
        let took = browser.eval(took)?;
        let took = took.as_array().context("no updates")?.iter().filter_map(Value::as_f64);
        let mut took: Vec<f64> = took.collect();
        ensure!(took.len() > 5, "{} updates in {WATCHED:?}", took.len());
        let all = (after - before) * 1e3 / took.len() as f64;
        println!(
            "| {shards} | {view} | {:.0} ms | {:.0} ms | {:.1} / {:.1} ms | {} | {all:.1} ms |",
            median(&mut painted),
            median(&mut rows),
            median(&mut took),
            took.last().copied().unwrap_or(f64::NAN),
            took.len(),
        );
        if let Some(folder) = pictures {
            browser.picture(&folder.join(format!("{view}-{shards}.png")))?;
        }
    }
    ensure!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
    Ok(())
}

/// For how many seconds the page's main thread had work.
fn metrics(browser: &mut Browser) -> Result<f64> {
    let all = browser.ask("Performance.getMetrics", &json!({}))?;
    let mut all = all["metrics"].as_array().into_iter().flatten();
    let task = all.find(|it| it["name"] == "TaskDuration").context("no such figure")?;
    task["value"].as_f64().context("no number")
}

/// The middle one; they are sorted afterwards.
fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Writes checkpoints, and changes an owner now and then, until it is dropped.
async fn advance(store: Arc<dyn LeaseStore>) {
    let clock = Env::system().clock;
    let mut turn = 0_u128;
    loop {
        turn += 1;
        let leases = store.all_leases().await.unwrap_or_default();
        let mine = leases.into_iter().filter(|it| !it.key.is_role() && it.owner.is_some());
        for (number, lease) in mine.enumerate() {
            if (number as u128 + turn).is_multiple_of(10) {
                drop(step(&*store, &lease, turn).await);
            }
        }
        clock.sleep(Duration::from_millis(500)).await;
    }
}

async fn step(store: &dyn LeaseStore, lease: &Lease, turn: u128) -> Result<()> {
    let owner = lease.owner.clone().context("nobody's")?;
    if turn.is_multiple_of(10) && lease.epoch.0 % 97 == u64::try_from(turn % 97)? {
        let other = session_id(usize::try_from(turn)? % WORKERS)?;
        // Somebody else may have been faster.
        drop(store.acquire(Acquire::new(lease, other, Epoch(lease.epoch.0 + 1))).await?);
        return Ok(());
    }
    let at = SequenceNumber::from(49_590_338_271_490_256_608_559_692_538_361_571_095_u128 + turn);
    let mut progress = lease.progress;
    progress.arrival = Some(Env::system().clock.wall());
    let advance = Advance::new(lease.key.clone(), owner, lease.epoch, Position::from(at).into());
    drop(store.advance(advance.with_progress(progress)).await?);
    Ok(())
}
