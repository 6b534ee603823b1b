//! Recording what several clients do to one row at once.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinSet;

use super::{
    Failure,
    command::{Command, Row, RowKey},
    draw::Drawer,
    linear::{Event, Seen},
};
use crate::{
    lease::Write,
    store::{Consistency, LeaseStore, LeaseStoreExt, StoreErrorKind, StoreResult},
};

/// What the clients of a history do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// Calls of each client.
    pub(super) calls: usize,
    /// Of how many calls one is dropped half way; zero: none.
    pub(super) drops_one_in: u64,
}

/// A history being recorded.
struct Recorder {
    clock: AtomicU64,
    events: Mutex<Vec<Event>>,
}

/// Lets `clients` loose on the row `key`, each drawing its commands from a drawer of its own.
pub(super) async fn record(
    clients: &[Arc<dyn LeaseStore>],
    drawers: Vec<Drawer>,
    key: &RowKey,
    habits: Habits,
) -> Result<Vec<Event>, Failure> {
    let recorder = Arc::new(Recorder { clock: AtomicU64::new(0), events: Mutex::default() });
    let mut tasks = JoinSet::new();
    for (store, drawer) in clients.iter().cloned().zip(drawers) {
        let client = Client { store, drawer, key: key.clone(), habits, believed: None };
        tasks.spawn(client.run(recorder.clone()));
    }
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let mut events = recorder.events.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(std::mem::take(&mut *events))
}

struct Client {
    store: Arc<dyn LeaseStore>,
    drawer: Drawer,
    key: RowKey,
    habits: Habits,
    /// The row as this client last saw it.
    believed: Option<Row>,
}

impl Client {
    async fn run(mut self, recorder: Arc<Recorder>) -> Result<(), Failure> {
        for _ in 0..self.habits.calls {
            let reads = self.drawer.once_in(5);
            let command = (!reads).then(|| self.drawer.command(&self.key, self.believed.as_ref()));
            let called = recorder.tick();
            let seen = self.call(command.as_ref()).await?;
            let answered = recorder.tick();
            match &seen {
                Some(Seen::Done(row)) => self.believed = Some(row.clone()),
                Some(Seen::Refused(row) | Seen::Row(row)) => self.believed.clone_from(row),
                Some(Seen::Acknowledged | Seen::Unknown) | None => {}
            }
            if let Some(seen) = seen {
                recorder.keep(Event { command, seen, called, answered });
            }
        }
        Ok(())
    }

    /// What came of a call; `None` if it surely did nothing.
    async fn call(&mut self, command: Option<&Command>) -> Result<Option<Seen>, Failure> {
        let patience = self.patience();
        let lists = self.drawer.once_in(3);
        let (store, key) = (self.store.as_ref(), &self.key);
        let call = async {
            match command {
                Some(command) => Ok(match command.send(store).await? {
                    Some(Write::Done(row)) => Seen::Done(row),
                    Some(Write::Refused(row)) => Seen::Refused(row),
                    None => Seen::Acknowledged,
                }),
                None if lists => listed(store, key).await.map(Seen::Row),
                None => key.read(store).await.map(Seen::Row),
            }
        };
        let unanswered = command.map(|_| Seen::Unknown);
        let Some(answer) = within(patience, call).await else { return Ok(unanswered) };
        match answer {
            Ok(seen) => Ok(Some(seen)),
            Err(error) => match error.kind {
                StoreErrorKind::Unknown => Ok(unanswered),
                StoreErrorKind::Unavailable | StoreErrorKind::Throttled => Ok(None),
                _ => Err(error.into()),
            },
        }
    }

    /// How long this call is waited for; `None`: to its end.
    fn patience(&mut self) -> Option<Duration> {
        let drops = self.habits.drops_one_in;
        let drop = drops > 0 && self.drawer.once_in(drops);
        drop.then(|| Duration::from_micros(self.drawer.below(2_000)))
    }
}

/// The answer of `call`, unless it is dropped before.
#[expect(clippy::disallowed_methods, reason = "real calls are dropped, after real time")]
async fn within<T>(
    patience: Option<Duration>,
    call: impl Future<Output = StoreResult<T>>,
) -> Option<StoreResult<T>> {
    match patience {
        Some(patience) => tokio::time::timeout(patience, call).await.ok(),
        None => Some(call.await),
    }
}

/// The row as a listing shows it.
async fn listed(store: &dyn LeaseStore, key: &RowKey) -> StoreResult<Option<Row>> {
    Ok(match key {
        RowKey::Session(id) => {
            let all = store.all_sessions(Consistency::Strong).await?;
            all.into_iter().find(|session| session.id == *id).map(Row::from)
        }
        RowKey::Lease(key) => {
            let all = store.all_leases().await?;
            all.into_iter().find(|lease| lease.key == *key).map(Row::from)
        }
        RowKey::Doc(name) => {
            let all = store.all_docs().await?;
            all.into_iter().find(|doc| doc.name == *name).map(Row::from)
        }
    })
}

impl Recorder {
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn keep(&self, event: Event) {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }
}
