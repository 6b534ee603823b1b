//! Streams in memory, for the conformance suite.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use kcl_core::{
    conformance::sources::{Made, Need, SourceFactory, StreamBench, Trouble},
    env::{Clock, Env},
    stream::{HashKey, Position, SequenceNumber, Shard, ShardId, SourceErrorKind, StreamSource},
};
use kcl_memory::{
    MemoryStream,
    stream::{StreamCall, StreamOp, StreamOptions},
};

/// Makes streams in memory, whose sources may be wrapped.
pub struct MemoryStreams<W = fn(MemoryStream) -> Arc<dyn StreamSource>> {
    env: Env,
    change: fn(&mut StreamOptions),
    wrap: W,
}

impl MemoryStreams {
    /// Streams on the clock of `env`, as `change` makes them.
    pub fn new(env: Env, change: fn(&mut StreamOptions)) -> Self {
        Self { env, change, wrap: |stream| Arc::new(stream) }
    }
}

impl<W> MemoryStreams<W> {
    /// The same streams, with each source wrapped by `wrap`.
    pub fn wrapped<V>(self, wrap: V) -> MemoryStreams<V>
    where
        V: Fn(MemoryStream) -> Arc<dyn StreamSource>,
    {
        MemoryStreams { env: self.env, change: self.change, wrap }
    }
}

/// One stream in memory.
struct InMemory<W> {
    stream: MemoryStream,
    wrap: W,
}

#[async_trait]
impl<W> SourceFactory for MemoryStreams<W>
where
    W: Fn(MemoryStream) -> Arc<dyn StreamSource> + Clone + Send + Sync + 'static,
{
    fn name(&self) -> String {
        "memory".into()
    }

    fn lacks(&self) -> Vec<Need> {
        vec![Need::Trouble(Trouble::Expired), Need::Trouble(Trouble::Blank)]
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.env.clock)
    }

    async fn create(&self, name: &str, shards: u32) -> Made<Box<dyn StreamBench>> {
        let mut options = StreamOptions::new(name);
        (options.shards, options.env) = (shards, self.env.clone());
        options.poll_interval = Duration::from_millis(200);
        options.latency = Duration::from_millis(5);
        (self.change)(&mut options);
        let stream = MemoryStream::with(options);
        Ok(Box::new(InMemory { stream, wrap: self.wrap.clone() }))
    }
}

#[async_trait]
impl<W> StreamBench for InMemory<W>
where
    W: Fn(MemoryStream) -> Arc<dyn StreamSource> + Send + Sync,
{
    fn source(&self) -> Arc<dyn StreamSource> {
        (self.wrap)(self.stream.clone())
    }

    async fn put(&self, hash: HashKey, key: &str, data: Bytes) -> Made<Position> {
        Ok(self.stream.put_hashed(hash, key, data)?.position)
    }

    async fn put_aggregate(&self, hash: HashKey, parts: Vec<Bytes>) -> Made<SequenceNumber> {
        Ok(self.stream.put_aggregate(hash, "key", parts)?.position.sequence)
    }

    async fn split(&self, shard: &Shard) -> Made<()> {
        self.stream.split(&shard.id)?;
        Ok(())
    }

    async fn merge(&self, one: &ShardId, other: &ShardId) -> Made<()> {
        self.stream.merge(one, other)?;
        Ok(())
    }

    async fn trim(&self, oldest: usize) -> Made<()> {
        let history = self.stream.history();
        let only = history.first().ok_or("no shard")?;
        self.stream.trim(&only.shard.id, only.records.len() - oldest)?;
        Ok(())
    }

    async fn delete(&self) -> Made<()> {
        self.stream.delete();
        Ok(())
    }

    async fn create_again(&self, shards: u32) -> Made<()> {
        self.stream.create(shards);
        Ok(())
    }

    fn trouble(&self, trouble: Trouble, reads: u32) {
        let kind = match trouble {
            Trouble::Throttled => SourceErrorKind::Throttled,
            _ => SourceErrorKind::Unavailable,
        };
        let left = AtomicU32::new(reads);
        let lasts =
            move || left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1));
        self.stream.fail(Arc::new(move |call: &StreamCall| {
            (call.op == StreamOp::Read && lasts().is_ok()).then_some(kind)
        }));
    }
}

impl<W> std::fmt::Debug for MemoryStreams<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryStreams").finish_non_exhaustive()
    }
}
