//! The page in a browser, beside a real fleet, stream and store.

use anyhow::{Context, Result, ensure};
use kcl_tests::{browser::Browser, dashboard::Dashboard, fleet::Signal};

use crate::fleet::stage::{Servers, Stage};

const NAME: &str = "dashboard-page";

/// Every text on the page beside what it is written on: those that are hard to read.
const FAINT: &str = include_str!("faint.js");

/// What can be used and has no name for whoever does not see it.
const NAMELESS: &str = include_str!("nameless.js");

/// Texts in tables that their columns have no room for, although they could.
const CUT: &str = include_str!("cut.js");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_follows_a_reshard_and_a_failover_by_keyboard_in_light_and_dark() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, NAME, 4).await?;
    stage.producer.put(60).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let dashboard = Dashboard::start(&stage.fleet.launch, &["--allow-changes"])?;
    let mut browser = Browser::start()?;
    browser.open(&dashboard.url("/"))?;
    browser.until("document.querySelectorAll('tbody tr[data-key] .pill.good').length === 4")?;
    by_keyboard(&mut browser)?;
    stage.split(2).await?;
    let read = "document.querySelectorAll('tbody tr[data-key] .pill.good').length === 6";
    browser.until(read)?;
    browser.picture_for_docs("dashboard-shards.png")?;
    follow(&mut browser, "Lineage")?;
    browser.until_shown("6 shards from splits and merges, 0 of them waiting")?;
    stage.fleet.signal("b", Signal::KILL)?;
    follow(&mut browser, "Why")?;
    browser.until_shown("worker-silent")?;
    browser.until_shown("kcl consume --app dashboard-page")?;
    browser.picture_for_docs("dashboard-why.png")?;
    follow(&mut browser, "Moves")?;
    browser.until_shown("its worker died")?;
    follow(&mut browser, "Workers")?;
    browser.until("document.querySelectorAll('tbody tr[data-key]').length === 1")?;
    follow(&mut browser, "Map")?;
    browser.until_shown("a 6 shards, 100.0 % of the keys")?;
    for scheme in ["light", "dark"] {
        browser.scheme(scheme)?;
        for view in VIEWS {
            follow(&mut browser, view)?;
            browser.until(&format!("document.title.includes({view:?})"))?;
            browser.picture_for_docs(&format!("{scheme}-{view}.png"))?;
            let faint = browser.eval(FAINT)?;
            ensure!(faint == "", "{scheme}, {view}: {faint}");
            let nameless = browser.eval(NAMELESS)?;
            ensure!(nameless == "", "{view}: {nameless}");
            browser.until(&format!("({CUT}) === ''"))?;
        }
    }
    // One with a longer name takes shards, beside the panel of one of them.
    follow(&mut browser, "Shards")?;
    browser.eval("document.querySelector('tbody tr[data-key] button').click(); 1")?;
    browser.until("document.querySelector('.split.open aside h2')")?;
    let pod = "order-indexer-7d9c5bf8b5-x2x7k";
    stage.fleet.start(pod)?;
    browser.until(&format!("document.querySelector('tbody').innerText.includes({pod:?})"))?;
    browser.until(&format!("({CUT}) === ''"))?;
    browser.picture_for_docs("dark-panel.png")?;
    ensure!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
    Ok(())
}

const VIEWS: [&str; 9] =
    ["Shards", "Workers", "Why", "Map", "Moves", "Lineage", "Failures", "Records", "Act"];

/// What has the focus is what is next; the filter is a key away.
fn by_keyboard(browser: &mut Browser) -> Result<()> {
    let focused = |browser: &mut Browser, what: &str| -> Result<()> {
        browser.until(&format!("document.activeElement.matches({what:?})"))
    };
    browser.press("Tab")?;
    focused(browser, "a.skip")?;
    browser.press("Tab")?;
    focused(browser, "a.brand")?;
    browser.press("Tab")?;
    focused(browser, "nav a[aria-current]")?;
    browser.press("/")?;
    focused(browser, "input[type=search]")?;
    browser.type_in("000000000003")?;
    browser.until_shown("1 of 4 rows")?;
    browser.until("location.search.includes('q=000000000003')")?;
    // The address holds what was asked.
    browser.eval("window.before = 1; location.reload(); 1")?;
    browser.until("window.before === undefined && document.querySelector('input[type=search]')")?;
    browser.until_shown("1 of 4 rows")?;
    browser.eval("document.querySelector('input[type=search]').select(); 1")?;
    browser.press("/")?;
    browser.eval("document.execCommand('delete'); 1")?;
    browser.until_shown("4 rows")
}

/// Follows a link of the list of views as the keyboard does.
fn follow(browser: &mut Browser, view: &str) -> Result<()> {
    let link = format!(
        "[...document.querySelectorAll('nav a')].find((it) => it.innerText.startsWith({view:?}))"
    );
    browser.eval(&format!("{link}.focus(); 1"))?;
    browser.press("Enter")?;
    browser.until(&format!("{link}.getAttribute('aria-current') === 'page'"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_record_holds_is_text_and_a_change_asks_for_the_name() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "dashboard-text", 1).await?;
    let data = "<img src=x onerror=document.title=1><b>bold</b>";
    stage.stream.put("<i>key</i>", None, data.as_bytes()).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[1]).await?;
    let dashboard = Dashboard::start(&stage.fleet.launch, &["--allow-changes"])?;
    let mut browser = Browser::start()?;
    let path = "/app/dashboard-text/records?shard=shardId-000000000000&from=trim-horizon";
    browser.open(&dashboard.url(path))?;
    browser.until("document.querySelector('main form')")?;
    browser.eval("document.querySelector('main form').requestSubmit(); 1")?;
    browser.until_shown(data)?;
    browser.until_shown("<i>key</i>")?;
    let made = browser
        .eval("document.querySelectorAll('.record img, .record i, .record pre b').length")?;
    ensure!(made == 0, "text is made an element");
    browser.open(&dashboard.url("/app/dashboard-text/act"))?;
    browser.until("document.querySelectorAll('main form').length === 14")?;
    let freeze = "[...document.querySelectorAll('main form')]\
        .find((it) => it.innerText.includes('Freeze'))";
    browser.eval(&format!("{freeze}.requestSubmit(); 1"))?;
    browser.until("document.querySelector('dialog[open]')")?;
    browser.until_shown("kcl app freeze --app dashboard-text")?;
    let sends = "document.querySelector('dialog button.main').disabled";
    browser.type_in("dashboard")?;
    ensure!(browser.eval(sends)? == true, "half a name confirms nothing");
    browser.type_in("-text")?;
    browser.until(&format!("!{sends}"))?;
    browser.press("Enter")?;
    browser.until_shown("Done.")?;
    browser.press("Escape")?;
    browser.until("!document.querySelector('dialog[open]')")?;
    browser.until("document.querySelector('#bar').innerText.includes('frozen')")?;
    ensure!(browser.complaints.is_empty(), "{:#?}", browser.complaints);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_asks_for_the_token_and_comes_back_by_itself() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "dashboard-login", 1).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[1]).await?;
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), "0123456789abcdef")?;
    let path = file.path().to_str().context("a path")?.to_owned();
    let dashboard = Dashboard::start(&stage.fleet.launch, &["--token-file", &path])?;
    let mut browser = Browser::start()?;
    browser.open(&dashboard.url("/app/dashboard-login/shards"))?;
    for (token, shown) in [("wrong", "is not its token"), ("0123456789abcdef", "1 row")] {
        browser.until("document.activeElement.id === 'token'")?;
        browser.eval("document.activeElement.value = ''; 1")?;
        browser.type_in(token)?;
        browser.press("Enter")?;
        browser.until_shown(shown)?;
    }
    let secret = "location.href.includes('0123') || document.cookie !== ''";
    ensure!(browser.eval(secret)? == false, "the token is in no address and no cookie");
    browser.complaints.clear();
    let address = dashboard.address.clone();
    dashboard.end()?;
    browser.until_shown("connection lost")?;
    let again = ["--token-file", &path, "--listen", &address];
    let _again = Dashboard::start(&stage.fleet.launch, &again)?;
    browser.until("document.querySelector('#link').innerText === 'live'")?;
    Ok(())
}
