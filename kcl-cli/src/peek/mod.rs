//! `kcl peek`: some records of a shard, without touching leases or checkpoints.

mod args;

use std::process::ExitCode;

use anyhow::{Context, bail};
use kcl_core::stream::{ReadEvent, Room, ShardId, ShardReader, StartAt, StreamSource};

pub(crate) use args::PeekArgs;

use crate::{config::Config, connect, line::Format, report, signals::Signals, stdout};

/// Room for the answers that are asked for, in bytes.
const ROOM: usize = 4 * 1024 * 1024;

/// Does it.
///
/// # Errors
/// The stream's; standard output cannot be written.
pub(crate) fn run(args: &PeekArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut signals = Signals::listen()?;
        tokio::select! {
            shown = peek(args, config) => shown,
            told = signals.next() => Ok(ExitCode::from(told.exit_code())),
        }
    })
}

async fn peek(args: &PeekArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let source = connect::source(config)?;
    let stream = source.describe().await?.key;
    let shard: ShardId = args.shard.parse().with_context(|| format!("--shard {:?}", args.shard))?;
    ensure_listed(&source, &shard).await?;
    let start = args.at.clone();
    // Whoever looks at what is to come waits for it.
    let waits = start == StartAt::Latest;
    let format = Format { stream: config.stream()?.short().into(), text: args.text };
    let mut reader = source.open(&stream, &shard, start).await?;
    let shown = show(&mut *reader, &format, &shard, args.limit, waits).await;
    reader.close().await;
    shown?;
    Ok(ExitCode::SUCCESS)
}

/// Fails if the stream has no such shard.
async fn ensure_listed(source: &dyn StreamSource, shard: &ShardId) -> anyhow::Result<()> {
    let shards = source.shards().await?;
    if shards.iter().all(|listed| listed.id != *shard) {
        bail!(
            "the stream has no shard {shard}; of its {} shards `kcl stream describe` tells the ids",
            shards.len()
        );
    }
    Ok(())
}

/// Shows so many records, or all that are there.
async fn show(
    reader: &mut dyn ShardReader,
    format: &Format,
    shard: &ShardId,
    limit: usize,
    waits: bool,
) -> anyhow::Result<()> {
    let mut left = limit;
    while left > 0 {
        reader.ready().await;
        match reader.next(Room(ROOM)).await? {
            ReadEvent::Batch(batch) => {
                let mut lines = Vec::new();
                for record in batch.records.iter().take(left) {
                    format.append(&mut lines, shard.as_str(), None, record)?;
                }
                left = left.saturating_sub(batch.records.len());
                stdout::bytes(&lines)?;
                if batch.at_tip && !waits && left > 0 {
                    report::progress("there are no more records yet");
                    return Ok(());
                }
            }
            ReadEvent::Lost { from, to } => {
                let place = |at: Option<kcl_core::stream::Position>| {
                    at.map_or_else(|| "the beginning".to_owned(), |at| at.to_string())
                };
                let (from, to) = (place(from), place(to));
                report::progress(&format!("records from {from} up to {to} are gone"));
            }
            ReadEvent::Standstill { calls, why } => {
                report::progress(&format!("{calls} calls brought nothing: {why}"));
            }
            ReadEvent::End { .. } => {
                report::progress("the shard has ended: these were its last records");
                return Ok(());
            }
            _ => {}
        }
    }
    Ok(())
}
