//! `kcl dashboard` serves a page that shows applications, whether their workers run or not.
//!
//! ```text
//! store, stream ──► watched ──► model ──► feed ──► server ──► browser
//!                   doctor's     tables    versions  HTTP       assets/
//!                   facts, judge           + deltas  events
//!                                                    └──► acts, records: on request only
//! ```
//!
//! | part | its question |
//! |---|---|
//! | `args` | what does the command line ask for? |
//! | `watched` | when is each application read? |
//! | `moves` | which moves did the planner report? |
//! | `model` | what does the page show of a reading? Pure |
//! | `feed` | what does a page lack that has an older version? |
//! | `acts` | what can be changed, and what would that do? |
//! | `records` | which records are in a shard? |
//! | `site`, `assets` | which applications and which files are served? |
//! | `server` | who may ask, and what is the answer? |
//!
//! The dashboard reads only the store and the stream, by the means of `doctor`. So it works from a
//! laptop, and with no live worker. While somebody watches, it asks the workers to report more
//! often. It changes nothing else unless `--allow-changes` is given.

mod acts;
mod args;
mod assets;
mod feed;
mod model;
mod moves;
mod records;
mod server;
mod site;
mod watched;

use std::{
    process::ExitCode,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

pub(crate) use args::DashboardArgs;
use kcl_core::env::{Entropy, Env};
use tokio::{sync::watch, task::JoinSet};

use self::{
    assets::Assets,
    feed::Feed,
    site::Site,
    watched::{Pace, Watched},
};
use crate::{
    config::{Config, SettingsArgs},
    doctor::{facts::Sight, judge::Bounds, remedy::Shell},
    report,
    signals::Signals,
    stdout,
    store_url::StoreUrl,
};

/// Runs the command: it serves until a signal ends it.
///
/// # Errors
/// An argument is invalid, a store cannot be opened, or the address cannot be bound.
pub(crate) fn run(
    args: &DashboardArgs,
    settings: &SettingsArgs,
    config: &Config,
) -> anyhow::Result<ExitCode> {
    args.check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(Box::pin(work(args, settings, config)));
    // A call to a store that does not answer must not delay the end.
    runtime.shutdown_background();
    done.map(|()| ExitCode::SUCCESS)
}

/// Starts one task for each application, and serves them all.
async fn work(
    args: &DashboardArgs,
    settings: &SettingsArgs,
    config: &Config,
) -> anyhow::Result<()> {
    let (address, guard) = args.guard()?;
    let env = Env::system();
    let applications: Vec<Arc<Watched>> = args
        .applications(config)?
        .into_iter()
        .map(|config| watched(args, settings, config, &*env.entropy).map(Arc::new))
        .collect::<anyhow::Result<_>>()?;
    let wants_token = guard.wants_token();
    let socket = server::bind(address).await?;
    let address = socket.local_addr()?;
    let any = watch::Sender::new(());
    let pace = Pace { store: args.every(), stream: args.stream_every() };
    // The tasks end when this set is dropped.
    let mut following = JoinSet::new();
    for watched in &applications {
        following.spawn(Arc::clone(watched).follow(pace, any.clone()));
    }
    let site = Site { guard, applications, assets: Assets::new(), records: !args.no_records, any };
    tracing::info!(%address, changes = args.allow_changes, "kcl.dashboard.listening");
    stdout::line(format!("http://{address}/"))?;
    if wants_token {
        report::progress("the page asks for the token; Ctrl-C ends it");
    }
    let mut signals = Signals::listen()?;
    tokio::select! {
        () = server::serve(socket, Arc::new(site)) => {}
        _ = signals.next() => {}
    }
    Ok(())
}

/// Opens the store of one application, and prepares its readings.
fn watched(
    args: &DashboardArgs,
    settings: &SettingsArgs,
    config: Config,
    entropy: &dyn Entropy,
) -> anyhow::Result<Watched> {
    let name = config.application()?.to_owned();
    let lag = Duration::from_secs_f64(args.max_lag);
    let sight = Sight {
        store: StoreUrl::of(&config)?.open_shared(&config)?,
        clock: Env::system().clock,
        patience: args.patience(),
        no_stream: args.no_stream,
        lag_of: args.lag_of,
        config: config.clone(),
    };
    Ok(Watched {
        bounds: Bounds { lag, limits: config.coordination.limits },
        shell: Shell::of(settings, &name, args.store.as_deref()),
        feed: Arc::new(Feed::new(entropy.next_u64())),
        asked: AtomicU64::new(0),
        sight: Arc::new(sight),
        config,
        name,
    })
}
