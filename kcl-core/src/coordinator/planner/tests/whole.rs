//! The whole planner, driven by the answers of a store.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::{
    assignment::{Balance, Weighting, placement::Taking},
    coordinator::{
        call::{StoreOutcome, StoreReply},
        command::{Command, Notice},
        context::ReplyTo,
        document::{Assignment, FrozenStart, Hold, Origin, StreamStart, Transfer},
        op::StoreCall,
        planner::{Planner, signal::Signal},
        signal::Signal as Any,
        tests::{assignment, at, id, said},
        watch::Watch,
    },
    lease::{
        Delete, DeleteDoc, DocName, Document, EndReason, Forget, Incarnation, Load, SessionState,
        rules,
    },
    settings::InitialPosition,
    store::{Consistency, Listing},
};

mod moves;
mod sessions;
mod turns;

/// The planner `me` of term 3, with its store.
struct Scene {
    planner: Planner,
    watch: Watch,
    ctx: Context,
    leases: BTreeMap<LeaseKey, Lease>,
    sessions: BTreeMap<SessionId, Session>,
    docs: BTreeMap<DocName, Document>,
    /// How many shards the stream has.
    shards: usize,
    /// The calls that are not answered yet.
    pending: Vec<(ReplyTo, Option<StoreCall>)>,
    /// How often the shards were to be listed.
    lists: usize,
    noted: Vec<Notice>,
    /// Whether calls for reports are shown, which nothing in the protocol depends on.
    shows_what_is_told: bool,
}

/// Whether a call is about a report.
fn is_told(call: &StoreCall) -> bool {
    match call {
        StoreCall::Doc(name) => name.is_told(),
        StoreCall::PutDoc(put) => put.name.is_told(),
        StoreCall::DeleteDoc(delete) => delete.name.is_told(),
        _ => false,
    }
}

fn leases_and_sessions() -> [StoreCall; 2] {
    [StoreCall::Leases, StoreCall::Sessions(Consistency::Strong)]
}

/// The calls of a reading that reads the rules, too.
fn everything() -> Vec<StoreCall> {
    [&leases_and_sessions()[..], &[StoreCall::Doc(DocName::placement())]].concat()
}

fn document_of(worker: &str) -> StoreCall {
    StoreCall::Doc(DocName::assignment(&id(worker).worker))
}

fn wake(worker: &str) -> StoreCall {
    StoreCall::Wake(id(worker))
}

fn frozen() -> FrozenStart {
    FrozenStart { at: None, by: Some(InitialPosition::TrimHorizon) }
}

impl Scene {
    /// These own the leases, one after another, and these workers are there. The first plan is due
    /// at 100 ms.
    fn with(settings: Coordination, owners: &[&str], workers: &[&str]) -> Self {
        let ctx = context(settings);
        let rows = held(owners.len(), "a").into_iter().zip(owners);
        let rows = rows.map(|(row, owner)| Lease { owner: Some(id(owner)), ..row });
        let sessions = workers.iter().map(|worker| session(worker, PlanVersion::NONE));
        let start = DocName::start(&stream());
        let start = Document::new(start, 1, frozen().encode());
        Self {
            planner: Planner::new(id("me"), Epoch(3), at(100), Standbys::default(), &ctx),
            watch: Watch::new(id("me"), at(0)),
            ctx,
            leases: rows.map(|row| (row.key.clone(), row)).collect(),
            sessions: sessions.map(|row| (row.id.clone(), row)).collect(),
            docs: BTreeMap::from([(start.name.clone(), start)]),
            shards: owners.len(),
            pending: Vec::new(),
            lists: 0,
            noted: Vec::new(),
            shows_what_is_told: false,
        }
    }

    fn of(owners: &[&str], workers: &[&str]) -> Self {
        Self::with(Coordination::default(), owners, workers)
    }

    /// A scene whose first plan is made and known to every session, at 100 ms.
    fn planned(owners: &[&str], workers: &[&str]) -> Self {
        let mut scene = Self::of(owners, workers);
        let _ = scene.run(100);
        scene.all_echo();
        scene
    }

    /// The calls at this event.
    fn tick(&mut self, millis: u64) -> Vec<StoreCall> {
        self.ctx.now = at(millis);
        self.planner.on_tick(&mut self.watch, &mut self.ctx);
        self.take_asked()
    }

    fn take_asked(&mut self) -> Vec<StoreCall> {
        let mut asked = Vec::new();
        for command in self.ctx.take_commands() {
            match command {
                Command::Store(call, of) => {
                    let purpose = self.ctx.take_purpose(call).unwrap();
                    self.pending.push((purpose, Some((*of).clone())));
                    if !is_told(&of) || self.shows_what_is_told {
                        asked.push(*of);
                    }
                }
                Command::ListShards(call, _) => {
                    self.lists += 1;
                    self.pending.push((self.ctx.take_purpose(call).unwrap(), None));
                }
                Command::Notify(notice) => self.noted.push(notice),
                other => panic!("{other:?}"),
            }
        }
        asked
    }

    /// Answers every call, and takes no step after that. The other calls.
    fn answer(&mut self) -> Vec<StoreCall> {
        let mut asked = Vec::new();
        while !self.pending.is_empty() {
            let (purpose, call) = self.pending.remove(0);
            match purpose {
                ReplyTo::Planner(ask) => {
                    let outcome = self.store(&call.unwrap());
                    self.planner.on_answer(ask.answered(outcome), &mut self.ctx);
                }
                ReplyTo::Shards(of) => {
                    let listed = Ok(view(shards(self.shards)));
                    self.planner.on_shards(&of, listed, &mut self.ctx);
                }
                // A read of the watch, or a call that waits for no answer.
                _ => drop(call.map(|call| self.store(&call))),
            }
            self.planner.on_tick(&mut self.watch, &mut self.ctx);
            asked.extend(self.take_asked());
        }
        asked
    }

    /// Lets time pass, and does all that can be done then. The calls.
    fn run(&mut self, millis: u64) -> Vec<StoreCall> {
        let mut asked = self.tick(millis);
        loop {
            asked.extend(self.answer());
            if self.planner.next_wake(&self.ctx) > self.ctx.now {
                return asked;
            }
            asked.extend(self.tick(millis));
        }
    }

    fn store(&mut self, call: &StoreCall) -> StoreOutcome {
        Ok(match call {
            StoreCall::Leases => {
                StoreReply::Leases(Listing::of(self.leases.values().cloned().collect()))
            }
            StoreCall::Sessions(_) => {
                StoreReply::Sessions(self.sessions.values().cloned().collect())
            }
            StoreCall::Session(id, _) => StoreReply::Session(self.sessions.get(id).cloned()),
            StoreCall::Lease(key) => StoreReply::Lease(self.leases.get(key).cloned()),
            StoreCall::Doc(name) => StoreReply::Doc(self.docs.get(name).cloned()),
            StoreCall::PutDoc(put) => {
                let write = rules::put_doc(self.docs.get(&put.name), put);
                if let crate::lease::Write::Done(doc) = &write {
                    self.docs.insert(doc.name.clone(), doc.clone());
                }
                StoreReply::DocWrite(write)
            }
            StoreCall::DeleteDoc(delete) => {
                let write = rules::delete_doc(self.docs.get(&delete.name), delete);
                self.docs.remove(&delete.name);
                StoreReply::DocWrite(write)
            }
            StoreCall::Forget(forget) => {
                let row = self.sessions.remove(&forget.session);
                StoreReply::SessionWrite(rules::forget(row.as_ref(), forget))
            }
            StoreCall::Delete(delete) => {
                let row = self.leases.remove(&delete.key);
                StoreReply::LeaseWrite(rules::delete(row.as_ref(), delete))
            }
            StoreCall::Wake(_) => StoreReply::Woken(()),
            other => panic!("{other:?}"),
        })
    }

    /// The newest document of a worker.
    fn told(&self, worker: &str) -> Assignment {
        Assignment::decode(&self.docs[&DocName::assignment(&id(worker).worker)].body).unwrap()
    }

    /// A session beats, its row changes, and the row is read.
    fn beats(&mut self, worker: &str, change: impl FnOnce(&mut Session)) {
        let row = self.sessions.get_mut(&id(worker)).unwrap();
        row.beat += 1;
        change(row);
        self.planner.on_seen(row, &mut self.ctx);
    }

    /// A worker confirms its newest document.
    fn echoes(&mut self, worker: &str) {
        let seen = self.told(worker).version;
        self.beats(worker, |row| row.report.seen = seen);
    }

    fn all_echo(&mut self) {
        let workers: Vec<String> =
            self.sessions.keys().map(|id| id.worker.as_str().to_owned()).collect();
        for worker in workers {
            self.echoes(&worker);
        }
    }

    fn said(&mut self) -> Vec<Signal> {
        let own = said(&mut self.ctx).into_iter().map(|signal| match signal {
            Any::Planner(signal) => signal,
            other => panic!("{other:?}"),
        });
        own.collect()
    }

    /// The notices of plans since.
    fn plans(&mut self) -> Vec<usize> {
        let plans = std::mem::take(&mut self.noted).into_iter().filter_map(|notice| match notice {
            Notice::Planned { moves, .. } => Some(moves),
            _ => None,
        });
        plans.collect()
    }
}
