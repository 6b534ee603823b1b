//! Keeps a first start from ignoring the checkpoints of a fleet of another library.
//!
//! Such a fleet leaves its lease table, mostly named after the application. If this application has
//! no leases yet and such a table exists, a start would begin at the initial position, and ignore
//! what that fleet has processed. So the start is refused until the table was imported, or the user
//! says `--fresh`.

use std::time::Duration;

use anyhow::{Context, bail};
use aws_sdk_dynamodb::{
    error::ProvideErrorMetadata, operation::describe_table::DescribeTableError, types::KeyType,
};
use kcl_core::{
    env::Env,
    lease::{Changing, DocName},
    store::{LeaseStore, LeaseStoreExt, StoreError, StoreErrorKind},
};
use kcl_migrate::{Library, Place, was_imported};

use crate::{config::Config, connect, report, store_url::StoreUrl};

/// The interval between two reads of an application that is being imported.
const LOOK: Duration = Duration::from_millis(250);

/// The pause after a call of the store that failed, and that a retry may mend.
const PAUSE: Duration = Duration::from_secs(1);

/// Checks that the worker may start. It waits while the table is being imported.
///
/// # Errors
/// A table of another library exists and was not imported. The message names the command.
pub(super) async fn check(
    table: Option<&str>,
    url: &StoreUrl,
    store: &dyn LeaseStore,
    config: &Config,
) -> anyhow::Result<()> {
    let application = config.application()?;
    let table = table.unwrap_or(application);
    let is_ours = match url {
        StoreUrl::Dynamo { table: ours } => ours.as_deref().unwrap_or(application) == table,
        _ => false,
    };
    if is_ours {
        // The DynamoDB store refuses a table of another library itself.
        return Ok(());
    }
    let clock = Env::system().clock;
    let mut waits = false;
    loop {
        match standing(store, table).await.with_context(|| store.location())? {
            Standing::Unknown(error) => {
                // A worker that runs waits for its store in the same way.
                let error = format!("{:#}", anyhow::Error::new(error));
                tracing::warn!(error, "kcl.multilang.waits_for_store");
                clock.sleep(PAUSE).await;
            }
            Standing::Begun => return Ok(()),
            Standing::Closed(by) => {
                if !std::mem::replace(&mut waits, true) {
                    tracing::warn!(by, "kcl.multilang.waits_for_import");
                }
                clock.sleep(LOOK).await;
            }
            Standing::New => {
                let Some(library) = library_of(config, table).await? else { return Ok(()) };
                let stream = config.stream()?;
                bail!(
                    "the application {application} begins anew in {url}, but there is a lease \
                     table {table} of {name}, which was not imported: what that fleet has \
                     processed would not be known, and reading would begin at {start}. To import \
                     it:\n  kcl import --from {place} --app {application} --stream {stream} \
                     --store {url}\nor say that a fresh beginning is meant: --fresh \
                     (KCL_MULTILANG_FRESH=true under a launcher)",
                    name = library.name(),
                    place = Place::Table { library, name: table.to_owned() },
                    start = config.coordination.initial_position,
                );
            }
        }
    }
}

/// The state of the application in its store.
enum Standing {
    /// The store failed, and a retry may help.
    Unknown(StoreError),
    /// The application has leases, or the table was imported.
    Begun,
    /// A command has closed the application, for example to import the table. The text names it.
    Closed(String),
    /// The store has nothing of the application.
    New,
}

/// The state of the application, as [`look`] reads it; a failure that a retry may mend is a state.
async fn standing(store: &dyn LeaseStore, table: &str) -> anyhow::Result<Standing> {
    match look(store, table).await {
        Ok(found) => found,
        Err(error) if error.is_retryable() => Ok(Standing::Unknown(error)),
        Err(error) => Err(error.into()),
    }
}

/// Reads the state. The outer error is the store's; the inner one means that a row cannot be
/// decoded.
async fn look(store: &dyn LeaseStore, table: &str) -> Result<anyhow::Result<Standing>, StoreError> {
    match present(was_imported(store, table).await)? {
        Some(Ok(Some(_))) => return Ok(Ok(Standing::Begun)),
        Some(Err(unreadable)) => return Ok(Err(unreadable.into())),
        Some(Ok(None)) | None => {}
    }
    if let Some(document) = present(store.doc(&DocName::changing()).await)?.flatten() {
        let read = Changing::decode(&document.body)
            .context("the document changing makes no sense; a later version may have written it");
        match read {
            Ok(changing) if changing.is_closed() => return Ok(Ok(Standing::Closed(changing.by))),
            Ok(_) => {}
            Err(unreadable) => return Ok(Err(unreadable)),
        }
    }
    let leases = present(store.all_leases().await)?.unwrap_or_default();
    let begun = leases.iter().any(|lease| lease.key.shard().is_some());
    Ok(Ok(if begun { Standing::Begun } else { Standing::New }))
}

/// The answer of a read; `None` if the store's table does not exist yet.
fn present<T>(found: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind == StoreErrorKind::Missing => Ok(None),
        Err(error) => Err(error),
    }
}

/// The library whose lease table this is; `None` if there is no such table, or it is no lease
/// table.
async fn library_of(config: &Config, table: &str) -> anyhow::Result<Option<Library>> {
    let client = connect::tables(config).await?;
    let described = match client.describe_table().table_name(table).send().await {
        Ok(described) => described,
        Err(error) => {
            if error
                .as_service_error()
                .is_some_and(DescribeTableError::is_resource_not_found_exception)
            {
                return Ok(None);
            }
            let why = match error.as_service_error() {
                Some(said) => {
                    [said.code(), said.message()].map(Option::unwrap_or_default).join(": ")
                }
                None => kcl_core::explain(&error),
            };
            bail!(
                "whether an old fleet has left a lease table {table} cannot be told: {why}\nallow \
                 dynamodb:DescribeTable, or say that a fresh beginning is meant: --fresh \
                 (KCL_MULTILANG_FRESH=true under a launcher)"
            );
        }
    };
    let keys = described.table.and_then(|table| table.key_schema).unwrap_or_default();
    let hash = keys.iter().find(|key| key.key_type == KeyType::Hash);
    let is_of = |library: &Library| hash.is_some_and(|hash| hash.attribute_name == library.key());
    let library = [Library::Kcl, Library::Vmware].into_iter().find(is_of);
    if library.is_none() {
        report::progress(&format!("there is a table {table}, which is no lease table of a KCL"));
    }
    Ok(library)
}
