//! kinesis-local: a Kinesis server (kinesis-mock, the engine of LocalStack), as a Node program.

use std::{
    io,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
};

use super::process::{ServerProcess, beside_install, installed};

/// The server that is most similar to Kinesis: it names the children at the end of a shard, and
/// pages lists. It becomes slow with more than a few thousand records in a shard.
#[derive(Debug)]
pub struct KinesisLocal {
    url: String,
    _process: ServerProcess,
}

/// The port in the settings. `only-localhost.js` makes the server listen on a free port instead.
const PLAIN_PORT: &str = "4568";

impl KinesisLocal {
    /// The server that tests of sources share. The first call starts it, and it ends with the
    /// process. Each test makes streams of its own.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn shared() -> io::Result<Arc<Self>> {
        static SHARED: Mutex<Option<Arc<KinesisLocal>>> = Mutex::new(None);
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = &*shared {
            return Ok(Arc::clone(running));
        }
        Ok(Arc::clone(shared.insert(Arc::new(Self::start()?))))
    }

    /// Starts a server for one test: a shared one is slow.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn start() -> io::Result<Self> {
        let package = installed("kinesis-local/node_modules/kinesis-local")?;
        let mut command = Command::new("node");
        command
            .arg("--require")
            .arg(beside_install("only-localhost.js"))
            .arg(package.join("main.js"))
            .env("KINESIS_MOCK_CERT_PATH", package.join("server.json"))
            .env("KINESIS_MOCK_PLAIN_PORT", PLAIN_PORT)
            .env("KINESIS_MOCK_TLS_PORT", "4567")
            .env("SHARD_LIMIT", "5000")
            .env("LOG_LEVEL", "ERROR")
            .env("CATS_EFFECT_TRACING_MODE", "none");
        for operation in ["CREATE_STREAM", "DELETE_STREAM", "SPLIT_SHARD", "MERGE_SHARDS"] {
            command.env(format!("{operation}_DURATION"), "10ms");
        }
        command.env("START_STREAM_ENCRYPTION_DURATION", "10ms");
        let prefix = format!("listening {PLAIN_PORT} on ");
        let (process, port) = ServerProcess::start(&mut command, |line| {
            line.strip_prefix(&prefix).map(ToOwned::to_owned)
        })?;
        Ok(Self { url: format!("http://127.0.0.1:{port}"), _process: process })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}
