//! How long a planner's turn keeps its thread: `cargo bench -p kcl-memory --bench turn`.
//!
//! A turn is everything from the rows as a store keeps them to the documents as it is given them:
//! rows are decoded, the lineage is mended, the plan is made, the moves follow, documents are
//! encoded. One coordinator does it, the other workers are rows; the calls on the store are not
//! counted. Each size is played three times; the middle one is told, and the longest single event
//! of the whole span, which is how long the keeper is held.
//!
//! A span is an audit interval with nothing changed, or three seconds after a tenth more workers
//! joined. Its longest turn is told, and `span`: everything that the coordinator did in it, beats
//! and looks at others among it. docs/BENCHMARKS.md has figures and targets.

#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::panic,
    clippy::print_stdout,
    missing_docs,
    reason = "a benchmark measures, prints, and may fail"
)]

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use kcl_core::{
    coordinator::{Command, Coordinator, Event, StoreCall, StoreReply, StreamView},
    env::{Time, WallTime},
    lease::{
        Acquire, Beat, Checkpoint, Epoch, Incarnation, Lease, LeaseKey, Report, Session, SessionId,
    },
    settings::Coordination,
    store::{
        LeaseStore, Listing,
        codec::{Field, Fields, Form, Row, Source, Value},
    },
    stream::{HashRange, Shard, StreamDescription, StreamKey},
};
use kcl_memory::{MemoryServer, MemoryStore};
use tokio::runtime::Runtime;

/// Leases and workers.
const SIZES: [(usize, usize); 5] =
    [(1_000, 20), (10_000, 200), (30_000, 300), (50_000, 500), (100_000, 1_000)];
/// How often each size is played.
const TIMES: usize = 3;

/// A row as a server keeps it: texts by name.
struct Texts(BTreeMap<&'static str, String>);

impl Texts {
    fn of(row: &impl Fields) -> Self {
        let mut texts = BTreeMap::new();
        row.write_to(&mut |field, value| {
            let text = match value {
                Some(Value::Text(text)) => text.into_owned(),
                Some(Value::Number(number)) => number.to_string(),
                Some(Value::List(items)) if !items.is_empty() => items.join(","),
                _ => return,
            };
            texts.insert(field.name, text);
        });
        Self(texts)
    }
}

impl Source for Texts {
    fn get(&self, field: &Field) -> Result<Option<Value<'_>>, String> {
        let Some(text) = self.0.get(field.name) else { return Ok(None) };
        Ok(Some(match field.form {
            Form::Text => Value::Text(text.into()),
            Form::Number => Value::Number(text.parse().map_err(|_| format!("is {text:?}"))?),
            Form::List => Value::List(text.split(',').map(Into::into).collect()),
            Form::Bytes => Value::Bytes(text.as_bytes().into()),
        }))
    }
}

/// What turns took.
#[derive(Clone, Copy, Debug, Default)]
struct Took {
    /// Everything in the span.
    span: Duration,
    /// What was done at the instant at which the rows were listed.
    turn: Duration,
    longest: Duration,
    documents: usize,
    bytes: usize,
    largest: usize,
}

/// One coordinator, a store, and the rows of the other workers.
struct Fleet {
    runtime: Runtime,
    coordinator: Coordinator,
    store: MemoryStore,
    now: Time,
    view: StreamView,
    others: Vec<Session>,
    beat: u64,
    commands: VecDeque<Command>,
    took: Took,
    /// What this instant took, and whether the rows were listed at it.
    instant: Duration,
    is_turn: bool,
}

fn session(number: usize) -> SessionId {
    let worker = format!("orders-{number:04}").parse().expect("a worker's id");
    SessionId::new(worker, Incarnation::from_bits(number as u128 + 1))
}

fn view(shards: usize) -> StreamView {
    let key = StreamKey::new("orders", WallTime::from_millis(1_700_000_000_000));
    let name = "orders".parse().expect("a name");
    let day = Duration::from_hours(24);
    let description = StreamDescription::new(name, key, day, WallTime::from_millis(9));
    let width = u128::MAX / shards as u128;
    let shard = |number: usize| {
        let start = width * number as u128;
        let end = if number + 1 == shards { u128::MAX } else { start + width - 1 };
        let id = format!("shardId-{number:012}").parse().expect("a shard's id");
        Shard::open(id, HashRange::new(start, end))
    };
    StreamView { description, shards: (0..shards).map(shard).collect() }
}

impl Fleet {
    /// A fleet at rest: each lease is held, evenly. The planner is worker 0.
    fn new(leases: usize, workers: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let store = MemoryServer::new().store("turns");
        let settings = Coordination::default();
        let me = session(0).worker;
        let mut fleet = Self {
            coordinator: Coordinator::new(me, settings, Time::ZERO, 7),
            runtime,
            store,
            now: Time::ZERO,
            view: view(leases),
            others: Vec::new(),
            beat: 1,
            commands: VecDeque::new(),
            took: Took::default(),
            instant: Duration::ZERO,
            is_turn: false,
        };
        fleet.join(1..workers);
        fleet.deal(workers);
        fleet
    }

    /// Other workers register.
    fn join(&mut self, numbers: std::ops::Range<usize>) {
        let settings = Coordination::default();
        for number in numbers {
            let (timeout, interval) = (settings.session_timeout, settings.heartbeat_interval);
            let row = Session::new(session(number), 1, timeout, interval)
                .reading(self.view.description.name.clone());
            let put = self.store.register(row.clone());
            self.runtime.block_on(put).expect("a session");
            self.others.push(row);
        }
    }

    /// Each lease gets its row, and an owner in turn; those of the planner are left to it.
    fn deal(&mut self, workers: usize) {
        for (number, shard) in self.view.shards.iter().enumerate() {
            let key = LeaseKey::of_shard(&self.view.description.key, &shard.id);
            let row = Lease::new(key, Checkpoint::TrimHorizon)
                .of_shard(shard.parents.clone(), shard.range);
            let put = self.runtime.block_on(self.store.create(row.clone()));
            assert!(put.expect("a row").is_done());
            if number % workers != 0 {
                let take = Acquire::new(&row, session(number % workers), Epoch(1));
                let taken = self.runtime.block_on(self.store.acquire(take));
                assert!(taken.expect("an owner").is_done());
            }
        }
    }

    fn handle(&mut self, event: Event) {
        let began = Instant::now();
        let commands = self.coordinator.handle(self.now, event);
        let took = began.elapsed();
        self.instant += took;
        self.took.longest = self.took.longest.max(took);
        self.commands.extend(commands);
    }

    /// This instant is over.
    fn count(&mut self) {
        self.took.span += self.instant;
        if self.is_turn {
            self.took.turn = self.took.turn.max(self.instant);
        }
        (self.instant, self.is_turn) = (Duration::ZERO, false);
    }

    /// Carries out what the coordinator asks for, until it asks for nothing.
    fn settle(&mut self) {
        while let Some(command) = self.commands.pop_front() {
            match command {
                Command::Store(id, call) => {
                    let reply = self.carry_out(*call);
                    self.handle(Event::Store(id, Ok(reply)));
                }
                Command::Describe(id, _) => {
                    let description = self.view.description.clone();
                    self.handle(Event::Described(id, Ok(description)));
                }
                Command::ListShards(id, _) => {
                    let view = self.view.clone();
                    self.handle(Event::Shards(id, Ok(view)));
                }
                Command::Finished(outcome) => panic!("the planner is over: {outcome:?}"),
                _ => {}
            }
        }
    }

    fn carry_out(&mut self, call: StoreCall) -> StoreReply {
        if let StoreCall::Sessions(_) = call {
            self.others_beat();
        }
        if let StoreCall::PutDoc(put) = &call {
            self.took.documents += 1;
            self.took.bytes += put.body.len();
            self.took.largest = self.took.largest.max(put.body.len());
        }
        let reply = self.runtime.block_on(call.carry_out(&self.store)).expect("an answer");
        match reply {
            StoreReply::Leases(listing) => StoreReply::Leases(self.decoded(&listing)),
            other => other,
        }
    }

    /// The rows, as they are read from a server's texts.
    fn decoded(&mut self, listing: &Listing<Lease>) -> Listing<Lease> {
        let kept: Vec<(LeaseKey, Texts)> =
            listing.rows.iter().map(|row| (row.key.clone(), Texts::of(row))).collect();
        let began = Instant::now();
        let rows = kept.iter().map(|(key, texts)| Lease::read(key.as_str(), texts));
        let rows: Vec<Lease> = rows.collect::<Result<_, _>>().expect("rows");
        self.instant += began.elapsed();
        self.is_turn = true;
        Listing::of(rows)
    }

    fn others_beat(&mut self) {
        self.beat += 1;
        for row in &self.others {
            let beat = Beat::new(row.id.clone(), self.beat, Report::default());
            self.runtime.block_on(self.store.beat(beat)).expect("a beat");
        }
    }

    /// Time goes on by so much, step by step as the coordinator wants to be woken.
    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while self.now < until {
            let wake = self.coordinator.next_wake().min(until);
            if wake > self.now {
                self.count();
                self.now = wake;
            }
            self.handle(Event::Tick);
            self.settle();
        }
        self.count();
    }

    /// What is done in this span is measured.
    fn measured(&mut self, span: Duration) -> Took {
        self.took = Took::default();
        self.pass(span);
        self.took
    }
}

fn middle(mut all: Vec<Took>) -> Took {
    all.sort_by_key(|took| took.turn);
    all[all.len() / 2]
}

fn main() {
    println!(
        "{:>8} {:>8} | {:>11} {:>11} {:>11} | {:>11} {:>11} {:>11} {:>9} {:>11}",
        "leases",
        "workers",
        "unchanged",
        "longest",
        "span",
        "+10 %",
        "longest",
        "span",
        "documents",
        "largest"
    );
    let audit = Coordination::default().audit_interval;
    let sizes: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    let chosen = |leases: &usize| sizes.is_empty() || sizes.contains(&leases.to_string());
    for (leases, workers) in SIZES.into_iter().filter(|(leases, _)| chosen(leases)) {
        let mut unchanged = Vec::new();
        let mut joined = Vec::new();
        for _ in 0..TIMES {
            let mut fleet = Fleet::new(leases, workers);
            fleet.handle(Event::Tick);
            fleet.settle();
            fleet.pass(Duration::from_secs(10));
            assert!(fleet.coordinator.planning().is_some(), "nobody plans");
            // One audit falls into each such span.
            fleet.pass(audit);
            unchanged.push(fleet.measured(audit));
            fleet.join(workers..workers + workers.div_ceil(10));
            joined.push(fleet.measured(Duration::from_secs(3)));
        }
        let (same, more) = (middle(unchanged), middle(joined));
        let ms = |took: Duration| format!("{:.1} ms", took.as_secs_f64() * 1_000.0);
        println!(
            "{leases:>8} {workers:>8} | {:>11} {:>11} {:>11} | {:>11} {:>11} {:>11} {:>9} {:>9} B",
            ms(same.turn),
            ms(same.longest),
            ms(same.span),
            ms(more.turn),
            ms(more.longest),
            ms(more.span),
            more.documents,
            more.largest
        );
    }
}
