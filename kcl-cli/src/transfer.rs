//! Copies all rows of an application: to a file, from a file, and from one store to another.
//!
//! A copy is only correct if no worker writes meanwhile. So import and copy fail while a worker
//! lives, unless the user says `--while-running`.

use std::io::{Read, Write};

use anyhow::{Context, bail};
use kcl_core::{env::Env, lease::Session, store::LeaseStore};

use crate::{beats, snapshot::Snapshot, stdout};

/// The path that means stdin or stdout.
pub(crate) const STANDARD: &str = "-";

/// Writes all rows into a new file, or to stdout.
///
/// # Errors
/// The store fails, it has no rows, or the file exists or cannot be written.
pub(crate) async fn export(store: &dyn LeaseStore, path: &str) -> anyhow::Result<()> {
    let snapshot = Snapshot::read(store).await?;
    snapshot.ensure_something()?;
    let text = serde_json::to_string(&snapshot)?;
    if path == STANDARD {
        return stdout::line(text);
    }
    let file = std::fs::File::create_new(path);
    let mut file = file.with_context(|| format!("the file {path} cannot be made"))?;
    writeln!(file, "{text}").with_context(|| format!("the file {path} cannot be written"))
}

/// Reads an export from a file, or from stdin, into a store.
///
/// # Errors
/// The file cannot be read or decoded, or holds no rows; the store fails, or has rows already; a
/// worker lives and `while_running` is false.
pub(crate) async fn import(
    store: &dyn LeaseStore,
    path: &str,
    while_running: bool,
) -> anyhow::Result<()> {
    let mut text = String::new();
    if path == STANDARD {
        std::io::stdin().read_to_string(&mut text).context("stdin cannot be read")?;
    } else {
        text = std::fs::read_to_string(path)
            .with_context(|| format!("the file {path} cannot be read"))?;
    }
    let snapshot = Snapshot::parse(&text)?;
    put(&snapshot, store, while_running).await
}

/// Copies all rows from one store to another.
///
/// # Errors
/// As [`import`]; a worker may live in neither store.
pub(crate) async fn copy(
    from: &dyn LeaseStore,
    to: &dyn LeaseStore,
    while_running: bool,
) -> anyhow::Result<()> {
    if !while_running {
        refuse_workers(from).await?;
    }
    put(&Snapshot::read(from).await?, to, while_running).await
}

/// Writes the rows into a store, and the counts to stdout.
async fn put(snapshot: &Snapshot, to: &dyn LeaseStore, while_running: bool) -> anyhow::Result<()> {
    snapshot.ensure_something()?;
    to.prepare().await.with_context(|| format!("{} cannot be used", to.location()))?;
    if !while_running {
        refuse_workers(to).await?;
    }
    stdout::line(serde_json::to_string(&snapshot.write(to).await?)?)
}

/// Waits until it is known of each session whether its beat moves, and fails if one does.
///
/// # Errors
/// A worker lives, or the store fails.
pub(crate) async fn refuse_workers(store: &dyn LeaseStore) -> anyhow::Result<()> {
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
