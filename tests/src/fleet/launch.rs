//! How consumers are started.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What the consumers of a fleet are started with.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The binary of the `kcl` command.
    pub binary: PathBuf,
    /// The stream they read.
    pub stream: String,
    /// The application they are.
    pub application: String,
    /// Where the Kinesis API is served.
    pub kinesis: String,
    /// Where the DynamoDB API is served.
    pub dynamodb: String,
    /// The lease table, if not one of the application's name.
    pub table: Option<String>,
    /// Another lease store than DynamoDB, by its address.
    pub other_store: Option<String>,
    /// What else each is told.
    pub arguments: Vec<String>,
    /// Which events are logged.
    pub log: String,
}

impl Launch {
    /// Consumers of `stream`, each application of its own with the stream's name.
    #[must_use]
    pub fn new(binary: &str, stream: &str, kinesis: &str, dynamodb: &str) -> Self {
        Self {
            binary: binary.into(),
            stream: stream.to_owned(),
            application: stream.to_owned(),
            kinesis: kinesis.to_owned(),
            dynamodb: dynamodb.to_owned(),
            table: None,
            other_store: None,
            arguments: Vec::new(),
            log: "warn,kcl_core=debug".to_owned(),
        }
    }

    /// Tells each consumer something more.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// Changes one setting.
    #[must_use]
    pub fn set(self, setting: &str) -> Self {
        self.with(&["--set", setting])
    }

    /// The command with the environment of a test and no arguments yet.
    #[must_use]
    pub fn command(binary: &Path) -> Command {
        let mut command = Command::new(binary);
        let foreign = std::env::vars_os().map(|(name, _)| name).filter(|name| {
            let name = name.to_string_lossy();
            ["AWS_", "KCL_", "RUST_LOG", "POD_NAME", "APP_NAME", "STREAM_NAME", "SHARD_MAPPING"]
                .iter()
                .any(|prefix| name.starts_with(prefix))
        });
        for name in foreign.collect::<Vec<_>>() {
            command.env_remove(name);
        }
        command
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            // No test asks the machine it runs on who it is.
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    /// The command that starts one consumer.
    #[must_use]
    pub fn consumer(&self, worker: &str) -> Command {
        let mut command = Self::command(&self.binary);
        command
            .args(["consume", "--text", "--log-format", "json", "--log", &self.log])
            .args(["--stream", &self.stream, "--app", &self.application])
            .args(["--worker-id", worker, "--region", "us-east-1"])
            .args(["--kinesis-endpoint", &self.kinesis])
            .args(["--store", &self.store()])
            .args(["--dynamodb-endpoint", &self.dynamodb])
            .args(&self.arguments);
        command
    }

    /// The store, as the command is told it.
    #[must_use]
    pub fn store(&self) -> String {
        match (&self.other_store, &self.table) {
            (Some(address), _) => address.clone(),
            (None, Some(table)) => format!("dynamodb://{table}"),
            (None, None) => "dynamodb".to_owned(),
        }
    }
}

/// What the clock of this machine shows, in milliseconds since 1970, as logs do.
#[must_use]
pub fn wall_millis() -> f64 {
    jiff::Timestamp::now().as_microsecond() as f64 / 1e3
}
