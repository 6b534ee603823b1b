//! Puts records whose delivery the oracle can judge.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use aws_sdk_kinesis::{Client, primitives::Blob, types::PutRecordsRequestEntry};
use tokio::task::JoinHandle;

use crate::kinesis::TestStream;

/// A record as it was put.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Produced {
    /// The shard that the record went to.
    pub shard: String,
    /// The sequence number of the record.
    pub sequence: String,
    /// The partition key.
    pub key: String,
    /// The number of the record among those of its key, from 0. It is the payload, too.
    pub number: usize,
}

/// Puts records of many keys, each numbered within its key.
#[derive(Clone, Debug)]
pub struct Producer {
    client: Client,
    stream: String,
    keys: usize,
    next: BTreeMap<String, usize>,
    turn: usize,
    /// The records that were put so far.
    pub produced: Vec<Produced>,
}

/// The most records of a call.
const CALL: usize = 400;

impl Producer {
    /// A producer that puts records of `keys` partition keys.
    #[must_use]
    pub fn new(stream: &TestStream, keys: usize) -> Self {
        Self {
            client: stream.client.clone(),
            stream: stream.name.clone(),
            keys,
            next: BTreeMap::new(),
            turn: 0,
            produced: Vec::new(),
        }
    }

    /// Puts records. The keys take turns.
    ///
    /// # Errors
    /// The server reports an error.
    pub async fn put(&mut self, records: usize) -> Result<()> {
        let mut left = records;
        while left > 0 {
            let now = left.min(CALL);
            self.call(now).await?;
            left -= now;
        }
        Ok(())
    }

    async fn call(&mut self, records: usize) -> Result<()> {
        let mut batch = Vec::with_capacity(records);
        for _ in 0..records {
            let key = format!("key-{}", self.turn % self.keys);
            self.turn += 1;
            let next = self.next.entry(key.clone()).or_default();
            batch.push((key, *next));
            *next += 1;
        }
        let entry = |(key, number): &(String, usize)| {
            let data = Blob::new(number.to_string());
            PutRecordsRequestEntry::builder().partition_key(key).data(data).build()
        };
        let entries = batch.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let put = self.client.put_records().stream_name(&self.stream);
        let answer = put.set_records(Some(entries)).send().await?;
        ensure!(answer.failed_record_count.unwrap_or(0) == 0, "some records were refused");
        for ((key, number), result) in batch.into_iter().zip(answer.records) {
            let shard = result.shard_id.context("no shard")?;
            let sequence = result.sequence_number.context("no sequence number")?;
            self.produced.push(Produced { shard, sequence, key, number });
        }
        Ok(())
    }

    /// Puts `records` every `interval` in a task, until [`Load::stop`].
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "a test may spawn, on the machine's clock")]
    pub fn go_on(mut self, records: usize, interval: Duration) -> Load {
        let done = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&done);
        let task = tokio::spawn(async move {
            let mut beat = tokio::time::interval(interval);
            while !told.load(Ordering::Relaxed) {
                beat.tick().await;
                self.put(records).await?;
            }
            Ok(self)
        });
        Load { done, task }
    }
}

/// A producer that runs in a task.
#[derive(Debug)]
pub struct Load {
    done: Arc<AtomicBool>,
    task: JoinHandle<Result<Producer>>,
}

impl Load {
    /// Stops the task, and returns the producer.
    ///
    /// # Errors
    /// A put failed.
    pub async fn stop(self) -> Result<Producer> {
        self.done.store(true, Ordering::Relaxed);
        self.task.await?
    }
}
