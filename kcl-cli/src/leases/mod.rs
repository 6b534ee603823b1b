//! `kcl leases`: shows the leases of an application, and changes them.
//!
//! | module | commands |
//! |---|---|
//! | `watch`, `table` | `list`, and `watch` as text or JSON |
//! | `view` | `watch` on a terminal: a screen with keys |
//! | `marks` | `move`, `release`, `pause`, `resume`: marks on single leases |
//! | `skip` | `skip`: hands a record that fails to the dead letter |
//! | `reset` | `reset`: rewrites checkpoints while the application is closed |
//! | `analyze` | `analyze`: measures a fleet from its logs |
//!
//! `copy`, `export` and `import` are in `transfer`, beside this folder. Commands that set a mark
//! share `marking`: it shows the effect, asks, and writes by compare-and-set.

mod analyze;
mod args;
mod format;
mod marks;
pub(crate) mod reset;
pub(crate) mod skip;
mod table;
mod view;
mod watch;

use std::{process::ExitCode, time::Duration};

use anyhow::ensure;
use kcl_core::env::Env;

pub(crate) use args::{LeasesArgs, SKIP_WITHIN, span};
pub(crate) use marks::{OfLeases, Says};

use self::args::{Action, How, Named};
use crate::{config::Config, marking, store_url::StoreUrl, transfer};

/// Runs the command.
///
/// # Errors
/// An argument is invalid, the store fails, or the change is refused.
pub(crate) fn run(args: &LeasesArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(act(&args.action, config))?;
    Ok(ExitCode::SUCCESS)
}

/// Carries out an action. Actions that set a mark share `marking::carry_out`.
async fn act(action: &Action, config: &Config) -> anyhow::Result<()> {
    if let Action::Analyze(args) = action {
        return analyze::run(args);
    }
    if let Action::Copy { from, to, while_running } = action {
        // The addresses are parsed here, because an error of clap would repeat a password.
        let open = |url: &str| url.parse::<StoreUrl>()?.open_shared(config);
        let (from, to) = (open(from)?, open(to)?);
        return transfer::copy(&*from, &*to, *while_running).await;
    }
    let store = StoreUrl::of(config)?.open_shared(config)?;
    if let Some((edit, how)) = edit(action) {
        let clock = Env::system().clock;
        return marking::carry_out(&edit, &*store, config, &*clock, how.consent, how.json).await;
    }
    match action {
        Action::List { format, no_wait } => watch::once(&*store, *format, !no_wait).await,
        Action::Watch { format, every } => {
            ensure!((0.2..=3_600.0).contains(every), "--every {every}: choose 0.2 to 3600 seconds");
            let every = Duration::from_secs_f64(*every);
            match format {
                None if view::is_possible() => view::watch(&store, config, every).await,
                format => watch::forever(&store, format.unwrap_or_default(), every).await,
            }
        }
        Action::Skip(args) => skip::run(args, &store, config, &*Env::system().clock).await,
        Action::Reset(args) => reset::run(args, &store, config).await,
        Action::Import { while_running } => {
            transfer::import(&*store, transfer::STANDARD, *while_running).await
        }
        _ => transfer::export(&*store, transfer::STANDARD).await,
    }
}

/// The mark that an action sets or takes back, and how to ask for it; `None` for other actions.
fn edit(action: &Action) -> Option<(OfLeases, &How)> {
    let (says, leases, how) = match action {
        Action::Move { of: Named { leases }, to, within, how } => {
            (Says::Move { to: to.clone(), within: *within }, leases, how)
        }
        Action::Release { of: Named { leases }, how } => (Says::Release, leases, how),
        Action::Pause { of: Named { leases }, how } => (Says::Pause, leases, how),
        Action::Resume { leases, how, .. } => (Says::Resume, leases, how),
        _ => return None,
    };
    Some((OfLeases { says, leases: leases.clone() }, how))
}
