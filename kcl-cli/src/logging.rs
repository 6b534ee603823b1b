//! Starts the log, which goes to stderr, and has the arguments that filter and format it.

use std::{
    io::{IsTerminal, stderr},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use tracing::Level;
use tracing_subscriber::{
    filter::{Targets, dynamic_filter_fn},
    fmt,
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// What is logged.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logging")]
pub struct LoggingArgs {
    /// The filter of the log on stderr, like `info` or `kcl_core=debug`. RUST_LOG is read, too.
    #[arg(long, value_name = "FILTER", global = true)]
    pub log: Option<String>,
    /// The format of the log.
    #[arg(long, value_enum, default_value_t, global = true)]
    pub log_format: LogFormat,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines to read.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// The variable with the filter; `--log` overrides it.
const VARIABLE: &str = "RUST_LOG";

/// Whether only errors are logged. Set when the reader of stdout is gone and the command ends.
static ONLY_ERRORS: AtomicBool = AtomicBool::new(false);

/// Logs only errors from now on, so that a command whose reader is gone ends quietly.
pub(crate) fn only_errors() {
    ONLY_ERRORS.store(true, Ordering::Relaxed);
}

/// Starts the log. `default` is the filter without `--log` and `RUST_LOG`.
///
/// # Errors
/// The filter cannot be parsed, or the process has a log already.
pub(crate) fn start(args: &LoggingArgs, default: &str) -> anyhow::Result<()> {
    let from_environment = std::env::var(VARIABLE).ok().filter(|it| !it.is_empty());
    let wanted = args.log.clone().or(from_environment).unwrap_or_else(|| default.to_owned());
    let filter: Targets = wanted.parse().with_context(|| {
        format!("{wanted:?} is no log filter: use a level like `info`, or `target=level,…`")
    })?;
    let quiet = dynamic_filter_fn(|event, _| {
        *event.level() == Level::ERROR || !ONLY_ERRORS.load(Ordering::Relaxed)
    });
    let registry = tracing_subscriber::registry().with(filter).with(quiet);
    let lines = fmt::layer().with_writer(stderr);
    let started = match args.log_format {
        LogFormat::Text => registry.with(lines.with_ansi(shows_colours())).try_init(),
        // Each line lists all spans, so the innermost one is not repeated.
        LogFormat::Json => registry.with(lines.json().with_current_span(false)).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!(error))
}

/// Whether stderr is a terminal, and `NO_COLOR` is not set.
fn shows_colours() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}
