//! What the command says when it is given what cannot work.

use std::process::Command;

use anyhow::{Result, ensure};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use kcl_tests::{
    dynamo,
    fleet::{Fleet, Launch, LogLine},
    kinesis::TestStream,
};

use super::stage::{self, KCL, Servers, Stage};

/// Runs a command that has to fail, and returns what it said.
async fn refused(command: Command) -> Result<String> {
    let output = stage::run(command).await?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(!output.status.success(), "it succeeded, and said: {said}");
    ensure!(output.stdout.is_empty(), "errors do not belong on standard output");
    Ok(said)
}

fn launch(stream: &str) -> Launch {
    let servers = Servers::InProcess;
    Launch::new(KCL, stream, servers.kinesis(), servers.dynamodb())
}

#[tokio::test]
async fn an_unknown_stream_is_named() -> Result<()> {
    let said = refused(launch("nobody-made-this").consumer("a")).await?;
    ensure!(said.contains("nobody-made-this"), "{said}");
    Ok(())
}

#[tokio::test]
async fn missing_credentials_and_a_missing_region_are_told_as_such() -> Result<()> {
    let stream = TestStream::create(Servers::InProcess.kinesis(), "no-credentials", 1).await?;
    let mut command = launch(&stream.name).consumer("a");
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let said = refused(command).await?;
    ensure!(said.to_lowercase().contains("credentials"), "{said}");

    let mut command = Launch::command(KCL.as_ref());
    let (kinesis, dynamodb) = (Servers::InProcess.kinesis(), Servers::InProcess.dynamodb());
    command.args(["consume", "--stream", &stream.name, "--app", "no-region"]);
    command.args(["--kinesis-endpoint", kinesis, "--dynamodb-endpoint", dynamodb]);
    let said = refused(command).await?;
    ensure!(said.to_lowercase().contains("region"), "{said}");
    Ok(())
}

#[tokio::test]
async fn a_table_of_another_layout_is_refused_by_name() -> Result<()> {
    let stream = TestStream::create(Servers::InProcess.kinesis(), "foreign-table", 1).await?;
    let client =
        aws_sdk_dynamodb::Client::from_conf(dynamo::config(Servers::InProcess.dynamodb()).build());
    let text = ScalarAttributeType::S;
    let attribute = AttributeDefinition::builder().attribute_name("leaseKey").attribute_type(text);
    let key = KeySchemaElement::builder().attribute_name("leaseKey").key_type(KeyType::Hash);
    let create = client.create_table().table_name(&stream.name);
    let create = create.billing_mode(BillingMode::PayPerRequest);
    create.attribute_definitions(attribute.build()?).key_schema(key.build()?).send().await?;
    let said = refused(launch(&stream.name).consumer("a")).await?;
    ensure!(said.contains("foreign-table"), "{said}");
    Ok(())
}

/// It would be frozen for good, and nothing would be read until then.
#[tokio::test]
async fn a_start_in_the_future_is_refused_with_both_times_and_what_to_do() -> Result<()> {
    let stream = TestStream::create(Servers::InProcess.kinesis(), "future-start", 1).await?;
    let launch = launch(&stream.name);
    let ahead = ["--initial-position", "2130-01-01T00:00:00Z"];
    let said = refused(launch.clone().with(&ahead).consumer("a")).await?;
    for part in ["2130-01-01T00:00:00.000Z", "own clock", "latest"] {
        ensure!(said.contains(part), "{said}");
    }
    // Nothing is left of it.
    stream.put("key", None, b"1").await?;
    let mut fleet = Fleet::new(launch)?;
    fleet.start("a")?;
    fleet.until_delivered(1).await
}

#[tokio::test]
async fn settings_that_contradict_one_another_or_do_not_parse_are_refused() -> Result<()> {
    let command = launch("any").set("coordination.heartbeat_interval=3s").consumer("a");
    let said = refused(command).await?;
    ensure!(said.contains("heartbeat_interval") && said.contains("a third"), "{said}");

    let folder = tempfile::tempdir()?;
    let file = folder.path().join("settings.yaml");
    std::fs::write(&file, "coordination:\n  session_timeout: [6s\n")?;
    let path = file.to_string_lossy();
    let said = refused(launch("any").with(&["--config", &path]).consumer("a")).await?;
    ensure!(said.contains("settings.yaml") && said.contains("line"), "{said}");

    std::fs::write(&file, "coordination:\n  initial_position: earliest\n")?;
    let said = refused(launch("any").with(&["--config", &path]).consumer("a")).await?;
    let by_flag = refused(launch("any").with(&["--initial-position", "x"]).consumer("a")).await?;
    for accepted in ["TRIM_HORIZON", "2026-01-31T09:00:00Z", "seconds since 1970"] {
        ensure!(said.contains(accepted) && by_flag.contains(accepted), "{said} and {by_flag}");
    }

    std::fs::write(&file, "coordination:\n  session_timout: 6s\n")?;
    let said = refused(launch("any").with(&["--config", &path]).consumer("a")).await?;
    ensure!(said.contains("session_timout") && said.contains("session_timeout"), "{said}");
    Ok(())
}

#[tokio::test]
async fn of_two_workers_with_one_id_the_older_stops_and_says_so() -> Result<()> {
    let mut stage = Stage::new(Servers::InProcess, "one-id", 4).await?;
    stage.fleet.start("a")?;
    stage.fleet.until_shared(&[4]).await?;
    let mut second = Fleet::new(stage.fleet.launch.clone())?;
    second.start("a")?;
    let status = stage.fleet.gone("a").await?;
    ensure!(!status.success(), "{status}");
    let history = stage.fleet.caught_up().clone();
    let said = |line: &LogLine| line.message.starts_with("kcl:") && line.message.contains("id");
    ensure!(history.log.iter().any(said), "{}", history.log_of("a"));
    second.until_shared(&[4]).await
}

#[tokio::test]
async fn a_cap_that_is_too_small_leaves_shards_unassigned_and_says_which() -> Result<()> {
    let mut stage = Stage::with(Servers::InProcess, "capped", 6, |launch| {
        launch.set("coordination.limits.per_worker=2")
    })
    .await?;
    stage.fleet.start_all(&["a", "b"])?;
    stage.fleet.until_shared(&[2, 2]).await?;
    stage
        .fleet
        .until("both shards nobody may take are named", |history| {
            let two = |line: &LogLine| {
                let which = line.text("which").unwrap_or_default();
                line.number("leases") == Some(2) && which.split(", ").count() == 2
            };
            history.events("kcl.lease.unassignable").any(two)
        })
        .await?;
    // A third worker takes them.
    stage.fleet.start("c")?;
    stage.fleet.until_shared(&[2, 2, 2]).await
}

#[tokio::test]
async fn a_metrics_port_in_use_is_named_and_the_worker_does_not_start() -> Result<()> {
    let stream = TestStream::create(Servers::InProcess.kinesis(), "port-in-use", 1).await?;
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let address = taken.local_addr()?.to_string();
    let launch = launch(&stream.name);
    let said = refused(launch.clone().with(&["--metrics", &address]).consumer("a")).await?;
    ensure!(said.contains(&address) && said.contains("another port"), "{said}");
    ensure!(!said.contains("kcl.session.registered"), "{said}");
    let said = refused(launch.with(&["--metrics", "everywhere"]).consumer("a")).await?;
    ensure!(said.contains("everywhere") && said.contains("0.0.0.0:9464"), "{said}");
    Ok(())
}
