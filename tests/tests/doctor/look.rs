//! One look of the command, as a process.

use std::process::Command;

use anyhow::{Context, Result, bail};
use kcl_tests::fleet::Launch;
use serde_json::Value;

use crate::fleet::stage::{self, KCL, pause};

/// What a look told.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) code: i32,
    pub(crate) json: Value,
}

/// The command with its servers, before what a test adds.
pub(crate) fn command(launch: &Launch, arguments: &[&str]) -> Command {
    let mut command = Launch::command(KCL.as_ref());
    command
        .args(["doctor", "--app", &launch.application, "--region", "us-east-1"])
        .args(["--kinesis-endpoint", &launch.kinesis])
        .args(["--store", &launch.store(), "--dynamodb-endpoint", &launch.dynamodb])
        .args(arguments);
    command
}

/// Looks once, and reads what it tells.
pub(crate) async fn look(launch: &Launch, arguments: &[&str]) -> Result<Told> {
    let output = stage::run(command(launch, &[&["--json"], arguments].concat())).await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let json = serde_json::from_slice(&output.stdout).with_context(|| said.clone())?;
    Ok(Told { code: output.status.code().context(said)?, json })
}

/// Looks until what is told is as wanted, for a minute.
pub(crate) async fn until(
    launch: &Launch,
    what: &str,
    wanted: impl Fn(&Told) -> bool,
) -> Result<Told> {
    let mut last = None;
    for _ in 0..20 {
        let told = look(launch, &[]).await?;
        if wanted(&told) {
            return Ok(told);
        }
        last = Some(told);
        pause(500).await;
    }
    bail!("{what}: {:#}", last.context("nothing told")?.json)
}

impl Told {
    /// The finding of this kind.
    pub(crate) fn finding(&self, kind: &str) -> Option<&Value> {
        self.all("findings").find(|finding| finding["kind"] == kind)
    }

    pub(crate) fn all(&self, what: &str) -> impl Iterator<Item = &Value> {
        self.json[what].as_array().into_iter().flatten()
    }

    /// What is unknown, in words.
    pub(crate) fn unknown(&self) -> String {
        let all = self.all("unknown").map(|it| format!("{}: {}", it["what"], it["why"]));
        all.collect::<Vec<_>>().join("\n")
    }

    /// What became of the right to an action.
    pub(crate) fn right(&self, action: &str) -> Option<&str> {
        self.all("rights").find(|it| it["action"] == action)?["outcome"].as_str()
    }
}
