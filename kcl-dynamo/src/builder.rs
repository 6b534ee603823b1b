//! Builds a [`DynamoStore`] from its settings, and checks their limits.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::Builder;

use crate::{
    clock::ServerClock,
    connection::{Clients, Connection, Source},
    creation::{Billing, Creation},
    store::DynamoStore,
};

/// A setting that cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSettings {
    /// The name is no valid name of a table. Without `table`, the application's name is used.
    #[error(
        "{0:?} is no name of a DynamoDB table: expected 3 to 255 of the characters \
         a-z A-Z 0-9 _ . - (set another one with `table`)"
    )]
    Table(String),
    /// The application's name has no byte, or more than 255.
    #[error("an application's name of {0} bytes: expected 1 to {max}", max = MAX_APPLICATION)]
    Application(usize),
    /// A number of provisioned units is 0.
    #[error("{read} read and {write} write units: expected at least 1 of each")]
    Units {
        /// Read units per second.
        read: u32,
        /// Write units per second.
        write: u32,
    },
    /// The endpoint does not begin with `http://` or `https://`.
    #[error("{0:?} is no endpoint: expected http://host:port or https://host:port")]
    Endpoint(String),
    /// The operation timeout is shorter than 10 ms.
    #[error("an operation timeout of {0:?}: expected 10 ms or more")]
    Timeout(Duration),
}

/// The longest name of an application, in bytes. The limit of DynamoDB is 2,048 bytes for the
/// partition key, of which the name is a part.
const MAX_APPLICATION: usize = 255;

impl DynamoStore {
    /// Makes a store in the table with the application's name, with region and credentials from the
    /// environment. It sends nothing yet.
    ///
    /// # Errors
    /// The application's name is no valid name of a table.
    pub fn new(application: &str) -> Result<Self, InvalidSettings> {
        Self::builder(application).build()
    }

    /// Starts to build a store of `application`.
    pub fn builder(application: &str) -> DynamoStoreBuilder {
        DynamoStoreBuilder::new(application)
    }
}

/// Builds a [`DynamoStore`].
#[derive(Clone, Debug)]
#[must_use = "a store comes of `build`"]
pub struct DynamoStoreBuilder {
    application: String,
    table: Option<String>,
    source: Source,
    endpoint: Option<String>,
    region: Option<String>,
    timeout: Duration,
    creation: Creation,
}

impl DynamoStoreBuilder {
    fn new(application: &str) -> Self {
        Self {
            application: application.to_owned(),
            table: None,
            source: Source::Environment,
            endpoint: None,
            region: None,
            timeout: Duration::from_secs(5),
            creation: Creation::default(),
        }
    }

    /// Sets the name of the table; the default is the application's name. Several applications may
    /// share one table.
    pub fn table(mut self, name: &str) -> Self {
        self.table = Some(name.to_owned());
        self
    }

    /// Takes region, credentials and endpoint from `config`, but not its HTTP client, retries and
    /// timeouts.
    ///
    /// A credentials provider with connections of its own belongs to the runtime that first used
    /// it: give a configuration that nothing has used yet.
    pub fn sdk_config(self, config: &SdkConfig) -> Self {
        self.client_config(Builder::from(config))
    }

    /// Takes all of a DynamoDB configuration, but not its HTTP client, retries and timeouts.
    pub fn client_config(mut self, config: Builder) -> Self {
        self.source = Source::Config(Box::new(config));
        self
    }

    /// Sets the endpoint of a DynamoDB that is not at AWS, such as `http://127.0.0.1:8000`.
    pub fn endpoint_url(mut self, url: &str) -> Self {
        self.endpoint = Some(url.to_owned());
        self
    }

    /// Sets the region; the default is that of the configuration.
    pub fn region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// Sets the time after which the outcome of an operation without an answer is unknown. The
    /// default is 5 s, the minimum 10 ms.
    pub const fn operation_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets the billing mode of a table that the store creates; the default is on demand.
    pub const fn billing(mut self, billing: Billing) -> Self {
        self.creation.billing = billing;
        self
    }

    /// Adds a tag to a table that the store creates.
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.creation.tags.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Sets whether `prepare` turns on point-in-time recovery; the default is no. If the server
    /// refuses, the store logs a warning and goes on.
    pub const fn point_in_time_recovery(mut self, on: bool) -> Self {
        self.creation.point_in_time_recovery = on;
        self
    }

    /// Sets whether a table that the store creates is protected against deletion; the default is
    /// no.
    pub const fn deletion_protection(mut self, on: bool) -> Self {
        self.creation.deletion_protection = on;
        self
    }

    /// Makes the store. It sends nothing yet.
    ///
    /// # Errors
    /// The first setting that breaks a limit.
    pub fn build(self) -> Result<DynamoStore, InvalidSettings> {
        let length = self.application.len();
        if length == 0 || length > MAX_APPLICATION {
            return Err(InvalidSettings::Application(length));
        }
        let table = self.table.unwrap_or_else(|| self.application.clone());
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        if !(3..=255).contains(&table.len()) || !table.bytes().all(allowed) {
            return Err(InvalidSettings::Table(table.chars().take(256).collect()));
        }
        if let Billing::Provisioned { read, write } = self.creation.billing
            && read.min(write) == 0
        {
            return Err(InvalidSettings::Units { read, write });
        }
        let no_url = |url: &&String| !url.starts_with("http://") && !url.starts_with("https://");
        if let Some(endpoint) = self.endpoint.as_ref().filter(no_url) {
            return Err(InvalidSettings::Endpoint(endpoint.clone()));
        }
        if self.timeout < Duration::from_millis(10) {
            return Err(InvalidSettings::Timeout(self.timeout));
        }
        let connection = Connection {
            source: self.source,
            endpoint: self.endpoint,
            region: self.region,
            timeout: self.timeout,
            clock: ServerClock::default(),
            clients: Clients::default(),
        };
        Ok(DynamoStore::assemble(self.application, table, connection, self.creation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_called_like_its_application_unless_told_otherwise() {
        let by_name = |application: &str, table: Option<&str>| {
            let builder = DynamoStoreBuilder::new(application);
            let builder = table.into_iter().fold(builder, |builder, name| builder.table(name));
            builder.build().map(|store| store.table_name().to_owned())
        };
        assert_eq!(by_name("order-indexer", None).unwrap(), "order-indexer");
        assert_eq!(by_name("orders/eu", Some("kcl-leases")).unwrap(), "kcl-leases");
        for bad in ["ab", "orders/eu", "orders eu", &"x".repeat(256)] {
            let refused = by_name(&bad[..bad.len().min(255)], Some(bad)).unwrap_err().to_string();
            assert!(refused.contains("3 to 255") && refused.contains("`table`"), "{refused}");
        }
        let refused = by_name("", Some("leases")).unwrap_err().to_string();
        assert!(refused.contains("1 to 255"), "{refused}");
    }

    #[test]
    fn numbers_that_cannot_work_are_refused() {
        let store = || DynamoStoreBuilder::new("orders");
        let none = store().billing(Billing::Provisioned { read: 0, write: 5 }).build();
        assert!(none.unwrap_err().to_string().contains("at least 1"));
        let nowhere = store().endpoint_url("localhost:8000").build();
        assert!(nowhere.unwrap_err().to_string().contains("http://host:port"));
        let short = store().operation_timeout(Duration::ZERO).build();
        assert!(short.unwrap_err().to_string().contains("10 ms"));
    }
}
