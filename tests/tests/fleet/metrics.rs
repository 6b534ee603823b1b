//! What a real worker tells in figures while it reads, while its store is dark, and when it leaves.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use kcl_tests::{
    fleet::{History, Signal},
    servers::Link,
};

use super::stage::{Servers, Stage, on_each_pair, pause};

on_each_pair!(a_worker_tells_what_it_holds_and_has_done_and_lives_while_its_store_is_dark);

/// What is answered on a path: the status and the body; `None` while nobody listens.
fn get(address: &str, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: it\r\n\r\n").as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// The sum of the series of this name that have this label; `None` if there is none.
fn sum(text: &str, name: &str, label: &str) -> Option<f64> {
    let of_name = |line: &&str| line.starts_with(&format!("{name}{{")) && line.contains(label);
    let values = text.lines().filter(of_name).filter_map(|line| line.rsplit(' ').next());
    let values: Vec<f64> = values.filter_map(|value| value.parse().ok()).collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

/// Scrapes until what is told is as wanted.
async fn until(address: &str, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
    let mut last = None;
    for _ in 0..600 {
        last = get(address, "/metrics").map(|(_, text)| text);
        if let Some(text) = last.as_deref().filter(|text| wanted(text)) {
            return Ok(text.to_owned());
        }
        pause(50).await;
    }
    bail!("{what} is not told: {last:?}")
}

/// Where a worker says that it listens.
pub(super) async fn address_of(stage: &Stage, worker: &str) -> Result<String> {
    let listens = |history: &History| {
        let mut lines = history.events("kcl.metrics.listening");
        lines.find(|line| *line.worker == *worker).and_then(|line| line.text("address"))
    };
    stage.fleet.until("an address", |history| listens(history).is_some()).await?;
    listens(&stage.fleet.history()).context("no address")
}

async fn a_worker_tells_what_it_holds_and_has_done_and_lives_while_its_store_is_dark(
    servers: Servers,
) -> Result<()> {
    let port = servers.dynamodb().rsplit(':').next().context("a port")?.parse()?;
    let link = Link::to(port)?;
    let mut stage = Stage::with(servers, "metrics", 3, |launch| {
        let mut launch = launch.with(&["--metrics", "0"]);
        launch.log = "warn,kcl_core=debug,kcl_cli=info".to_owned();
        launch.dynamodb = format!("http://127.0.0.1:{}", link.port());
        launch
    })
    .await?;
    // There is a backlog, and for a while no store: it lives, and is not ready.
    stage.producer.put(60).await?;
    link.refuse(true);
    stage.fleet.start("a")?;
    let address = address_of(&stage, "a").await?;
    ensure!(get(&address, "/livez").is_some_and(|(status, _)| status == 200));
    ensure!(get(&address, "/readyz").is_some_and(|(status, _)| status == 503));
    link.refuse(false);
    stage.until_delivered().await?;
    let text = until(&address, "all that was put", |text| {
        sum(text, "kcl_records_processed_total", "stream=\"metrics\"") == Some(60.0)
            && sum(text, "kcl_leases_held", "application=\"metrics\"") == Some(3.0)
            && sum(text, "kcl_checkpoints_total", "outcome=\"written\"") >= Some(1.0)
    })
    .await?;
    ensure!(text.matches("\nkcl_lag_seconds{").count() == 3, "{text}");
    let lag = sum(&text, "kcl_lag_max_seconds", "stream=\"metrics\"").context("no lag")?;
    ensure!((0.0..30.0).contains(&lag), "{lag} s behind with nothing left to read");
    ensure!(get(&address, "/readyz").is_some_and(|(status, _)| status == 200));
    // The store goes dark for longer than the session: the worker lapses, lives and is ready.
    link.hold(true);
    until(&address, "a lapse", |text| sum(text, "kcl_session_valid", "") == Some(0.0)).await?;
    for path in ["/livez", "/readyz"] {
        ensure!(get(&address, path).is_some_and(|(status, _)| status == 200), "{path}");
    }
    link.hold(false);
    until(&address, "the session", |text| sum(text, "kcl_session_valid", "") == Some(1.0)).await?;
    stage.fleet.signal("a", Signal::TERM)?;
    let status = stage.fleet.gone("a").await?;
    ensure!(status.success(), "a ended with {status}");
    ensure!(get(&address, "/livez").is_none(), "somebody still listens");
    Ok(())
}
