//! Looking once, and looking on.

use std::{io::IsTerminal, time::Duration};

use anyhow::ensure;
use kcl_core::{
    env::{Clock, Env},
    store::LeaseStore,
};

use super::{format::Format, look::Look, table};
use crate::{
    beats::{self, Beats},
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
    show(&Look::take(store, sessions, &beats).await?, format)
}

/// Shows workers and leases again and again.
///
/// # Errors
/// The store's at the first look; later ones are told and tried again.
pub(super) async fn forever(
    store: &dyn LeaseStore,
    format: Format,
    every: f64,
) -> anyhow::Result<()> {
    ensure!((0.2..=3_600.0).contains(&every), "--every {every}: choose 0.2 to 3600 seconds");
    let every = Duration::from_secs_f64(every);
    let clock = Env::system().clock;
    let mut beats = Beats::default();
    let mut has_looked = false;
    loop {
        match look(store, &*clock, &mut beats).await {
            Ok(look) => {
                if format == Format::Table {
                    clear()?;
                }
                show(&look, format)?;
                has_looked = true;
            }
            Err(error) if has_looked => crate::report::failure(&error),
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = clock.sleep(every) => {}
            _ = tokio::signal::ctrl_c() => return Ok(()),
        }
    }
}

async fn look(
    store: &dyn LeaseStore,
    clock: &dyn Clock,
    beats: &mut Beats,
) -> anyhow::Result<Look> {
    let sessions = beats::sessions(store).await?;
    beats.note(&sessions, clock.now());
    Look::take(store, sessions, beats).await
}

/// On a terminal each look takes the place of the last.
fn clear() -> anyhow::Result<()> {
    stdout::write(if std::io::stdout().is_terminal() { "\x1b[H\x1b[2J" } else { "\n" })
}

fn show(look: &Look, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Table => stdout::write(&table::draw(look)),
        Format::Json => stdout::line(serde_json::to_string(look)?),
    }
}
