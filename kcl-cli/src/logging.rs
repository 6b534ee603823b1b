//! The log, on stderr.

use std::io::{IsTerminal, stderr};

use anyhow::Context;
use tracing_subscriber::{filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::cli::{LogFormat, LoggingArgs};

/// The variable that says what is logged, unless an argument does.
const VARIABLE: &str = "RUST_LOG";

/// Starts the log.
///
/// # Errors
/// The filter makes no sense.
pub(crate) fn start(args: &LoggingArgs, default: &str) -> anyhow::Result<()> {
    let from_environment = std::env::var(VARIABLE).ok().filter(|it| !it.is_empty());
    let wanted = args.log.clone().or(from_environment).unwrap_or_else(|| default.to_owned());
    let filter: Targets = wanted.parse().with_context(|| {
        format!("{wanted:?} is no log filter: use a level like `info`, or `target=level,…`")
    })?;
    let registry = tracing_subscriber::registry().with(filter);
    let lines = fmt::layer().with_writer(stderr);
    let started = match args.log_format {
        LogFormat::Text => registry.with(lines.with_ansi(shows_colours())).try_init(),
        // A list of the spans says all: the innermost need not be repeated.
        LogFormat::Json => registry.with(lines.json().with_current_span(false)).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!(error))
}

fn shows_colours() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}
