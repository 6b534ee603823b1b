//! The arguments of `kcl leases`.

use std::{path::PathBuf, time::Duration};

use clap::{Args, Subcommand};
use kcl_core::{lease::WorkerId, stream::Position};

use super::{format::Format, reset::ResetArgs};
use crate::{application::ApplicationArgs, ask::Consent, config::Config};

/// The arguments of `kcl leases`.
#[derive(Args, Clone, Debug)]
pub struct LeasesArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
    /// The application.
    #[command(flatten)]
    pub of: ApplicationArgs,
}

/// What to do with the leases.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Show workers and leases once. Takes as long as a heartbeat, to see which workers are alive.
    List {
        /// The format.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Do not wait for a heartbeat: which workers are alive is then unknown.
        #[arg(long)]
        no_wait: bool,
    },
    /// Show workers and leases again and again, until it is stopped.
    ///
    /// On a terminal it fills the screen: workers with a bar each, leases as they move, lag. Keys:
    /// s sorts, / filters, the arrows choose a shard, p pins it to a worker (shown first, and
    /// asked), q quits. Elsewhere, or with --format, one look follows the other.
    Watch {
        /// The format, if not on a screen.
        #[arg(long, value_enum)]
        format: Option<Format>,
        /// Seconds between two readings.
        #[arg(long, default_value_t = 2.0)]
        every: f64,
    },
    /// Have leases read by this worker for a while, as by a placement rule that prefers it.
    ///
    /// Shows what would move, and asks. While the worker is away others read the leases; when the
    /// time is over they are balanced like any other. For ever: `kcl placement set`.
    ///
    /// Examples:
    ///
    ///   kcl leases move shardId-000000000003 --to worker-2 --app indexer
    ///
    ///   kcl leases move shardId-000000000003 --to worker-2 --for 8h --app indexer
    #[command(name = "move", verbatim_doc_comment)]
    Move {
        #[command(flatten)]
        of: Named,
        /// The worker.
        #[arg(long, value_name = "WORKER")]
        to: WorkerId,
        /// The time after which the move ends, like 30m or 8h.
        #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = span)]
        within: Duration,
        #[command(flatten)]
        how: How,
    },
    /// Have whoever reads these leases hand them to another worker, once. It starts a shard again
    /// that was stopped; if nobody else can take it, its worker gives it back and takes it again.
    Release {
        #[command(flatten)]
        of: Named,
        #[command(flatten)]
        how: How,
    },
    /// Have nobody read these leases until they are resumed. They keep their checkpoints; what
    /// comes after them waits, and records that nobody reads go when the stream's retention is
    /// over.
    Pause {
        #[command(flatten)]
        of: Named,
        #[command(flatten)]
        how: How,
    },
    /// Have leases read again that were paused.
    Resume {
        /// Shards, or keys of leases.
        #[arg(value_name = "LEASE", required_unless_present = "all")]
        leases: Vec<String>,
        /// Every lease that is paused.
        #[arg(long, conflicts_with = "leases")]
        all: bool,
        #[command(flatten)]
        how: How,
    },
    /// Let a shard go on that is stuck on one record, which goes to the worker's dead letter.
    ///
    /// The record has to be among those that fail right now, as the worker that reads the shard
    /// tells. It is tried once more by itself, after those before it: only if it fails again is it
    /// skipped. Shows that, asks, and waits for what becomes of it.
    ///
    /// Example:
    ///
    ///   kcl leases skip shardId-000000000003 --record
    ///   49590338271490256608559692538361571095921575989136588898 --app indexer
    #[command(verbatim_doc_comment)]
    Skip(SkipArgs),
    /// Say how well a fleet has shared its leases out: how long it took after each event, how many
    /// leases moved against how many had to, and for how long each shard went unread.
    ///
    /// Reads logs of workers (`kcl consume --log-format json 2>worker-1.log`) or what `kcl leases
    /// watch --format json` wrote; several files are merged. `-` is stdin. Needs no store.
    ///
    /// Examples:
    ///
    ///   kcl leases analyze worker-*.log
    ///
    ///   kcl leases watch --app indexer --format json > run.jsonl
    ///
    ///   kcl leases analyze run.jsonl --svg run.svg
    #[command(verbatim_doc_comment)]
    Analyze(AnalyzeArgs),
    /// Start again from another position: every shard, or one.
    ///
    /// Shows from where to where each lease moves, asks, and does it while the application is
    /// closed: workers have to be stopped before, and those that start meanwhile wait. Should it be
    /// broken off, the same command goes on; --undo takes it back.
    ///
    /// Examples:
    ///
    ///   kcl leases reset --app indexer --to trim-horizon
    ///
    ///   kcl leases reset --app indexer --to 2026-01-31T09:00:00Z --dry-run
    ///
    ///   kcl leases reset --app indexer --lease shardId-000000000003 --to latest
    ///
    ///   kcl leases reset --app indexer --undo
    #[command(verbatim_doc_comment)]
    Reset(ResetArgs),
    /// Write the application's leases and documents as one JSON object: `kcl export --to file:-`.
    Export,
    /// Read what `export` wrote from stdin: `kcl import --from file:-`. Nothing that is there is
    /// written over.
    Import {
        /// Even while workers live there.
        #[arg(long)]
        while_running: bool,
    },
    /// Copy the application's leases and documents to another store.
    Copy {
        /// The store to read: dynamodb://TABLE, postgres://…, redis://…
        #[arg(long, value_name = "URL")]
        from: String,
        /// The store to fill.
        #[arg(long, value_name = "URL")]
        to: String,
        /// Even while workers live in one of them.
        #[arg(long)]
        while_running: bool,
    },
}

/// Leases that are named.
#[derive(Args, Clone, Debug)]
pub struct Named {
    /// Shards, or keys of leases.
    #[arg(value_name = "LEASE", required = true)]
    pub leases: Vec<String>,
}

/// The arguments of `kcl leases skip`.
#[derive(Args, Clone, Debug)]
pub struct SkipArgs {
    /// The shard, or the key of the lease.
    #[arg(value_name = "LEASE")]
    pub lease: String,
    /// Its sequence number; for a record of a KPL aggregate with its index: `4959….2`.
    #[arg(long, value_name = "POSITION")]
    pub record: Position,
    /// Skip it even if the worker has no dead letter, so that the record is not kept.
    #[arg(long)]
    pub unkept: bool,
    /// The time for which the request stays valid, also for a worker that takes the shard
    /// meanwhile, like 30m or 8h.
    #[arg(long = "for", value_name = "TIME", default_value = SKIP_WITHIN, value_parser = span)]
    pub within: Duration,
    /// The time to wait for the outcome; 0s: do not wait.
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = pause)]
    pub wait: Duration,
    /// Take the request back, as long as the record has not been skipped.
    #[arg(long)]
    pub undo: bool,
    #[command(flatten)]
    pub how: How,
}

/// The output of commands on leases.
#[derive(Args, Clone, Debug)]
pub struct How {
    #[command(flatten)]
    pub consent: Consent,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// The stream's name or ARN; that of the leases, if none is named anywhere
    /// [setting: kinesis.stream_name; STREAM_NAME].
    #[arg(long)]
    pub stream: Option<String>,
}

/// The default of `kcl leases skip --for`: how long the request to skip a record stays valid, also
/// for a worker that takes the shard meanwhile.
pub(crate) const SKIP_WITHIN: &str = "1h";

/// The arguments of `kcl leases analyze`.
#[derive(Args, Clone, Debug)]
pub struct AnalyzeArgs {
    /// Logs in JSON, or the output of `kcl leases watch --format json`.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// One JSON object on stdout.
    #[arg(long)]
    pub json: bool,
    /// The session timeout of the fleet: a worker died this long before the others report its end.
    #[arg(long, value_name = "TIME", default_value = "6s", value_parser = span)]
    pub session_timeout: Duration,
    /// Draw the run into this file.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

/// Parses a duration like `30m`, `8h` or `1h 30m`.
///
/// # Errors
/// The text is no duration, or the duration is shorter than a second or longer than [`MOVE_MAX`].
pub(crate) fn span(text: &str) -> Result<Duration, String> {
    let span = humantime_serde::re::humantime::parse_duration(text);
    let span = span.map_err(|error| format!("{text:?}: {error}; write a time like 30m or 8h"))?;
    if span < Duration::from_secs(1) || span > MOVE_MAX {
        return Err(format!("{text:?}: choose 1s to 30d; for longer, use `kcl placement set`"));
    }
    Ok(span)
}

/// Parses the time that the user is ready to wait, like `30s`: an hour at most.
fn pause(text: &str) -> Result<Duration, String> {
    let pause = humantime_serde::re::humantime::parse_duration(text);
    let pause = pause.map_err(|error| format!("{text:?}: {error}; write a time like 30s or 2m"))?;
    if pause > WAIT_MAX {
        return Err(format!("{text:?}: choose 0s to 1h"));
    }
    Ok(pause)
}

/// The longest time for which a command waits for a result: [`pause`].
const WAIT_MAX: Duration = Duration::from_hours(1);

/// The longest duration that [`span`] accepts, for example for a move. Placement rules have no end.
const MOVE_MAX: Duration = Duration::from_hours(30 * 24);

impl LeasesArgs {
    /// The settings, overridden by the arguments.
    pub(crate) fn apply_to(&self, config: Config) -> Config {
        let mut config = self.of.apply_to(config);
        let stream = match &self.action {
            Action::Reset(ResetArgs { stream, .. }) => stream,
            Action::Move { how, .. }
            | Action::Release { how, .. }
            | Action::Pause { how, .. }
            | Action::Resume { how, .. }
            | Action::Skip(SkipArgs { how, .. }) => &how.stream,
            _ => &None,
        };
        if stream.is_some() {
            config.kinesis.stream_name.clone_from(stream);
        }
        config
    }
}
