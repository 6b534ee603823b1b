//! What real workers tell of themselves, read by a command that watches them.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::look;
use crate::fleet::stage::{Servers, Stage};

/// Beats come every 1.5 s, and a report follows each: some beats' time.
const YOUNG: u64 = 6_000;

/// By then the first report, of ten seconds after the start, would be older than that.
const LATER: u64 = 25_000;

/// Looks at which nothing of the sort was told, until that is taken for a failure.
const LOOKS: usize = 40;

/// Ends the command, however the test ends.
struct Watching(Child);

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether all of two workers tell, lately, and have long been there.
fn is_watched(look: &Value) -> bool {
    let workers = look["told"]["workers"].as_array().map_or(&[][..], Vec::as_slice);
    let young = |worker: &&Value| {
        worker["fresh"] == true
            && worker["age_ms"].as_u64().is_some_and(|age| age <= YOUNG)
            && worker["up_ms"].as_u64().is_some_and(|up| up >= LATER)
    };
    workers.iter().filter(young).count() == 2
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_doctor_watches_workers_report_with_each_beat() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "doctor-told", 3).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 1]).await?;
    let mut command = look::command(&stage.fleet.launch, &["--json", "--watch", "--every", "1"]);
    let mut child = Watching(command.stdout(Stdio::piped()).spawn()?);
    let lines = BufReader::new(child.0.stdout.take().context("a pipe")?).lines();
    let looks = lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok());
    let mut looks = looks.take(LOOKS);
    let found = tokio::task::spawn_blocking(move || {
        let mut last = Value::Null;
        let found = looks.find(|look: &Value| {
            last = look.clone();
            is_watched(look)
        });
        found.ok_or(last)
    });
    let found = found.await?;
    let look = found.map_err(|last| anyhow::anyhow!("workers tell too seldom: {last:#}"))?;
    let told = &look["told"];
    for worker in told["workers"].as_array().context("workers")? {
        ensure!(worker["version"] == env!("CARGO_PKG_VERSION"), "{worker:#}");
        ensure!(worker["settings"]["balance"] == "even", "{worker:#}");
        ensure!(worker["denial"].is_null() && worker["failing"] == serde_json::json!([]));
        let ahead = worker["clock_ahead_ms"].as_i64().context("a clock")?;
        ensure!(ahead.abs() < 5_000, "one machine has one clock: {worker:#}");
    }
    ensure!(told["planner"]["fresh"] == true, "{told:#}");
    ensure!(told["planner"]["unassigned"] == 0, "{told:#}");
    Ok(())
}
