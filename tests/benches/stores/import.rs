//! How long it takes to take over a table of the Java KCL with many leases: reading it, and writing
//! all leases into a store, closed and opened again.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, ensure};
use aws_sdk_dynamodb::Client;
use kcl_core::{
    change::{self, Intent},
    env::{Env, WallTime},
    stream::{HashRange, SequenceNumber, Shard},
};
use kcl_migrate::{Fence, Import, ImportOptions, Library, Table, Value, export::Put};
use kcl_tests::{dynamo, servers::Dynoxide, sources::ListedStream};

use crate::{arguments::Arguments, backend::Backend};

/// What the columns are called.
pub(crate) const HEAD: &str = "\
| store | leases | the old table is read | leases are written | together |
|---|---|---|---|---|";

/// Where every lease stands.
const AT: &str = "49590338271490256608559692538361571095921575989136588898";

/// A stream of very many shards, which are listed and not read.
fn wide(shards: u32, now: WallTime) -> Result<ListedStream> {
    let step = u128::MAX / u128::from(shards);
    let shard = |number: u32| -> Result<Shard> {
        let start = step * u128::from(number);
        let is_last = number + 1 == shards;
        let end = if is_last { u128::MAX } else { start + (step - 1) };
        let mut shard = Shard::open(name(number).parse()?, HashRange::new(start, end));
        shard.starting = Some(SequenceNumber::from(1_u128));
        Ok(shard)
    };
    let shards = (0..shards).map(shard).collect::<Result<_>>()?;
    ListedStream::new("wide", WallTime::from_millis(1_769_850_000_000), now, shards)
}

fn name(number: u32) -> String {
    format!("shardId-{number:012}")
}

/// A line of the table.
pub(crate) async fn row(backend: Backend, arguments: &Arguments) -> Result<String> {
    let clock = Env::system().clock;
    let leases = arguments.leases;
    let server = Dynoxide::start()?;
    let table = old_table(&server, leases).await?;
    let home = backend.start()?;
    let store = home.store("wide")?;
    store.prepare().await?;
    let began = clock.now();
    let items = table.read(Library::Kcl).await?;
    let read = clock.now();
    let from = "dynamodb-kcl:wide".parse()?;
    let contents = kcl_migrate::read(Library::Kcl, &items);
    let design =
        Import::new(from, contents, ImportOptions::default()).behind(Fence::AtZero, "a bench");
    let source = wide(leases, clock.wall())?;
    let intent = Intent::Make(Arc::new(design));
    let changed = change::apply(intent, "a bench", &store, Some(&source), &Env::system()).await?;
    let done = clock.now();
    ensure!(changed.leases == usize::try_from(leases)?, "{} leases", changed.leases);
    let (reading, writing) = (read.since(began), done.since(read));
    let shown = |span: Duration| format!("{:.1} s", span.as_secs_f64());
    Ok(format!(
        "| {} | {leases} | {} | {} | {} |",
        backend.name(),
        shown(reading),
        shown(writing),
        shown(reading + writing)
    ))
}

/// A table as the Java KCL leaves it.
async fn old_table(server: &Dynoxide, leases: u32) -> Result<Table> {
    let client = Client::from_conf(dynamo::config(server.url()).build());
    let table = Table::of(client, "wide");
    table.create(Library::Kcl).await?;
    let row = |number: u32| {
        let changes = vec![
            ("checkpoint", Some(Value::S(AT.to_owned()))),
            ("leaseCounter", Some(Value::N("7".to_owned()))),
        ];
        Put::new(&name(number), changes, vec![("leaseKey", None)])
    };
    table.write(Library::Kcl, (0..leases).map(row).collect()).await?;
    Ok(table)
}
