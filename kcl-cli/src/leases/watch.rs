//! `kcl leases list`, and `kcl leases watch` as plain text or JSON.

use std::{sync::Arc, time::Duration};

use kcl_core::{
    env::{Clock, Env},
    lease::report::Reader,
    store::LeaseStore,
};

use super::{format::Format, table};
use crate::{
    beats::{self, Beats},
    look::{self, Look},
    onlooker::Onlooker,
    signals::Signals,
    stdout,
};

/// Shows workers and leases once. With `waits` it first waits until it is known of each session
/// whether its beat moves: little more than one and a half heartbeat intervals at most.
///
/// # Errors
/// The store fails, or stdout cannot be written.
pub(super) async fn once(
    store: &dyn LeaseStore,
    format: Format,
    waits: bool,
) -> anyhow::Result<()> {
    let clock = Env::system().clock;
    let (sessions, beats) = if waits {
        beats::settled(store, &*clock).await?
    } else {
        (beats::sessions(store).await?, Beats::default())
    };
    let told = look::reports(store, &sessions, &mut Reader::new(), &*clock).await?;
    show(&Look::take(store, sessions, &beats, &told, &*clock).await?, format)
}

/// Shows workers and leases again and again, until a signal comes.
///
/// # Errors
/// The first reading failed. Later failures go to stderr, and the next reading is tried.
pub(super) async fn forever(
    store: &Arc<dyn LeaseStore>,
    format: Format,
    every: Duration,
) -> anyhow::Result<()> {
    let clock = Env::system().clock;
    let mut signals = Signals::listen()?;
    let mut seen = Seen::nothing(store);
    let mut has_looked = false;
    loop {
        // A reading of a slow store may take long: a signal must end it, too.
        let looked = tokio::select! {
            _ = signals.next() => return Ok(()),
            looked = seen.look(&**store, &*clock) => looked,
        };
        match looked {
            Ok(look) => {
                if format == Format::Table {
                    stdout::clear()?;
                }
                show(&look, format)?;
                has_looked = true;
            }
            Err(error) if has_looked => crate::report::failure(&error),
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = clock.sleep(every) => {}
            _ = signals.next() => return Ok(()),
        }
    }
}

/// How long the store may take for each write of the onlooker.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is kept from one reading to the next.
pub(super) struct Seen {
    beats: Beats,
    /// Tells the age of reports.
    reader: Reader,
    /// Asks the workers to report with each beat. Then the lag is seconds old, and not a minute.
    onlooker: Onlooker,
}

impl Seen {
    /// The state before the first reading.
    pub(super) fn nothing(store: &Arc<dyn LeaseStore>) -> Self {
        let onlooker = Onlooker::new(Arc::clone(store), "kcl leases watch", PATIENCE);
        Self { beats: Beats::default(), reader: Reader::new(), onlooker }
    }

    /// Reads workers and leases, and asks the workers for frequent reports.
    ///
    /// # Errors
    /// A read of the store failed. A write that fails or is denied is no error.
    pub(super) async fn look(
        &mut self,
        store: &dyn LeaseStore,
        clock: &dyn Clock,
    ) -> anyhow::Result<Look> {
        let sessions = beats::sessions(store).await?;
        self.beats.note(&sessions, clock.now());
        let told = look::reports(store, &sessions, &mut self.reader, clock).await?;
        self.onlooker.look_on(&sessions, &told, clock).await;
        Look::take(store, sessions, &self.beats, &told, clock).await
    }
}

/// Writes a reading to stdout.
fn show(look: &Look, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Table => stdout::write(&table::draw(look)),
        Format::Json => stdout::line(serde_json::to_string(look)?),
    }
}
