//! Streams of a Kinesis server, for the conformance suite.

use std::{sync::Arc, time::Duration};

use anyhow::Context as _;
use async_trait::async_trait;
use bytes::Bytes;
use kcl_core::{
    conformance::sources::{Made, Need, SourceFactory, StreamBench, Trouble},
    stream::{HashKey, Position, SequenceNumber, Shard, ShardId, StreamSource},
};
use kcl_kinesis::{KinesisSource, kpl::Aggregator};

use super::meddler::Meddler;
use crate::{
    kinesis::{TestStream, config},
    servers::{Ferrokinesis, KinesisLocal},
};

/// Makes streams on one server.
#[derive(Debug)]
pub struct KinesisStreams(Arc<Server>);

/// The server that has the streams.
#[derive(Debug)]
enum Server {
    Ferrokinesis(Box<Ferrokinesis>),
    KinesisLocal(Arc<KinesisLocal>),
}

impl KinesisStreams {
    /// Starts a ferrokinesis for these streams.
    ///
    /// # Errors
    /// The server cannot be started.
    pub fn on_ferrokinesis() -> std::io::Result<Self> {
        Ok(Self(Arc::new(Server::Ferrokinesis(Box::new(Ferrokinesis::start()?)))))
    }

    /// Uses the kinesis-local that all tests of this process share.
    ///
    /// # Errors
    /// The server cannot be started, or is not installed.
    pub fn on_kinesis_local() -> std::io::Result<Self> {
        Ok(Self(Arc::new(Server::KinesisLocal(KinesisLocal::shared()?))))
    }
}

impl Server {
    fn url(&self) -> &str {
        match self {
            Self::Ferrokinesis(server) => server.url(),
            Self::KinesisLocal(server) => server.url(),
        }
    }
}

/// One stream on a server.
struct OnServer {
    server: Arc<Server>,
    stream: TestStream,
    meddler: Meddler,
}

#[async_trait]
impl SourceFactory for KinesisStreams {
    fn name(&self) -> String {
        match &*self.0 {
            Server::Ferrokinesis(_) => "kinesis (ferrokinesis)".into(),
            Server::KinesisLocal(_) => "kinesis (kinesis-local)".into(),
        }
    }

    fn lacks(&self) -> Vec<Need> {
        match &*self.0 {
            Server::Ferrokinesis(_) => vec![],
            // The server keeps records for at least a day.
            Server::KinesisLocal(_) => vec![Need::Trimming],
        }
    }

    async fn create(&self, name: &str, shards: u32) -> Made<Box<dyn StreamBench>> {
        let stream = TestStream::create(self.0.url(), name, shards.try_into()?).await?;
        let server = Arc::clone(&self.0);
        Ok(Box::new(OnServer { server, stream, meddler: Meddler::new() }))
    }
}

#[async_trait]
impl StreamBench for OnServer {
    fn source(&self) -> Arc<dyn StreamSource> {
        let config = config(self.server.url()).http_client(self.meddler.clone());
        let source = KinesisSource::builder(&self.stream.name).client_config(config);
        let built = source.idle_poll(Duration::from_millis(200)).build();
        Arc::new(built.unwrap_or_else(|invalid| unreachable!("{invalid}")))
    }

    async fn put(&self, hash: HashKey, key: &str, data: Bytes) -> Made<Position> {
        let number: SequenceNumber = self.stream.put(key, Some(hash), &data).await?.parse()?;
        Ok(number.into())
    }

    async fn put_aggregate(&self, hash: HashKey, parts: Vec<Bytes>) -> Made<SequenceNumber> {
        let mut aggregator = Aggregator::new(1 << 20);
        for part in parts {
            aggregator.add("user", Some(hash), part)?;
        }
        let aggregate = aggregator.finish().context("nothing to send")?;
        let put = self.stream.put(&aggregate.partition_key, Some(hash), &aggregate.data);
        Ok(put.await?.parse()?)
    }

    async fn split(&self, shard: &Shard) -> Made<()> {
        Ok(self.stream.split(shard).await?)
    }

    async fn merge(&self, one: &ShardId, other: &ShardId) -> Made<()> {
        Ok(self.stream.merge(one, other).await?)
    }

    async fn trim(&self, oldest: usize) -> Made<()> {
        let Server::Ferrokinesis(server) = &*self.server else {
            return Err("kinesis-local trims nothing".into());
        };
        let keys = server.store().get_record_store(&self.stream.name).await.into_keys();
        let oldest: Vec<_> = keys.take(oldest).collect();
        server.store().delete_record_keys(&self.stream.name, &oldest).await;
        Ok(())
    }

    async fn delete(&self) -> Made<()> {
        Ok(self.stream.delete().await?)
    }

    async fn create_again(&self, shards: u32) -> Made<()> {
        TestStream::create(self.server.url(), &self.stream.name, shards.try_into()?).await?;
        Ok(())
    }

    fn trouble(&self, trouble: Trouble, reads: u32) {
        self.meddler.trouble(trouble, reads);
    }
}
