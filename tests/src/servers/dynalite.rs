//! dynalite: a DynamoDB server, as a Node program.

use std::{io, process::Command};

use rustix::process::Signal;

use super::process::{ServerProcess, beside_install, installed};

/// A DynamoDB server with many gaps: it does not return the row of a refused write, has neither
/// point-in-time recovery nor deletion protection, and refuses an empty binary. But it refuses
/// reserved words in expressions, as DynamoDB does.
#[derive(Debug)]
pub struct Dynalite {
    port: u16,
    url: String,
    process: ServerProcess,
}

/// The port in the arguments. `only-localhost.js` makes the server listen on a free port instead.
const PORT: &str = "4567";

impl Dynalite {
    /// Starts an empty server in which tables take a moment to become active.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
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

    /// The port that the server listens on.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Stops the process until [`Self::resume`]: connections stay open, without answers.
    ///
    /// # Errors
    /// The server has ended.
    pub fn pause(&self) -> io::Result<()> {
        self.process.signal(Signal::STOP)
    }

    /// Lets a paused process go on.
    ///
    /// # Errors
    /// The server has ended.
    pub fn resume(&self) -> io::Result<()> {
        self.process.signal(Signal::CONT)
    }

    /// The address that it listens on.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
