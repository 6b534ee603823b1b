//! Tables that real fleets of other libraries wrote, put on a server, taken over and written back.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use anyhow::{Context, Result, ensure};
use aws_sdk_dynamodb::Client;
use kcl_core::{
    change::{self, Intent},
    env::{Env, WallTime},
    lease::{Checkpoint, Lease},
    store::{LeaseStore, LeaseStoreExt},
    stream::{HashRange, Shard},
};
use kcl_memory::MemoryStore;
use kcl_migrate::{
    Fence, Import, ImportOptions, Item, Library, Table,
    export::{Allowed, Exported, Outcome, export},
    items_of_scan, was_imported,
};
use kcl_tests::{dynamo, sources::ListedStream};
use serde_json::Value;

use super::stage::dynamodb;

/// A stream as it was listed when its table was recorded.
fn listed(text: &str) -> Result<ListedStream> {
    let recorded: Value = serde_json::from_str(text)?;
    let mut shards = Vec::new();
    for it in recorded["Shards"].as_array().context("no shards")? {
        let (range, numbers) = (&it["HashKeyRange"], &it["SequenceNumberRange"]);
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let key = |name: &str| text(&range[name]).context("no range");
        let start = key("StartingHashKey")?.parse()?;
        let range = HashRange::new(start, key("EndingHashKey")?.parse()?);
        let id = text(&it["ShardId"]).context("no id")?.parse()?;
        let mut shard = Shard::open(id, range);
        for parent in ["ParentShardId", "AdjacentParentShardId"] {
            if let Some(parent) = text(&it[parent]) {
                shard.parents.push(parent.parse()?);
            }
        }
        let starting = text(&numbers["StartingSequenceNumber"]).context("no number")?;
        shard.starting = Some(starting.parse()?);
        shard.closed = !numbers["EndingSequenceNumber"].is_null();
        shards.push(shard);
    }
    let (created, now) = (1_796_071_000_000, 1_796_072_000_000);
    ListedStream::new("orders", WallTime::from_millis(created), WallTime::from_millis(now), shards)
}

fn fixture(name: &str) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tables").join(name);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// Where each shard stands, by a table.
fn marks(library: Library, items: &[Item]) -> BTreeMap<String, String> {
    let leases = kcl_migrate::read(library, items).leases;
    leases.into_iter().map(|fact| (fact.shard.to_string(), fact.mark.to_string())).collect()
}

/// Where each shard stands, by leases.
fn spots(rows: &[Lease]) -> BTreeMap<String, String> {
    let spot = |row: &Lease| {
        let shard = row.key.shard()?;
        Some((shard.to_string(), row.checkpoint.to_string()))
    };
    rows.iter().filter_map(spot).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_taken_over_and_written_back() -> Result<()> {
    for (kind, library) in [
        ("kcl-2.7.2", Library::Kcl),
        ("kcl-3.5.1", Library::Kcl),
        ("vmware-go-kcl-1.5.1", Library::Vmware),
        ("vmware-go-kcl-v2", Library::Vmware),
        ("vmware-go-kcl-v2-sticky", Library::Vmware),
    ] {
        there_and_back(kind, library).await.with_context(|| kind.to_owned())?;
    }
    Ok(())
}

async fn there_and_back(kind: &str, library: Library) -> Result<()> {
    let client = Client::from_conf(dynamo::config(dynamodb().url()).build());
    let table = Table::of(client.clone(), kind);
    table.create(library).await?;
    let recorded = items_of_scan(&fixture(&format!("{kind}.json"))?)?;
    for item in &recorded {
        let item = item.attributes().collect();
        client.put_item().table_name(kind).set_item(Some(item)).send().await?;
    }
    let source = listed(&fixture(&format!("{kind}-streams.json"))?)?;
    let items = table.read(library).await?;
    ensure!(items.len() == recorded.len(), "{} items", items.len());

    let store: Arc<dyn LeaseStore> = Arc::new(MemoryStore::new("orders"));
    let scheme = if library == Library::Kcl { "dynamodb-kcl" } else { "dynamodb-vmware" };
    let contents = kcl_migrate::read(library, &items);
    let design =
        Import::new(format!("{scheme}:{kind}").parse()?, contents, ImportOptions::default());
    let intent = Intent::Make(Arc::new(design.behind(Fence::AtZero, "a test")));
    let changed = change::apply(intent, "a test", &store, Some(&source), &Env::system()).await?;
    ensure!(changed.leases == 9, "{changed:?}");
    let rows = store.all_leases().await?;
    ensure!(spots(&rows) == marks(library, &items), "{rows:#?}");
    let open = rows.iter().filter(|row| matches!(row.checkpoint, Checkpoint::After(_)));
    ensure!(open.count() == 6, "{rows:#?}");
    ensure!(was_imported(&*store, kind).await??.is_some_and(|it| it.open == 6 && it.ended == 3));

    let back = export(library, source.key(), &rows, &items, &Allowed::default());
    let put = |it: Exported| match it.outcome {
        Outcome::Moved(put) => Some(put),
        _ => None,
    };
    table.write(library, back.into_iter().filter_map(put).collect()).await?;
    let after = table.read(library).await?;
    ensure!(marks(library, &after) == marks(library, &items), "{after:#?}");
    ensure!(after.len() == items.len(), "{} items", after.len());
    let held = kcl_migrate::read(library, &after).leases;
    ensure!(held.iter().all(|fact| fact.owner.is_none()), "{held:#?}");
    Ok(())
}
