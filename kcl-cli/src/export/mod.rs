//! `kcl export`: writes the checkpoints back into the lease table of another library, so that its
//! fleet can go on; or writes all rows into a file.
//!
//! `kcl_migrate::export` plans the rows, `show` shows them, and a refused row stops the command
//! before anything is written. VMware-Go-KCL has no positions within a KPL aggregate: for such a
//! checkpoint the stream is read, to see whether the aggregate is processed to its end.

mod args;
mod show;

use std::{collections::BTreeSet, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use kcl_core::{
    lease::{Checkpoint, Lease},
    store::LeaseStoreExt,
    stream::{ByteLimit, Position, ReadEvent, ShardId, StartAt, StreamKey, StreamSource},
};
use kcl_migrate::{
    Library, Place, Table,
    export::{Allowed, Exported, Outcome, Put, export},
};

pub(crate) use self::args::ExportArgs;

use crate::{ask, config::Config, connect, report, stdout, store_url::StoreUrl, transfer};

/// Runs the command.
///
/// # Errors
/// A row is refused, workers of the application live, the user says no, or the table, the store or
/// the stream fails.
pub(crate) fn run(args: &ExportArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(act(args, config))?;
    Ok(ExitCode::SUCCESS)
}

/// Reads leases and table, plans the rows, shows them, asks, and writes.
async fn act(args: &ExportArgs, config: &Config) -> anyhow::Result<()> {
    let store = StoreUrl::of(config)?.open_shared(config)?;
    let (library, name) = match &args.to {
        Place::Table { library, name } => (*library, name),
        Place::File { path } => return transfer::export(&*store, path).await,
        _ => bail!("this version does not know that place"),
    };
    if !args.while_running {
        transfer::refuse_workers(&*store).await?;
    }
    let rows = store.all_leases().await?;
    let source: Arc<dyn StreamSource> = Arc::new(connect::source_of_leases(&*store, config).await?);
    let stream = source.describe().await.context("the stream cannot be described")?.key;
    if !rows.iter().any(|row| row.key.stream().as_ref() == Some(&stream)) {
        bail!(
            "the application {} has no lease of {stream} in {}: nothing to export",
            store.application(),
            store.location()
        );
    }
    let sdk = connect::dynamodb(config).await?;
    let table = Table::new(&sdk, config.dynamodb_endpoint(), name).paced(args.read_units);
    let items = table.read_if_there(library).await?;
    let whole = match library {
        Library::Vmware => whole(&*source, &stream, &rows).await,
        Library::Kcl => BTreeSet::new(),
    };
    let allowed = Allowed {
        backwards: args.backwards,
        whole: whole.into_iter().chain(args.whole_aggregate.iter().cloned()).collect(),
    };
    let found = items.as_deref().unwrap_or_default();
    let exported = export(library, &stream, &rows, found, &allowed);
    let scene = show::Scene { to: &args.to, is_new: items.is_none(), exported: &exported };
    if args.json {
        stdout::line(scene.json())?;
    } else {
        stdout::write(&scene.text(store.application(), &store.location()))?;
    }
    check(&exported)?;
    if args.consent.dry_run {
        return Ok(());
    }
    if !args.consent.yes {
        ask::agreed("Is the old fleet stopped, and shall this be written?")?;
    }
    if items.is_none() {
        table.create(library).await?;
    }
    let puts: Vec<Put> = exported.into_iter().filter_map(put).collect();
    let written = puts.len();
    table.write(library, puts).await?;
    if args.json {
        return stdout::line(serde_json::json!({"to": args.to.to_string(), "written": written}));
    }
    report::progress(&format!("{written} rows are written to {}", args.to));
    Ok(())
}

/// The write of an exported row; `None` if it is refused.
fn put(exported: Exported) -> Option<Put> {
    match exported.outcome {
        Outcome::Made(put) | Outcome::Moved(put) | Outcome::FromHorizon(put) => Some(put),
        _ => None,
    }
}

/// Fails if a row is refused. The message names the first one and the option that allows it.
fn check(exported: &[Exported]) -> anyhow::Result<()> {
    let first = |is: fn(&Outcome) -> bool| exported.iter().find(|it| is(&it.outcome));
    if let Some(it) = first(|outcome| matches!(outcome, Outcome::Backwards)) {
        bail!(
            "nothing was written: the table is further on than the leases, as for {}, which stands \
             at {} there and at {} here; --backwards takes such rows back",
            it.shard,
            it.from.as_deref().unwrap_or_default(),
            it.to
        );
    }
    if let Some(it) = first(|outcome| matches!(outcome, Outcome::WithinAggregate)) {
        bail!(
            "nothing was written: {} stands within an aggregate, at {}, and VMware-Go-KCL cannot \
             go on there. Let a worker of kcl process the rest of it, or say --whole-aggregate {}, \
             which passes over that rest",
            it.shard,
            it.to,
            it.shard
        );
    }
    Ok(())
}

/// The shards whose checkpoint is the last record of a KPL aggregate.
async fn whole(source: &dyn StreamSource, stream: &StreamKey, rows: &[Lease]) -> BTreeSet<ShardId> {
    let mut whole = BTreeSet::new();
    for row in rows.iter().filter(|row| row.key.stream().as_ref() == Some(stream)) {
        let Checkpoint::After(position) = &row.checkpoint else { continue };
        let Some(shard) = row.key.shard().filter(|_| position.sub > 0) else { continue };
        if is_whole(source, stream, &shard, position).await {
            whole.insert(shard);
        }
    }
    whole
}

/// Whether the next record after a position belongs to another aggregate, or the shard has none.
/// `false` also if that is unknown.
async fn is_whole(
    source: &dyn StreamSource,
    stream: &StreamKey,
    shard: &ShardId,
    position: &Position,
) -> bool {
    let at = StartAt::After(position.clone());
    let Ok(mut reader) = source.open(stream, shard, at).await else { return false };
    let mut is_whole = false;
    // An empty answer proves nothing, unless it is at the tip of the shard: five attempts.
    for _ in 0..5 {
        match reader.next(ByteLimit(64 * 1_024)).await {
            Ok(ReadEvent::Batch(batch)) => match batch.records.first() {
                Some(record) => {
                    is_whole = record.position.sequence != position.sequence;
                    break;
                }
                None if batch.at_tip => {
                    is_whole = true;
                    break;
                }
                None => {}
            },
            Ok(ReadEvent::End { proven: true, .. }) => {
                is_whole = true;
                break;
            }
            _ => break,
        }
    }
    reader.close().await;
    is_whole
}
