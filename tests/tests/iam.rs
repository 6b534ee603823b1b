//! The IAM policies of `deploy/iam`, held against the calls of a real run: what is called is
//! allowed, and what is allowed is called.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use kcl_core::store::LeaseStore;
use kcl_dynamo::DynamoStore;
use kcl_migrate::{Beside, Library, Table, Value as Attribute, export::Put};
use kcl_tests::{
    dynamo,
    fleet::{Fleet, History, Launch, Producer, Signal},
    kinesis::TestStream,
    servers::{Counted, Dynoxide, Ferrokinesis},
};
use serde_json::Value;

/// The `kcl` command.
const KCL: &str = env!("CARGO_BIN_EXE_kcl-under-test");

const APPLICATION: &str = "iam-policies";

/// Actions, like `kinesis:GetRecords`.
type Actions = BTreeSet<String>;

/// Both services, each behind a proxy that records calls.
struct Recorded {
    kinesis: Counted,
    dynamodb: Counted,
}

impl Recorded {
    /// Records what is called from now on, on these servers.
    fn before(kinesis: &Ferrokinesis, dynamodb: &Dynoxide) -> Result<Self> {
        let (kinesis, dynamodb) = (kinesis.url(), dynamodb.url());
        Ok(Self { kinesis: Counted::before(kinesis)?, dynamodb: Counted::before(dynamodb)? })
    }

    /// What was called since this was asked last.
    fn actions(&self) -> Actions {
        let named = |service: &'static str, proxy: &Counted| {
            proxy.take().into_keys().map(move |action| format!("{service}:{action}"))
        };
        named("kinesis", &self.kinesis).chain(named("dynamodb", &self.dynamodb)).collect()
    }

    /// A command that is recorded.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command: Command = Launch::command(KCL.as_ref());
        command.args(arguments).args(["--region", "us-east-1"]).stdin(Stdio::null());
        command.args(["--kinesis-endpoint", self.kinesis.url()]);
        command.args(["--dynamodb-endpoint", self.dynamodb.url()]);
        command
    }

    /// Runs a command to its end.
    fn run(&self, arguments: &[&str]) -> Result<()> {
        let output = self.command(arguments).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    /// Runs a command to its end that reads this.
    fn feed(&self, arguments: &[&str], input: &[u8]) -> Result<()> {
        let mut command = self.command(arguments);
        let mut process = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        process.stdin.take().context("a pipe")?.write_all(input)?;
        let output = process.wait_with_output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

/// The actions that a policy allows, on one stream and one table.
fn allowed(policy: &str) -> Result<Actions> {
    let mut of = allowed_on(policy)?;
    let actions =
        ["stream/${STREAM}", "table/${TABLE}"].map(|it| of.remove(it).unwrap_or_default());
    ensure!(of.is_empty(), "{policy}: {of:?}");
    Ok(actions.into_iter().flatten().collect())
}

/// The actions that a policy allows, by what it allows them on.
fn allowed_on(policy: &str) -> Result<BTreeMap<String, Actions>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/iam").join(policy);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let policy: Value = serde_json::from_str(&text)?;
    ensure!(policy["Version"] == "2012-10-17", "{policy}");
    let mut allowed: BTreeMap<String, Actions> = BTreeMap::new();
    for statement in policy["Statement"].as_array().context("no statements")? {
        ensure!(statement["Effect"] == "Allow", "{statement}");
        let of = statement["Action"].as_array().context("no actions")?;
        let of: Vec<_> = of.iter().filter_map(Value::as_str).collect();
        let resource = statement["Resource"].as_str().context("no resource")?;
        let service = of[0].split_once(':').context("no service")?.0;
        let on = resource.strip_prefix(&format!("arn:aws:{service}:${{REGION}}:${{ACCOUNT}}:"));
        let on = on.with_context(|| format!("{resource} for {service}"))?;
        ensure!(on.starts_with(if service == "kinesis" { "stream/" } else { "table/" }), "{on}");
        ensure!(of.iter().all(|action| action.starts_with(service) && !action.contains('*')));
        let of = of.into_iter().map(ToOwned::to_owned);
        allowed.entry(on.to_owned()).or_default().extend(of);
    }
    Ok(allowed)
}

/// A fleet that shares a stream, meets a split, loses a worker, forgets it, and goes home; while
/// both live, somebody looks.
async fn a_life(
    recorded: &Recorded,
    stream: &TestStream,
    looks: impl Fn() -> Result<()>,
) -> Result<()> {
    let launch = Launch::new(KCL, &stream.name, recorded.kinesis.url(), recorded.dynamodb.url());
    let launch = launch.with(&["--profile", "fast"]).set("consumer.poll_interval_ms=200");
    // Rows of the dead are deleted at an audit.
    let mut launch = launch.set("coordination.audit_interval=2s");
    launch.application = APPLICATION.to_owned();
    let mut fleet = Fleet::new(launch)?;
    fleet.start_all(&["a", "b"])?;
    fleet.until_shared(&[1, 1]).await?;
    Producer::new(stream, 10).put(50).await?;
    fleet.until_delivered(50).await?;
    fleet.standby().await?;
    looks()?;
    stream.split(&stream.shards().await?[0]).await?;
    fleet.until_shared(&[2, 1]).await?;
    fleet.signal("a", Signal::KILL)?;
    fleet.until_shared(&[3]).await?;
    let forgotten = |_: &History| recorded.dynamodb.has_seen("DeleteItem");
    fleet.until("the dead worker's row is deleted", forgotten).await?;
    fleet.leave("b").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_policy_allows_what_is_called_and_nothing_more() -> Result<()> {
    let (kinesis, dynamodb) = (Ferrokinesis::start()?, Dynoxide::start()?);
    // Made by other hands than those that are watched.
    let stream = TestStream::create(kinesis.url(), APPLICATION, 2).await?;
    let consumer = allowed("consumer.json")?;
    let consuming = Recorded::before(&kinesis, &dynamodb)?;

    let builder = DynamoStore::builder(APPLICATION);
    let store = builder.client_config(dynamo::config(consuming.dynamodb.url())).build()?;
    store.prepare().await?;
    let creating: Actions = consuming.actions().difference(&consumer).cloned().collect();
    assert_eq!(creating, allowed("lease-table.json")?, "to create the table, beside consuming");

    let producing = Recorded::before(&kinesis, &dynamodb)?;
    producing.run(&[
        "produce",
        "--stream",
        APPLICATION,
        "--total",
        "20",
        "--batch-delay-ms",
        "1",
    ])?;
    assert_eq!(producing.actions(), allowed("producer.json")?, "to produce");

    let looking = Recorded::before(&kinesis, &dynamodb)?;
    let doctoring = Recorded::before(&kinesis, &dynamodb)?;
    let look = || {
        for action in [&["list", "--no-wait"][..], &["list"], &["export"]] {
            let leases = ["leases", "--app", APPLICATION, "--store", "dynamodb"];
            looking.run(&[&leases[..], action].concat())?;
        }
        // Whatever it finds.
        doctoring.command(&["doctor", "--app", APPLICATION]).output()?;
        Ok(())
    };
    a_life(&consuming, &stream, look).await?;
    assert_eq!(consuming.actions(), consumer, "to consume");
    assert_eq!(looking.actions(), allowed("operator.json")?, "to look");
    let reading = consumer.iter().filter(|action| action.starts_with("kinesis:")).cloned();
    let both: Actions = allowed("operator.json")?.into_iter().chain(reading).collect();
    assert_eq!(doctoring.actions(), both, "to say what is wrong");

    changes(&Recorded::before(&kinesis, &dynamodb)?)?;
    moves(&kinesis, &dynamodb).await
}

/// Somebody changes rules and leases, while nobody reads.
fn changes(recorded: &Recorded) -> Result<()> {
    let app = ["--app", APPLICATION, "--store", "dynamodb", "--yes"];
    for change in [
        &["placement", "set", "shardId-000000000001:a?"][..],
        &["placement", "unset", "--all"],
        &["placement", "adopt"],
        &["app", "freeze"],
        &["app", "thaw"],
        &["leases", "reset", "--to", "trim-horizon"],
        &["leases", "reset", "--undo"],
    ] {
        recorded.run(&[change, &app].concat()).with_context(|| format!("{change:?}"))?;
    }
    assert_eq!(recorded.actions(), allowed("operator-change.json")?, "to change");
    Ok(())
}

/// Somebody fills a table that is there with the leases of another.
async fn moves(kinesis: &Ferrokinesis, dynamodb: &Dynoxide) -> Result<()> {
    const OTHER: &str = "iam-other-table";
    let there = DynamoStore::builder(APPLICATION).table(OTHER);
    there.client_config(dynamo::config(dynamodb.url())).build()?.prepare().await?;
    let reading = Recorded::before(kinesis, dynamodb)?;
    let export = ["leases", "export", "--app", APPLICATION, "--store", "dynamodb"];
    let exported = reading.command(&export).output()?.stdout;
    let filling = Recorded::before(kinesis, dynamodb)?;
    let to = format!("dynamodb://{OTHER}");
    filling.feed(&["leases", "import", "--app", APPLICATION, "--store", &to], &exported)?;
    let mut policy = allowed_on("migrate.json")?;
    let (to_fill, to_read) = (policy.remove("table/${TABLE}"), policy.remove("table/${OLD_TABLE}"));
    let (to_fill, to_read) = (to_fill.context("no table")?, to_read.context("no old table")?);
    assert!(filling.actions().is_subset(&to_fill), "to fill a table from a file");
    takes_over(kinesis, dynamodb, &to_fill, &to_read, policy).await
}

/// Somebody takes over another library's table, and goes back to it.
async fn takes_over(
    kinesis: &Ferrokinesis,
    dynamodb: &Dynoxide,
    to_fill: &Actions,
    to_read: &Actions,
    mut to_look: BTreeMap<String, Actions>,
) -> Result<()> {
    const NAME: &str = "iam-taken-over";
    let stream = TestStream::create(kinesis.url(), NAME, 1).await?;
    let sequence = stream.put("key", None, b"record").await?;
    let client = aws_sdk_dynamodb::Client::from_conf(dynamo::config(dynamodb.url()).build());
    let old = Table::of(client, NAME);
    old.create(Library::Kcl).await?;
    let checkpoint = vec![("checkpoint", Some(Attribute::S(sequence)))];
    let row = Put::new("shardId-000000000000", checkpoint, vec![("leaseKey", None)]);
    old.write(Library::Kcl, vec![row]).await?;
    let there = DynamoStore::builder(NAME).table("iam-taken-over-kcl");
    there.client_config(dynamo::config(dynamodb.url())).build()?.prepare().await?;

    let of = ["--app", NAME, "--store", "dynamodb://iam-taken-over-kcl", "--stream", NAME, "--yes"];
    let recorded = Recorded::before(kinesis, dynamodb)?;
    let import = ["import", "--from", "dynamodb-kcl:iam-taken-over", "--fence", "at-zero"];
    recorded.run(&[&import[..], &of].concat())?;
    let looking = to_look.remove("stream/${STREAM}").context("no stream")?;
    // The tables that the Java KCL 3 has beside its leases are read as these are.
    for beside in Beside::ALL {
        assert_eq!(
            to_look.remove(&*format!("table/{}", beside.table("${OLD_TABLE}"))).as_ref(),
            Some(to_read)
        );
    }
    assert!(to_look.is_empty(), "{to_look:?}");
    assert!(to_read.is_disjoint(to_fill), "each of the two tables has rights of its own");
    let all: Actions = to_fill.iter().chain(to_read).chain(&looking).cloned().collect();
    assert_eq!(recorded.actions(), all, "to take over a table");

    let mut back = allowed_on("migrate-back.json")?;
    let write = back.remove("table/${OLD_TABLE}").context("no old table")?;
    assert!(back.is_empty(), "{back:?}");
    let export = ["export", "--to", "dynamodb-kcl:iam-taken-over"];
    recorded.run(&[&export[..], &of].concat())?;
    let goes_back = recorded.actions();
    assert!(write.is_subset(&goes_back), "{write:?} of {goes_back:?}");
    let rest: Actions = goes_back.difference(&write).cloned().collect();
    assert!(rest.is_subset(&all), "to go back: {rest:?}");
    Ok(())
}
