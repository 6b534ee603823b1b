//! What a look at the store shows.

use std::collections::BTreeSet;

use kcl_core::{
    change,
    coordinator::Assignment,
    lease::{Changing, DocName, Lease, LeaseKey, Session, SessionId},
    store::{LeaseStore, LeaseStoreExt, Listing},
};
use serde::Serialize;

use crate::{
    beats::Beats,
    times::{millis, rfc3339},
};

/// Workers and leases, as they stand in the store.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Look {
    pub(super) application: String,
    pub(super) store: String,
    /// Who changes the application, if it is closed for that.
    pub(super) closed: Option<Closed>,
    /// Every stream that has a lease here, each of its lives by itself.
    pub(super) streams: Vec<StreamRow>,
    pub(super) workers: Vec<WorkerRow>,
    pub(super) leases: Vec<LeaseRow>,
    /// Lease rows that make no sense: which, and why.
    pub(super) unreadable: Vec<String>,
}

/// Who has closed the application.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Closed {
    pub(super) by: String,
    pub(super) since: String,
}

/// A stream in one of its lives: one that was deleted and made again has another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct StreamRow {
    pub(super) stream: String,
    pub(super) created: String,
}

/// A worker's session.
#[derive(Clone, Debug, Serialize)]
pub(super) struct WorkerRow {
    pub(super) worker: String,
    pub(super) session: String,
    /// `LIVE`, `LEAVING`, or how it ended.
    pub(super) state: &'static str,
    /// `planner`, `standby`, or nothing.
    pub(super) role: Option<&'static str>,
    /// Where it runs, if it says so.
    pub(super) zone: Option<String>,
    pub(super) leases: usize,
    pub(super) beat: u64,
    /// Since when its beat stands still, at least. Nothing if it was looked at only once.
    pub(super) beat_age_ms: Option<u64>,
    pub(super) session_timeout_ms: u64,
}

/// The lease of a shard.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LeaseRow {
    pub(super) stream: String,
    /// When this life of the stream began.
    pub(super) stream_created: String,
    pub(super) shard: String,
    pub(super) owner: Option<String>,
    pub(super) owner_beat_age_ms: Option<u64>,
    pub(super) epoch: u64,
    /// `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP`, `AFTER`, `SHARD_END`.
    pub(super) checkpoint: String,
    /// How old the last checkpointed record was when it was processed.
    pub(super) lag_ms: Option<u64>,
    pub(super) bytes_per_second: u64,
    pub(super) parents: Vec<String>,
    pub(super) children: Vec<String>,
}

impl Look {
    /// Reads the store.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn take(
        store: &dyn LeaseStore,
        sessions: Vec<Session>,
        beats: &Beats,
    ) -> anyhow::Result<Self> {
        let changing = change::state(store).await?.filter(Changing::is_closed);
        let closed =
            changing.map(|changing| Closed { by: changing.by, since: rfc3339(changing.since) });
        let Listing { rows: leases, unreadable, .. } = store.list_leases().await?;
        let unreadable = unreadable.iter().map(ToString::to_string).collect();
        let planner = leases.iter().find(|lease| lease.key == LeaseKey::planner());
        let planner = planner.and_then(|lease| lease.owner.clone());
        let heads = match &planner {
            Some(planner) => heads_of(store, planner).await?,
            None => Vec::new(),
        };
        let role = |id: &SessionId| match () {
            () if planner.as_ref() == Some(id) => Some("planner"),
            () if heads.contains(id) => Some("standby"),
            () => None,
        };
        let held = |id: &SessionId| leases.iter().filter(|it| is_shard_of(it, id)).count();
        let mut workers: Vec<WorkerRow> = sessions
            .iter()
            .map(|session| WorkerRow {
                worker: session.id.worker.to_string(),
                session: session.id.to_string(),
                state: session.state.as_str(),
                role: role(&session.id),
                zone: session.zone.as_ref().map(ToString::to_string),
                leases: held(&session.id),
                beat: session.beat,
                beat_age_ms: beats.age(&session.id).map(millis),
                session_timeout_ms: millis(session.timeout),
            })
            .collect();
        workers.sort_by(|a, b| (&a.worker, &a.session).cmp(&(&b.worker, &b.session)));
        let shards = leases.iter().filter(|lease| !lease.key.is_role());
        let leases: Vec<LeaseRow> = shards.map(|lease| LeaseRow::of(lease, beats)).collect();
        let streams: BTreeSet<StreamRow> = leases.iter().map(LeaseRow::stream).collect();
        let streams = streams.into_iter().collect();
        let (application, store) = (store.application().to_owned(), store.location());
        Ok(Self { application, store, closed, streams, workers, leases, unreadable })
    }
}

/// Those that watch all sessions, as the planner's own document says.
async fn heads_of(store: &dyn LeaseStore, planner: &SessionId) -> anyhow::Result<Vec<SessionId>> {
    let document = store.doc(&DocName::assignment(&planner.worker)).await?;
    let assignment = document.and_then(|document| Assignment::decode(&document.body));
    Ok(assignment.iter().flat_map(Assignment::heads).cloned().collect())
}

fn is_shard_of(lease: &Lease, id: &SessionId) -> bool {
    !lease.key.is_role() && !lease.has_ended() && lease.owner.as_ref() == Some(id)
}

impl LeaseRow {
    fn of(lease: &Lease, beats: &Beats) -> Self {
        let texts = |shards: &[kcl_core::stream::ShardId]| {
            shards.iter().map(|shard| shard.as_str().to_owned()).collect()
        };
        let stream = lease.key.stream();
        Self {
            stream: stream.as_ref().map(|stream| stream.name.to_string()).unwrap_or_default(),
            stream_created: stream.map(|stream| rfc3339(stream.created)).unwrap_or_default(),
            shard: lease.key.shard().map(|shard| shard.as_str().to_owned()).unwrap_or_default(),
            owner: lease.owner.as_ref().map(|owner| owner.worker.to_string()),
            owner_beat_age_ms: lease.owner.as_ref().and_then(|id| beats.age(id)).map(millis),
            epoch: lease.epoch.0,
            checkpoint: lease.checkpoint.to_string(),
            lag_ms: lease.progress.lag.map(millis),
            bytes_per_second: lease.progress.rate,
            parents: texts(&lease.parents),
            children: texts(&lease.children),
        }
    }

    fn stream(&self) -> StreamRow {
        StreamRow { stream: self.stream.clone(), created: self.stream_created.clone() }
    }
}
