//! Fills a store with the rows of an application of any size, without a worker: for tests and
//! benchmarks of large fleets.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use kcl_core::{
    env::Env,
    lease::{Beat, Checkpoint, Epoch, Incarnation, Lease, LeaseKey, Report, Session, SessionId},
    store::{Consistency, LeaseStore},
    stream::{HashRange, Position, SequenceNumber, StreamKey},
};
use tokio::task::JoinSet;

/// The heartbeat interval of the workers.
pub const BEAT: Duration = Duration::from_millis(1_500);

/// The session of the worker with this number.
///
/// # Errors
/// The worker id is invalid; it never is.
pub fn session_id(number: usize) -> Result<SessionId> {
    let worker = format!("worker-{number:03}").parse()?;
    Ok(SessionId::new(worker, Incarnation::from_bits(number as u128 + 1)))
}

/// Puts the sessions `ids`, and `leases` leases that they hold in equal shares. The last session
/// holds the lease of the planner.
///
/// # Errors
/// The store fails, or has one of the rows already.
pub async fn fill(store: &Arc<dyn LeaseStore>, ids: &[SessionId], leases: u32) -> Result<()> {
    let now = Env::system().clock.wall();
    for id in ids {
        let session = Session::new(id.clone(), 1, Duration::from_secs(6), BEAT);
        ensure!(store.register(session).await?.value.is_done(), "{id} is there already");
    }
    let stream = StreamKey::new("bench", now);
    let step = u128::MAX / u128::from(leases);
    let mut rows: Vec<Lease> = Vec::new();
    for number in 0..leases {
        let shard = format!("shardId-{number:012}").parse()?;
        let at = SequenceNumber::from(49_590_338_271_490_256_608_559_692_538_361_571_095_u128);
        let start = step * u128::from(number);
        let range = HashRange::new(start, start + (step - 1));
        let mut row = Lease::new(LeaseKey::of_shard(&stream, &shard), Position::from(at).into());
        row = row.of_shard(Vec::new(), Some(range));
        row.owner = Some(ids[number as usize % ids.len()].clone());
        row.epoch = Epoch(now.as_millis());
        row.progress.arrival = Some(now);
        rows.push(row);
    }
    let mut planner = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
    planner.owner = ids.last().cloned();
    rows.push(planner);
    for some in rows.chunks(32) {
        let mut puts = JoinSet::new();
        for row in some.iter().cloned() {
            let store = Arc::clone(store);
            puts.spawn(async move { store.create(row).await });
        }
        while let Some(put) = puts.join_next().await {
            ensure!(put??.is_done(), "a lease is there already");
        }
    }
    Ok(())
}

/// Writes the beats of a session until this future is dropped.
pub async fn beat(store: Arc<dyn LeaseStore>, id: SessionId) {
    let clock = Env::system().clock;
    loop {
        if let Ok(Some(row)) = store.session(&id, Consistency::Strong).await {
            let beat = Beat::new(id.clone(), row.beat + 1, Report::NOTHING);
            drop(store.beat(beat).await);
        }
        clock.sleep(BEAT).await;
    }
}
