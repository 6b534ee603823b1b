//! What the tests share: a stream, an old fleet's table, and the application that takes it over.

use std::{
    collections::BTreeMap,
    process::{Command, Stdio},
    sync::{Arc, LazyLock},
};

use anyhow::{Context, Result, bail, ensure};
use aws_sdk_dynamodb::{
    Client,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
        ScalarAttributeType,
    },
};
use kcl_core::{
    lease::Lease,
    store::{LeaseStore, LeaseStoreExt},
    stream::StreamSource,
};
use kcl_dynamo::DynamoStore;
use kcl_postgres::PostgresStore;
use kcl_redis::RedisStore;
use kcl_tests::{
    dynamo,
    fleet::{Fleet, Launch, Process, Produced, Producer},
    kinesis::TestStream,
    servers::{Dynalite, Dynoxide, Ferrokinesis, Postgres, RedisMake, RedisServer},
};
use serde_json::Value;

/// The `kcl` command.
pub(super) const KCL: &str = env!("CARGO_BIN_EXE_kcl-under-test");

/// The Kinesis API server of these tests, in this process.
pub(super) fn kinesis() -> &'static Ferrokinesis {
    static SERVER: LazyLock<Ferrokinesis> = LazyLock::new(|| Ferrokinesis::start().unwrap());
    &SERVER
}

/// The DynamoDB API server of these tests, in this process.
pub(super) fn dynamodb() -> &'static Dynoxide {
    static SERVER: LazyLock<Dynoxide> = LazyLock::new(|| Dynoxide::start().unwrap());
    &SERVER
}

/// Another one, which tells nothing of a refused write.
pub(super) fn dynalite() -> &'static Dynalite {
    static SERVER: LazyLock<Dynalite> = LazyLock::new(|| Dynalite::start().unwrap());
    &SERVER
}

/// Where the new leases are.
pub(super) enum Home {
    DynamoDb,
    Postgres(Postgres),
    Redis(RedisServer),
}

impl Home {
    pub(super) fn postgres() -> Result<Self> {
        Ok(Self::Postgres(Postgres::start()?))
    }

    pub(super) fn redis() -> Result<Self> {
        Ok(Self::Redis(RedisServer::start(RedisMake::Redis)?))
    }

    /// As the command is told it.
    fn url(&self, application: &str) -> String {
        match self {
            Self::DynamoDb => format!("dynamodb://{application}-kcl"),
            Self::Postgres(server) => server.url(),
            Self::Redis(server) => server.url(),
        }
    }

    pub(super) fn store(&self, application: &str) -> Result<Arc<dyn LeaseStore>> {
        let dynamo = || {
            DynamoStore::builder(application)
                .table(&format!("{application}-kcl"))
                .client_config(dynamo::config(dynamodb().url()))
                .build()
        };
        Ok(match self {
            Self::DynamoDb => Arc::new(dynamo()?),
            Self::Postgres(server) => Arc::new(PostgresStore::new(application, &server.url())?),
            Self::Redis(server) => Arc::new(RedisStore::new(application, &server.url())?),
        })
    }
}

/// A stream with its producer, an old table's client, and an application.
pub(super) struct Stage {
    pub(super) stream: TestStream,
    pub(super) producer: Producer,
    pub(super) fleet: Fleet,
    /// The old fleet's table has the name of the stream.
    pub(super) name: String,
    pub(super) client: Client,
    /// Where the old table is.
    pub(super) dynamodb: String,
    url: String,
}

impl Stage {
    pub(super) async fn new(home: &Home, name: &str, shards: i32) -> Result<Self> {
        let stream = TestStream::create(kinesis().url(), name, shards).await?;
        let mut launch = Launch::new(KCL, name, kinesis().url(), dynamodb().url());
        let url = home.url(name);
        launch.other_store = Some(url.clone());
        let launch = launch.with(&["--profile", "fast"]).set("consumer.poll_interval_ms=200");
        let fleet = Fleet::watched_in(launch, home.store(name)?)?;
        Ok(Self {
            producer: Producer::new(&stream, 40),
            stream,
            fleet,
            name: name.to_owned(),
            client: Client::from_conf(dynamo::config(dynamodb().url()).build()),
            dynamodb: dynamodb().url().to_owned(),
            url,
        })
    }

    /// The command `kcl VERB` for the application.
    pub(super) fn command(&self, verb: &str, arguments: &[&str]) -> Command {
        let mut command = Launch::command(KCL.as_ref());
        command.arg(verb).args(arguments).args(["--region", "us-east-1"]);
        if !arguments.contains(&"--app") {
            command.args(["--app", &self.name, "--store", &self.url]);
        }
        command.args(["--kinesis-endpoint", kinesis().url()]);
        command.args(["--set", &format!("kinesis.stream_name={}", self.name)]);
        command.args(["--dynamodb-endpoint", &self.dynamodb]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it to its end: what it wrote to standard output, or why it failed.
    pub(super) async fn kcl(&self, verb: &str, arguments: &[&str]) -> Result<String> {
        let mut command = self.command(verb, arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{verb} {arguments:?}: {said}");
        Ok(String::from_utf8(output.stdout)?)
    }

    pub(super) async fn refused(&self, verb: &str, arguments: &[&str]) -> Result<String> {
        match self.kcl(verb, arguments).await {
            Ok(said) => bail!("{verb} {arguments:?} was not refused: {said}"),
            Err(error) => Ok(error.to_string()),
        }
    }

    /// What a dry run says.
    pub(super) async fn dry_run(&self, from: &str) -> Result<Value> {
        let said = self.kcl("import", &["--from", from, "--dry-run", "--json"]).await?;
        Ok(serde_json::from_str(&said)?)
    }

    /// Makes a table with one key.
    pub(super) async fn table(&self, name: &str, key: &str) -> Result<()> {
        let attribute = AttributeDefinition::builder().attribute_name(key);
        let attribute = attribute.attribute_type(ScalarAttributeType::S).build()?;
        let schema = KeySchemaElement::builder().attribute_name(key).key_type(KeyType::Hash);
        let create = self.client.create_table().table_name(name);
        let create = create.attribute_definitions(attribute).key_schema(schema.build()?);
        create.billing_mode(BillingMode::PayPerRequest).send().await?;
        Ok(())
    }

    /// Puts a row.
    pub(super) async fn put(&self, table: &str, attributes: &[(&str, &str)]) -> Result<()> {
        const NUMBERS: [&str; 5] =
            ["leaseCounter", "checkpointSubSequenceNumber", "throughputKBps", "Sticky", "lut"];
        let mut put = self.client.put_item().table_name(table);
        for (name, value) in attributes {
            let value = (*value).to_owned();
            let value = match NUMBERS.contains(name) {
                true => AttributeValue::N(value),
                false => AttributeValue::S(value),
            };
            put = put.item(*name, value);
        }
        put.send().await?;
        Ok(())
    }

    /// The old table, as the Java KCL leaves it that has processed `done` of each shard's records.
    pub(super) async fn old_table(&self, done: usize) -> Result<()> {
        self.table(&self.name, "leaseKey").await?;
        for (shard, sequence) in self.checkpoints(done).await? {
            let row = [
                ("leaseKey", &*shard),
                ("checkpoint", &*sequence),
                ("checkpointSubSequenceNumber", "0E0"),
                ("leaseCounter", "41"),
                ("leaseOwner", "old-1"),
                ("throughputKBps", "1.2E-5"),
            ];
            self.put(&self.name, &row).await?;
        }
        Ok(())
    }

    /// Each shard with the sequence number of the record of it that is number `done`; without so
    /// many records the trim horizon.
    async fn checkpoints(&self, done: usize) -> Result<BTreeMap<String, String>> {
        let mut checkpoints = BTreeMap::new();
        for shard in self.stream.shards().await? {
            let records = self.records(shard.id.as_str());
            let at = done.checked_sub(1).and_then(|last| records.get(last));
            let at = at.map_or("TRIM_HORIZON", |record| &*record.sequence);
            checkpoints.insert(shard.id.to_string(), at.to_owned());
        }
        Ok(checkpoints)
    }

    /// A shard's records, in order.
    pub(super) fn records(&self, shard: &str) -> Vec<&Produced> {
        self.producer.produced.iter().filter(|record| record.shard == shard).collect()
    }

    /// The record numbers that are left where so many of each shard were processed.
    fn left(&self, done: usize) -> Vec<String> {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        let mut left = Vec::new();
        for record in &self.producer.produced {
            let count = seen.entry(&record.shard).or_default();
            *count += 1;
            if *count > done {
                left.push(record.sequence.clone());
            }
        }
        left.sort_unstable();
        left
    }

    /// A worker reads what is left, exactly, and leaves.
    pub(super) async fn reads_on(&mut self, worker: &str, done: usize) -> Result<()> {
        let left = self.left(done);
        ensure!(!left.is_empty(), "there is nothing to read");
        self.fleet.start(worker)?;
        self.has_read(worker, &left).await
    }

    /// A worker that was started before reads what is left.
    pub(super) async fn goes_on(&mut self, worker: &str, done: usize) -> Result<()> {
        let left = self.left(done);
        self.has_read(worker, &left).await
    }

    async fn has_read(&mut self, worker: &str, left: &[String]) -> Result<()> {
        let mine = |history: &kcl_tests::fleet::History| -> Vec<String> {
            let of = history.deliveries.iter().filter(|it| *it.worker == *worker);
            of.map(|it| it.sequence.to_string()).collect()
        };
        let what = format!("{worker} reads {} records", left.len());
        self.fleet.until(&what, |history| mine(history).len() >= left.len()).await?;
        self.fleet.leave(worker).await?;
        let mut read = mine(&self.fleet.caught_up());
        read.sort_unstable();
        ensure!(read == left, "{worker} has read {} records, not {}", read.len(), left.len());
        Ok(())
    }

    /// The leases of shards, looked at now.
    pub(super) async fn leases(&self) -> Result<Vec<Lease>> {
        let mut rows = self.fleet.store().all_leases().await?;
        rows.retain(|row| !row.key.is_role());
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(rows)
    }

    /// How many leases there are; none where there is no store yet.
    pub(super) async fn count(&self) -> usize {
        self.leases().await.map_or(0, |rows| rows.len())
    }

    /// When the stream was made, in seconds since 1970.
    pub(super) async fn life(&self) -> Result<u64> {
        Ok(self.stream.source().describe().await?.key.created.as_millis() / 1_000)
    }

    /// A row of the old table.
    pub(super) async fn row(&self, table: &str, key: &str, id: &str) -> Result<Value> {
        let get = self.client.get_item().table_name(table).consistent_read(true);
        let item = get.key(key, AttributeValue::S(id.to_owned())).send().await?.item;
        let item = item.with_context(|| format!("{table} has no row {id}"))?;
        let text = |value: AttributeValue| match value {
            AttributeValue::S(text) | AttributeValue::N(text) => Value::from(text),
            other => Value::from(format!("{other:?}")),
        };
        Ok(item.into_iter().map(|(name, value)| (name, text(value))).collect())
    }

    /// Starts a command.
    pub(super) fn spawn(&self, verb: &str, arguments: &[&str]) -> Result<Process> {
        let mut command = self.command(verb, arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Process::spawn(&mut command)?)
    }
}

/// Waits a little for something that has no event.
#[expect(clippy::disallowed_methods, reason = "what is waited for is another process's doing")]
pub(super) async fn pause(millis: u64) {
    tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
}
