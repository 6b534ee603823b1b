//! What several stores share: the rows of every application, and their past.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kcl_core::{
    env::{Clock, Env},
    lease::{Generation, SessionId, Stamp, Stamped, Write},
    store::{Cursor, Page},
};

use super::{
    clock::StoreClock,
    rows::{Row, Rows},
    wakeups::{Listeners, MemoryWakeups},
};

/// How many of the last writes can be taken back.
const UNDO_LIMIT: usize = 10_000;

/// How many rows a page holds unless told otherwise.
const PAGE_SIZE: usize = 1_000;

/// The database of [`MemoryStore`](super::MemoryStore)s: any number of applications. Clones share
/// it.
#[derive(Clone)]
pub struct MemoryServer {
    state: Arc<Mutex<State>>,
    page_size: usize,
    pushes: bool,
}

struct State {
    applications: BTreeMap<Arc<str>, Application>,
    clock: StoreClock,
    generation: u64,
    writes: u64,
    undo: VecDeque<Undo>,
}

#[derive(Default)]
struct Application {
    rows: Rows,
    listeners: Listeners,
}

/// Takes one write back.
type Undo = Box<dyn FnOnce(&mut BTreeMap<Arc<str>, Application>) + Send>;

/// What a write does to the row when its rule says done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The answered row takes its place.
    Put,
    /// The row goes.
    Remove,
}

impl MemoryServer {
    /// A server that tells the time of this machine.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Env::system().clock)
    }

    /// A server whose time is the wall-clock time of `clock`; it never goes back.
    #[must_use]
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self::starting(StoreClock::new(Some(clock)))
    }

    /// A server whose time counts its own answers, so that equal runs see equal times.
    #[must_use]
    pub fn counting() -> Self {
        Self::starting(StoreClock::new(None))
    }

    fn starting(clock: StoreClock) -> Self {
        let state = State {
            applications: BTreeMap::new(),
            clock,
            generation: 1,
            writes: 0,
            undo: VecDeque::new(),
        };
        Self { state: Arc::new(Mutex::new(state)), page_size: PAGE_SIZE, pushes: true }
    }

    /// The same server seen through pages of `rows` rows (at least one).
    #[must_use]
    pub fn with_page_size(mut self, rows: usize) -> Self {
        self.page_size = rows.max(1);
        self
    }

    /// The same server seen by clients it does not push wake-ups to, as on DynamoDB.
    #[must_use]
    pub const fn without_push(mut self) -> Self {
        self.pushes = false;
        self
    }

    /// How many writes were applied so far, those taken back included.
    #[must_use]
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// Goes back in time: takes back the last `writes` writes (up to 10,000 are remembered) and
    /// starts a new generation, as a database does whose standby had not yet received them. Answers
    /// how many were taken back.
    pub fn roll_back(&self, writes: usize) -> usize {
        let mut state = self.state();
        let state = &mut *state;
        let mut taken = 0;
        while taken < writes {
            let Some(undo) = state.undo.pop_back() else { break };
            undo(&mut state.applications);
            taken += 1;
        }
        state.generation += 1;
        taken
    }

    /// Applies `rule` to the row under `key`.
    pub(super) fn write<R: Row>(
        &self,
        application: &Arc<str>,
        key: &R::Key,
        change: Change,
        rule: impl FnOnce(Option<&R>) -> Write<R>,
    ) -> Stamped<Write<R>> {
        let mut state = self.state();
        let value = state.apply(application, key, change, rule);
        Stamped { value, stamp: state.stamp() }
    }

    /// Applies `rule` to a session's row, and tells its listeners if that changed it.
    pub(super) fn write_and_tell(
        &self,
        application: &Arc<str>,
        id: &SessionId,
        rule: impl FnOnce(Option<&kcl_core::lease::Session>) -> Write<kcl_core::lease::Session>,
    ) {
        let mut state = self.state();
        if state.apply(application, id, Change::Put, rule).is_done() {
            state.application(application).listeners.tell(id);
        }
    }

    /// The row under `key`.
    pub(super) fn read<R: Row>(&self, application: &str, key: &R::Key) -> Option<R> {
        let state = self.state();
        R::table(&state.applications.get(application)?.rows).get(key).cloned()
    }

    /// A page of rows; `None` if `from` is no cursor of this kind of row.
    pub(super) fn page<R: Row>(&self, application: &str, from: Option<&Cursor>) -> Option<Page<R>> {
        match self.state().applications.get(application) {
            Some(application) => application.rows.page(from, self.page_size),
            None => Some(Page::last(Vec::new())),
        }
    }

    /// Listens for a session's wake-ups, if this server pushes them.
    pub(super) fn listen(&self, application: &Arc<str>, id: &SessionId) -> Option<MemoryWakeups> {
        self.pushes.then(|| self.state().application(application).listeners.listen(id))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn application(&mut self, name: &Arc<str>) -> &mut Application {
        self.applications.entry(name.clone()).or_default()
    }

    fn stamp(&mut self) -> Stamp {
        let generation = Generation::new(&format!("memory-{}", self.generation));
        Stamp::new(self.clock.read(), generation)
    }

    fn apply<R: Row>(
        &mut self,
        application: &Arc<str>,
        key: &R::Key,
        change: Change,
        rule: impl FnOnce(Option<&R>) -> Write<R>,
    ) -> Write<R> {
        let rows = &mut self.application(application).rows;
        let answer = rule(R::table(rows).get(key));
        if let Write::Done(row) = &answer {
            let before = rows.set(key, (change == Change::Put).then(|| row.clone()));
            self.remember(application.clone(), key.clone(), before);
        }
        answer
    }

    fn remember<R: Row>(&mut self, application: Arc<str>, key: R::Key, before: Option<R>) {
        self.writes += 1;
        if self.undo.len() == UNDO_LIMIT {
            self.undo.pop_front();
        }
        self.undo.push_back(Box::new(move |applications| {
            applications.entry(application).or_default().rows.set(&key, before);
        }));
    }
}

impl Default for MemoryServer {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("MemoryServer")
            .field("applications", &state.applications.keys())
            .field("generation", &state.generation)
            .field("writes", &state.writes)
            .finish_non_exhaustive()
    }
}
