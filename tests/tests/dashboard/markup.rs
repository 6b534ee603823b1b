//! A row of a store that somebody wrote by hand, with a worker's id that is HTML: no worker can be
//! called so, and the page shows it as text.

use anyhow::{Result, ensure};
use kcl_postgres::PostgresStore;
use kcl_tests::{
    browser::Browser,
    dashboard::Dashboard,
    fleet::Signal,
    postgres::{run, superuser},
    servers::Postgres,
};

use crate::fleet::stage::Stage;

const NAME: &str = "dashboard-markup";
const MARKUP: &str = "<img src=x onerror=document.title=1>";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_id_that_is_html_is_text_on_the_page() -> Result<()> {
    let server = Postgres::start()?;
    let url = server.url();
    let mut stage = Stage::in_store(NAME, 2, &url, PostgresStore::new(NAME, &url)?).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[2]).await?;
    stage.fleet.signal("a", Signal::KILL)?;
    stage.fleet.gone("a").await?;
    let mut admin = superuser(&server).await;
    let renamed = format!("replace(owner, 'a', '{MARKUP}')");
    let one = "key like '%/shardId-000000000000'";
    run(&mut admin, &format!("update kcl.lease set owner = {renamed} where {one}")).await;
    run(&mut admin, &format!("update kcl.session set id = '{MARKUP}'")).await;
    let dashboard = Dashboard::start(&stage.fleet.launch, &[])?;
    let mut browser = Browser::start()?;
    browser.open(&dashboard.url(&format!("/app/{NAME}/why")))?;
    browser.until_shown(MARKUP)?;
    for view in ["why", "shards", "workers", "map", "moves", "failures"] {
        browser.open(&dashboard.url(&format!("/app/{NAME}/{view}")))?;
        browser.until("document.querySelector('main h1')")?;
        let made = browser.eval("document.querySelectorAll('img').length")?;
        ensure!(made == 0, "{view}: text is made an element");
        ensure!(browser.eval("document.title")? != "1", "{view}: a script ran");
    }
    ensure!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
    Ok(())
}
