//! The command line and the environment of the consumers of a fleet.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The arguments that all consumers of a fleet share.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The binary of the `kcl` command.
    pub binary: PathBuf,
    /// The name of the stream.
    pub stream: String,
    /// The name of the application.
    pub application: String,
    /// The URL of the Kinesis server.
    pub kinesis: String,
    /// The URL of the DynamoDB server.
    pub dynamodb: String,
    /// The lease table; `None` means the application's name.
    pub table: Option<String>,
    /// The address of another lease store than DynamoDB.
    pub other_store: Option<String>,
    /// Further arguments of each consumer.
    pub arguments: Vec<String>,
    /// The log filter.
    pub log: String,
}

impl Launch {
    /// Consumers of `stream`, whose application has the stream's name.
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

    /// Adds arguments for each consumer.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    /// Adds a setting, like `coordination.session_timeout=2s`.
    #[must_use]
    pub fn set(self, setting: &str) -> Self {
        self.with(&["--set", setting])
    }

    /// The command without arguments, in the environment of a test: without the variables that the
    /// command reads, and with invented credentials.
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
            // No call to the metadata service, also if the tests run on EC2.
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

    /// The value of `--store`.
    #[must_use]
    pub fn store(&self) -> String {
        match (&self.other_store, &self.table) {
            (Some(address), _) => address.clone(),
            (None, Some(table)) => format!("dynamodb://{table}"),
            (None, None) => "dynamodb".to_owned(),
        }
    }
}

/// The time by this machine's clock, in milliseconds since 1970, as in the logs.
#[must_use]
pub fn wall_millis() -> f64 {
    jiff::Timestamp::now().as_microsecond() as f64 / 1e3
}
