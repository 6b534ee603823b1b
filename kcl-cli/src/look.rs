//! Reads workers and leases from the store, as rows for `kcl leases list` and `watch`. The JSON of
//! these types is a public interface: `kcl leases analyze` reads it, too.

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

/// One reading of workers and leases.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Look {
    /// When it was made, by this machine's clock, as RFC 3339.
    pub(crate) at: String,
    pub(crate) application: String,
    /// The address of the store, without secrets.
    pub(crate) store: String,
    /// Who has closed the application; `None` if it is open.
    pub(crate) closed: Option<Closed>,
    /// Each life of each stream that has a lease.
    pub(crate) streams: Vec<StreamRow>,
    /// The sessions, ended ones included, sorted by worker.
    pub(crate) workers: Vec<WorkerRow>,
    /// The leases of shards.
    pub(crate) leases: Vec<LeaseRow>,
    /// Lease rows that cannot be decoded: the key of each, and why.
    pub(crate) unreadable: Vec<String>,
    /// Why the operator's marks cannot be decoded; `None` if they can.
    pub(crate) marks_unknown: Option<String>,
}

/// Who has closed the application to rewrite its rows, and when.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Closed {
    pub(crate) by: String,
    pub(crate) since: String,
}

/// One life of a stream. A stream that was deleted and made again has several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct StreamRow {
    pub(crate) stream: String,
    pub(crate) created: String,
}

/// A session of a worker.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct WorkerRow {
    pub(crate) worker: String,
    pub(crate) session: String,
    /// `LIVE`, `LEAVING`, or how it ended.
    pub(crate) state: &'static str,
    /// `planner` or `standby`; `None` for all others.
    pub(crate) role: Option<&'static str>,
    /// Whether the operator has drained the worker.
    pub(crate) drained: bool,
    /// Its zone; `None` if it names none.
    pub(crate) zone: Option<String>,
    /// How many leases of shards it holds.
    pub(crate) leases: usize,
    /// Its beat number.
    pub(crate) beat: u64,
    /// For how long the beat is known to have stood still; `None` after a single reading.
    pub(crate) beat_age_ms: Option<u64>,
    pub(crate) session_timeout_ms: u64,
}

/// The lease of a shard.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LeaseRow {
    pub(crate) stream: String,
    /// When this life of the stream began, as RFC 3339.
    pub(crate) stream_created: String,
    pub(crate) shard: String,
    /// The owner's worker id; `None` if nobody holds the lease.
    pub(crate) owner: Option<String>,
    /// The `beat_age_ms` of the owner.
    pub(crate) owner_beat_age_ms: Option<u64>,
    pub(crate) epoch: u64,
    /// Whether the operator has paused the lease.
    pub(crate) paused: bool,
    /// `TRIM_HORIZON`, `LATEST`, `AT_TIMESTAMP`, `AFTER` or `SHARD_END`, with its value.
    pub(crate) checkpoint: String,
    /// The lag by the owner's fresh report; else the age that the last checkpointed record had when
    /// it was processed; `None` if neither is known.
    pub(crate) lag_ms: Option<u64>,
    /// The rate in the lease row; 0 if unknown.
    pub(crate) bytes_per_second: u64,
    pub(crate) parents: Vec<String>,
    pub(crate) children: Vec<String>,
}

impl Look {
    /// Reads leases and documents, and joins them with sessions, beats and reports that were read
    /// before.
    ///
    /// # Errors
    /// The store fails.
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

/// The reports of the workers that have a session that has not ended.
///
/// # Errors
/// The store fails.
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

/// The lag of a lease, by its owner's fresh report, else by its row.
fn lag(lease: &Lease, reports: &Reports) -> Option<Duration> {
    let owner = lease.owner.as_ref().and_then(|owner| reports.of(&owner.worker));
    let told = owner.and_then(|report| report.shards.get(&lease.key)?.load.lag);
    told.or(lease.progress.lag)
}

/// The planner and its standbys, by the planner's own assignment.
async fn heads_of(store: &dyn LeaseStore, planner: &SessionId) -> anyhow::Result<Vec<SessionId>> {
    let document = store.doc(&DocName::assignment(&planner.worker)).await?;
    let assignment = document.and_then(|document| Assignment::decode(&document.body));
    Ok(assignment.iter().flat_map(Assignment::heads).cloned().collect())
}

/// Whether this is the lease of a shard that has not ended and that the session holds.
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
