//! `kcl workers`: lists the workers of an application, drains them, and takes that back. A drained
//! worker hands over its leases and gets none.

mod args;
mod drain;
mod list;

use std::process::ExitCode;

use kcl_core::{
    env::{Clock, Env},
    store::LeaseStore,
};

pub(crate) use args::WorkersArgs;
pub(crate) use drain::OfWorkers;

use self::args::Action;
use crate::{config::Config, marking, store_url::StoreUrl};

/// Runs the command.
///
/// # Errors
/// The store fails, the user says no, or the change is refused: the message says why.
pub(crate) fn run(args: &WorkersArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store = StoreUrl::of(config)?.open_shared(config)?;
    let clock = Env::system().clock;
    runtime.block_on(act(args, &*store, config, &*clock))?;
    Ok(ExitCode::SUCCESS)
}

/// Carries out the action.
async fn act(
    args: &WorkersArgs,
    store: &dyn LeaseStore,
    config: &Config,
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    let (edit, consent) = match &args.action {
        Action::List => return list::show(store, clock, args.json).await,
        Action::Drain { workers, consent } => {
            (OfWorkers { drain: true, workers: workers.clone() }, consent)
        }
        Action::Undrain { workers, consent, .. } => {
            (OfWorkers { drain: false, workers: workers.clone() }, consent)
        }
    };
    marking::carry_out(&edit, store, config, clock, *consent, args.json).await
}
