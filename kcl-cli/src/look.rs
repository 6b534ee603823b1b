//! Workers and leases, as a look at the store shows them.

use std::{collections::BTreeSet, time::Duration};

use kcl_core::{
    assignment::placement::Marks,
    change,
    coordinator::Assignment,
    env::Clock,
    lease::{
        Changing, DocName, Lease, LeaseKey, Session, SessionId, WorkerId,
        report::{Reader, Reports},
    },
    placing,
    store::{LeaseStore, LeaseStoreExt, Listing},
};
use serde::Serialize;

use crate::{
    beats::Beats,
    times::{millis, rfc3339},
};

/// Workers and leases, as they stand in the store.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Look {
    /// When it was taken, by this machine's clock.
    pub(crate) at: String,
    pub(crate) application: String,
    pub(crate) store: String,
    /// Who changes the application, if it is closed for that.
    pub(crate) closed: Option<Closed>,
    /// Every stream that has a lease here, each of its lives by itself.
    pub(crate) streams: Vec<StreamRow>,
    pub(crate) workers: Vec<WorkerRow>,
    pub(crate) leases: Vec<LeaseRow>,
    /// Lease rows that make no sense: which, and why.
    pub(crate) unreadable: Vec<String>,
    /// Why nobody can tell what the operator has said of workers and leases.
    pub(crate) marks_unknown: Option<String>,
}

/// Who has closed the application.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Closed {
    pub(crate) by: String,
    pub(crate) since: String,
}

/// A stream in one of its lives: one that was deleted and made again has another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct StreamRow {
    pub(crate) stream: String,
    pub(crate) created: String,
}

/// A worker's session.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WorkerRow {
    pub(crate) worker: String,
    pub(crate) session: String,
    /// `LIVE`, `LEAVING`, or how it ended.
    pub(crate) state: &'static str,
    /// `planner`, `standby`, or nothing.
    pub(crate) role: Option<&'static str>,
    /// Whether the operator has drained it.
    pub(crate) drained: bool,
    /// Where it runs, if it says so.
    pub(crate) zone: Option<String>,
    pub(crate) leases: usize,
    pub(crate) beat: u64,
    /// Since when its beat stands still, at least. Nothing if it was looked at only once.
    pub(crate) beat_age_ms: Option<u64>,
    pub(crate) session_timeout_ms: u64,
}

/// The lease of a shard.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LeaseRow {
    pub(crate) stream: String,
    /// When this life of the stream began.
    pub(crate) stream_created: String,
    pub(crate) shard: String,
    pub(crate) owner: Option<String>,
    pub(crate) owner_beat_age_ms: Option<u64>,
    pub(crate) epoch: u64,
    /// Whether the operator has paused it.
    pub(crate) paused: bool,
    /// `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP`, `AFTER`, `SHARD_END`.
    pub(crate) checkpoint: String,
    /// How far behind it is, as its owner tells; else how old the last checkpointed record was when
    /// it was processed.
    pub(crate) lag_ms: Option<u64>,
    pub(crate) bytes_per_second: u64,
    pub(crate) parents: Vec<String>,
    pub(crate) children: Vec<String>,
}

impl Look {
    /// Reads the store.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn take(
        store: &dyn LeaseStore,
        sessions: Vec<Session>,
        beats: &Beats,
        reports: &Reports,
        clock: &dyn Clock,
    ) -> anyhow::Result<Self> {
        let changing = change::state(store).await?.filter(Changing::is_closed);
        let closed =
            changing.map(|changing| Closed { by: changing.by, since: rfc3339(changing.since) });
        let Listing { rows: leases, unreadable, .. } = store.list_leases().await?;
        let unreadable = unreadable.iter().map(ToString::to_string).collect();
        let placing::Stored { placement, problem, .. } = placing::read(store).await?;
        let marks_unknown = problem.map(|problem| problem.to_string());
        let marks = placement.map(|placement| placement.marks).unwrap_or_default();
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
                drained: marks.drains(&session.id.worker),
                zone: session.zone.as_ref().map(ToString::to_string),
                leases: held(&session.id),
                beat: session.beat,
                beat_age_ms: beats.age(&session.id).map(millis),
                session_timeout_ms: millis(session.timeout),
            })
            .collect();
        workers.sort_by(|a, b| (&a.worker, &a.session).cmp(&(&b.worker, &b.session)));
        let shards = leases.iter().filter(|lease| !lease.key.is_role());
        let leases: Vec<LeaseRow> =
            shards.map(|lease| LeaseRow::of(lease, beats, &marks, reports)).collect();
        let streams: BTreeSet<StreamRow> = leases.iter().map(LeaseRow::stream).collect();
        let streams = streams.into_iter().collect();
        let (application, store) = (store.application().to_owned(), store.location());
        let at = rfc3339(clock.wall());
        Ok(Self {
            at,
            application,
            store,
            closed,
            streams,
            workers,
            leases,
            unreadable,
            marks_unknown,
        })
    }
}

/// What the workers that have not ended tell of themselves, as far as it is there.
///
/// # Errors
/// The store's.
pub(crate) async fn reports(
    store: &dyn LeaseStore,
    sessions: &[Session],
    reader: &mut Reader,
    clock: &dyn Clock,
) -> anyhow::Result<Reports> {
    let there = sessions.iter().filter(|session| !session.has_ended());
    let workers: BTreeSet<&WorkerId> = there.map(|session| &session.id.worker).collect();
    let mut told = Vec::new();
    for worker in workers {
        told.extend(store.doc(&DocName::report(worker)).await?);
    }
    Ok(reader.read(&told, sessions, clock.now()))
}

/// How far behind a shard is: as its owner tells now, else as it was when it was last checkpointed.
fn lag(lease: &Lease, reports: &Reports) -> Option<Duration> {
    let owner = lease.owner.as_ref().and_then(|owner| reports.of(&owner.worker));
    let told = owner.and_then(|report| report.shards.get(&lease.key)?.load.lag);
    told.or(lease.progress.lag)
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

impl WorkerRow {
    /// Whether its beat stands still for longer than its session lasts. Its row says that it lives
    /// until somebody ends it.
    pub(crate) fn is_silent(&self) -> bool {
        self.beat_age_ms.is_some_and(|age| age > self.session_timeout_ms)
    }

    /// How it is, in one word: `LIVE`, `DRAINED`, `LEAVING`, `SILENT`, or how it ended.
    pub(crate) fn condition(&self) -> &'static str {
        let is_there = matches!(self.state, "LIVE" | "LEAVING");
        match self.state {
            _ if is_there && self.is_silent() => "SILENT",
            "LIVE" if self.drained => "DRAINED",
            state => state,
        }
    }
}

impl LeaseRow {
    fn of(lease: &Lease, beats: &Beats, marks: &Marks, reports: &Reports) -> Self {
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
            paused: marks.pauses(&lease.key),
            checkpoint: lease.checkpoint.to_string(),
            lag_ms: lag(lease, reports).map(millis),
            bytes_per_second: lease.progress.rate,
            parents: texts(&lease.parents),
            children: texts(&lease.children),
        }
    }

    fn stream(&self) -> StreamRow {
        StreamRow { stream: self.stream.clone(), created: self.stream_created.clone() }
    }
}
