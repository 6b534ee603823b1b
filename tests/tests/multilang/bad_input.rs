//! Properties, programs and tables that make no sense: each is refused with what helps.

use std::{fs, path::Path, process::Output};

use anyhow::{Result, ensure};
use aws_sdk_dynamodb::{
    Client,
    types::{AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType},
};
use kcl_tests::{dynamo, kinesis::TestStream};

use super::daemon::{Place, Properties};
use crate::fleet::stage::{Servers, run};

const SERVERS: Servers = Servers::InProcess;

fn place(name: &str, executable: &str, more: &str) -> Result<Place> {
    Place::new(&Properties {
        executable: executable.to_owned(),
        application: name.to_owned(),
        stream: name.to_owned(),
        kinesis: SERVERS.kinesis().to_owned(),
        dynamodb: SERVERS.dynamodb().to_owned(),
        more: more.to_owned(),
    })
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn what_cannot_be_is_refused_before_anything_is_called() -> Result<()> {
    for (executable, more, says) in [
        ("true", "more = \\u12", "line 12"),
        ("true", "AwsCredentialsProvider = com.example.Mine", "DefaultCredentialsProvider"),
        ("true", "initialPositionInStream = EARLIEST", "TRIM_HORIZON"),
        ("no-such-program", "", "PATH"),
        ("./no-such-file", "", "working directory"),
        ("true", "maxRecords = 20000", "10000"),
        ("true", "kclStore = mysql://kcl:hunter2@db", "postgres://"),
    ] {
        let place = place("refused", executable, more)?;
        for arguments in [&[][..], &["--check"]] {
            let output = run(place.command(arguments)).await?;
            let said = said(&output);
            ensure!(output.status.code() == Some(1), "{more}: {}\n{said}", output.status);
            ensure!(said.contains(says), "{executable} {more} {arguments:?}: {said}");
            ensure!(!said.contains("hunter2"), "{said}");
        }
    }
    let place = place("refused", "true", "")?;
    fs::remove_file(&place.properties)?;
    let missing = said(&run(place.command(&[])).await?);
    ensure!(missing.contains("app.properties cannot be read"), "{missing}");
    Ok(())
}

#[tokio::test]
async fn a_check_says_what_becomes_of_each_property() -> Result<()> {
    let more = "maxActiveThreads = 7\nstreamname = x\nfailoverTimeMillis = 12000";
    let place = place("checked", "cat", more)?;
    let output = run(place.command(&["--check"])).await?;
    let said = said(&output);
    ensure!(output.status.success(), "{said}");
    let line = |name: &str| said.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    for (name, says) in [
        ("streamName ", "mapped"),
        ("maxActiveThreads ", "accepted"),
        ("streamname ", "did you mean streamName?"),
        ("failoverTimeMillis ", "coordination.session_timeout: 12000ms"),
        ("kclStore ", "dynamodb://checked-kcl"),
    ] {
        ensure!(line(name).contains(says), "{name}:\n{said}");
    }
    Ok(())
}

/// One that ends at once is started again and again, with pauses that grow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_ends_at_once_is_not_started_without_pause() -> Result<()> {
    TestStream::create(SERVERS.kinesis(), "ends-at-once", 1).await?;
    let place = place("ends-at-once", "false", "")?;
    let command = place.command(&[]);
    let mut daemon = place.start(command)?;
    let failed = |log: &str| log.matches("kcl.processor.start_failed").count();
    daemon.until_log("five failures", |log| failed(log) >= 5).await?;
    let log = daemon.log();
    ensure!(log.contains("did not do initialize: it ended with exit code 1"), "{log}");
    // Of five starts, each pause is half of the doubled one before at the least.
    let times: Vec<jiff::Timestamp> = log
        .lines()
        .filter(|line| line.contains("kcl.child.started"))
        .filter_map(|line| line.split_whitespace().next()?.parse().ok())
        .collect();
    let pauses = times.windows(2).map(|pair| pair[1].duration_since(pair[0]).as_millis());
    let pauses: Vec<i128> = pauses.collect();
    let least: i128 = [50, 100, 200, 400].into_iter().sum();
    ensure!(pauses.iter().sum::<i128>() >= least, "{pauses:?}");
    let pid = u64::from(daemon.process.child().id());
    let status = daemon.terminate(pid).await?;
    ensure!(status.success(), "{status}");
    Ok(())
}

async fn table(name: &str, key: &str) -> Result<()> {
    let client = Client::from_conf(dynamo::config(SERVERS.dynamodb()).build());
    let kind = ScalarAttributeType::S;
    client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(
            KeySchemaElement::builder().attribute_name(key).key_type(KeyType::Hash).build()?,
        )
        .attribute_definitions(
            AttributeDefinition::builder().attribute_name(key).attribute_type(kind).build()?,
        )
        .send()
        .await?;
    Ok(())
}

/// Nobody begins at LATEST unknowingly.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_fleets_table_that_was_not_imported_stops_the_start() -> Result<()> {
    for (name, key, library) in
        [("old-java", "leaseKey", "dynamodb-kcl"), ("old-vmware", "ShardID", "dynamodb-vmware")]
    {
        table(name, key).await?;
        let output = run(place(name, "cat", "")?.command(&[])).await?;
        let said = said(&output);
        ensure!(output.status.code() == Some(1), "{said}");
        let import = format!(
            "kcl import --from {library}:{name} --app {name} --stream {name} --store \
             dynamodb://{name}-kcl"
        );
        ensure!(said.contains(&import) && said.contains("--fresh"), "{said}");
    }
    // With its word for it, and where the table is of something else, it begins.
    TestStream::create(SERVERS.kinesis(), "old-java", 1).await?;
    TestStream::create(SERVERS.kinesis(), "no-leases", 1).await?;
    table("no-leases", "customer").await?;
    for (name, arguments) in [("old-java", &["--fresh"][..]), ("no-leases", &[])] {
        let child = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/child/scripted.py");
        let place = place(name, &format!("python3 {}", child.display()), "")?;
        let command = place.command(arguments);
        let mut daemon = place.start(command)?;
        daemon.until("a child", |said| said.iter().any(|it| it.has_done("initialize"))).await?;
    }
    // It has begun: it is not asked again.
    let child = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/child/scripted.py");
    let place = place("old-java", &format!("python3 {}", child.display()), "")?;
    let command = place.command(&[]);
    let mut daemon = place.start(command)?;
    daemon.until("a child", |said| said.iter().any(|it| it.has_done("initialize"))).await?;
    Ok(())
}
