//! `kcl leases`: who reads what, and how far they are.

mod args;
mod format;
mod look;
pub(crate) mod reset;
mod snapshot;
mod table;
mod transfer;
mod watch;

use std::process::ExitCode;

pub(crate) use args::LeasesArgs;
#[cfg(any(test, fuzzing))]
pub(crate) use snapshot::read_back;

use self::args::Action;
use crate::{config::Config, store_url::StoreUrl};

/// Does it.
///
/// # Errors
/// The store's.
pub(crate) fn run(args: &LeasesArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(act(&args.action, config))?;
    Ok(ExitCode::SUCCESS)
}

async fn act(action: &Action, config: &Config) -> anyhow::Result<()> {
    if let Action::Copy { from, to, while_running } = action {
        // Read here: a message of the arguments' parser would repeat a password.
        let open = |url: &str| url.parse::<StoreUrl>()?.open_shared(config);
        let (from, to) = (open(from)?, open(to)?);
        return transfer::copy(&*from, &*to, *while_running).await;
    }
    let store = StoreUrl::of(config)?.open_shared(config)?;
    match action {
        Action::List { format, no_wait } => watch::once(&*store, *format, !no_wait).await,
        Action::Watch { format, every } => watch::forever(&*store, *format, *every).await,
        Action::Reset(args) => reset::run(args, &store, config).await,
        Action::Import { while_running } => transfer::import(&*store, *while_running).await,
        Action::Export | Action::Copy { .. } => transfer::export(&*store).await,
    }
}
