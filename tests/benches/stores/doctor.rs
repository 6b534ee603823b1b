//! How long `kcl doctor` takes beside the observation that it has to make, with many leases.

use std::{
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use kcl_core::{env::Env, lease::SessionId};
use kcl_tests::{
    filled::{beat, fill, session_id},
    fleet::Launch,
};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{
    arguments::Arguments,
    backend::{Backend, Server},
};

/// What the columns are called.
pub(crate) const HEAD: &str = "\
| store | leases, workers | all of them beat: whole look | one is silent: whole look | … beside \
the observation |
|---|---|---|---|---|";

const RUNS: usize = 5;

/// What has to be waited for to see that somebody is silent: one and a half heartbeats.
const OBSERVED: Duration = Duration::from_millis(2_250);

/// A line of the table.
pub(crate) async fn row(backend: Backend, arguments: &Arguments) -> Result<String> {
    let server = backend.start()?;
    let store = server.store("bench")?;
    store.prepare().await?;
    let ids: Vec<SessionId> = (0..arguments.workers).map(session_id).collect::<Result<_>>()?;
    fill(&store, &ids, arguments.leases).await?;
    let mut beating = JoinSet::new();
    for id in &ids {
        beating.spawn(beat(Arc::clone(&store), id.clone()));
    }
    let all = looks(&server, arguments.leases, 0).await?;
    beating.abort_all();
    while beating.join_next().await.is_some() {}
    for id in &ids[1..] {
        beating.spawn(beat(Arc::clone(&store), id.clone()));
    }
    let silent = looks(&server, arguments.leases, 1).await?;
    let beside: Vec<Duration> = silent.iter().map(|took| took.saturating_sub(OBSERVED)).collect();
    let (name, leases, workers) = (backend.name(), arguments.leases, arguments.workers);
    let (all, silent, beside) = (shown(&all), shown(&silent), shown(&beside));
    Ok(format!("| {name} | {leases}, {workers} | {all} | {silent} | {beside} |"))
}

/// Looks some times, each in a process of its own.
async fn looks(server: &Server, leases: u32, silent: u64) -> Result<Vec<Duration>> {
    let clock = Env::system().clock;
    let mut took = Vec::new();
    for _ in 0..RUNS {
        let mut command = command(server)?;
        let began = clock.now();
        let process = tokio::task::spawn_blocking(move || command.output());
        let output = process.await??;
        took.push(clock.now().since(began));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let told: Value = serde_json::from_slice(&output.stdout).with_context(|| said)?;
        let counts = &told["counts"];
        ensure!(counts["open"] == leases && counts["silent"] == silent, "{counts}");
    }
    took.sort_unstable();
    Ok(took)
}

fn command(server: &Server) -> Result<Command> {
    let mut command = Launch::command(env!("CARGO_BIN_EXE_kcl-under-test").as_ref());
    command.args(["doctor", "--app", "bench", "--no-stream", "--json", "--region", "us-east-1"]);
    command.args(server.address().context("nobody else can look into this store")?);
    command.stdin(Stdio::null());
    Ok(command)
}

/// Median / maximum.
fn shown(took: &[Duration]) -> String {
    let seconds = |at: usize| took.get(at).map_or(f64::NAN, Duration::as_secs_f64);
    format!("{:.2} / {:.2} s", seconds(took.len() / 2), seconds(took.len() - 1))
}
