//! One process of the `kcl` command.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
};

use anyhow::{Context, Result};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};

use super::wall_millis;

/// A process of the `kcl` command. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// When it was started, in milliseconds since 1970.
    pub started: f64,
    /// How it ended; `None` as long as nobody has noticed its end.
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts a process with its standard output and error in files.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn start(command: &mut Command, output: &Path, log: &Path) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(File::create(output)?).stderr(File::create(log)?);
        Self::spawn(command)
    }

    /// Starts a process with the streams that the command has.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn spawn(command: &mut Command) -> io::Result<Self> {
        let started = wall_millis();
        Ok(Self { child: command.spawn()?, started, ended: None })
    }

    /// The process, to take its pipes from.
    pub const fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Sends a signal.
    ///
    /// # Errors
    /// The process has ended.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        anyhow::ensure!(self.ended()?.is_none(), "it has ended: {:?}", self.ended);
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).context("the signal did not arrive")
    }

    /// How the process ended; `None` if it runs.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait()?;
        }
        Ok(self.ended)
    }

    /// Waits until the process has ended, and returns the rest of its output.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn into_output(mut self) -> io::Result<Output> {
        let mut output =
            Output { status: self.child.wait()?, stdout: Vec::new(), stderr: Vec::new() };
        if let Some(mut pipe) = self.child.stdout.take() {
            pipe.read_to_end(&mut output.stdout)?;
        }
        if let Some(mut pipe) = self.child.stderr.take() {
            pipe.read_to_end(&mut output.stderr)?;
        }
        Ok(output)
    }

    /// The resident memory of the process, in KiB.
    ///
    /// # Errors
    /// The process has ended.
    pub fn resident_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let resident = resident.context("it has ended")?;
        Ok(resident.trim_end_matches("kB").trim().parse()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
