//! The store of a simulated fleet: the rules on maps.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    coordinator::{StoreCall, StoreReply},
    env::Time,
    lease::{
        DocName, Document, Generation, Lease, LeaseKey, Session, SessionId, Stamp, Stamped,
        StoreTime, Write, rules,
    },
    store::Consistency,
};

/// The rows of one application.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows {
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) leases: BTreeMap<LeaseKey, Lease>,
    pub(super) docs: BTreeMap<DocName, Document>,
}

/// A store with a history: for stale reads, and for losing its last writes.
#[derive(Debug, Default)]
pub(super) struct SimStore {
    pub(super) rows: Rows,
    snapshots: Vec<(Time, Rows)>,
    generation: u64,
    /// How old a stale answer is, at least.
    staleness: Duration,
}

/// How often the history is kept.
const SNAPSHOT_MICROS: u64 = 250_000;
const SNAPSHOTS_KEPT: usize = 80;
/// The store's clock at the start of a run.
const STORE_EPOCH_MS: u64 = 1_700_000_000_000;

impl SimStore {
    /// An empty store whose stale answers are at least this old.
    pub(super) fn new(staleness: Duration) -> Self {
        Self { staleness, ..Self::default() }
    }

    /// Applies a call at `now` and answers it.
    pub(super) fn apply(&mut self, call: &StoreCall, now: Time, stale: bool) -> StoreReply {
        self.keep_history(now);
        let rows = &mut self.rows;
        match call {
            StoreCall::Register(new) => {
                let write = put(&mut rows.sessions, &new.id, |row| rules::register(row, new));
                self.stamped(write, now)
            }
            StoreCall::Beat(beat) => {
                let write = put(&mut rows.sessions, &beat.session, |row| rules::beat(row, beat));
                self.stamped(write, now)
            }
            StoreCall::EndSession(end) => {
                let rule = |row: Option<&Session>| rules::end_session(row, end);
                StoreReply::SessionWrite(put(&mut rows.sessions, &end.session, rule))
            }
            StoreCall::Forget(forget) => {
                let rule = |row: Option<&Session>| rules::forget(row, forget);
                StoreReply::SessionWrite(take(&mut rows.sessions, &forget.session, rule))
            }
            StoreCall::Session(id, consistency) => {
                let view = self.view(*consistency, now, stale);
                StoreReply::Session(view.sessions.get(id).cloned())
            }
            StoreCall::Sessions(consistency) => {
                let view = self.view(*consistency, now, stale);
                StoreReply::Sessions(view.sessions.values().cloned().collect())
            }
            StoreCall::Wake(id) => {
                let _ = put(&mut rows.sessions, id, rules::wake);
                StoreReply::Woken
            }
            StoreCall::Lease(key) => StoreReply::Lease(rows.leases.get(key).cloned()),
            StoreCall::Leases => StoreReply::Leases(rows.leases.values().cloned().collect()),
            StoreCall::Doc(name) => StoreReply::Doc(rows.docs.get(name).cloned()),
            StoreCall::PutDoc(put_doc) => {
                StoreReply::DocWrite(put(&mut rows.docs, &put_doc.name, |row| {
                    rules::put_doc(row, put_doc)
                }))
            }
            StoreCall::DeleteDoc(delete) => {
                let rule = |row: Option<&Document>| rules::delete_doc(row, delete);
                StoreReply::DocWrite(take(&mut rows.docs, &delete.name, rule))
            }
            _ => StoreReply::LeaseWrite(apply_lease(rows, call)),
        }
    }

    /// Loses the writes since `to`, and starts another history.
    pub(super) fn roll_back(&mut self, to: Time) {
        let at = self.snapshots.iter().rposition(|(taken, _)| *taken <= to);
        if let Some((_, rows)) = at.map(|at| self.snapshots.swap_remove(at)) {
            self.rows = rows;
        }
        self.snapshots.clear();
        self.generation += 1;
    }

    fn view(&self, consistency: Consistency, now: Time, stale: bool) -> &Rows {
        let then = now - self.staleness;
        match self.snapshots.iter().rfind(|(taken, _)| *taken <= then) {
            Some((_, old)) if stale && consistency == Consistency::Eventual => old,
            _ => &self.rows,
        }
    }

    fn keep_history(&mut self, now: Time) {
        let last = self.snapshots.last().map_or(Time::ZERO, |(at, _)| *at);
        if now.as_micros() >= last.as_micros() + SNAPSHOT_MICROS {
            if self.snapshots.len() >= SNAPSHOTS_KEPT {
                self.snapshots.remove(0);
            }
            self.snapshots.push((now, self.rows.clone()));
        }
    }

    fn stamped(&self, value: Write<Session>, now: Time) -> StoreReply {
        let at = StoreTime(STORE_EPOCH_MS + now.as_micros() / 1_000);
        let generation = Generation::new(&self.generation.to_string());
        StoreReply::Beat(Stamped { value, stamp: Stamp { at, generation } })
    }
}

fn apply_lease(rows: &mut Rows, call: &StoreCall) -> Write<Lease> {
    let leases = &mut rows.leases;
    match call {
        StoreCall::Create(new) => put(leases, &new.key, |row| rules::create(row, new)),
        StoreCall::Acquire(acquire) => {
            put(leases, &acquire.key, |row| rules::acquire(row, acquire))
        }
        StoreCall::Advance(advance) => {
            put(leases, &advance.key, |row| rules::advance(row, advance))
        }
        StoreCall::Release(release) => {
            put(leases, &release.key, |row| rules::release(row, release))
        }
        StoreCall::Delete(delete) => take(leases, &delete.key, |row| rules::delete(row, delete)),
        _ => Write::Refused(None),
    }
}

/// Runs a rule on a row and keeps what becomes of it.
fn put<K: Ord + Clone, R: Clone>(
    rows: &mut BTreeMap<K, R>,
    key: &K,
    rule: impl FnOnce(Option<&R>) -> Write<R>,
) -> Write<R> {
    let write = rule(rows.get(key));
    if let Write::Done(row) = &write {
        rows.insert(key.clone(), row.clone());
    }
    write
}

/// Runs the rule of a deletion on a row.
fn take<K: Ord, R: Clone>(
    rows: &mut BTreeMap<K, R>,
    key: &K,
    rule: impl FnOnce(Option<&R>) -> Write<R>,
) -> Write<R> {
    let write = rule(rows.get(key));
    if write.is_done() {
        rows.remove(key);
    }
    write
}
