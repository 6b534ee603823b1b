//! Lets several clients write and read one row at once, and records every call with its answer.
//!
//! [`super::linear`] then searches for an order of the calls that explains the answers. A call
//! whose effect is unknown is recorded as such: it was dropped half way, or the store said so. A
//! call that certainly had no effect is left out.

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

/// The behaviour of the clients of a history.
#[derive(Clone, Copy, Debug)]
pub(super) struct Habits {
    /// The number of calls of each client.
    pub(super) calls: usize,
    /// One in so many calls is dropped half way; 0 drops none.
    pub(super) drops_one_in: u64,
}

/// The calls recorded so far. All clients share it.
struct Recorder {
    /// A logical clock: each start and each answer of a call takes the next number, so that the
    /// numbers show which calls overlapped.
    clock: AtomicU64,
    events: Mutex<Vec<Event>>,
}

/// Lets all `clients` call the store on the row `key` at once, each with commands from its own
/// drawer, and returns the recorded calls.
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

/// One client of a history, with the row as it believes it to be.
struct Client {
    store: Arc<dyn LeaseStore>,
    drawer: Drawer,
    key: RowKey,
    habits: Habits,
    /// The row as this client last saw it. Commands are drawn for it, so that they are often stale.
    believed: Option<Row>,
}

impl Client {
    /// Makes all calls of this client, one after the other, and records those that had or may have
    /// had an effect.
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

    /// Makes one call. `None` if it certainly had no effect. `command` is `None` for a read.
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

    /// The time after which this call is dropped, at most 2 ms; `None` if it runs to its end.
    fn patience(&mut self) -> Option<Duration> {
        let drops = self.habits.drops_one_in;
        let drop = drops > 0 && self.drawer.once_in(drops);
        drop.then(|| Duration::from_micros(self.drawer.below(2_000)))
    }
}

/// The answer of `call`; `None` if `patience` is over first.
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

/// Reads the row by a listing of all rows of its kind.
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
