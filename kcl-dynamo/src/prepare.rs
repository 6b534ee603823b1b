//! Prepares the table: creates it if it is missing, waits until it is active, and checks its
//! layout.
//!
//! A worker prepares at its start, and again when a call finds the table missing. If everything is
//! in place, that costs one consistent read of the layout item.
//!
//! ```text
//! read the layout item -+- found -------- check its version: done
//!       ^               +- no item ------ write it ------------------+
//!       |               +- no table ----- create it, or wait for it -+
//!       |               +- other keys --- fail                       |
//!       +------------------------------------------------------------+
//! ```
//!
//! Several workers may prepare at once: a table that another worker creates, or a layout item that
//! another worker has written first, is no error.

use std::{sync::PoisonError, time::Duration};

use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::SdkError,
    operation::{describe_table::DescribeTableError, get_item::GetItemError},
    types::{AttributeValue, KeySchemaElement, TableDescription, TableStatus},
};
use kcl_core::{
    env::Env,
    lease::Generation,
    store::{StoreError, StoreErrorKind, StoreResult},
};

use crate::{
    creation::Creation,
    error::{Call, Effect, ServiceFault, code},
    layout::{self, Item, LIFE, MARKER, PK, SK, VERSION_ATTRIBUTE},
    send_probe::SendProbe,
    table::Table,
};

/// The time that a table has to become active after it was created. `prepare` fails then.
const PATIENCE: Duration = Duration::from_secs(180);
/// The first pause between two checks; each further pause is twice as long.
pub(crate) const FIRST_WAIT: Duration = Duration::from_millis(50);
/// The longest pause between two checks of the table.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
pub(crate) const OP: &str = "prepare";

/// The reason for which the layout item could not be read.
enum Obstacle {
    /// The table does not exist, or is not active yet.
    NoTable,
    /// The table has other keys: it belongs to another program.
    OtherKeys,
    /// The read failed for another reason.
    Failed(StoreError),
}

impl Table {
    /// Creates the table if it is missing, waits until it is active, writes the layout item if it
    /// is missing, and checks the layout's version.
    pub(crate) async fn prepare(&self, creation: &Creation) -> StoreResult<()> {
        let clock = Env::system().clock;
        let deadline = clock.now() + PATIENCE;
        let mut wait = FIRST_WAIT;
        loop {
            match self.layout().await {
                Ok(Some(version)) => {
                    self.check_layout(version)?;
                    break;
                }
                // Then reads again: another worker may have written its layout item first.
                Ok(None) => self.mark().await?,
                Err(Obstacle::Failed(error)) => return Err(error),
                Err(Obstacle::OtherKeys) => return Err(self.foreign().await),
                Err(Obstacle::NoTable) => {
                    if clock.now() >= deadline {
                        let why = format!("the table was not usable after {PATIENCE:?}");
                        return Err(self.not_prepared(StoreErrorKind::Unavailable, why));
                    }
                    self.ensure_table(creation).await?;
                    clock.sleep(wait).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
        if creation.point_in_time_recovery {
            self.protect().await;
        }
        Ok(())
    }

    /// Makes an error of `prepare` about the table.
    pub(crate) fn not_prepared(&self, kind: StoreErrorKind, why: String) -> StoreError {
        self.call(OP, "", Effect::Reads).error(kind, why)
    }

    /// Makes the error of a failed request of `prepare`. These requests have no [`SendProbe`], so a
    /// write without an answer may have been applied.
    pub(crate) fn failed<E: ServiceFault>(
        &self,
        effect: Effect,
        error: &SdkError<E, HttpResponse>,
    ) -> StoreError {
        let probe = SendProbe::unwatched();
        Call { probe, ..self.call(OP, "", effect) }.failed(error)
    }

    /// Reads the layout item: notes the table's life and returns the layout's version. `None` if
    /// the table has no layout item.
    async fn layout(&self) -> Result<Option<u64>, Obstacle> {
        let call = self.call(OP, "", Effect::Reads);
        let client = self.connection.client().await;
        let sent = client
            .get_item()
            .table_name(&self.name)
            .set_key(Some(marker()))
            .consistent_read(true)
            .customize()
            .interceptor(call.probe.clone())
            .send()
            .await;
        let Some(item) = sent.map_err(|error| obstacle(&call, &error))?.item else {
            return Ok(None);
        };
        self.learn_life(&item);
        let version = version_of(&item).ok_or_else(|| {
            let why = format!("attribute {VERSION_ATTRIBUTE:?} of the layout is no number");
            Obstacle::Failed(call.error(StoreErrorKind::Corrupt, why))
        })?;
        Ok(Some(version))
    }

    /// Notes the life of the table from its layout item.
    fn learn_life(&self, marker: &Item) {
        let life = match marker.get(LIFE) {
            Some(AttributeValue::S(life)) => Generation::new(life),
            _ => Generation::default(),
        };
        *self.life.lock().unwrap_or_else(PoisonError::into_inner) = life;
    }

    /// Reads the life of the table again, after a beat has found no session: the table may have
    /// been deleted and created again. A table without a layout item is not ready yet, and counts
    /// as missing.
    pub(crate) async fn look_at_life(&self) -> StoreResult<()> {
        match self.layout().await {
            Ok(Some(_)) => Ok(()),
            Err(Obstacle::Failed(error)) => Err(error),
            Ok(None) | Err(Obstacle::NoTable) => {
                let why = format!("table {} is gone: `prepare` makes it anew", self.name);
                Err(self.not_prepared(StoreErrorKind::Missing, why))
            }
            Err(Obstacle::OtherKeys) => Err(self.foreign().await),
        }
    }

    /// Accepts the layout version of this release and the one before.
    fn check_layout(&self, version: u64) -> StoreResult<()> {
        if version == layout::VERSION || version + 1 == layout::VERSION {
            return Ok(());
        }
        let why = format!(
            "the table has layout version {version}, this release knows {} and the one before: \
             use a release that knows it, or another table",
            layout::VERSION
        );
        Err(self.not_prepared(StoreErrorKind::Misconfigured, why))
    }

    /// Writes the layout item, unless another worker has written it.
    async fn mark(&self) -> StoreResult<()> {
        let sent = self
            .connection
            .client()
            .await
            .put_item()
            .table_name(&self.name)
            .set_item(Some(marker()))
            .item(VERSION_ATTRIBUTE, AttributeValue::N(layout::VERSION.to_string()))
            .item(LIFE, AttributeValue::S(new_life()))
            .condition_expression("attribute_not_exists(pk)")
            .send()
            .await;
        match sent {
            Ok(_) => Ok(()),
            Err(error) if code(&error) == Some("ConditionalCheckFailedException") => Ok(()),
            Err(error) => Err(self.failed(Effect::Writes, &error)),
        }
    }

    /// Creates the table if it does not exist. Fails if its state needs an operator.
    async fn ensure_table(&self, creation: &Creation) -> StoreResult<()> {
        match self.describe().await? {
            None => self.create_table(creation).await,
            Some(table) => match table.table_status {
                Some(TableStatus::Archived | TableStatus::Archiving) => {
                    let why = "the table is archived: restore it, or use another one".to_owned();
                    Err(self.not_prepared(StoreErrorKind::Misconfigured, why))
                }
                Some(TableStatus::InaccessibleEncryptionCredentials) => {
                    let why = "the table's encryption key cannot be used".to_owned();
                    Err(self.not_prepared(StoreErrorKind::Denied, why))
                }
                status => {
                    tracing::info!(table = self.name, ?status, "waiting for the lease table");
                    Ok(())
                }
            },
        }
    }

    /// Describes the table; `None` if it does not exist.
    async fn describe(&self) -> StoreResult<Option<TableDescription>> {
        let client = self.connection.client().await;
        match client.describe_table().table_name(&self.name).send().await {
            Ok(output) => Ok(output.table),
            Err(SdkError::ServiceError(answer))
                if matches!(answer.err(), DescribeTableError::ResourceNotFoundException(_)) =>
            {
                Ok(None)
            }
            Err(error) => Err(self.failed(Effect::Reads, &error)),
        }
    }

    /// Requests the table. Returns before the table is active.
    async fn create_table(&self, creation: &Creation) -> StoreResult<()> {
        tracing::info!(table = self.name, "creating the lease table");
        let request = self.connection.client().await.create_table().table_name(&self.name);
        let request = creation.apply(request).map_err(|bad| {
            self.not_prepared(
                StoreErrorKind::Misconfigured,
                format!("the table cannot be described: {bad}"),
            )
        })?;
        match request.send().await {
            Ok(_) => Ok(()),
            // Another worker creates the table.
            Err(error) if code(&error) == Some("ResourceInUseException") => Ok(()),
            Err(error) => Err(self.failed(Effect::Writes, &error)),
        }
    }

    /// The error of a table that belongs to another program.
    async fn foreign(&self) -> StoreError {
        let found = match self.describe().await {
            Ok(Some(table)) => keys_of(&table),
            Ok(None) => "none".to_owned(),
            Err(error) => return error,
        };
        let java = if found.contains("leaseKey") { " of the Java KCL" } else { "" };
        let why = format!(
            "it is a table{java} with the keys {found}; expected {PK} (HASH, S), {SK} (RANGE, S): \
             choose another table name with `table`, this one is left alone"
        );
        self.not_prepared(StoreErrorKind::Misconfigured, why)
    }
}

/// The keys of the layout item.
fn marker() -> Item {
    [(PK, MARKER.0), (SK, MARKER.1)]
        .map(|(name, value)| (name.to_owned(), AttributeValue::S(value.to_owned())))
        .into()
}

/// Classifies a failed read of the layout item. DynamoDB answers a read with other keys than the
/// table's with a `ValidationException`.
fn obstacle(call: &Call<'_>, error: &SdkError<GetItemError, HttpResponse>) -> Obstacle {
    match code(error) {
        Some("ResourceNotFoundException") => Obstacle::NoTable,
        Some("ValidationException") => Obstacle::OtherKeys,
        _ => Obstacle::Failed(call.failed(error)),
    }
}

/// A new random text for a table: 128 bits.
fn new_life() -> String {
    let entropy = Env::system().entropy;
    format!("{:016x}{:016x}", entropy.next_u64(), entropy.next_u64())
}

/// The version in a layout item; `None` if the attribute is missing or is no number.
fn version_of(item: &Item) -> Option<u64> {
    match item.get(VERSION_ATTRIBUTE)? {
        AttributeValue::N(digits) => digits.parse().ok(),
        _ => None,
    }
}

/// The keys of a table as text, such as `leaseKey (HASH, S)`.
fn keys_of(table: &TableDescription) -> String {
    let describe = |key: &KeySchemaElement| {
        let name = key.attribute_name();
        let mut attributes = table.attribute_definitions().iter();
        let attribute = attributes.find(|attribute| attribute.attribute_name() == name);
        let kind = attribute.map_or("?", |attribute| attribute.attribute_type().as_str());
        format!("{name} ({}, {kind})", key.key_type().as_str())
    };
    table.key_schema().iter().map(describe).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
