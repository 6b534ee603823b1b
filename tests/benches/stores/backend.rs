//! The stores that are compared, each on a server of its own.

use std::sync::Arc;

use anyhow::{Context, Result};
use kcl_core::store::LeaseStore;
use kcl_dynamo::DynamoStore;
use kcl_memory::MemoryServer;
use kcl_postgres::PostgresStore;
use kcl_redis::RedisStore;
use kcl_tests::{
    dynamo,
    servers::{Dynoxide, Postgres, RedisMake, RedisServer},
};

use crate::processor_time::{self, Ticks};

/// A kind of store.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Backend {
    Memory,
    Postgres,
    Redis,
    Dynamo,
}

/// A server of that kind.
pub(crate) enum Server {
    Memory(MemoryServer),
    Postgres(Postgres),
    Redis(RedisServer),
    Dynamo(Dynoxide),
}

/// Each worker has up to eight connections.
const CONNECTIONS: &str = "max_connections=1000";

impl Backend {
    pub(crate) const ALL: [Self; 4] = [Self::Memory, Self::Postgres, Self::Redis, Self::Dynamo];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Dynamo => "dynamodb",
        }
    }

    pub(crate) fn named(name: &str) -> Result<Self> {
        let backend = Self::ALL.into_iter().find(|backend| backend.name() == name);
        backend.with_context(|| format!("{name}: expected memory, postgres, redis or dynamodb"))
    }

    pub(crate) fn start(self) -> Result<Server> {
        Ok(match self {
            Self::Memory => Server::Memory(MemoryServer::new()),
            Self::Postgres => Server::Postgres(Postgres::start_with(&[CONNECTIONS])?),
            Self::Redis => {
                let log = ["--appendonly", "yes"];
                Server::Redis(RedisServer::with(RedisMake::Redis, &log)?)
            }
            Self::Dynamo => Server::Dynamo(Dynoxide::start()?),
        })
    }
}

impl Server {
    /// A client of the application, with connections of its own.
    pub(crate) fn store(&self, application: &str) -> Result<Arc<dyn LeaseStore>> {
        Ok(match self {
            Self::Memory(server) => Arc::new(server.store(application)),
            Self::Postgres(server) => Arc::new(PostgresStore::new(application, &server.url())?),
            Self::Redis(server) => Arc::new(RedisStore::new(application, &server.url())?),
            Self::Dynamo(server) => {
                let builder = DynamoStore::builder(application);
                Arc::new(builder.client_config(dynamo::config(server.url())).build()?)
            }
        })
    }

    /// How a command finds it; `None` if it is in this process alone.
    pub(crate) fn address(&self) -> Option<Vec<String>> {
        let store = |url: String| Some(vec!["--store".to_owned(), url]);
        match self {
            Self::Memory(_) => None,
            Self::Postgres(server) => store(server.url()),
            Self::Redis(server) => store(server.url()),
            Self::Dynamo(server) => {
                Some(vec!["--dynamodb-endpoint".to_owned(), server.url().to_owned()])
            }
        }
    }

    /// What its processes have used of the processor so far; `None` if it has none of its own.
    pub(crate) fn processor_time(&self) -> Result<Option<Ticks>> {
        Ok(match self {
            Self::Memory(_) => None,
            Self::Postgres(server) => Some(processor_time::of_family(server.process_id()?)?),
            Self::Redis(server) => Some(processor_time::of_family(server.process_id()?)?),
            Self::Dynamo(_) => Some(processor_time::of_thread("dynoxide")?),
        })
    }
}
