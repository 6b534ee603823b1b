//! Looking once, and looking on.

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

/// Shows workers and leases once, after a heartbeat if that is waited for.
///
/// # Errors
/// The store's.
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

/// Shows workers and leases again and again.
///
/// # Errors
/// The store's at the first look; later ones are told and tried again.
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
        // A look takes its time, and longer where the store is slow.
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

/// How long the store may take to note that somebody watches.
const PATIENCE: Duration = Duration::from_secs(2);

/// What was seen at the looks before.
pub(super) struct Seen {
    beats: Beats,
    reader: Reader,
    /// Has workers report with each beat: what is shown is seconds old then, and not a minute.
    onlooker: Onlooker,
}

impl Seen {
    /// Nothing yet.
    pub(super) fn nothing(store: &Arc<dyn LeaseStore>) -> Self {
        let onlooker = Onlooker::new(Arc::clone(store), "kcl leases watch", PATIENCE);
        Self { beats: Beats::default(), reader: Reader::new(), onlooker }
    }

    /// Takes a look, and says that somebody watches.
    ///
    /// # Errors
    /// The store's. That nobody may write there is none.
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

fn show(look: &Look, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Table => stdout::write(&table::draw(look)),
        Format::Json => stdout::line(serde_json::to_string(look)?),
    }
}
