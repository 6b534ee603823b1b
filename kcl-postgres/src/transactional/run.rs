//! Runs each batch of a [`TxProcessor`] in a transaction with its checkpoint.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use kcl_core::{
    env::Env,
    lease::{Checkpoint, Progress},
    processor::{
        LeaseHandle, ProcessorError, ProcessorFactory, RecordBatch, RecordProcessor, Stop,
    },
};
use sqlx::{Connection, postgres::PgConnectOptions};

use super::{
    TxFactory, TxProcessor,
    error::Uncommitted,
    ledger::{Advanced, Ledger, Step},
};
use crate::{PostgresStore, builder::secured, connections::Connections, error::Effect};

/// The default number of transactions at once.
const CONNECTIONS: usize = 10;

/// A processor factory for a worker in transactional mode. [`transactional`] makes it.
pub struct Transactional {
    factory: Box<dyn TxFactory>,
    store: Address,
    options: PgConnectOptions,
    connections: usize,
    ledger: std::sync::OnceLock<Arc<Ledger>>,
}

/// The lease rows of the store, and its operation timeout.
struct Address {
    application: String,
    schema: crate::layout::Schema,
    operation_timeout: std::time::Duration,
}

/// Makes processors that commit their effects and checkpoints together, for a worker with this
/// store.
///
/// The worker's settings must say `progress: transactional`; otherwise the worker is not built.
/// Only these processors then write checkpoints: [`LeaseHandle::checkpoint`] fails.
///
/// ```no_run
/// use async_trait::async_trait;
/// use kcl_core::{
///     processor::{LeaseHandle, ProcessorError, RecordBatch},
///     settings::{ProgressMode, Settings},
///     worker::Worker,
/// };
/// use kcl_memory::MemoryStream;
/// use kcl_postgres::{PostgresStore, TxProcessor, transactional};
/// use sqlx::PgConnection;
///
/// struct CountOrders;
///
/// #[async_trait]
/// impl TxProcessor for CountOrders {
///     async fn process(
///         &mut self,
///         batch: RecordBatch,
///         effects: &mut PgConnection,
///         _lease: &LeaseHandle,
///     ) -> Result<(), ProcessorError> {
///         let orders = i64::try_from(batch.len())?;
///         sqlx::query("update statistics set orders = orders + $1")
///             .bind(orders)
///             .execute(effects)
///             .await?;
///         Ok(())
///     }
/// }
///
/// # async fn run() -> anyhow::Result<()> {
/// let store = PostgresStore::new("order-indexer", "postgres://kcl@db.example.com/orders")?;
/// let processor = transactional(&store, |_: &LeaseHandle| CountOrders);
/// let mut settings = Settings::default();
/// settings.delivery.progress = ProgressMode::Transactional;
/// let worker = Worker::builder(MemoryStream::new("orders", 4), store)
///     .settings(settings)
///     .processor(processor)
///     .build()?;
/// worker.run().await?;
/// # Ok(())
/// # }
/// ```
pub fn transactional(store: &PostgresStore, factory: impl TxFactory) -> Transactional {
    Transactional {
        factory: Box::new(factory),
        store: Address {
            application: store.tables.application.clone(),
            schema: store.tables.schema.clone(),
            operation_timeout: store.tables.connections.operation_timeout(),
        },
        options: store.options.clone(),
        connections: CONNECTIONS,
        ledger: std::sync::OnceLock::new(),
    }
}

impl Transactional {
    /// Sets the most transactions at once, each on its own connection. The default is 10, the
    /// minimum 1. Batches of further leases wait.
    #[must_use]
    pub const fn connections(mut self, most: usize) -> Self {
        self.connections = if most == 0 { 1 } else { most };
        self
    }

    /// Sets the role and the settings of the processors' connections; the default is those of the
    /// store. It must be the same database. The role needs `usage` on the schema of the leases, and
    /// `select` and `update` on its table `lease`.
    #[must_use]
    pub fn connect_options(mut self, options: PgConnectOptions) -> Self {
        self.options = secured(options);
        self
    }

    /// The connections of all processors, made by the first.
    fn ledger(&self) -> Arc<Ledger> {
        let make = || {
            let (options, limit) = (self.options.clone(), self.store.operation_timeout);
            Arc::new(Ledger {
                application: self.store.application.clone(),
                schema: self.store.schema.clone(),
                connections: Connections::new(options, self.connections, limit, None),
            })
        };
        Arc::clone(self.ledger.get_or_init(make))
    }
}

/// Shows no password.
impl fmt::Debug for Transactional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transactional")
            .field("application", &self.store.application)
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

impl ProcessorFactory for Transactional {
    fn create(&self, lease: &LeaseHandle) -> Box<dyn RecordProcessor> {
        Box::new(Run {
            ledger: self.ledger(),
            processor: self.factory.create(lease),
            at: lease.started_at().clone(),
            in_doubt: true,
            broken: false,
        })
    }

    fn commits_checkpoints(&self) -> bool {
        true
    }
}

/// The processor of one lease.
struct Run {
    ledger: Arc<Ledger>,
    processor: Box<dyn TxProcessor>,
    /// The last checkpoint that is known to be committed.
    at: Checkpoint,
    /// Whether the row's checkpoint may be above `at`, because the outcome of a commit is unknown.
    in_doubt: bool,
    /// Whether the user's processor has ended the library's transaction.
    broken: bool,
}

#[async_trait]
impl RecordProcessor for Run {
    async fn start(&mut self, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        self.settle(lease).await?;
        self.processor.start(lease).await
    }

    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        loop {
            if self.broken {
                return Err(Uncommitted::EndedByItself.into());
            }
            if self.in_doubt {
                self.settle(lease).await?;
            }
            let rest = after(&batch, &self.at);
            let done = rest.is_empty() && !batch.is_empty();
            if done || self.commit(rest, lease).await? {
                return Ok(());
            }
        }
    }

    async fn stop(&mut self, reason: Stop, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        self.processor.stop(reason, lease).await
    }
}

impl Run {
    /// Reads the checkpoint from the row, which ends the doubt.
    async fn settle(&mut self, lease: &LeaseHandle) -> Result<(), Uncommitted> {
        let key = || lease.key().clone();
        let Some(stored) = self.ledger.settled(lease).await? else {
            return Err(Uncommitted::NotHeld(key(), self.ledger.connections.address()));
        };
        if !stored.may_follow(&self.at) {
            return Err(Uncommitted::WentBack { key: key(), from: self.at.clone(), to: stored });
        }
        self.at = stored;
        self.in_doubt = false;
        Ok(())
    }

    /// Processes a batch in a transaction and commits it with its checkpoint. False if the outcome
    /// is open: the caller reads the row and goes on from there.
    async fn commit(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<bool, ProcessorError> {
        let last = batch.last();
        let to = last.map_or_else(|| self.at.clone(), |last| last.position.clone().into());
        let mut progress = Progress::NONE;
        progress.arrival = last.and_then(|last| last.arrival);
        progress.lag = batch.millis_behind().map(std::time::Duration::from_millis);
        let mark = format!("{:016x}", Env::system().entropy.next_u64());

        let ledger = Arc::clone(&self.ledger);
        let call = ledger.call(lease.key(), Effect::Writes);
        let mut checked_out =
            ledger.connections.check_out(call).await.map_err(Uncommitted::from)?;
        let era = checked_out.held.era;
        let failed = |error: sqlx::Error| {
            ledger.connections.judge(era, &error);
            Uncommitted::from(call.failed(&error))
        };
        let begin = checked_out.held.connection.begin_with(Ledger::begin(&mark));
        let mut transaction = begin.await.map_err(failed)?;
        if let Err(error) = self.processor.process(batch, &mut transaction, lease).await {
            let marked = Ledger::is_marked(&mut transaction, &mark).await;
            self.broken = matches!(marked, Ok(false));
            if transaction.rollback().await.is_ok() {
                checked_out.look_and_give_back().await;
            }
            return Err(if self.broken { Uncommitted::EndedByItself.into() } else { error });
        }
        let step = Step { from: &self.at, to: &to, progress };
        let advanced = ledger.advance(&mut transaction, lease, &step, &mark).await;
        match advanced.map_err(failed)? {
            Advanced::Yes => {}
            Advanced::Moved => {
                // The statement may have locked the row, which `settle` reads on another
                // connection.
                transaction.rollback().await.map_err(failed)?;
                checked_out.give_back();
                let before = self.at.clone();
                self.settle(lease).await?;
                if self.at == before {
                    return Err(Uncommitted::Withheld(lease.key().clone()).into());
                }
                return Ok(false);
            }
            Advanced::Elsewhere => {
                self.broken = true;
                return Ok(false);
            }
        }
        // From here on the transaction may be committed, even if no answer comes.
        self.in_doubt = true;
        if let Err(error) = transaction.commit().await {
            ledger.connections.judge(era, &error);
            tracing::debug!(lease = %lease.key(), %error, "kcl.commit.in_doubt");
            return Ok(false);
        }
        self.in_doubt = false;
        self.at = to;
        checked_out.give_back();
        Ok(true)
    }
}

/// The records of a batch after `at`.
fn after(batch: &RecordBatch, at: &Checkpoint) -> RecordBatch {
    let Checkpoint::After(at) = at else { return batch.clone() };
    let done = batch.iter().take_while(|record| record.position <= *at).count();
    batch.split_at(done).1
}
