//! A row that makes no sense, as of a slip by hand: the fleet goes on without it.

use std::time::Duration;

use kcl_core::worker::{WorkerEvent, WorkerHandle};
use kcl_tests::{
    postgres::{run, short_settings, superuser},
    servers::Postgres,
};
use sqlx::Row;
use tokio::sync::broadcast::Receiver;

use super::bench::Bench;

const BAD: &str = "shardId-000000000000";

/// Listens for what is said of the row.
fn told_of_it(events: &mut Receiver<WorkerEvent>) -> Option<String> {
    while let Ok(event) = events.try_recv() {
        if let WorkerEvent::LineageUnclear { problem, .. } = event
            && problem.contains(BAD)
        {
            return Some(problem);
        }
    }
    None
}

fn reads_one(handle: &WorkerHandle) -> bool {
    let status = handle.status();
    status.leases.len() == 1 && status.leases.keys().all(|key| !key.as_str().ends_with(BAD))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_row_that_makes_no_sense_stops_its_own_shard_alone() {
    let server = Postgres::start().unwrap();
    let mut admin = superuser(&server).await;
    let bench = Bench::new(server.port(), 3);
    let a = bench.start("a");
    bench.put(0, 60);
    bench.all_read(60).await;
    a.stop().await;

    let of_bad = format!("where key like '%/{BAD}'");
    run(&mut admin, &format!("update kcl.lease set kind = 'SOMEWHERE' {of_bad}")).await;
    let mut settings = short_settings();
    settings.coordination.audit_interval = Duration::from_secs(2);
    let b = bench.start_with("b", settings.clone());
    let c = bench.start_with("c", settings);
    // Whichever of them plans.
    let mut events = [b.handle.events(), c.handle.events()];
    bench
        .wait_for("the other two are shared", || reads_one(&b.handle) && reads_one(&c.handle))
        .await;
    bench.put(60, 60);
    // What was put to the shards that are read is read.
    let wanted = bench.count_outside(BAD);
    bench.wait_for("they are read", || bench.distinct() == wanted).await;
    let mut said = None;
    bench
        .wait_for("the row is named", || {
            said = said.take().or_else(|| events.iter_mut().find_map(told_of_it));
            said.is_some()
        })
        .await;
    let said = said.unwrap_or_default();
    assert!(said.contains("SOMEWHERE") && said.contains("delete it there"), "{said}");
    // Nobody took it for absent: it is as it was left.
    let rows = format!("select kind, owner from kcl.lease {of_bad}");
    let rows = sqlx::query(sqlx::AssertSqlSafe(rows)).fetch_all(&mut admin).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].get::<&str, _>(0), rows[0].get::<Option<&str>, _>(1)), ("SOMEWHERE", None));

    // Once it is mended its shard is read on from where it was left.
    run(&mut admin, &format!("update kcl.lease set kind = 'AFTER' {of_bad}")).await;
    bench.all_read(120).await;
    for worker in [b, c] {
        worker.stop().await;
    }
}
