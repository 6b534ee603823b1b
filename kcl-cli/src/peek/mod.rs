//! `kcl peek`: writes some records of a shard to stdout. It takes no lease and changes no
//! checkpoint.

mod args;

use std::process::ExitCode;

use anyhow::Context;
use kcl_core::stream::{ByteLimit, ShardId, StartAt, StreamSource};

pub(crate) use args::PeekArgs;

use crate::{
    config::Config,
    connect,
    glance::{Glance, Met},
    line::Format,
    report,
    signals::Signals,
    stdout,
};

/// The byte limit of one read.
const ROOM: usize = 4 * 1024 * 1024;

/// Runs the command. A signal ends it with the exit code that shells expect.
///
/// # Errors
/// The stream fails, it has no such shard, or stdout cannot be written.
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

/// Opens the shard, shows its records, and closes it, also after an error.
async fn peek(args: &PeekArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let source = connect::source(config)?;
    let stream = source.describe().await?.key;
    let shard: ShardId = args.shard.parse().with_context(|| format!("--shard {:?}", args.shard))?;
    let start = args.at.clone();
    // A user who asks for records from LATEST on waits for them.
    let waits = start == StartAt::Latest;
    let format = Format { stream: config.stream()?.short().into(), text: args.text };
    let most = (args.limit, ByteLimit(ROOM));
    let mut glance = Glance::open(&source, &stream, &shard, start, most).await?;
    let shown = show(&mut glance, &format, &shard, waits).await;
    glance.close().await;
    shown?;
    Ok(ExitCode::SUCCESS)
}

/// Writes as many records as the user asked for, or all that the shard has.
async fn show(
    glance: &mut Glance,
    format: &Format,
    shard: &ShardId,
    waits: bool,
) -> anyhow::Result<()> {
    loop {
        match glance.next().await? {
            Met::Records { records, is_tip } => {
                let mut lines = Vec::new();
                for record in &records {
                    format.append(&mut lines, shard.as_str(), None, record)?;
                }
                stdout::bytes(&lines)?;
                if is_tip && !waits && !glance.is_enough() {
                    report::progress("there are no more records yet");
                    return Ok(());
                }
            }
            Met::Lost { from, to } => {
                let place = |at: Option<kcl_core::stream::Position>| {
                    at.map_or_else(|| "the beginning".to_owned(), |at| at.to_string())
                };
                let (from, to) = (place(from), place(to));
                report::progress(&format!("records from {from} up to {to} are gone"));
            }
            Met::Standstill { calls, why } => {
                report::progress(&format!("{calls} calls brought nothing: {why}"));
            }
            Met::End => {
                report::progress("the shard has ended: these were its last records");
                return Ok(());
            }
            Met::Enough => return Ok(()),
        }
    }
}
