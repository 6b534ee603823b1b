//! The log, on stderr.

use std::io::{IsTerminal, stderr};

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::cli::{LogFormat, LoggingArgs};

/// Starts the log.
///
/// # Errors
/// The filter makes no sense.
pub(crate) fn start(args: &LoggingArgs, default: &str) -> anyhow::Result<()> {
    let from_environment = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|it| !it.is_empty());
    let wanted = args.log.clone().or(from_environment).unwrap_or_else(|| default.to_owned());
    let filter = EnvFilter::try_new(&wanted).with_context(|| {
        format!("{wanted:?} is no log filter: use a level like `info`, or `target=level,…`")
    })?;
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter).with_writer(stderr);
    let started = match args.log_format {
        LogFormat::Text => subscriber.with_ansi(shows_colours()).try_init(),
        LogFormat::Json => subscriber.json().try_init(),
    };
    started.map_err(|error| anyhow::anyhow!(error))
}

fn shows_colours() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}
