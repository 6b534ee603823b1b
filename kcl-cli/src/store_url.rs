//! Which lease store, as one text: `dynamodb`, `dynamodb://TABLE`, `memory:`.

use std::{fmt, str::FromStr, sync::Arc};

use anyhow::bail;
use kcl_core::store::LeaseStore;
use kcl_memory::MemoryStore;

use crate::{config::Config, connect};

/// Which lease store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    /// A DynamoDB table; without a name it is called like the application.
    Dynamo {
        /// Its name.
        table: Option<String>,
    },
    /// This process's memory: gone with it, and nobody else's.
    Memory,
}

/// A text that names no lease store.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} names no lease store: expected dynamodb, dynamodb://TABLE or memory:")]
pub(crate) struct UnknownStore(String);

impl FromStr for StoreUrl {
    type Err = UnknownStore;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let name = rest.trim_start_matches('/').trim_end_matches('/');
        match scheme {
            "dynamodb" if name.is_empty() => Ok(Self::Dynamo { table: None }),
            "dynamodb" if !name.contains('/') => Ok(Self::Dynamo { table: Some(name.to_owned()) }),
            "memory" if name.is_empty() => Ok(Self::Memory),
            _ => Err(UnknownStore(without_password(text))),
        }
    }
}

/// The text without what stands before an `@`: it may be a password.
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
            Self::Memory => f.write_str("memory:"),
        }
    }
}

impl StoreUrl {
    /// The store that the settings name: DynamoDB unless they say otherwise.
    ///
    /// # Errors
    /// They name none that exists.
    pub(crate) fn of(config: &Config) -> Result<Self, UnknownStore> {
        config.store.as_deref().unwrap_or("dynamodb").parse()
    }

    /// The store. Nothing is sent yet.
    ///
    /// # Errors
    /// A setting is missing or cannot work.
    pub(crate) fn open(&self, config: &Config) -> anyhow::Result<Arc<dyn LeaseStore>> {
        Ok(match self {
            Self::Dynamo { table } => Arc::new(connect::lease_table(config, table.as_deref())?),
            Self::Memory => Arc::new(MemoryStore::new(config.application()?)),
        })
    }

    /// The store, for a command that looks at what others put there.
    ///
    /// # Errors
    /// As [`Self::open`], and a store that nobody shares.
    pub(crate) fn open_shared(&self, config: &Config) -> anyhow::Result<Arc<dyn LeaseStore>> {
        if *self == Self::Memory {
            bail!(
                "the store memory: is inside the one process that uses it, and cannot be looked \
                 at from another: give --store dynamodb or dynamodb://TABLE"
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
        assert_eq!(named("memory:").unwrap(), "memory:");
        assert_eq!(named("memory").unwrap(), "memory:");
    }

    #[test]
    fn what_names_no_store_is_refused_without_its_password() {
        let refused = |text: &str| text.parse::<StoreUrl>().unwrap_err().to_string();
        assert!(refused("dynamo").contains("dynamodb://TABLE"));
        let secret = refused("mysql://admin:hunter2@db/leases");
        assert!(secret.contains("mysql") && !secret.contains("hunter2"), "{secret}");
    }
}
