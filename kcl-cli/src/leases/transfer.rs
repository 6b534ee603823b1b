//! Leases from one place to another: exported, imported, copied between stores.

use std::io::Read;

use anyhow::{Context, bail};
use kcl_core::{env::Env, lease::Session, store::LeaseStore};

use super::snapshot::Snapshot;
use crate::{beats, stdout};

/// Writes everything on stdout.
///
/// # Errors
/// The store's; there is nothing.
pub(super) async fn export(store: &dyn LeaseStore) -> anyhow::Result<()> {
    let snapshot = Snapshot::read(store).await?;
    snapshot.ensure_something()?;
    stdout::line(serde_json::to_string(&snapshot)?)
}

/// Reads an export from stdin into a store.
///
/// # Errors
/// The store's; there is nothing in it; workers that live, unless that is allowed; rows that are
/// there already.
pub(super) async fn import(store: &dyn LeaseStore, while_running: bool) -> anyhow::Result<()> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("stdin cannot be read")?;
    let snapshot = Snapshot::parse(&text)?;
    put(&snapshot, store, while_running).await
}

/// Copies everything from one store to another.
///
/// # Errors
/// As [`import`], for workers on either side.
pub(super) async fn copy(
    from: &dyn LeaseStore,
    to: &dyn LeaseStore,
    while_running: bool,
) -> anyhow::Result<()> {
    if !while_running {
        refuse_workers(from).await?;
    }
    put(&Snapshot::read(from).await?, to, while_running).await
}

async fn put(snapshot: &Snapshot, to: &dyn LeaseStore, while_running: bool) -> anyhow::Result<()> {
    snapshot.ensure_something()?;
    to.prepare().await.with_context(|| format!("{} cannot be used", to.location()))?;
    if !while_running {
        refuse_workers(to).await?;
    }
    stdout::line(serde_json::to_string(&snapshot.write(to).await?)?)
}

/// Waits for a heartbeat, to see whether a worker lives.
async fn refuse_workers(store: &dyn LeaseStore) -> anyhow::Result<()> {
    let clock = Env::system().clock;
    let (sessions, beats) = beats::settled(store, &*clock).await?;
    let lives = |session: &&Session| beats.lives(session);
    let living: Vec<String> =
        sessions.iter().filter(lives).map(|session| session.id.worker.to_string()).collect();
    if living.is_empty() {
        return Ok(());
    }
    bail!(
        "workers live in {}: {}. What they process after the copy would be lost to it and \
         processed again: stop them first, or say --while-running",
        store.location(),
        living.join(", ")
    )
}
