//! `kcl doctor`: is this application healthy, and if not, what is wrong and what is to be done.
//!
//! | module | its question |
//! |---|---|
//! | `facts` | what is seen, how old it is, and what could not be seen |
//! | `judge` | what is wrong with that: pure |
//! | `finding`, `remedy` | what a finding is, and the command that helps |
//! | `text`, `json`, `told` | how it is shown |
//!
//! It is asked while things are broken: each source has a deadline, and what does not answer is
//! unknown, not empty. It writes nothing, but with `--watch` that somebody watches. The
//! dashboard shows what is seen and judged here.

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

/// What could not be told, and that nothing could be looked at.
const COULD_NOT_TELL: u8 = 2;

/// Looks, and tells: 0 healthy, 1 findings, 2 could not tell, also if it could not even begin.
///
/// # Errors
/// Nobody reads what it writes.
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

struct Doctor<'a> {
    args: &'a DoctorArgs,
    sight: Sight,
    bounds: Bounds,
    shell: Shell,
}

impl Doctor<'_> {
    /// Once, twice, or until told to stop. The exit code of the last look.
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

    fn onlooker(&self) -> Option<Onlooker> {
        let store = Arc::clone(&self.sight.store);
        let patience = self.sight.patience;
        self.args.watch.then(|| Onlooker::new(store, "kcl doctor --watch", patience))
    }

    /// Has workers report more often while it is looked again and again.
    async fn ask_for_reports(&self, facts: &Facts, onlooker: Option<&mut Onlooker>) {
        let (Some(onlooker), Some(sessions)) = (onlooker, facts.sessions.get()) else { return };
        let Some(documents) = facts.documents.get() else { return };
        onlooker.look_on(&sessions.rows, &documents.reports, &*self.sight.clock).await;
    }

    fn judge(&self, facts: &Facts, progress: &Progress) -> Verdict {
        let shell = self.shell.clone().reading(facts.stream_asked.as_deref());
        judge::judge(facts, progress, self.bounds, &shell)
    }

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

/// What was seen of the beats, for the next look. A look at which the store did not answer shows
/// nothing: who was silent before it is watched anew.
fn seen(facts: Facts) -> Beats {
    match facts.sessions {
        Known::Read { value, .. } => value.beats,
        Known::Failed(_) | Known::LeftOut(_) => Beats::default(),
    }
}
