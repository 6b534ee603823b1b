//! `docs/GUIDE.md` is walked through: its commands are run on local servers, in their order. What
//! needs AWS, Docker or a cluster is marked, and its files and arguments are checked.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use kcl_cli::config::{Config, Environment, SettingsArgs};

use super::{Block, blocks, page, root};
use crate::fleet::local::{Local, Running};

/// How a block is marked that cannot be run here.
const ELSEWHERE: [&str; 3] = ["# needs AWS", "# needs Docker", "# needs a cluster"];

/// How one is that goes on beside the others.
const BESIDE: &str = "# in another terminal";

/// How one is before which whatever goes on is stopped.
const AFTER: &str = "# when all workers are stopped";

/// Somebody who does what the guide says.
struct Reader {
    // They go before their servers do.
    running: Vec<(Running, PathBuf)>,
    local: Local,
    run: usize,
}

impl Reader {
    fn shell(&mut self, block: &Block) -> Result<()> {
        let first = block.text.lines().next().unwrap_or_default().trim();
        if ELSEWHERE.contains(&first) {
            return elsewhere(&block.text);
        }
        if first == AFTER {
            self.running.clear();
        } else if first != BESIDE && !self.running.is_empty() {
            // Somebody who types is slower than workers join.
            self.until_read()?;
        }
        let words = ["-euo", "pipefail", "-c", block.text.as_str()];
        self.run += 1;
        if first == BESIDE {
            let name = format!("beside-{}", self.run);
            // So that what tells the shell to stop tells the command.
            let command =
                format!("exec {}", block.text.lines().nth(1).context("a command")?.trim());
            let words = ["-c", &command];
            self.running.push(self.local.spawn(&name, "bash", &words)?);
        } else {
            self.local.run("bash", &words).with_context(|| block.text.clone())?;
        }
        Ok(())
    }

    fn until_read(&self) -> Result<()> {
        for _ in 0..600 {
            if self.has_read().is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.has_read()
    }

    /// The workers have written records.
    fn has_read(&self) -> Result<()> {
        ensure!(self.running.len() == 3, "two workers and a producer");
        let read = self.running[..2].iter().map(|(_, output)| fs::read_to_string(output));
        let read = read.collect::<std::io::Result<String>>()?;
        let record: serde_json::Value =
            serde_json::from_str(read.lines().next().context("nothing was read")?)?;
        ensure!(record["shard"].is_string(), "{record}");
        Ok(())
    }
}

/// The files that are named are there; commands of ours are parsed with those of all pages.
fn elsewhere(text: &str) -> Result<()> {
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        if word == "-f" {
            let file = words.next().context("a file")?;
            ensure!(root().join(file).exists(), "there is no {file}");
        }
    }
    Ok(())
}

fn settings(yaml: &str) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("kcl.yaml");
    fs::write(&path, yaml)?;
    let args = SettingsArgs { config: Some(path), ..SettingsArgs::default() };
    let config = Config::load(&args, &Environment::default())?;
    config.worker_settings()?;
    config.stream()?;
    Ok(())
}

/// Dependencies of ours are crates of this project.
fn manifest(toml: &str) -> Result<()> {
    let ours = toml.lines().filter(|line| line.starts_with("kcl-"));
    for line in ours {
        let name = line.split([' ', '=']).next().unwrap_or_default();
        ensure!(root().join(name).join("Cargo.toml").exists(), "{line}");
    }
    Ok(())
}

#[test]
fn the_guide_can_be_walked_through() -> Result<()> {
    let mut reader = Reader { local: Local::new()?, running: Vec::new(), run: 0 };
    for block in blocks(&page("docs/GUIDE.md")?) {
        match block.language.as_str() {
            "sh" => reader.shell(&block)?,
            "yaml" => settings(&block.text)?,
            "toml" => manifest(&block.text)?,
            // Compiled with the examples of the README.
            "rust" | "rust,no_run" => {}
            other => bail!("nobody looks at a block of {other:?}"),
        }
    }
    ensure!(
        reader.run > 8 && reader.running.is_empty(),
        "blocks are not where they are looked for"
    );
    Ok(())
}
