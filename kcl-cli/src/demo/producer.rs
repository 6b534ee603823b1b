//! Puts records at a steady rate, so that the records of each key stand in the stream in order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use aws_sdk_kinesis::{
    primitives::Blob,
    types::{PutRecordsRequestEntry, PutRecordsResultEntry},
};
use kcl_core::env::{Clock, Env};

use super::{
    backlog::{Backlog, Entry},
    ledger::Ledger,
    stream::{DemoStream, NAME},
};
use crate::report;

/// How often records are put.
const TICK: Duration = Duration::from_millis(100);

/// Ticks in a second.
const TICKS: u32 = 10;

/// How many calls in a row may fail before the demo fails.
const PATIENCE: u32 = 50;

/// The most records a second: 500, the limit of `PutRecords`, in each tick.
pub(super) const MAX_RATE: u32 = 500 * TICKS;

/// The producer. One call is in flight at a time, and its batches come from a [`Backlog`].
#[derive(Debug)]
pub(super) struct Producer {
    stream: DemoStream,
    ledger: Ledger,
    clock: Arc<dyn Clock>,
    rate: u32,
    stop: Stop,
    backlog: Backlog,
}

/// Asks the producer to finish. Clones belong to one producer.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// From now on the producer makes no new records.
    pub(super) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Producer {
    /// A producer of `rate` records a second.
    pub(super) fn new(
        stream: DemoStream,
        ledger: Ledger,
        env: &Env,
        rate: u32,
        stop: Stop,
    ) -> Self {
        let clock = Arc::clone(&env.clock);
        Self { stream, ledger, clock, rate, stop, backlog: Backlog::default() }
    }

    /// Puts records until it is asked to stop and the stream has acknowledged every record.
    ///
    /// # Errors
    /// More than [`PATIENCE`] calls in a row failed.
    pub(super) async fn run(mut self) -> Result<()> {
        let mut due = self.clock.now();
        let mut failures = 0;
        let mut tick = 0;
        loop {
            let stopping = self.stop.0.load(Ordering::Relaxed);
            if stopping && self.backlog.is_empty() {
                return Ok(());
            }
            tick = (tick + 1) % TICKS;
            let wanted = if stopping { 0 } else { self.share_of(tick) };
            let batch = self.backlog.next_batch(wanted, self.ledger.now());
            match self.put(&batch).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    // The batch is sent again. If the failed call had arrived, the stream has its
                    // records twice, and the judge counts duplicates.
                    batch.into_iter().for_each(|entry| self.backlog.refuse(entry));
                    failures += 1;
                    if failures > PATIENCE {
                        return Err(error.context("the producer cannot put records"));
                    }
                }
            }
            due = due + TICK;
            self.clock.sleep_until(due).await;
        }
    }

    /// How many of the records of a second belong to this tick.
    const fn share_of(&self, tick: u32) -> u32 {
        self.rate / TICKS + if tick < self.rate % TICKS { 1 } else { 0 }
    }

    /// Puts a batch. Refused records go back to the backlog.
    async fn put(&mut self, batch: &[Entry]) -> Result<()> {
        if batch.is_empty() {
            return Ok(());
        }
        let entries = batch.iter().map(Entry::request).collect::<Result<Vec<_>>>()?;
        let put = self.stream.client().put_records().stream_name(NAME).set_records(Some(entries));
        let answer = put.send().await;
        let answer = answer.map_err(|error| anyhow::anyhow!(report::why(&error)))?;
        let took = |result: &PutRecordsResultEntry| result.sequence_number.is_some();
        for (entry, result) in batch.iter().zip(&answer.records) {
            if took(result) {
                self.ledger.produced(entry.record);
            } else {
                self.backlog.refuse(*entry);
            }
        }
        Ok(())
    }
}

impl Entry {
    fn request(&self) -> Result<PutRecordsRequestEntry> {
        PutRecordsRequestEntry::builder()
            .partition_key(format!("customer-{:04}", self.record.key))
            .data(Blob::new(self.payload.to_bytes()))
            .build()
            .context("a record without data")
    }
}
