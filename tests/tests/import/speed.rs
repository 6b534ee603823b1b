//! How long an import of 10,000 leases takes, on each store:
//! `cargo test --workspace --test servers import::speed -- --ignored --nocapture`.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use kcl_core::{
    change::{self, Intent},
    env::{Env, WallTime},
    stream::{
        HashRange, SequenceNumber, Shard, ShardId, ShardReader, SourceError, SourceErrorKind,
        SourceResult, StartAt, StreamDescription, StreamKey, StreamSource,
    },
};
use kcl_migrate::{Fence, Import, Item, Library, Table, Value, Wishes, export::Put};
use kcl_tests::dynamo;

use super::stage::{Home, dynamodb};

const LEASES: u128 = 10_000;

/// A stream of very many shards, which are listed and not read.
#[derive(Debug)]
struct Wide(WallTime);

#[async_trait]
impl StreamSource for Wide {
    async fn describe(&self) -> SourceResult<StreamDescription> {
        let key = StreamKey::new("wide", WallTime::from_millis(1_769_850_000_000));
        let day = Duration::from_hours(24);
        Ok(StreamDescription::new("wide".parse().unwrap(), key, day, self.0))
    }

    async fn shards(&self) -> SourceResult<Vec<Shard>> {
        Ok((0..LEASES).map(shard).collect())
    }

    async fn open(
        &self,
        stream: &StreamKey,
        _: &ShardId,
        _: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>> {
        Err(SourceError::new(SourceErrorKind::NoShard, "open", stream.to_string()))
    }
}

fn shard(number: u128) -> Shard {
    let step = u128::MAX / LEASES;
    let end = if number + 1 == LEASES { u128::MAX } else { step * (number + 1) - 1 };
    let id = format!("shardId-{number:012}").parse().unwrap();
    let mut shard = Shard::open(id, HashRange::new(step * number, end));
    shard.starting = Some(SequenceNumber::from(1_u128));
    shard
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
#[expect(clippy::print_stdout, reason = "it is what is measured")]
async fn of_ten_thousand_leases() -> Result<()> {
    let clock = Env::system().clock;
    let client = Client::from_conf(dynamo::config(dynamodb().url()).build());
    let table = Table::of(client, "wide");
    table.create(Library::Kcl).await?;
    let text = |text: &str| Some(Value::S(text.to_owned()));
    let row = |number: u128| {
        let number = shard(number).id.to_string();
        let changes = vec![
            ("checkpoint", text("49590338271490256608559692538361571095921575989136588898")),
            ("leaseCounter", Some(Value::N("7".to_owned()))),
        ];
        Put::new(&number, changes, vec![("leaseKey", None)])
    };
    table.write(Library::Kcl, (0..LEASES).map(row).collect()).await?;
    for (name, home) in
        [("dynamodb", Home::DynamoDb), ("postgres", Home::postgres()?), ("redis", Home::redis()?)]
    {
        let store = home.store(&format!("wide-{name}"))?;
        store.prepare().await?;
        let source = Wide(clock.wall());
        let began = clock.now();
        let items: Vec<Item> = table.read(Library::Kcl).await?;
        let read = clock.now();
        let contents = kcl_migrate::read(Library::Kcl, &items);
        let from = "dynamodb-kcl:wide".parse()?;
        let design = Import::new(from, contents, Wishes::default()).seen(BTreeMap::new());
        let intent = Intent::Make(Arc::new(design.behind(Fence::AtZero, "a measurement")));
        let changed = change::apply(intent, "it", &store, Some(&source), &Env::system()).await?;
        let done = clock.now();
        ensure!(changed.leases == usize::try_from(LEASES)?);
        println!(
            "{name}: read in {:?}, written in {:?}, all in {:?}",
            read.since(began),
            done.since(read),
            done.since(began)
        );
    }
    Ok(())
}
