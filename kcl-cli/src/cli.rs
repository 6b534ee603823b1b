//! The arguments of the command.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{
    consume::ConsumeArgs, leases::LeasesArgs, produce::ProduceArgs, simulate::SimulateArgs,
    stream::StreamArgs,
};

/// Consume Kinesis streams with a balanced fleet, and look after it.
///
/// Settings come from a YAML file (--config), the environment and flags; each overrides the one
/// before. Data goes to stdout, everything else to stderr.
#[derive(Debug, Parser)]
#[command(name = "kcl", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Where settings come from.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// What is logged.
    #[command(flatten)]
    pub logging: LoggingArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read a stream as a member of a fleet: one JSON object per record on stdout.
    Consume(ConsumeArgs),
    /// Put records into a stream: generated ones, or lines from stdin.
    ///
    /// Whatever ends it, one JSON object on stdout accounts for the records: `produced`, `retried`,
    /// `failed`, `not_tried`, and the numbers of the first that failed and the first that was not
    /// tried. Exit code: 0 if all there was to put is in the stream, 1 if something failed, 130 or
    /// 143 if SIGINT or SIGTERM came before the end.
    Produce(ProduceArgs),
    /// Create, describe, reshard or delete a stream.
    Stream(StreamArgs),
    /// See who reads what, and how far they are.
    Leases(LeasesArgs),
    /// Play a simulated fleet under faults, check every invariant, and show who held what.
    ///
    /// Everything is drawn from a seed, or written in a script: the same gives the same run. If an
    /// invariant breaks, the shortest script that breaks it is written to a file. Exit code: 0 if
    /// every invariant held, 1 if one is broken, 2 if there is no verdict.
    Simulate(SimulateArgs),
    /// Watch a fleet share a stream through splits, joins and a crash, all in this process.
    #[cfg(feature = "demo")]
    Demo(crate::demo::DemoArgs),
}

impl Command {
    /// What is logged unless somebody says otherwise.
    pub(crate) const fn default_log(&self) -> &'static str {
        match self {
            // A member of a fleet tells what happens to it.
            Self::Consume(_) => "warn,kcl_core=info,kcl_dynamo=info,kcl_kinesis=info,kcl_cli=info",
            // The picture tells it.
            #[cfg(feature = "demo")]
            Self::Demo(_) => "off",
            _ => "warn",
        }
    }
}

/// Where settings come from.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub struct SettingsArgs {
    /// A YAML file of settings.
    #[arg(long, value_name = "FILE", global = true, env = "KCL_CONFIG")]
    pub config: Option<PathBuf>,
    /// One setting by its path in the file, like `coordination.session_timeout=10s`. Repeatable.
    #[arg(long = "set", value_name = "PATH=VALUE", global = true)]
    pub set: Vec<String>,
    /// Times for the whole fleet: `fast` halves the failover time at twice the store requests.
    #[arg(long, value_enum, global = true)]
    pub profile: Option<Profile>,
    /// The AWS region; a stream given by its ARN is in the ARN's [setting: aws.region; AWS_REGION].
    #[arg(long, global = true)]
    pub region: Option<String>,
    /// Where Kinesis and DynamoDB are, if not at AWS, like `http://127.0.0.1:4566`.
    #[arg(long, value_name = "URL", global = true)]
    pub endpoint: Option<String>,
    /// Where Kinesis is; stronger than --endpoint.
    #[arg(long, value_name = "URL", global = true)]
    pub kinesis_endpoint: Option<String>,
    /// Where DynamoDB is; stronger than --endpoint.
    #[arg(long, value_name = "URL", global = true)]
    pub dynamodb_endpoint: Option<String>,
}

/// A set of times for the whole fleet.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Failover in about 6 s.
    #[default]
    Default,
    /// Failover in about 3 s.
    Fast,
}

/// What is logged.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logging")]
pub struct LoggingArgs {
    /// What is logged to stderr, like `info` or `kcl_core=debug`. RUST_LOG is read, too.
    #[arg(long, value_name = "FILTER", global = true)]
    pub log: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t, global = true)]
    pub log_format: LogFormat,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines to read.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}
