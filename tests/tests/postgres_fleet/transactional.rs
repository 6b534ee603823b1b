//! The same for processors whose effects are in the database: their connections are others, and an
//! answer that shows the loss of the role goes to the user's code.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use kcl_core::{
    processor::{LeaseHandle, ProcessorError, RecordBatch},
    settings::ProgressMode,
    worker::Worker,
};
use kcl_postgres::{TxProcessor, transactional};
use kcl_tests::{
    postgres::{run, short_settings, superuser},
    servers::{Link, Postgres},
};
use sqlx::PgConnection;

use super::{
    bench::{Bench, PATIENCE, Running},
    switch::{READ_ONLY, RELOAD, caught_up, tell, until_left},
};

/// Writes each record down, and keeps to itself why that failed.
struct WriteDown;

#[async_trait]
impl TxProcessor for WriteDown {
    async fn process(
        &mut self,
        batch: RecordBatch,
        effects: &mut PgConnection,
        _: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        for record in &batch {
            let data = String::from_utf8_lossy(&record.data).into_owned();
            let put = sqlx::query("insert into seen values ($1)").bind(data);
            put.execute(&mut *effects).await.map_err(|_| "it could not be written down")?;
        }
        Ok(())
    }
}

fn start(bench: &Bench) -> Running {
    let store = bench.store();
    let processor = transactional(&store, |_: &LeaseHandle| WriteDown);
    let mut settings = short_settings();
    settings.delivery.progress = ProgressMode::Transactional;
    let worker = Worker::builder(bench.stream.clone(), store)
        .worker_id("a".parse().unwrap())
        .settings(settings)
        .processor(processor)
        .build()
        .unwrap();
    Running { handle: worker.handle(), task: tokio::spawn(worker.run()) }
}

/// Waits until so many records are written down, each once.
async fn written(server: &Postgres, count: i64) {
    let mut admin = superuser(server).await;
    let ask = "select count(*), count(distinct data) from seen";
    let since = Instant::now();
    loop {
        let (all, distinct): (i64, i64) = sqlx::query_as(ask).fetch_one(&mut admin).await.unwrap();
        assert_eq!(all, distinct, "written down twice");
        if distinct == count {
            return;
        }
        assert!(since.elapsed() < PATIENCE, "{distinct} of {count} are written down");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn effects_and_checkpoints_leave_an_old_primary_that_only_reads() {
    let old = Postgres::start().unwrap();
    run(&mut superuser(&old).await, "create table seen (data text)").await;
    let new = old.follower().unwrap();
    let link = Link::to(old.port()).unwrap();
    let bench = Bench::new(link.port(), 4);
    let worker = start(&bench);
    bench.put(0, 40);
    written(&old, 40).await;
    tell(&old, &[READ_ONLY, RELOAD]).await;
    bench.put(40, 40);
    tokio::time::sleep(short_settings().coordination.session_timeout * 2).await;
    caught_up(&old, &new).await;
    new.promote().unwrap();
    link.lead(new.port());

    bench.put(80, 40);
    written(&new, 120).await;
    worker.stop().await;
    until_left(&old).await;
}
