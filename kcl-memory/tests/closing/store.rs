//! The store of the small world: the rules on maps.

use std::{collections::BTreeMap, fmt::Write as _};

use kcl_core::{
    coordinator::{StoreCall, StoreReply},
    lease::{
        DocName, Document, Generation, Lease, LeaseKey, Session, SessionId, Stamp, Stamped,
        StoreTime, Write, rules,
    },
    store::Listing,
};

use super::sum::{Sum, Summed};

/// The store's clock.
const STORE_TIME: u64 = 100;

/// The rows of the store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows {
    pub(crate) leases: Summed<BTreeMap<LeaseKey, Lease>>,
    pub(crate) docs: Summed<BTreeMap<DocName, Document>>,
    pub(crate) sessions: Summed<BTreeMap<SessionId, Session>>,
    /// How often it went back in time.
    pub(crate) lives: u64,
}

impl Rows {
    /// Two with the same are the same.
    pub(crate) fn sum(&self) -> Sum {
        let mut sum = Sum::NONE;
        // Bodies are long, and to show them takes longer than all else.
        let docs = self.docs.sum_of(|docs, sum| docs.values().for_each(|doc| add_doc(doc, sum)));
        for part in [self.leases.sum(), docs, self.sessions.sum()] {
            sum.add_sum(part);
        }
        sum.add(self.lives);
        sum
    }

    /// A call reaches the store.
    pub(crate) fn apply(&mut self, call: &StoreCall) -> StoreReply {
        let generation = Generation::new(&self.lives.to_string());
        let stamp = Stamp::new(StoreTime(STORE_TIME), generation);
        match call {
            StoreCall::Register(new) => {
                let value = rules::register(self.sessions.get(&new.id), new);
                keep(&mut self.sessions, &new.id, &value);
                StoreReply::Beat(Stamped { value, stamp })
            }
            StoreCall::Beat(beat) => {
                let value = rules::beat(self.sessions.get(&beat.session), beat);
                keep(&mut self.sessions, &beat.session, &value);
                StoreReply::Beat(Stamped { value, stamp })
            }
            StoreCall::EndSession(end) => {
                let write = rules::end_session(self.sessions.get(&end.session), end);
                keep(&mut self.sessions, &end.session, &write);
                StoreReply::SessionWrite(write)
            }
            StoreCall::Sessions(_) => {
                StoreReply::Sessions(self.sessions.values().cloned().collect())
            }
            StoreCall::Lease(key) => StoreReply::Lease(self.leases.get(key).cloned()),
            StoreCall::Leases => {
                StoreReply::Leases(Listing::of(self.leases.values().cloned().collect()))
            }
            StoreCall::Doc(name) => StoreReply::Doc(self.docs.get(name).cloned()),
            StoreCall::Docs => StoreReply::Docs(self.docs.values().cloned().collect()),
            StoreCall::PutDoc(put) => {
                let write = rules::put_doc(self.docs.get(&put.name), put);
                keep(&mut self.docs, &put.name, &write);
                StoreReply::DocWrite(write)
            }
            StoreCall::DeleteDoc(delete) => {
                let write = rules::delete_doc(self.docs.get(&delete.name), delete);
                if write.is_done() {
                    self.docs.edit().remove(&delete.name);
                }
                StoreReply::DocWrite(write)
            }
            _ => StoreReply::LeaseWrite(self.write(call)),
        }
    }

    /// What a call would make of its lease.
    fn judge(&self, call: &StoreCall, key: &LeaseKey) -> Write<Lease> {
        let row = self.leases.get(key);
        match call {
            StoreCall::Create(new) => rules::create(row, new),
            StoreCall::Acquire(acquire) => rules::acquire(row, acquire),
            StoreCall::Advance(advance) => rules::advance(row, advance),
            StoreCall::Release(release) => rules::release(row, release),
            StoreCall::Restart(restart) => rules::restart(row, restart),
            StoreCall::Delete(delete) => rules::delete(row, delete),
            other => panic!("{} is sent by nobody here", other.name()),
        }
    }

    /// Whether a write would be refused if it landed now.
    pub(crate) fn refuses(&self, call: &StoreCall) -> bool {
        match call {
            StoreCall::PutDoc(put) => !rules::put_doc(self.docs.get(&put.name), put).is_done(),
            _ => lease_key(call).is_some_and(|key| !self.judge(call, key).is_done()),
        }
    }

    fn write(&mut self, call: &StoreCall) -> Write<Lease> {
        let key = lease_key(call).unwrap().clone();
        let write = self.judge(call, &key);
        match call {
            StoreCall::Delete(_) if write.is_done() => drop(self.leases.edit().remove(&key)),
            StoreCall::Delete(_) => {}
            _ => keep(&mut self.leases, &key, &write),
        }
        write
    }
}

fn add_doc(doc: &Document, sum: &mut Sum) {
    let Document { name, version, body, .. } = doc;
    write!(sum, "{name:?} {version} {}", body.len()).unwrap();
    sum.add_bytes(body);
}

fn keep<K: Ord + Clone, R: Clone>(rows: &mut Summed<BTreeMap<K, R>>, key: &K, write: &Write<R>) {
    if let Write::Done(row) = write {
        rows.edit().insert(key.clone(), row.clone());
    }
}

/// Whether a call changes what a run would have to read again.
pub(crate) const fn is_write(call: &StoreCall) -> bool {
    matches!(call, StoreCall::PutDoc(_) | StoreCall::Create(_) | StoreCall::Restart(_))
}

/// Whether a call changes nothing.
pub(crate) const fn is_read(call: &StoreCall) -> bool {
    matches!(
        call,
        StoreCall::Lease(_)
            | StoreCall::Leases
            | StoreCall::Doc(_)
            | StoreCall::Docs
            | StoreCall::Sessions(_)
    )
}

/// The lease that a call changes.
pub(crate) const fn lease_key(call: &StoreCall) -> Option<&LeaseKey> {
    match call {
        StoreCall::Create(row) => Some(&row.key),
        StoreCall::Acquire(it) => Some(&it.key),
        StoreCall::Advance(it) => Some(&it.key),
        StoreCall::Release(it) => Some(&it.key),
        StoreCall::Restart(it) => Some(&it.key),
        StoreCall::Delete(it) => Some(&it.key),
        _ => None,
    }
}
