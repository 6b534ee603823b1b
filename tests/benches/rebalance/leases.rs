//! The servers that keep the fleets' leases.

use std::sync::Arc;

use anyhow::{Context, Result};
use kcl_core::store::LeaseStore;
use kcl_dynamo::DynamoStore;
use kcl_postgres::PostgresStore;
use kcl_redis::RedisStore;
use kcl_tests::{
    dynamo,
    fleet::{Fleet, Launch},
    servers::{Counted, Dynoxide, Postgres, RedisMake, RedisServer},
};

/// The lease table in DynamoDB, which exists before anybody starts.
const TABLE: &str = "bench-leases";

/// Which lease store is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum StoreKind {
    #[default]
    DynamoDb,
    Postgres,
    Redis,
}

impl StoreKind {
    pub(crate) fn named(name: &str) -> Result<Self> {
        match name {
            "dynamodb" => Ok(Self::DynamoDb),
            "postgres" => Ok(Self::Postgres),
            "redis" => Ok(Self::Redis),
            _ => Err(anyhow::anyhow!("{name}: expected dynamodb, postgres or redis")),
        }
    }
}

/// A server that keeps leases.
pub(crate) enum LeaseServer {
    /// Every request is counted.
    DynamoDb {
        counted: Counted,
        _server: Dynoxide,
    },
    Postgres(Postgres),
    Redis(RedisServer),
}

impl LeaseServer {
    /// Starts one, and prepares it as the first worker of an application would.
    pub(crate) async fn start(kind: StoreKind) -> Result<Self> {
        let server = match kind {
            StoreKind::DynamoDb => {
                let server = Dynoxide::start()?;
                Self::DynamoDb { counted: Counted::before(server.url())?, _server: server }
            }
            StoreKind::Postgres => Self::Postgres(Postgres::start()?),
            StoreKind::Redis => Self::Redis(RedisServer::start(RedisMake::Redis)?),
        };
        server.store("bench", Some(TABLE))?.prepare().await?;
        Ok(server)
    }

    /// Requests to DynamoDB.
    pub(crate) fn counted(&self) -> Result<&Counted> {
        match self {
            Self::DynamoDb { counted, .. } => Ok(counted),
            Self::Postgres(_) | Self::Redis(_) => None.context("only DynamoDB's units are counted"),
        }
    }

    /// A fleet that keeps its leases here; in DynamoDB `bare` has a table that nobody made yet.
    pub(crate) fn fleet(&self, mut launch: Launch, bare: bool) -> Result<Fleet> {
        launch.table = (!bare).then(|| TABLE.to_owned());
        match self {
            Self::DynamoDb { counted, .. } => counted.url().clone_into(&mut launch.dynamodb),
            Self::Postgres(server) => launch.other_store = Some(server.url()),
            Self::Redis(server) => launch.other_store = Some(server.url()),
        }
        let store = self.store(&launch.application, launch.table.as_deref())?;
        Fleet::watched_in(launch, store)
    }

    fn store(&self, application: &str, table: Option<&str>) -> Result<Arc<dyn LeaseStore>> {
        Ok(match self {
            Self::DynamoDb { counted, .. } => {
                let builder = DynamoStore::builder(application);
                let builder = table.into_iter().fold(builder, |builder, name| builder.table(name));
                Arc::new(builder.client_config(dynamo::config(counted.url())).build()?)
            }
            Self::Postgres(server) => Arc::new(PostgresStore::new(application, &server.url())?),
            Self::Redis(server) => Arc::new(RedisStore::new(application, &server.url())?),
        })
    }
}
