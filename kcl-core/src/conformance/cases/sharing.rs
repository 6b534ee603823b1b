//! Several applications on one server, several workers that prepare it, and names that are alike.

use tokio::task::JoinSet;

use crate::{
    conformance::{
        bench::Bench,
        failure::{Check, check, same},
        samples::{full_lease, lease, lease_key, new_doc, session, session_id},
        script::Script,
    },
    env::WallTime,
    lease::{Beat, Checkpoint, Lease, LeaseKey, Report},
    store::{Consistency, LeaseStore, LeaseStoreExt},
    stream::StreamKey,
};

/// Both applications write rows with the same keys.
pub(super) async fn two_applications_do_not_see_each_other(bench: Bench) -> Check {
    // One name is a prefix of the other, which finds keys without a separator.
    let mut first = Script::on(bench.store().await?);
    let mut second = Script::on(bench.neighbour("-b").await?);
    let id = session_id("worker", 1)?;
    first.done(session(id.clone())?).await?;
    first.done(lease(lease_key(1)?)?).await?;
    first.done(new_doc("placement", b"first")?).await?;
    is_empty(second.store()).await?;
    // Both applications have rows with the same keys and different values.
    second.done(session(id.clone())?).await?;
    second.done(full_lease(lease_key(1)?, id.clone())?).await?;
    second.done(new_doc("placement", b"second")?).await?;
    second.done(Beat::new(id.clone(), 5, Report::NOTHING)).await?;
    first.done(Beat::new(id.clone(), 1, Report::NOTHING)).await?;
    first.done(id).await?;
    same("the first application's leases", &first.store().all_leases().await?.len(), &1)?;
    same("the second application's documents", &second.store().all_docs().await?.len(), &1)
}

/// Several workers create the table at once; a later preparation keeps the rows.
pub(super) async fn preparing_at_once_and_twice_is_harmless(bench: Bench) -> Check {
    const WORKERS: usize = 8;
    let mut tasks = JoinSet::new();
    for _ in 0..WORKERS {
        let store = bench.unprepared().await?;
        tasks.spawn(async move { store.prepare().await });
    }
    while let Some(prepared) = tasks.join_next().await {
        prepared??;
    }
    let mut script = Script::on(bench.unprepared().await?);
    script.done(lease(lease_key(1)?)?).await?;
    // The row of the script must survive another preparation.
    script.store().prepare().await?;
    is_listed(script.store(), script.lease(&lease_key(1)?)?).await
}

/// Finds collations that ignore case or trailing characters, and keys that are prefixes of others.
pub(super) async fn names_that_differ_in_case_or_ending_are_apart(bench: Bench) -> Check {
    let mut script = bench.script().await?;
    for worker in ["worker", "Worker", "WORKER", "worker.", "worker-", "worker:1", "worker@1"] {
        script.done(session(session_id(worker, 1)?)?).await?;
    }
    // Lease keys of streams whose names differ little.
    for stream in ["orders", "Orders", "orders.", "orders_", "orders-"] {
        let stream = StreamKey::new(stream, WallTime::from_millis(1));
        let key = LeaseKey::of_shard(&stream, &"shardId-000000000000".parse()?);
        script.done(Lease::new(key, Checkpoint::TrimHorizon)).await?;
    }
    for name in ["start:a:1", "start:A:1", "start:a:10", "start:a"] {
        script.done(new_doc(name, b"x")?).await?;
    }
    let sessions = script.store().all_sessions(Consistency::Strong).await?.len();
    same("the sessions listed", &sessions, &7)?;
    same("the leases listed", &script.store().all_leases().await?.len(), &5)?;
    same("the documents listed", &script.store().all_docs().await?.len(), &4)
}

/// Fails if the application has rows.
async fn is_empty(store: &dyn LeaseStore) -> Check {
    let sessions = store.all_sessions(Consistency::Strong).await?;
    check(sessions.is_empty(), || format!("a fresh application has sessions: {sessions:?}"))?;
    let leases = store.all_leases().await?;
    check(leases.is_empty(), || format!("a fresh application has leases: {leases:?}"))?;
    let docs = store.all_docs().await?;
    check(docs.is_empty(), || format!("a fresh application has documents: {docs:?}"))
}

/// Fails unless `lease` is the only lease.
async fn is_listed(store: &dyn LeaseStore, lease: &Lease) -> Check {
    same("the leases after preparing again", &store.all_leases().await?, &vec![lease.clone()])
}
