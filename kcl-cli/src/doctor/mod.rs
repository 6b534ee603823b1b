//! `kcl doctor` tells whether an application is healthy, and if it is not, what is wrong and which
//! command helps.
//!
//! ```text
//! store, stream ──► facts::Sight ──► Facts ──► judge ──► Verdict ──► text, json ──► stdout
//!                   one reading       │                  findings, unknowns
//!                                     └► Progress: what several readings show together
//! ```
//!
//! | module | its question |
//! |---|---|
//! | `facts` | what the store and the stream hold, how old that is, and what could not be read |
//! | `judge` | what is wrong with the facts: pure, without I/O |
//! | `finding`, `remedy` | what a finding is, and the command that helps |
//! | `text`, `json`, `told` | how facts and verdict are shown |
//! | `holes`, `words` | hash keys without a shard; counts, lists and ages as text |
//!
//! Operators run this command while things are broken. So each call has a deadline, and a source
//! that does not answer is unknown, never empty. The command changes nothing of the application.
//! With `--watch` it asks the workers to report with each beat: it writes a document, and wakes
//! workers ([`Onlooker`]). The dashboard uses `facts` and `judge`, too.

mod args;
pub(crate) mod facts;
pub(crate) mod finding;
mod holes;
mod json;
pub(crate) mod judge;
pub(crate) mod remedy;
mod text;
mod told;
mod words;

use std::{
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

pub(crate) use args::DoctorArgs;
use kcl_core::{env::Env, lease::report};

use self::{
    facts::{Facts, Known, Progress, Sight},
    judge::{Bounds, Verdict},
    remedy::Shell,
};
use crate::{
    beats::Beats,
    config::{Config, SettingsArgs},
    onlooker::Onlooker,
    report as said, stdout,
    store_url::StoreUrl,
};

/// The exit code if something could not be judged and nothing wrong was found, and if the command
/// failed before its first reading.
const COULD_NOT_TELL: u8 = 2;

/// Runs the command. The exit code is 0 for a healthy application, 1 for findings, and 2 if the
/// command could not tell. An error of the settings or of the store's address gives 2, too, so that
/// a script can tell it from a finding.
///
/// # Errors
/// The reader of stdout is gone (a broken pipe). The caller ends quietly then.
pub(crate) fn run(
    args: &DoctorArgs,
    settings: &SettingsArgs,
    config: anyhow::Result<Config>,
) -> anyhow::Result<ExitCode> {
    match examine(args, settings, config) {
        Err(error) if !stdout::is_reader_gone(&error) => {
            said::failure(&error);
            Ok(ExitCode::from(COULD_NOT_TELL))
        }
        told => told.map(ExitCode::from),
    }
}

/// Opens the store, and runs [`Doctor`] on a runtime of one thread. The answer is the exit code.
fn examine(
    args: &DoctorArgs,
    settings: &SettingsArgs,
    config: anyhow::Result<Config>,
) -> anyhow::Result<u8> {
    args.check()?;
    let config = args.apply_to(config?);
    let shell = Shell::of(settings, config.application()?, args.of.store.as_deref());
    let bounds =
        Bounds { lag: Duration::from_secs_f64(args.max_lag), limits: config.coordination.limits };
    let sight = Sight {
        store: StoreUrl::of(&config)?.open_shared(&config)?,
        clock: Env::system().clock,
        patience: args.patience(),
        no_stream: args.no_stream,
        lag_of: args.lag_of,
        config,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(Doctor { args, sight, bounds, shell }.look())
}

/// One run of the command: what it needs in each reading.
struct Doctor<'a> {
    args: &'a DoctorArgs,
    /// Reads the store and the stream.
    sight: Sight,
    /// The thresholds of the judges.
    bounds: Bounds,
    /// Spells the commands that findings propose.
    shell: Shell,
}

impl Doctor<'_> {
    /// Reads and judges once; twice with `--trend`; with `--watch` until Ctrl-C. The answer is the
    /// exit code of the last reading.
    async fn look(&self) -> anyhow::Result<u8> {
        let last = AtomicU8::new(COULD_NOT_TELL);
        if !self.args.watch {
            self.look_on(&last).await?;
            return Ok(last.load(Ordering::Relaxed));
        }
        tokio::select! {
            told = self.look_on(&last) => told?,
            _ = tokio::signal::ctrl_c() => {}
        }
        Ok(last.load(Ordering::Relaxed))
    }

    /// The loop of readings. It keeps the exit code of the newest one in `last`, because Ctrl-C
    /// drops this future between two readings or within one.
    async fn look_on(&self, last: &AtomicU8) -> anyhow::Result<()> {
        let (mut progress, mut beats) = (Progress::default(), Beats::default());
        let (mut reader, mut onlooker) = (report::Reader::new(), self.onlooker());
        let watched = self.args.watch.then_some(self.args.every);
        let between = self.args.trend.or(watched).map(Duration::from_secs_f64);
        for look in 1_u64.. {
            let seen_beats = std::mem::take(&mut beats);
            let facts = Box::pin(self.sight.look(seen_beats, &mut reader)).await;
            self.ask_for_reports(&facts, onlooker.as_mut()).await;
            progress.note(&facts);
            let verdict = self.judge(&facts, &progress);
            last.store(verdict.exit_code(), Ordering::Relaxed);
            let is_last = !self.args.watch && (between.is_none() || look == 2);
            if is_last || self.args.watch {
                self.show(&facts, &progress, &verdict)?;
            }
            let Some(pause) = between.filter(|_| !is_last) else { break };
            beats = seen(facts);
            self.sight.clock.sleep(pause).await;
        }
        Ok(())
    }

    /// What asks workers for frequent reports; `None` without `--watch`.
    fn onlooker(&self) -> Option<Onlooker> {
        let store = Arc::clone(&self.sight.store);
        let patience = self.sight.patience;
        self.args.watch.then(|| Onlooker::new(store, "kcl doctor --watch", patience))
    }

    /// Asks the workers to report more often while `--watch` runs. Without known sessions and
    /// documents it asks nobody.
    async fn ask_for_reports(&self, facts: &Facts, onlooker: Option<&mut Onlooker>) {
        let (Some(onlooker), Some(sessions)) = (onlooker, facts.sessions.get()) else { return };
        let Some(documents) = facts.documents.get() else { return };
        onlooker.look_on(&sessions.rows, &documents.reports, &*self.sight.clock).await;
    }

    /// Judges a reading. The proposed commands name the stream that was asked.
    fn judge(&self, facts: &Facts, progress: &Progress) -> Verdict {
        let shell = self.shell.clone().reading(facts.stream_asked.as_deref());
        judge::judge(facts, progress, self.bounds, &shell)
    }

    /// Writes a reading and its verdict to stdout.
    fn show(&self, facts: &Facts, progress: &Progress, verdict: &Verdict) -> anyhow::Result<()> {
        let now = self.sight.clock.now();
        if self.args.json {
            return stdout::line(json::of(facts, progress, verdict, now));
        }
        if self.args.watch {
            stdout::clear()?;
        }
        stdout::write(&text::draw(facts, progress, verdict, now))
    }
}

/// The beats that a reading saw, for the next reading. If the store did not list the sessions, the
/// next reading begins to watch all beats anew: a worker that was silent before may have beaten in
/// between.
fn seen(facts: Facts) -> Beats {
    match facts.sessions {
        Known::Read { value, .. } => value.beats,
        Known::Failed(_) | Known::LeftOut(_) => Beats::default(),
    }
}
