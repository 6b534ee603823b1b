//! The lease store of a simulated fleet: the write rules of production (`kcl_core::lease::rules`)
//! on three maps.
//!
//! It keeps the former rows of the last [`KEPT`]. From them it answers stale reads, and
//! returns to an earlier state when it loses its last writes ([`SimStore::roll_back`]). The store
//! is never slow and never fails: the network does that (see `world/calls`).

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use kcl_core::{
    coordinator::{StoreCall, StoreReply},
    env::{Time, WallTime},
    lease::{
        DocName, Document, Generation, Lease, LeaseKey, PutDoc, Session, SessionId, Stamp, Stamped,
        StoreTime, Write, rules,
    },
    store::{Consistency, Listing},
};

/// All rows of one application.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) leases: BTreeMap<LeaseKey, Lease>,
    pub(super) docs: BTreeMap<DocName, Document>,
}

/// A row as it was before a write; `None`: it did not exist.
#[derive(Debug)]
enum Former {
    Session(SessionId, Option<Session>),
    Lease(LeaseKey, Option<Lease>),
    Doc(DocName, Option<Document>),
}

/// A store with a history.
#[derive(Debug)]
pub(super) struct SimStore {
    pub(super) rows: Rows,
    /// The rows that the last writes replaced, the oldest write first.
    history: VecDeque<(Time, Former)>,
    /// Identifies this history of the store: it changes when the store loses writes, and so workers
    /// notice that.
    generation: Generation,
    /// How often the store has lost its last writes.
    lives: u64,
    /// How many milliseconds the store's clock runs ahead; negative: behind.
    pub(super) clock_off: i64,
    /// When a session was last ended, by itself or by another. `None`: not since the store last
    /// lost writes.
    last_fence: Option<Time>,
    /// How old the rows of a stale answer are.
    staleness: Duration,
}

/// How long a former row is kept: longer than any roll-back reaches.
const KEPT: Duration = Duration::from_secs(20);
/// The least age of a stale answer.
const STALENESS: Duration = Duration::from_millis(250);
/// The store's clock at the start of a run, in milliseconds since 1970.
pub(super) const STORE_EPOCH_MS: u64 = 1_700_000_000_000;

impl Default for SimStore {
    fn default() -> Self {
        Self {
            rows: Rows::default(),
            history: VecDeque::new(),
            generation: Generation::new("0"),
            lives: 0,
            clock_off: 0,
            last_fence: None,
            staleness: STALENESS,
        }
    }
}

impl SimStore {
    /// An empty store whose stale answers are at least this old.
    pub(super) fn new(staleness: Duration) -> Self {
        Self { staleness: staleness.max(STALENESS), ..Self::default() }
    }

    /// Applies a call at the time `now` and answers it. With `stale`, an eventually consistent read
    /// is answered with old rows.
    pub(super) fn apply(&mut self, call: &StoreCall, now: Time, stale: bool) -> StoreReply {
        self.forget_history(now);
        match call {
            StoreCall::Register(new) => {
                let write = self.put_session(now, &new.id, |row| rules::register(row, new));
                self.stamped(write, now)
            }
            StoreCall::Beat(beat) => {
                let write = self.put_session(now, &beat.session, |row| rules::beat(row, beat));
                self.stamped(write, now)
            }
            StoreCall::EndSession(end) => {
                let rule = |row: Option<&Session>| rules::end_session(row, end);
                let write = self.put_session(now, &end.session, rule);
                if write.is_done() {
                    self.last_fence = Some(now);
                }
                StoreReply::SessionWrite(write)
            }
            StoreCall::Forget(forget) => {
                let write = rules::forget(self.rows.sessions.get(&forget.session), forget);
                if write.is_done() {
                    let old = self.rows.sessions.remove(&forget.session);
                    self.remember(now, Former::Session(forget.session.clone(), old));
                }
                StoreReply::SessionWrite(write)
            }
            StoreCall::Session(id, consistency) => {
                StoreReply::Session(self.session(id, stale && is_eventual(*consistency), now))
            }
            StoreCall::Sessions(consistency) => {
                StoreReply::Sessions(self.sessions(stale && is_eventual(*consistency), now))
            }
            StoreCall::Wake(id) => {
                let _ = self.put_session(now, id, rules::wake);
                StoreReply::Woken(())
            }
            StoreCall::Lease(key) => StoreReply::Lease(self.rows.leases.get(key).cloned()),
            StoreCall::Leases => {
                StoreReply::Leases(Listing::of(self.rows.leases.values().cloned().collect()))
            }
            StoreCall::Doc(name) => StoreReply::Doc(self.rows.docs.get(name).cloned()),
            StoreCall::Docs => StoreReply::Docs(self.rows.docs.values().cloned().collect()),
            StoreCall::PutDoc(put) => StoreReply::DocWrite(self.put_doc(now, put)),
            StoreCall::DeleteDoc(delete) => {
                let write = rules::delete_doc(self.rows.docs.get(&delete.name), delete);
                if write.is_done() {
                    let old = self.rows.docs.remove(&delete.name);
                    self.remember(now, Former::Doc(delete.name.clone(), old));
                }
                StoreReply::DocWrite(write)
            }
            _ => StoreReply::LeaseWrite(self.apply_lease(call, now)),
        }
    }

    /// What the store's clock shows at the time `now`.
    pub(super) const fn wall(&self, now: Time) -> WallTime {
        let at = (STORE_EPOCH_MS + now.as_micros() / 1_000).saturating_add_signed(self.clock_off);
        WallTime::from_millis(at)
    }

    /// Writes a document, for a worker or for the operator.
    pub(super) fn put_doc(&mut self, now: Time, put: &PutDoc) -> Write<Document> {
        let write = rules::put_doc(self.rows.docs.get(&put.name), put);
        if let Write::Done(row) = &write {
            let old = self.rows.docs.insert(put.name.clone(), row.clone());
            self.remember(now, Former::Doc(put.name.clone(), old));
        }
        write
    }

    /// Loses all writes since `to`, and begins a new generation, even if there were no such writes.
    pub(super) fn roll_back(&mut self, to: Time) {
        while let Some((at, former)) = self.history.pop_back() {
            if at < to {
                break;
            }
            match former {
                Former::Session(id, old) => restore(&mut self.rows.sessions, id, old),
                Former::Lease(key, old) => restore(&mut self.rows.leases, key, old),
                Former::Doc(name, old) => restore(&mut self.rows.docs, name, old),
            }
        }
        self.history.clear();
        self.last_fence = None;
        self.lives += 1;
        self.generation = Generation::new(&self.lives.to_string());
    }

    /// When a session was last ended in this generation.
    pub(super) const fn last_fence(&self) -> Option<Time> {
        self.last_fence
    }

    fn apply_lease(&mut self, call: &StoreCall, now: Time) -> Write<Lease> {
        let leases = &self.rows.leases;
        let (key, write) = match call {
            StoreCall::Create(new) => (&new.key, rules::create(leases.get(&new.key), new)),
            StoreCall::Acquire(acquire) => {
                (&acquire.key, rules::acquire(leases.get(&acquire.key), acquire))
            }
            StoreCall::Advance(advance) => {
                (&advance.key, rules::advance(leases.get(&advance.key), advance))
            }
            StoreCall::Release(release) => {
                (&release.key, rules::release(leases.get(&release.key), release))
            }
            StoreCall::Restart(restart) => {
                (&restart.key, rules::restart(leases.get(&restart.key), restart))
            }
            StoreCall::Delete(delete) => {
                let write = rules::delete(leases.get(&delete.key), delete);
                if write.is_done() {
                    let old = self.rows.leases.remove(&delete.key);
                    self.remember(now, Former::Lease(delete.key.clone(), old));
                }
                return write;
            }
            _ => return Write::Refused(None),
        };
        if let Write::Done(row) = &write {
            let old = self.rows.leases.insert(key.clone(), row.clone());
            self.remember(now, Former::Lease(key.clone(), old));
        }
        write
    }

    /// Applies a rule to a session's row, and stores what it makes of it.
    fn put_session(
        &mut self,
        now: Time,
        id: &SessionId,
        rule: impl FnOnce(Option<&Session>) -> Write<Session>,
    ) -> Write<Session> {
        let write = rule(self.rows.sessions.get(id));
        if let Write::Done(row) = &write {
            let old = self.rows.sessions.insert(id.clone(), row.clone());
            self.remember(now, Former::Session(id.clone(), old));
        }
        write
    }

    fn remember(&mut self, now: Time, former: Former) {
        self.history.push_back((now, former));
    }

    fn forget_history(&mut self, now: Time) {
        while self.history.front().is_some_and(|(at, _)| *at + KEPT < now) {
            self.history.pop_front();
        }
    }

    /// A session's row; with `stale`, as it was before the first write of the last `staleness`.
    fn session(&self, id: &SessionId, stale: bool, now: Time) -> Option<Session> {
        if stale {
            let mut recent = self.history.iter().filter(|(at, _)| *at + self.staleness >= now);
            let former = recent.find_map(|(_, former)| match former {
                Former::Session(of, old) if of == id => Some(old.clone()),
                _ => None,
            });
            if let Some(old) = former {
                return old;
            }
        }
        self.rows.sessions.get(id).cloned()
    }

    /// All sessions; with `stale`, as they were `staleness` ago.
    fn sessions(&self, stale: bool, now: Time) -> Vec<Session> {
        if !stale {
            return self.rows.sessions.values().cloned().collect();
        }
        let mut rows = self.rows.sessions.clone();
        for (_, former) in
            self.history.iter().rev().take_while(|(at, _)| *at + self.staleness >= now)
        {
            if let Former::Session(id, old) = former {
                restore(&mut rows, id.clone(), old.clone());
            }
        }
        rows.into_values().collect()
    }

    /// An answer with the store's time and generation, as beats and registrations get it.
    fn stamped(&self, value: Write<Session>, now: Time) -> StoreReply {
        let at = self.wall(now).as_millis();
        let generation = self.generation.clone();
        StoreReply::Beat(Stamped { value, stamp: Stamp::new(StoreTime(at), generation) })
    }
}

fn is_eventual(consistency: Consistency) -> bool {
    consistency == Consistency::Eventual
}

/// Puts a former row back.
fn restore<K: Ord, R>(rows: &mut BTreeMap<K, R>, key: K, old: Option<R>) {
    match old {
        Some(row) => {
            rows.insert(key, row);
        }
        None => {
            rows.remove(&key);
        }
    }
}
