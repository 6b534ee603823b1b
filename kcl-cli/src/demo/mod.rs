//! `kcl demo`: plays a real fleet in one process, and writes a verdict on it.
//!
//! The demo starts a Kinesis API server, a stream of 20 shards, a steady producer, and workers that
//! read the stream over HTTP. Leases are in memory, or in a given store. Then shards split, workers
//! join, one crashes, one leaves. A picture goes to stderr. At the end one JSON object goes to
//! stdout:
//!
//! | key | meaning |
//! |---|---|
//! | `verdict` | `ok`, or `bad` if there are problems |
//! | `problems` | what is wrong, in words |
//! | `seed`, `rate` | as given |
//! | `store` | where leases were kept |
//! | `duration_ms` | how long the run took |
//! | `records.produced` | records the stream acknowledged |
//! | `records.processed`, `.lost` | how many of them were processed at least once, and never |
//! | `records.duplicates` | deliveries of records that had been processed before |
//! | `records.out_of_order_shard` | deliveries out of the order of their shard |
//! | `records.out_of_order_key` | first deliveries after a later record of their partition key |
//! | `records.before_parent` | deliveries before all of the parent shard's records |
//! | `records.stale_epoch` | deliveries by a worker that had lost the lease |
//! | `records.unknown` | deliveries of records that were never acknowledged |
//! | `lag_ms.p50`, `.p99`, `.max` | from sending a record to having processed it first |
//! | `events[].event` | `start`, `split`, `join`, `crash` or `leave` |
//! | `events[].workers` | the workers it is about |
//! | `events[].at_ms` | when, since the start of the run |
//! | `events[].balanced_after_ms` | until it is in balance (below) for good, or `null` |
//! | `events[].moves`, `.optimum` | moves between workers that stay, and the fewest needed |
//! | `events[].duplicates` | as above, until the next event |
//! | `events[].read_again_after_ms` | after a crash or leave: until others read all its shards |
//! | `events[].unread` | after a crash or leave, if any: how many of them nobody read again |
//!
//! In balance, every open shard is held, and no two workers differ by more than one lease.
//!
//! Lost records, disorder, a fleet that does not come to balance and moves above the optimum are
//! problems. Duplicates are not: after a crash a shard is read again from its last checkpoint. The
//! optimum of a split is that of all its shards at once; they end one after another and the fleet
//! answers each, so up to one move more for each is no problem.
//!
//! ```text
//! server ◄── stream ◄── producer ── backlog         script: start, split, join, crash, leave, end
//!   ▲                                                  │ cues
//!   └─ fleet: workers ── deliveries, leases ──► ledger ◄┘ ──► view: picture or lines on stderr
//!        │ leases                                 └──► judge ──► verdict: JSON on stdout
//!      store
//! ```
//!
//! Everything that happens goes into the ledger, in one order. The judge sees only its history
//! (`facts`), and no part of the running fleet.

mod args;
mod backlog;
mod facts;
mod fleet;
mod holdings;
mod judge;
mod killable;
mod ledger;
mod payload;
mod producer;
mod script;
mod server;
mod store;
mod stream;
mod verdict;
mod view;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Result;
use kcl_core::env::Env;

pub use args::DemoArgs;

use self::{
    ledger::Ledger, script::Stage, server::KinesisServer, store::DemoStore, verdict::Verdict,
    view::View,
};
use crate::config::Config;

/// The exit code after Ctrl-C, as shells expect it: 128 and the number of SIGINT.
const INTERRUPTED: u8 = 130;

/// Runs the demo. The exit code is 0 for a good verdict, 1 for a bad one, 130 after an
/// interruption.
///
/// # Errors
/// The demo cannot be played to its end: the operating system refuses a thread or a port, the store
/// fails, or a worker or the stream's server cannot go on.
pub fn run(args: &DemoArgs, config: &Config) -> Result<ExitCode> {
    let store = DemoStore::new(args.store.as_deref(), config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("demo")
        .enable_all()
        .build()?;
    let server = KinesisServer::start()?;
    let played = runtime.block_on(play_in(&store, args, &server));
    // After an error workers may still run. The command does not wait for them.
    runtime.shutdown_background();
    let Some(verdict) = played? else {
        // The terminal shows `^C`: the empty line keeps the message apart.
        writeln!(io::stderr(), "\ninterrupted: the demo did not come to its end: no verdict")?;
        return Ok(ExitCode::from(INTERRUPTED));
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &verdict)?;
    writeln!(out)?;
    Ok(if verdict.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prepares the store, plays the demo, and removes its rows, also after an error. `None` means that
/// the user interrupted it.
async fn play_in(
    store: &DemoStore,
    args: &DemoArgs,
    server: &KinesisServer,
) -> Result<Option<Verdict>> {
    store.prepare().await?;
    let env = Env::system();
    let ledger = Ledger::new(&env);
    let mut stage = Stage::set(args, server.url(), store.clone(), ledger.clone(), env).await?;
    let played = play(&mut stage, store, args, &ledger).await;
    // Workers that still run must not write rows while they are removed.
    stage.stop();
    let cleared = store.clear().await;
    let verdict = played?;
    cleared?;
    Ok(verdict)
}

/// Plays the script and judges it; `None` if a signal came first.
async fn play(
    stage: &mut Stage,
    store: &DemoStore,
    args: &DemoArgs,
    ledger: &Ledger,
) -> Result<Option<Verdict>> {
    let mut view = View::new(args.plain);
    let history = tokio::select! {
        biased;
        interrupted = interruption() => {
            interrupted?;
            return Ok(None);
        }
        played = stage.play(&mut view) => played?,
    };
    let verdict = Verdict::of(&history, &ledger.book().troubles, args, store);
    view.finish(&history, &verdict)?;
    Ok(Some(verdict))
}

/// Waits for a signal that stops the demo.
#[cfg(unix)]
async fn interruption() -> io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        interrupted = tokio::signal::ctrl_c() => interrupted,
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits for a signal that stops the demo.
#[cfg(not(unix))]
async fn interruption() -> io::Result<()> {
    tokio::signal::ctrl_c().await
}
