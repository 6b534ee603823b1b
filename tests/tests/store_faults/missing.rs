//! Somebody deletes the lease table, or drops the schema, under a running fleet.

use anyhow::{Result, ensure};
use kcl_core::lease::{Checkpoint, Lease};
use kcl_tests::{
    dynamo,
    fleet::{History, Launch},
    postgres,
};

use super::{
    backend::{Backend, Server},
    stage::{Stage, check_repeats_in_place, on_each, pause},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_deleted_is_made_again_and_nobody_reads_from_the_beginning() -> Result<()> {
    on_each!(deleted: Dynamo, Postgres)
}

async fn deleted(backend: Backend) -> Result<()> {
    const RECORDS: usize = 200;
    let server = backend.start()?;
    let patient = |launch: Launch| {
        // A second and a half of each session passes while the table is deleted and made again.
        // Nobody may be fenced for that, nor for a machine that is busy besides.
        launch
            .with(&["--profile", "fast"])
            .set("coordination.session_timeout=6s")
            .set("coordination.checkpoint_interval=500ms")
    };
    let mut stage = Stage::with(backend, &server, "deleted", 4, patient).await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    stage.producer.put(RECORDS).await?;
    stage.until_delivered().await?;
    // The local server deletes items one by one, and keeps one that is written meanwhile: it would
    // stand in the table that is made again. So nothing is on its way to the server.
    stage.link.hold(true);
    pause(200).await;
    delete_everything(&server, &stage.fleet.launch.application).await?;
    stage.link.hold(false);

    let remade = |history: &History| history.events("kcl.store.remade").next().is_some();
    stage.fleet.until("the store is made again", remade).await?;
    stage.fleet.until_shared(&[2, 2]).await?;
    let known = |row: &Lease| matches!(row.checkpoint, Checkpoint::After(_));
    stage.fleet.until_leases("what was known is written", |rows| rows.iter().all(known)).await?;
    stage.producer.put(RECORDS).await?;
    stage.until_delivered().await?;
    // A planner that gave leases to others, or made rows anew, would have done so by then.
    pause(9_000).await;

    let verdict = stage.judge().await?;
    check_repeats_in_place(&verdict)?;
    ensure!(verdict.repeats.is_empty(), "{:?}", verdict.repeats);
    let history = stage.fleet.caught_up().clone();
    for worker in ["a", "b"] {
        let of = |name: &'static str| {
            let lines = history.events(name).filter(|line| *line.worker == *worker);
            lines.count()
        };
        // Who is fast spares the others the trouble.
        let said = of("kcl.store.missing");
        ensure!(said <= 1, "{worker} said {said} times that the store is missing");
        ensure!(of("kcl.store.went_back") == 1, "{}", history.log_of(worker));
        ensure!(of("kcl.session.fenced") == 0, "{}", history.log_of(worker));
    }
    ensure!(history.events("kcl.store.missing").next().is_some(), "nobody said what is missing");
    stage.end(&["a", "b"]).await
}

/// As somebody would who takes the table for another's.
async fn delete_everything(server: &Server, table: &str) -> Result<()> {
    match server {
        Server::Dynamo(dynalite) => {
            let config = dynamo::config(dynalite.url()).build();
            let client = aws_sdk_dynamodb::Client::from_conf(config);
            client.delete_table().table_name(table).send().await?;
        }
        Server::Postgres(server) => {
            let mut connection = postgres::superuser(server).await;
            postgres::run(&mut connection, "drop schema kcl cascade").await;
        }
        Server::DynamoInside(_) | Server::Redis(_) => anyhow::bail!("nothing to delete"),
    }
    Ok(())
}
