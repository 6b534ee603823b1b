//! Everything a store holds of an application, as JSON.

use base64::{Engine, engine::general_purpose::STANDARD};
use kcl_core::{
    env::Env,
    lease::{Document, Lease, Session},
    store::{Consistency, LeaseStore, LeaseStoreExt},
};
use serde_json::{Value, json};

use crate::consume::rfc3339;

/// The version of the format.
const VERSION: u32 = 1;

/// Writes everything on stdout.
///
/// # Errors
/// The store's.
#[expect(clippy::print_stdout, reason = "this is where data goes")]
pub(super) async fn export(store: &dyn LeaseStore) -> anyhow::Result<()> {
    let sessions = store.all_sessions(Consistency::Strong).await?;
    let leases = store.all_leases().await?;
    let documents = store.all_docs().await?;
    let all = json!({
        "format": "kcl-leases",
        "version": VERSION,
        "application": store.application(),
        "store": store.location(),
        "exported_at": rfc3339(Env::system().clock.wall()),
        "sessions": sessions.iter().map(session).collect::<Vec<_>>(),
        "leases": leases.iter().map(lease).collect::<Vec<_>>(),
        "documents": documents.iter().map(document).collect::<Vec<_>>(),
    });
    println!("{all}");
    Ok(())
}

fn session(session: &Session) -> Value {
    json!({
        "session": session.id.to_string(),
        "start": session.start,
        "state": session.state.as_str(),
        "beat": session.beat,
        "timeout_ms": session.timeout.as_millis(),
        "interval_ms": session.interval.as_millis(),
    })
}

fn lease(lease: &Lease) -> Value {
    json!({
        "key": lease.key.as_str(),
        "owner": lease.owner.as_ref().map(ToString::to_string),
        "epoch": lease.epoch.0,
        "checkpoint": { "kind": lease.checkpoint.kind(), "key": lease.checkpoint.key() },
        "arrival_ms": lease.progress.arrival.map(kcl_core::env::WallTime::as_millis),
        "lag_ms": lease.progress.lag.map(|lag| lag.as_millis()),
        "bytes_per_second": lease.progress.rate,
        "parents": lease.parents.iter().map(|shard| shard.as_str()).collect::<Vec<_>>(),
        "children": lease.children.iter().map(|shard| shard.as_str()).collect::<Vec<_>>(),
        "hash_range": lease.range.map(|range| [range.start.to_string(), range.end.to_string()]),
    })
}

fn document(document: &Document) -> Value {
    // Documents are JSON; one that is not is kept as it is.
    let body = serde_json::from_slice::<Value>(&document.body);
    let (body, raw) = match body {
        Ok(body) => (body, None),
        Err(_) => (Value::Null, Some(STANDARD.encode(&document.body))),
    };
    json!({
        "name": document.name.as_str(), "version": document.version,
        "body": body, "body_base64": raw,
    })
}
