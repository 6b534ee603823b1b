//! What `scripts/local.sh` starts, and the words that work on it, as somebody types them.

use std::{
    fs::File,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use anyhow::{Result, ensure};
use kcl_tests::fleet::Signal;
use rustix::process::{Pid, kill_process};
use tempfile::TempDir;

use super::stage::KCL;

/// What is linked into the folder that commands are run in, so that they leave nothing elsewhere.
const LINKED: [&str; 5] = ["Makefile", "scripts", "config", "tests", "deploy"];

/// A folder in which the project's commands work, and the servers that they start: these are
/// stopped when it is dropped.
pub(crate) struct Local {
    pub(crate) folder: TempDir,
}

impl Local {
    /// Without servers yet.
    pub(crate) fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        for name in LINKED {
            symlink(project().join(name), folder.path().join(name))?;
        }
        // As if it were installed, for the local servers.
        let script = "#!/bin/sh\nexec scripts/local.sh kcl \"$@\"\n";
        let command = folder.path().join("bin/kcl");
        std::fs::create_dir(folder.path().join("bin"))?;
        std::fs::write(&command, script)?;
        ensure!(Command::new("chmod").arg("+x").arg(command).status()?.success());
        Ok(Self { folder })
    }

    /// With servers, and a stream of so many shards.
    pub(crate) fn start(shards: &str) -> Result<Self> {
        let local = Self::new()?;
        let output = local.run("scripts/local.sh", &["start", shards])?;
        ensure!(output.contains("AWS_ENDPOINT_URL_KINESIS"), "{output}");
        Ok(local)
    }

    pub(crate) fn command(&self, program: &str, words: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(words).current_dir(self.folder.path()).stdin(Stdio::null());
        for foreign in ["STREAM_NAME", "APP_NAME", "POD_NAME", "SHARD_MAPPING", "MAKEFLAGS"] {
            command.env_remove(foreign);
        }
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}/bin:{path}", self.folder.path().display()));
        if std::env::var_os("KCL_TEST_SERVERS").is_none() {
            command.env("KCL_TEST_SERVERS", project().join(".servers"));
        }
        command.env("KCL_COMMAND", KCL).env("KCL_LOCAL", self.folder.path().join("state"));
        command
    }

    /// Runs one to its end, and returns what it wrote.
    pub(crate) fn run(&self, program: &str, words: &[&str]) -> Result<String> {
        let Output { status, stdout, stderr } = self.command(program, words).output()?;
        let said = String::from_utf8_lossy(&stderr);
        ensure!(status.success(), "{program} {words:?}: {said}");
        Ok(String::from_utf8(stdout)?)
    }

    /// Starts one that goes on until it is told to stop, and says where its output goes.
    pub(crate) fn spawn(
        &self,
        name: &str,
        program: &str,
        words: &[&str],
    ) -> Result<(Running, PathBuf)> {
        let output = self.folder.path().join(name).with_extension("out");
        let mut command = self.command(program, words);
        let log = File::create(output.with_extension("log"))?;
        let child = command.stdout(File::create(&output)?).stderr(log).spawn()?;
        Ok((Running(child), output))
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        drop(self.command("scripts/local.sh", &["stop"]).status());
    }
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What goes on until it is told to stop: `make` passes that on.
pub(crate) struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _gone = kill_process(Pid::from_child(&self.0), Signal::TERM);
        drop(self.0.wait());
    }
}
