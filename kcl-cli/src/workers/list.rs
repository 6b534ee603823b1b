//! `kcl workers list`: shows the workers with the number of their leases and their lag.

use std::collections::BTreeMap;

use kcl_core::{env::Clock, lease::report::Reader, store::LeaseStore};
use serde::Serialize;

use crate::{
    beats,
    columns::section,
    look::{self, Look, WorkerRow},
    stdout,
    times::span,
};

/// A worker, as it is listed.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    #[serde(flatten)]
    row: &'a WorkerRow,
    /// The largest lag among its leases; `None` if none is known.
    lag_ms: Option<u64>,
}

/// Shows the workers once. It takes about a heartbeat interval, until it is known of each session
/// whether its beat moves.
///
/// # Errors
/// The store fails, or stdout cannot be written.
pub(super) async fn show(
    store: &dyn LeaseStore,
    clock: &dyn Clock,
    json: bool,
) -> anyhow::Result<()> {
    let (sessions, beats) = beats::settled(store, clock).await?;
    let told = look::reports(store, &sessions, &mut Reader::new(), clock).await?;
    let look = Look::take(store, sessions, &beats, &told, clock).await?;
    let listed = listed(&look);
    if json {
        return stdout::line(serde_json::json!({
            "application": look.application,
            "store": look.store,
            "workers": serde_json::to_value(&listed)?,
        }));
    }
    stdout::write(&text(&look, &listed))
}

/// The workers whose sessions have not ended, each with its lag.
fn listed(look: &Look) -> Vec<Listed<'_>> {
    let mut lags: BTreeMap<&str, u64> = BTreeMap::new();
    let held = look.leases.iter().filter(|row| !row.checkpoint.starts_with("SHARD_END"));
    for (owner, lag) in held.filter_map(|row| Some((row.owner.as_deref()?, row.lag_ms?))) {
        let most = lags.entry(owner).or_default();
        *most = lag.max(*most);
    }
    let is_there = |row: &&WorkerRow| matches!(row.state, "LIVE" | "LEAVING");
    let rows = look.workers.iter().filter(is_there);
    rows.map(|row| Listed { row, lag_ms: lags.get(row.worker.as_str()).copied() }).collect()
}

/// The workers as a table.
fn text(look: &Look, listed: &[Listed<'_>]) -> String {
    let head = ["WORKER", "STATE", "ROLE", "LEASES", "LAG", "LAST BEAT", "ZONE"];
    let dash = || "-".to_owned();
    let table = section(&head, listed, |Listed { row, lag_ms }| {
        vec![
            row.worker.clone(),
            row.condition().to_owned(),
            row.role.unwrap_or("-").to_owned(),
            row.leases.to_string(),
            lag_ms.map_or_else(|| "unknown".to_owned(), span),
            row.beat_age_ms.map_or_else(|| "?".to_owned(), |age| format!("{} ago", span(age))),
            row.zone.clone().unwrap_or_else(dash),
        ]
    });
    let nobody = if listed.is_empty() { "no worker lives: nothing is read\n" } else { "" };
    format!("application {} in {}\n\n{table}{nobody}", look.application, look.store)
}

#[cfg(test)]
mod tests {
    use kcl_core::{
        assignment::placement::{Placement, Said},
        env::{Env, WallTime},
        lease::{
            Checkpoint, DocName, Incarnation, Lease, Progress, PutDoc, Session, SessionId,
            report::{ShardReport, WorkerReport},
        },
        placing,
    };
    use kcl_memory::MemoryStore;
    use std::time::Duration;

    use super::*;

    fn id(worker: &str) -> SessionId {
        SessionId::new(worker.parse().unwrap(), Incarnation::from_bits(1))
    }

    #[tokio::test]
    async fn workers_are_listed_with_what_they_hold_and_what_is_not_known_is_not_zero() {
        let store = MemoryStore::new("indexer");
        for worker in ["w1", "w2"] {
            let second = Duration::from_secs(1);
            let session = Session::new(id(worker), 1, 6 * second, second);
            assert!(store.register(session).await.unwrap().value.is_done());
        }
        for (number, lag) in [(0, Some(4_000)), (1, Some(90_000)), (2, None)] {
            let key = format!("orders/7/shardId-{number:012}").parse().unwrap();
            let mut row = Lease::new(key, Checkpoint::TrimHorizon);
            row.owner = Some(id(if number < 2 { "w1" } else { "w2" }));
            row.progress = Progress::NONE;
            row.progress.lag = lag.map(Duration::from_millis);
            assert!(store.create(row).await.unwrap().is_done());
        }
        let stored = placing::read(&store).await.unwrap();
        let mut placement = Placement::default();
        let said = Said { by: "a test".to_owned(), since: WallTime::from_millis(1) };
        placement.marks.drained.insert("w2".parse().unwrap(), said);
        placing::put(&store, &stored, &placement).await.unwrap();
        let clock = Env::system().clock;
        let sessions = beats::sessions(&store).await.unwrap();
        // One worker reports its lag.
        let mut report = WorkerReport::default();
        (report.incarnation, report.beat) = (Some(Incarnation::from_bits(1)), sessions[0].beat);
        let key = "orders/7/shardId-000000000001".parse().unwrap();
        let mut shard = ShardReport::default();
        shard.load.lag = Some(Duration::from_secs(7));
        report.shards.insert(key, shard);
        let name = DocName::report(&"w1".parse().unwrap());
        let put = PutDoc::new(name, None, report.encode());
        assert!(store.put_doc(put).await.unwrap().is_done());
        let (beats, mut reader) = (beats::Beats::default(), Reader::new());
        let told = look::reports(&store, &sessions, &mut reader, &*clock).await.unwrap();
        let look = Look::take(&store, sessions, &beats, &told, &*clock).await.unwrap();
        let drawn = text(&look, &listed(&look));
        assert!(drawn.contains("w1      LIVE     -     2       7.0 s    ?"), "{drawn}");
        assert!(drawn.contains("w2      DRAINED  -     1       unknown  ?"), "{drawn}");
    }
}
