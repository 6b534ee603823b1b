//! A lease store in one file, for one process.
//!
//! Every change appends a line of JSON with the row's new state; whoever opens the file reads them
//! all. What a conditional write does is left to `lease::rules`: a store only has to carry each
//! rule out on one row at a time. A line outlives the process, but is not forced to the disk.

use std::{
    collections::BTreeMap,
    fmt,
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Write as _},
    ops::Bound,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use kcl_core::{
    env::Env,
    lease::{
        Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Forget,
        Generation, Lease, LeaseKey, PutDoc, Release, Restart, Session, SessionId, Stamp, Stamped,
        StoreTime, Write, rules,
    },
    store::{
        Consistency, Cursor, LeaseStore, Page, StoreError, StoreErrorKind, StoreResult, Wakeups,
        codec::{BadRow, Row},
    },
};
use serde_json::{Value, json};

use super::rows::{from_json, to_json};

/// The most rows of a page.
const PAGE: usize = 500;

/// A file with the rows of any number of applications.
pub(crate) struct FileDatabase {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    file: File,
    /// Every row by application, kind and name.
    rows: BTreeMap<[String; 3], Value>,
}

impl FileDatabase {
    /// Opens the file; makes it if there is none.
    ///
    /// # Errors
    /// The operating system's; a line that is none of ours.
    pub(crate) fn open(path: &Path) -> io::Result<Arc<Self>> {
        let file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
        let mut rows = BTreeMap::new();
        for line in BufReader::new(&file).lines() {
            let (key, row): ([String; 3], Value) = serde_json::from_str(&line?)?;
            match row {
                Value::Null => rows.remove(&key),
                row => rows.insert(key, row),
            };
        }
        Ok(Arc::new(Self { path: path.to_owned(), state: Mutex::new(State { file, rows }) }))
    }

    /// The store of an application.
    pub(crate) fn store(self: &Arc<Self>, application: &str) -> FileStore {
        FileStore { database: Arc::clone(self), application: application.to_owned() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rows of one application.
#[derive(Debug)]
pub(crate) struct FileStore {
    database: Arc<FileDatabase>,
    application: String,
}

/// What becomes of a row whose rule says done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    Put,
    Remove,
}

use Change::{Put, Remove};

impl FileStore {
    /// Carries a rule out on one row. Nobody else is at any row meanwhile.
    fn write<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
        change: Change,
        rule: impl FnOnce(Option<&R>) -> Write<R>,
    ) -> StoreResult<Stamped<Write<R>>> {
        let mut state = self.database.state();
        let row = self.decode::<R>(op, key, &state)?;
        let value = rule(row.as_ref());
        if let Write::Done(next) = &value {
            let next = if change == Put { to_json(next) } else { Value::Null };
            let name = self.name::<R>(key);
            let line = format!("{}\n", json!([name, next]));
            // Half a line may have been written.
            let failed = |error: io::Error| {
                StoreError::new(StoreErrorKind::Unknown, op, &*name[2]).caused_by(error)
            };
            state.file.write_all(line.as_bytes()).map_err(failed)?;
            match next {
                Value::Null => state.rows.remove(&name),
                next => state.rows.insert(name, next),
            };
        }
        let at = StoreTime(Env::system().clock.wall().as_millis());
        Ok(Stamped { value, stamp: Stamp::new(at, Generation::new("file")) })
    }

    fn read<R: Row>(&self, op: &'static str, key: &R::Key) -> StoreResult<Option<R>> {
        self.decode(op, key, &self.database.state())
    }

    fn decode<R: Row>(
        &self,
        op: &'static str,
        key: &R::Key,
        state: &State,
    ) -> StoreResult<Option<R>> {
        let name = self.name::<R>(key);
        let Some(row) = state.rows.get(&name) else { return Ok(None) };
        from_json(&name[2], row).map(Some).map_err(|bad| corrupt(op, bad))
    }

    fn page<R: Row>(&self, from: Option<Cursor>) -> StoreResult<Page<R>> {
        let home = |name: String| [self.application.clone(), R::KIND.to_string(), name];
        let after = Bound::Excluded(home(from.map(|cursor| cursor.0).unwrap_or_default()));
        let state = self.database.state();
        let mut rest = state
            .rows
            .range((after, Bound::Unbounded))
            .take_while(|(name, _)| name[0] == self.application && name[1] == R::KIND.to_string());
        let page: Vec<_> = rest.by_ref().take(PAGE).collect();
        let last = page.last().filter(|_| rest.next().is_some());
        let next = last.map(|(name, _)| Cursor(name[2].clone()));
        Ok(Page::read(page.iter().map(|(name, row)| from_json(&name[2], row)), next))
    }

    fn name<R: Row>(&self, key: &R::Key) -> [String; 3] {
        [self.application.clone(), R::KIND.to_string(), R::key_text(key)]
    }
}

fn corrupt(op: &'static str, bad: BadRow) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt, op, bad.key.clone()).caused_by(bad)
}

#[async_trait]
impl LeaseStore for FileStore {
    fn application(&self) -> &str {
        &self.application
    }

    fn location(&self) -> String {
        format!("file://{}", self.database.path.display())
    }

    async fn prepare(&self) -> StoreResult<()> {
        Ok(())
    }

    async fn register(&self, session: Session) -> StoreResult<Stamped<Write<Session>>> {
        self.write("register", &session.id, Put, |row| rules::register(row, &session))
    }

    async fn beat(&self, beat: Beat) -> StoreResult<Stamped<Write<Session>>> {
        self.write("beat", &beat.session, Put, |row| rules::beat(row, &beat))
    }

    async fn end_session(&self, end: EndSession) -> StoreResult<Write<Session>> {
        let rule = |row: Option<&Session>| rules::end_session(row, &end);
        Ok(self.write("end_session", &end.session, Put, rule)?.value)
    }

    async fn forget(&self, forget: Forget) -> StoreResult<Write<Session>> {
        let rule = |row: Option<&Session>| rules::forget(row, &forget);
        Ok(self.write("forget", &forget.session, Remove, rule)?.value)
    }

    async fn session(&self, id: &SessionId, _: Consistency) -> StoreResult<Option<Session>> {
        self.read("session", id)
    }

    async fn sessions(&self, from: Option<Cursor>, _: Consistency) -> StoreResult<Page<Session>> {
        self.page(from)
    }

    async fn wake(&self, id: &SessionId) -> StoreResult<()> {
        self.write("wake", id, Put, rules::wake).map(drop)
    }

    /// Nothing is pushed: sleepers look at their mailbox.
    async fn wakeups(&self, _: &SessionId) -> StoreResult<Option<Box<dyn Wakeups>>> {
        Ok(None)
    }

    async fn create(&self, lease: Lease) -> StoreResult<Write<Lease>> {
        Ok(self.write("create", &lease.key, Put, |row| rules::create(row, &lease))?.value)
    }

    async fn lease(&self, key: &LeaseKey) -> StoreResult<Option<Lease>> {
        self.read("lease", key)
    }

    async fn leases(&self, from: Option<Cursor>) -> StoreResult<Page<Lease>> {
        self.page(from)
    }

    async fn acquire(&self, acquire: Acquire) -> StoreResult<Write<Lease>> {
        Ok(self.write("acquire", &acquire.key, Put, |row| rules::acquire(row, &acquire))?.value)
    }

    async fn advance(&self, advance: Advance) -> StoreResult<Write<Lease>> {
        Ok(self.write("advance", &advance.key, Put, |row| rules::advance(row, &advance))?.value)
    }

    async fn release(&self, release: Release) -> StoreResult<Write<Lease>> {
        Ok(self.write("release", &release.key, Put, |row| rules::release(row, &release))?.value)
    }

    async fn restart(&self, restart: Restart) -> StoreResult<Write<Lease>> {
        Ok(self.write("restart", &restart.key, Put, |row| rules::restart(row, &restart))?.value)
    }

    async fn delete(&self, delete: Delete) -> StoreResult<Write<Lease>> {
        Ok(self.write("delete", &delete.key, Remove, |row| rules::delete(row, &delete))?.value)
    }

    async fn doc(&self, name: &DocName) -> StoreResult<Option<Document>> {
        self.read("doc", name)
    }

    async fn put_doc(&self, put: PutDoc) -> StoreResult<Write<Document>> {
        Ok(self.write("put_doc", &put.name, Put, |row| rules::put_doc(row, &put))?.value)
    }

    async fn docs(&self, from: Option<Cursor>) -> StoreResult<Page<Document>> {
        self.page(from)
    }

    async fn delete_doc(&self, delete: DeleteDoc) -> StoreResult<Write<Document>> {
        let rule = |row: Option<&Document>| rules::delete_doc(row, &delete);
        Ok(self.write("delete_doc", &delete.name, Remove, rule)?.value)
    }
}

impl fmt::Debug for FileDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileDatabase").field("path", &self.path).finish_non_exhaustive()
    }
}
