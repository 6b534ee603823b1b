//! Parses and opens the address of a lease store, like `dynamodb://TABLE` or `postgres://…`.
//!
//! An address may contain a password. `Display` and `Debug` leave it out.

use std::{fmt, str::FromStr, sync::Arc};

use anyhow::bail;
use kcl_core::store::LeaseStore;
use kcl_memory::MemoryStore;
use kcl_postgres::PostgresStore;
use kcl_redis::RedisStore;

use crate::{config::Config, connect};

/// The address of a lease store.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreUrl {
    /// A DynamoDB table.
    Dynamo {
        /// The table's name; `None` means the application's name.
        table: Option<String>,
    },
    /// A PostgreSQL database.
    Postgres {
        /// The whole address, as the user wrote it.
        url: String,
    },
    /// A Redis or Valkey server, or a cluster of them.
    Redis {
        /// The whole address, as the user wrote it.
        url: String,
    },
    /// The memory of this process. No other process sees it, and it ends with this one.
    Memory,
}

/// A text names no lease store. Holds the text without a password.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} names no lease store: expected dynamodb, dynamodb://TABLE, \
     postgres://user@host/database, redis://host:port (for a cluster, one of its nodes; rediss:// \
     with TLS; valkey:// is the same) or memory:"
)]
pub struct UnknownStore(String);

impl FromStr for StoreUrl {
    type Err = UnknownStore;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let name = rest.trim_start_matches('/').trim_end_matches('/');
        let url = || text.to_owned();
        match scheme {
            "dynamodb" if name.is_empty() => Ok(Self::Dynamo { table: None }),
            "dynamodb" if !name.contains('/') => Ok(Self::Dynamo { table: Some(name.to_owned()) }),
            "postgres" | "postgresql" if !name.is_empty() => Ok(Self::Postgres { url: url() }),
            "redis" | "rediss" | "valkey" | "valkeys" if !name.is_empty() => {
                Ok(Self::Redis { url: url() })
            }
            "memory" if name.is_empty() => Ok(Self::Memory),
            _ => Err(UnknownStore(without_password(text))),
        }
    }
}

/// The address without user and password: everything between `://` and the last `@`.
fn without_password(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => {
            format!("{}://…{}", &text[..scheme], &text[at..])
        }
        _ => text.to_owned(),
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dynamo { table: None } => f.write_str("dynamodb"),
            Self::Dynamo { table: Some(table) } => write!(f, "dynamodb://{table}"),
            Self::Postgres { url } | Self::Redis { url } => f.write_str(&without_password(url)),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

impl StoreUrl {
    /// The address in the settings; that of DynamoDB if they have none.
    ///
    /// # Errors
    /// The text names no lease store.
    pub(crate) fn of(config: &Config) -> Result<Self, UnknownStore> {
        config.store.as_deref().unwrap_or("dynamodb").parse()
    }

    /// Makes the store. It connects at the first call, not here.
    ///
    /// # Errors
    /// A setting is missing or invalid.
    pub(crate) fn open(&self, config: &Config) -> anyhow::Result<Arc<dyn LeaseStore>> {
        Ok(match self {
            Self::Dynamo { table } => Arc::new(connect::lease_table(config, table.as_deref())?),
            Self::Postgres { url } => Arc::new(PostgresStore::new(config.application()?, url)?),
            Self::Redis { url } => Arc::new(RedisStore::new(config.application()?, url)?),
            Self::Memory => Arc::new(MemoryStore::new(config.application()?)),
        })
    }

    /// Makes the store for a command that reads what workers have written there.
    ///
    /// # Errors
    /// As [`Self::open`]; or the store is the memory of this process, which no worker shares.
    pub(crate) fn open_shared(&self, config: &Config) -> anyhow::Result<Arc<dyn LeaseStore>> {
        if *self == Self::Memory {
            bail!(
                "the store memory: is inside the one process that uses it, and cannot be looked \
                 at from another: give --store dynamodb, postgres://… or redis://…"
            );
        }
        self.open(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_named_by_scheme() {
        let named = |text: &str| text.parse::<StoreUrl>().map(|url| url.to_string());
        assert_eq!(named("dynamodb").unwrap(), "dynamodb");
        assert_eq!(named("dynamodb://").unwrap(), "dynamodb");
        assert_eq!(named("dynamodb://leases").unwrap(), "dynamodb://leases");
        assert_eq!(named("postgres://db/orders").unwrap(), "postgres://db/orders");
        assert_eq!(named("valkey://cache:6379").unwrap(), "valkey://cache:6379");
        assert_eq!(named("memory:").unwrap(), "memory:");
        assert_eq!(named("memory").unwrap(), "memory:");
    }

    #[test]
    fn what_names_no_store_is_refused_without_its_password() {
        let refused = |text: &str| text.parse::<StoreUrl>().unwrap_err().to_string();
        assert!(refused("dynamo").contains("dynamodb://TABLE"));
        assert!(refused("postgres:").contains("postgres://user@host/database"));
        let secret = refused("mysql://admin:hunter2@db/leases");
        assert!(secret.contains("mysql") && !secret.contains("hunter2"), "{secret}");
    }

    #[test]
    fn no_password_is_shown() {
        for text in ["postgres://kcl:hunter2@db/orders", "rediss://:hunter2@cache:6379"] {
            let url: StoreUrl = text.parse().unwrap();
            assert!(!format!("{url} {url:?}").contains("hunter2"));
        }
    }
}
