//! Two thousand shards, in a store that no process ever wrote to.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use kcl_core::{
    lease::{Acquire, Epoch},
    store::LeaseStoreExt,
};
use kcl_dynamo::DynamoStore;
use kcl_tests::{
    browser::Browser,
    dashboard::Dashboard,
    dynamo,
    filled::{beat, fill, session_id},
    fleet::Launch,
};
use tokio::task::JoinSet;

use crate::fleet::stage::{KCL, Servers};

const SHARDS: u32 = 2_000;
const NAME: &str = "dashboard-many";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_shards_are_shown_found_and_followed() -> Result<()> {
    let url = Servers::InProcess.dynamodb();
    let store = DynamoStore::builder(NAME).client_config(dynamo::config(url)).build()?;
    let store: Arc<dyn kcl_core::store::LeaseStore> = Arc::new(store);
    store.prepare().await?;
    let ids = (0..20).map(session_id).collect::<Result<Vec<_>>>()?;
    fill(&store, &ids, SHARDS).await?;
    let mut beating = JoinSet::new();
    for id in &ids {
        beating.spawn(beat(Arc::clone(&store), id.clone()));
    }
    let launch = Launch::new(KCL, NAME, "http://127.0.0.1:9", url);
    let dashboard = Dashboard::start(&launch, &["--no-stream"])?;
    let mut browser = Browser::start()?;
    browser.open(&dashboard.url("/"))?;
    browser.until_shown("2,000 rows")?;
    browser.until("document.querySelectorAll('tbody tr[data-key] .pill.good').length > 10")?;
    let there = browser.eval("document.querySelectorAll('tbody tr').length")?;
    ensure!(there.as_u64() < Some(90), "rows out of sight are not there: {there}");
    browser.eval("document.querySelector('.scroll').scrollTop = 1e9; 1")?;
    browser.until_shown("shardId-000000001999")?;
    browser.eval("document.querySelector('.scroll').scrollTop = 0; 1")?;
    browser.press("/")?;
    browser.type_in("worker-007")?;
    browser.until_shown("100 of 2,000 rows")?;
    // Leases change hands: the rows in sight follow without having moved.
    let first = browser.eval("document.querySelector('tbody tr[data-key]').dataset.key")?;
    let leases = store.all_leases().await?;
    let of =
        |id| leases.iter().filter(move |it| !it.key.is_role() && it.owner.as_ref() == Some(id));
    for lease in of(&ids[7]) {
        let acquire = Acquire::new(lease, ids[8].clone(), Epoch(lease.epoch.0 + 1));
        ensure!(store.acquire(acquire).await?.is_done(), "{}", lease.key);
    }
    let row =
        format!("document.querySelector('tr[data-key=\"{}\"]')", first.as_str().context("a row")?);
    browser.until(&format!("{row}.innerText.includes('worker-008')"))?;
    browser.open(&dashboard.url(&format!("/app/{NAME}/moves")))?;
    browser.until_shown("100 rows")?;
    browser.open(&dashboard.url(&format!("/app/{NAME}/map")))?;
    browser.until("document.querySelectorAll('details tbody tr').length === 2000")?;
    browser.until_shown("worker-008 200 shards")?;
    browser.eval("document.querySelector('canvas[tabindex]').focus(); 1")?;
    for _ in 0..3 {
        browser.press("ArrowRight")?;
    }
    browser.until_shown("shardId-000000000002: read, worker-002")?;
    browser.picture_for_docs("dashboard-map.png")?;
    ensure!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
    Ok(())
}
