//! Reads and writes a lease table of another library, on DynamoDB.
//!
//! Reads are consistent, page by page, and slow enough to leave capacity to the fleet that still
//! uses the table. Every write is conditional on the row that was read; 16 writes run at a time.

use std::{sync::Arc, time::Duration};

use aws_config::SdkConfig;
use aws_sdk_dynamodb::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata},
    operation::update_item::UpdateItemError,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
        ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, ScalarAttributeType,
        TableStatus,
    },
};
use kcl_core::env::{Clock, Env};
use tokio::task::JoinSet;

use crate::{
    beside::Beside,
    export::Put,
    item::{Item, Value},
    place::Library,
};

/// The read units that a scan of a table with on-demand capacity uses each second. A choice of this
/// library: a new table on demand serves several times as many.
const ON_DEMAND_UNITS: u64 = 1_000;

/// The most items of one page of a scan.
const PAGE_MAX: u64 = 1_000;

/// How many writes run at the same time.
const WRITES: usize = 16;

/// How long [`Table::create`] waits until a new table is active.
const ACTIVE_WITHIN: Duration = Duration::from_secs(120);

/// A lease table of another library, which may not exist.
#[derive(Clone, Debug)]
pub struct Table {
    client: Client,
    name: String,
    clock: Arc<dyn Clock>,
    /// The read units a second that the user allows; `None`: half of the provisioned ones.
    units: Option<u64>,
}

/// The answer of `DescribeTable`, as far as it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Described {
    /// The attributes of the key: the partition key, then the sort key if there is one.
    keys: Vec<String>,
    /// The provisioned read units a second; 0 if the table has on-demand capacity.
    read_units: u64,
    is_active: bool,
}

/// Why a table could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The table does not exist.
    #[error("there is no table {table}: check its name, and --region")]
    Missing {
        /// The table's name.
        table: String,
    },
    /// The table is no lease table of the library.
    #[error(
        "the table {table} is no lease table of {library}: its key is {} and not {key}{hint}",
        .keys.join(" and ")
    )]
    NoLeaseTable {
        /// The table's name.
        table: String,
        /// The name of the library whose table was expected.
        library: &'static str,
        /// The key that a table of that library has.
        key: &'static str,
        /// The keys that this table has.
        keys: Vec<String>,
        /// A guess at what the table is; may be empty.
        hint: &'static str,
    },
    /// A call of the service failed.
    #[error("{op} of the table {table}: {why}")]
    Service {
        /// The name of the call, like `Scan`.
        op: &'static str,
        /// The table's name.
        table: String,
        /// The code and the message of the error.
        why: String,
    },
    /// Somebody changed a row between its reading and its write.
    #[error(
        "the row {key} of the table {table} changed while it was written: somebody uses the table. \
         Stop the old fleet, and run this again"
    )]
    Changed {
        /// The table's name.
        table: String,
        /// The row's key.
        key: String,
    },
}

impl Table {
    /// The table `name`, with the SDK's configuration; `endpoint` replaces the address of the
    /// service.
    #[must_use]
    pub fn new(sdk: &SdkConfig, endpoint: Option<&str>, name: &str) -> Self {
        let mut config = aws_sdk_dynamodb::config::Builder::from(sdk);
        config.set_endpoint_url(endpoint.map(str::to_owned));
        Self::of(Client::from_conf(config.build()), name)
    }

    /// The table `name`, with this client.
    #[must_use]
    pub fn of(client: Client, name: &str) -> Self {
        Self { client, name: name.to_owned(), clock: Env::system().clock, units: None }
    }

    /// Limits reads to this many read units (4 KB) a second. `None`, the default: half of the
    /// provisioned units, or 1,000 with on-demand capacity.
    #[must_use]
    pub const fn paced(mut self, units: Option<u64>) -> Self {
        self.units = units;
        self
    }

    /// The table's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every item. Each page is a consistent read; the pages are not read at the same time.
    ///
    /// # Errors
    /// The table does not exist, is no lease table of the library, or a call failed.
    pub async fn read(&self, library: Library) -> Result<Vec<Item>, TableError> {
        let described = self.describe().await?;
        let described =
            described.ok_or_else(|| TableError::Missing { table: self.name.clone() })?;
        self.check(library, &described)?;
        self.scan(self.pace(&described)).await
    }

    /// Every item of a table that the Java KCL 3 keeps beside its leases, of this application;
    /// `None`: there is none.
    ///
    /// # Errors
    /// It is no such table; the service's.
    pub async fn read_beside(
        &self,
        beside: Beside,
        application: &str,
    ) -> Result<Option<Vec<Item>>, TableError> {
        let table = Self { name: beside.table(application), ..self.clone() };
        let Some(described) = table.describe().await? else { return Ok(None) };
        if described.keys != [beside.key()] {
            let keys = described.keys.join(" and ");
            let why = format!("its key is {keys} and not {}", beside.key());
            return Err(table.service("DescribeTable", why));
        }
        table.scan(table.pace(&described)).await.map(Some)
    }

    /// How many read units a second it may take. Half of what there is stays with whoever lives on
    /// it.
    fn pace(&self, described: &Described) -> u64 {
        let spare = match described.read_units {
            0 => ON_DEMAND_UNITS,
            provisioned => provisioned / 2,
        };
        self.units.unwrap_or(spare).max(1)
    }

    /// Reads all pages. After each it waits until the consumed units fit the rate.
    async fn scan(&self, units_a_second: u64) -> Result<Vec<Item>, TableError> {
        // About eight leases fill a read unit: a page uses the units of one second at most.
        let limit = i32::try_from((units_a_second * 8).clamp(25, PAGE_MAX)).unwrap_or(i32::MAX);
        let (mut items, mut from) = (Vec::new(), None);
        loop {
            let asked = self.clock.now();
            let scan = self.client.scan().table_name(&self.name).consistent_read(true);
            let scan = scan.limit(limit).return_consumed_capacity(ReturnConsumedCapacity::Total);
            let page = scan.set_exclusive_start_key(from).send().await;
            let page = page.map_err(|error| self.failed("Scan", &error))?;
            let units = page.consumed_capacity().and_then(|it| it.capacity_units());
            items.extend(page.items.unwrap_or_default().into_iter().map(Item::of));
            match page.last_evaluated_key {
                Some(key) if !key.is_empty() => from = Some(key),
                _ => return Ok(items),
            }
            let seconds = units.unwrap_or(0.0).max(0.0) / units_a_second as f64;
            self.clock.sleep_until(asked + Duration::from_secs_f64(seconds.min(60.0))).await;
        }
    }

    /// Fails if the key is not that of the library's tables.
    fn check(&self, library: Library, described: &Described) -> Result<(), TableError> {
        if described.keys == [library.key()] {
            return Ok(());
        }
        let hint = match described.keys.first().map(String::as_str) {
            Some("leaseKey") => ". It looks like one of the Java KCL: dynamodb-kcl:TABLE",
            Some("ShardID") => ". It looks like one of VMware-Go-KCL: dynamodb-vmware:TABLE",
            Some("pk") => ". It looks like one of kcl's own: `kcl leases copy` moves these",
            _ => "",
        };
        Err(TableError::NoLeaseTable {
            table: self.name.clone(),
            library: library.name(),
            key: library.key(),
            keys: described.keys.clone(),
            hint,
        })
    }

    /// Describes the table; `None` if it does not exist.
    async fn describe(&self) -> Result<Option<Described>, TableError> {
        let answer = self.client.describe_table().table_name(&self.name).send().await;
        let table = match answer {
            Ok(answer) => answer.table,
            Err(error) if is(&error, "ResourceNotFoundException") => return Ok(None),
            Err(error) => return Err(self.failed("DescribeTable", &error)),
        };
        Ok(table.map(|table| Described {
            keys: table.key_schema().iter().map(|key| key.attribute_name().to_owned()).collect(),
            read_units: table
                .provisioned_throughput()
                .and_then(|throughput| throughput.read_capacity_units())
                .and_then(|units| u64::try_from(units).ok())
                .unwrap_or(0),
            is_active: table.table_status() == Some(&TableStatus::Active),
        }))
    }

    /// Every item, as by [`Self::read`]; `None` if the table does not exist.
    ///
    /// # Errors
    /// The table is no lease table of the library, or a call failed.
    pub async fn read_if_there(&self, library: Library) -> Result<Option<Vec<Item>>, TableError> {
        match self.read(library).await {
            Ok(items) => Ok(Some(items)),
            Err(TableError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes the table with the key of the library's tables and on-demand capacity, and waits until
    /// it is active. An existing table is left as it is.
    ///
    /// # Errors
    /// A call failed, or the table is not active within two minutes.
    pub async fn create(&self, library: Library) -> Result<(), TableError> {
        let bad = |error| self.failed("CreateTable", &error);
        let key = library.key();
        let attribute = AttributeDefinition::builder()
            .attribute_name(key)
            .attribute_type(ScalarAttributeType::S)
            .build();
        let schema =
            KeySchemaElement::builder().attribute_name(key).key_type(KeyType::Hash).build();
        let create = self.client.create_table().table_name(&self.name);
        let create = create.set_attribute_definitions(Some(attribute.into_iter().collect()));
        let create = create.set_key_schema(Some(schema.into_iter().collect()));
        let made = create.billing_mode(BillingMode::PayPerRequest).send().await;
        if let Err(error) = made
            && !is(&error, "ResourceInUseException")
        {
            return Err(bad(error));
        }
        let until = self.clock.now() + ACTIVE_WITHIN;
        loop {
            if self.describe().await?.is_some_and(|it| it.is_active) {
                return Ok(());
            }
            if self.clock.now() > until {
                let why = "it does not become active".to_owned();
                return Err(self.service("CreateTable", why));
            }
            self.clock.sleep(Duration::from_millis(200)).await;
        }
    }

    /// Writes rows, 16 at a time and in no order. A row that changed since it was read is not
    /// written.
    ///
    /// # Errors
    /// A row changed, or a call failed. Rows that were written stay written: read, plan and write
    /// again to go on.
    ///
    /// # Cancel safety
    /// Calls that are not answered are cancelled; the service may have carried them out.
    pub async fn write(&self, library: Library, puts: Vec<Put>) -> Result<(), TableError> {
        let mut puts = puts.into_iter();
        let mut under_way = JoinSet::new();
        loop {
            while under_way.len() < WRITES
                && let Some(put) = puts.next()
            {
                let table = self.clone();
                under_way.spawn(async move { table.put(library, put).await });
            }
            match under_way.join_next().await {
                Some(Ok(written)) => written?,
                Some(Err(error)) => return Err(self.service("UpdateItem", error.to_string())),
                None => return Ok(()),
            }
        }
    }

    /// Writes one row, on its condition.
    async fn put(&self, library: Library, put: Put) -> Result<(), TableError> {
        let key = library.key();
        let update = self.client.update_item().table_name(&self.name);
        let mut update = update.key(key, AttributeValue::S(put.key.clone()));
        let (mut sets, mut removes, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (name, value)) in put.changes.iter().enumerate() {
            let (at, to) = (format!("#c{number}"), format!(":c{number}"));
            update = update.expression_attribute_names(&at, *name);
            match value.as_ref().and_then(Value::attribute) {
                Some(value) => {
                    update = update.expression_attribute_values(&to, value);
                    sets.push(format!("{at}={to}"));
                }
                None => removes.push(at),
            }
        }
        for (number, (name, value)) in put.seen.iter().enumerate() {
            let (at, was) = (format!("#s{number}"), format!(":s{number}"));
            update = update.expression_attribute_names(&at, *name);
            match value.as_ref().and_then(Value::attribute) {
                Some(value) => {
                    update = update.expression_attribute_values(&was, value);
                    conditions.push(format!("{at}={was}"));
                }
                None => conditions.push(format!("attribute_not_exists({at})")),
            }
        }
        let mut clauses = Vec::new();
        if !sets.is_empty() {
            clauses.push(format!("SET {}", sets.join(",")));
        }
        if !removes.is_empty() {
            clauses.push(format!("REMOVE {}", removes.join(",")));
        }
        let update = update.update_expression(clauses.join(" "));
        let update = update
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let sent = update.condition_expression(conditions.join(" AND ")).send().await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if is(&error, "ConditionalCheckFailedException") => {
                // The SDK may have sent the write twice: then the first one succeeded, and its
                // answer was lost.
                let there = match error.as_service_error() {
                    Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                        Item::of(refused.item.clone().into_iter().flatten())
                    }
                    _ => Item::default(),
                };
                if put.is_done(&there) {
                    return Ok(());
                }
                Err(TableError::Changed { table: self.name.clone(), key: put.key })
            }
            Err(error) => Err(self.failed("UpdateItem", &error)),
        }
    }

    /// The error of a failed call: its code and message if the service answered.
    fn failed<E>(&self, op: &'static str, error: &E) -> TableError
    where
        E: ProvideErrorMetadata + std::error::Error,
    {
        let why = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            (Some(code), None) => code.to_owned(),
            _ => DisplayErrorContext(error).to_string(),
        };
        self.service(op, why)
    }

    fn service(&self, op: &'static str, why: String) -> TableError {
        TableError::Service { op, table: self.name.clone(), why }
    }
}

fn is(error: &impl ProvideErrorMetadata, code: &str) -> bool {
    error.code() == Some(code)
}
