//! Looking once, and looking on.

use std::time::Duration;

use kcl_core::{
    env::{Clock, Env},
    lease::report::Reader,
    store::LeaseStore,
};

use super::{format::Format, table};
use crate::{
    beats::{self, Beats},
    look::Look,
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
    let mut reader = Reader::new();
    show(&Look::take(store, sessions, &beats, &mut reader, &*clock).await?, format)
}

/// Shows workers and leases again and again.
///
/// # Errors
/// The store's at the first look; later ones are told and tried again.
pub(super) async fn forever(
    store: &dyn LeaseStore,
    format: Format,
    every: Duration,
) -> anyhow::Result<()> {
    let clock = Env::system().clock;
    let mut signals = Signals::listen()?;
    let (mut beats, mut reader) = (Beats::default(), Reader::new());
    let mut has_looked = false;
    loop {
        // A look takes its time, and longer where the store is slow.
        let looked = tokio::select! {
            _ = signals.next() => return Ok(()),
            looked = look(store, &*clock, &mut beats, &mut reader) => looked,
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

/// Takes a look.
///
/// # Errors
/// The store's.
pub(super) async fn look(
    store: &dyn LeaseStore,
    clock: &dyn Clock,
    beats: &mut Beats,
    reader: &mut Reader,
) -> anyhow::Result<Look> {
    let sessions = beats::sessions(store).await?;
    beats.note(&sessions, clock.now());
    Look::take(store, sessions, beats, reader, clock).await
}

fn show(look: &Look, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Table => stdout::write(&table::draw(look)),
        Format::Json => stdout::line(serde_json::to_string(look)?),
    }
}
