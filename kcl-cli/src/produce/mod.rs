//! `kcl produce`: puts records into a stream, generated ones or the lines of stdin.
//!
//! ```text
//! lines (stdin) ─┐
//!                ├─► records ─► put ─► sink (PutRecords)
//! generator ─────┘               └──► account ─► JSON on stdout
//! ```
//!
//! `put` sends a record again until the stream acknowledges it. `account` counts the results; the
//! command writes them at its end, also after an error or a signal.

mod account;
mod args;
mod lines;
mod put;
mod record;
mod records;
mod sink;

use std::{process::ExitCode, time::Duration};

use anyhow::ensure;
use tokio_util::sync::CancellationToken;

pub(crate) use args::ProduceArgs;

use self::{
    put::{Putting, rest},
    records::{NoRecord, Records},
    sink::{Sink, Stream},
};
use crate::{
    config::{Config, Producer},
    connect,
    signals::{Signals, Told},
    stdout,
};

/// How many records one call takes: a limit of `PutRecords`.
const BATCH: std::ops::RangeInclusive<usize> = 1..=500;

/// Puts records until the input ends, `--total` is reached, or a signal comes. In each case it
/// writes the account to stdout.
///
/// # Errors
/// A setting is invalid, a record cannot be put, or the stream takes no records for a minute.
pub(crate) fn run(args: &ProduceArgs, config: &Config) -> anyhow::Result<ExitCode> {
    batch_size(&config.producer)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(produce(args, config));
    // A shutdown that waits would wait for a read of stdin.
    runtime.shutdown_background();
    result
}

/// The setting for the number of records of a call.
///
/// # Errors
/// A call does not take that number.
pub(crate) fn batch_size(settings: &Producer) -> anyhow::Result<usize> {
    let size = settings.batch_size;
    ensure!(
        BATCH.contains(&size),
        "producer.batch_size = {size}: a call takes {} to {} records",
        BATCH.start(),
        BATCH.end()
    );
    Ok(size)
}

/// Puts the records, and writes the account. The exit code is that of a signal if a signal ended
/// the command before its work was done.
async fn produce(args: &ProduceArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let Producer { batch_size, batch_delay_ms, total_messages } = config.producer;
    let mut signals = Signals::listen()?;
    let stream = Stream { client: connect::kinesis(config).await?, name: config.stream()? };
    let limits = stream.limits().await?;
    // A total of 0 means no limit.
    let total = total_messages.filter(|total| *total > 0);
    let stop = CancellationToken::new();
    let mut work = Work {
        records: Records::new(args, total, limits)?,
        putting: Putting::new(stream, limits, stop.clone()),
        batch_size,
        pause: Duration::from_millis(batch_delay_ms),
        stop,
    };
    let (result, told) = work.until_told(&mut signals).await;
    let refused = result.as_ref().err().and_then(|error| error.downcast_ref::<NoRecord>());
    let account = &mut work.putting.account;
    work.records.leave(refused, account);
    work.putting.leave();
    let account = work.putting.account;
    let written = stdout::line(serde_json::to_string(&account)?);
    result?;
    written?;
    let is_endless = total.is_none() && !args.stdin;
    Ok(match told {
        Some(told) if !is_endless || !account.is_complete() => ExitCode::from(told.exit_code()),
        _ => ExitCode::SUCCESS,
    })
}

/// The source of the records, and their way into the stream.
struct Work<S> {
    records: Records,
    putting: Putting<S>,
    batch_size: usize,
    pause: Duration,
    /// Cancelled at the first signal: no further call is made.
    stop: CancellationToken,
}

impl<S: Sink> Work<S> {
    /// Puts all records, or until a signal comes. It then waits for the call in flight; a second
    /// signal ends that wait. Returns the result, and the signal if one came.
    async fn until_told(&mut self, signals: &mut Signals) -> (anyhow::Result<()>, Option<Told>) {
        let stop = self.stop.clone();
        let put = self.put_all();
        tokio::pin!(put);
        let told = tokio::select! {
            biased;
            told = signals.next() => told,
            result = &mut put => return (result, None),
        };
        stop.cancel();
        tokio::select! {
            biased;
            told = signals.next() => (Ok(()), Some(told)),
            result = put => (result, Some(told)),
        }
    }

    /// Puts records batch by batch, with a pause after each.
    async fn put_all(&mut self) -> anyhow::Result<()> {
        let stop = self.stop.clone();
        while !stop.is_cancelled() {
            let batch = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                batch = self.records.next(self.batch_size) => batch?,
            };
            if batch.is_empty() {
                return Ok(());
            }
            self.putting.put(batch).await?;
            tokio::select! {
                () = stop.cancelled() => {}
                () = rest(self.pause) => {}
            }
        }
        Ok(())
    }
}
