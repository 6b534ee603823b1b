//! dynalite: a DynamoDB API server as a Node program.

use std::{io, process::Command};

use rustix::process::Signal;

use super::process::{ServerProcess, beside_install, installed};

/// The server that refuses things: it tells no row of a refused write, knows neither point-in-time
/// recovery nor deletion protection, and takes no empty binary. It checks expressions for reserved
/// words.
#[derive(Debug)]
pub struct Dynalite {
    port: u16,
    url: String,
    process: ServerProcess,
}

/// A port in name only: the server gets a free one.
const PORT: &str = "4567";

impl Dynalite {
    /// Starts an empty server in which tables take a moment to become active.
    ///
    /// # Errors
    /// It cannot be started, or is not installed.
    pub fn start() -> io::Result<Self> {
        let mut command = Command::new("node");
        command
            .arg("--require")
            .arg(beside_install("only-localhost.js"))
            .arg(installed("dynalite/node_modules/dynalite/cli.js")?)
            .args(["--port", PORT, "--createTableMs", "100"]);
        let prefix = format!("listening {PORT} on ");
        let (process, port) =
            ServerProcess::start(&mut command, |line| line.strip_prefix(&prefix)?.parse().ok())?;
        Ok(Self { port, url: format!("http://127.0.0.1:{port}"), process })
    }

    /// The port it listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Stops the process until [`Self::resume`]: connections stay, nobody answers.
    ///
    /// # Errors
    /// It has ended.
    pub fn pause(&self) -> io::Result<()> {
        self.process.signal(Signal::STOP)
    }

    /// Lets a paused process go on.
    ///
    /// # Errors
    /// It has ended.
    pub fn resume(&self) -> io::Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
