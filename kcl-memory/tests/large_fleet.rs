//! A fleet of 500 workers on a stream of 10,000 shards: it starts from one worker, the others join,
//! fifty die with the planner among them, and each time the shards are shared out evenly. Real
//! coordinators and the store in memory, which refuses documents that are too large, on virtual
//! time. A run is a name in a list: what readers do is proved elsewhere.
//!
//! Packed assignments came of this: what the first worker was to give away was larger than a store
//! takes, and nothing ever moved.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what goes wrong fails the test, which tells its figures"
)]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use kcl_core::{
    coordinator::{
        Command, Coordinator, Event, RunCommand, RunEvent, RunNews, RunOrder, StoreCall,
        StoreOutcome, StreamView,
    },
    env::{Time, WallTime},
    lease::{Document, LeaseKey},
    settings::Coordination,
    stream::{HashRange, Shard, StreamDescription, StreamKey},
};
use kcl_memory::{MemoryServer, MemoryStore};
use tokio::runtime::Runtime;

const SHARDS: usize = 10_000;
const WORKERS: usize = 500;
const DEAD: usize = 50;

/// How long a call to the store or the stream takes.
const CALL: Duration = Duration::from_millis(3);

fn view() -> StreamView {
    let key = StreamKey::new("orders", WallTime::from_millis(1_700_000_000_000));
    let day = Duration::from_hours(24);
    let now = WallTime::from_millis(1_700_000_000_009);
    let description = StreamDescription::new("orders".parse().unwrap(), key, day, now);
    let width = u128::MAX / SHARDS as u128;
    let shard = |number: usize| {
        let start = width * number as u128;
        let end = if number + 1 == SHARDS { u128::MAX } else { start + width - 1 };
        let id = format!("shardId-{number:012}").parse().unwrap();
        Shard::open(id, HashRange::new(start, end))
    };
    StreamView { description, shards: (0..SHARDS).map(shard).collect() }
}

/// A worker: its coordinator, and the leases it reads.
struct Host {
    coordinator: Coordinator,
    wake: Time,
    reads: BTreeSet<LeaseKey>,
}

struct Fleet {
    runtime: Runtime,
    store: MemoryStore,
    view: StreamView,
    now: Time,
    hosts: BTreeMap<usize, Host>,
    /// When something happens to whom, in the order in which it was set off.
    agenda: BTreeMap<(Time, u64), (usize, Event)>,
    wakes: BTreeSet<(Time, usize)>,
    set_off: u64,
    readers: BTreeMap<LeaseKey, usize>,
    largest: usize,
}

impl Fleet {
    fn new() -> Self {
        Self {
            runtime: tokio::runtime::Builder::new_current_thread().build().unwrap(),
            store: MemoryServer::new().store("large"),
            view: view(),
            now: Time::ZERO,
            hosts: BTreeMap::new(),
            agenda: BTreeMap::new(),
            wakes: BTreeSet::new(),
            set_off: 0,
            readers: BTreeMap::new(),
            largest: 0,
        }
    }

    fn start(&mut self, number: usize) {
        let id = format!("orders-{number:03}").parse().unwrap();
        let coordinator = Coordinator::new(id, Coordination::default(), self.now, number as u64);
        let host = Host { coordinator, wake: Time::NEVER, reads: BTreeSet::new() };
        self.hosts.insert(number, host);
        self.happen(number, Event::Tick);
    }

    fn kill(&mut self, number: usize) {
        let host = self.hosts.remove(&number).unwrap();
        self.wakes.remove(&(host.wake, number));
        for key in host.reads {
            self.readers.remove(&key);
        }
    }

    fn planner(&self) -> Option<usize> {
        let plans = |(number, host): (&usize, &Host)| {
            host.coordinator.planning().is_some().then_some(*number)
        };
        self.hosts.iter().find_map(plans)
    }

    /// Something happens to a worker, and whatever it does about that.
    fn happen(&mut self, number: usize, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let Some(host) = self.hosts.get_mut(&number) else { return };
            for command in host.coordinator.handle(self.now, event) {
                match command {
                    Command::Store(id, call) => {
                        let reply = self.carry_out(*call);
                        self.after(CALL, number, Event::Store(id, reply));
                    }
                    Command::Describe(id, _) => {
                        let description = self.view.description.clone();
                        self.after(CALL, number, Event::Described(id, Ok(description)));
                    }
                    Command::ListShards(id, _) => {
                        let view = self.view.clone();
                        self.after(CALL, number, Event::Shards(id, Ok(view)));
                    }
                    Command::Run(command) => events.extend(self.run(number, command)),
                    Command::Finished(outcome) => panic!("worker {number} is over: {outcome:?}"),
                    _ => {}
                }
            }
        }
        let Some(host) = self.hosts.get_mut(&number) else { return };
        self.wakes.remove(&(host.wake, number));
        host.wake = host.coordinator.next_wake();
        self.wakes.insert((host.wake, number));
    }

    fn carry_out(&mut self, call: StoreCall) -> StoreOutcome {
        if let StoreCall::PutDoc(put) = &call {
            self.largest = self.largest.max(put.body.len());
        }
        let reply = self.runtime.block_on(call.carry_out(&self.store));
        reply.map_err(|error| error.kind)
    }

    fn run(&mut self, number: usize, command: RunCommand) -> Option<Event> {
        let RunCommand { key, epoch, order } = command;
        let reads = &mut self.hosts.get_mut(&number)?.reads;
        match order {
            RunOrder::Start(_) => {
                reads.insert(key.clone());
                let other = self.readers.insert(key.clone(), number);
                assert_eq!(other, None, "{key} is read by two: {number} is the second");
                None
            }
            RunOrder::Drain { .. } | RunOrder::Drop(_) => {
                if reads.remove(&key) {
                    self.readers.remove(&key);
                }
                Some(Event::Run(RunEvent { key, epoch, news: RunNews::Stopped }))
            }
            RunOrder::Suspend | RunOrder::Resume => None,
        }
    }

    fn after(&mut self, wait: Duration, number: usize, event: Event) {
        self.set_off += 1;
        self.agenda.insert((self.now + wait, self.set_off), (number, event));
    }

    /// The next thing happens, if any does before that time.
    fn step(&mut self, until: Time) -> bool {
        let event = self.agenda.first_key_value().map_or(Time::NEVER, |((at, _), _)| *at);
        let wake = self.wakes.first().map_or(Time::NEVER, |(at, _)| *at);
        if event.min(wake) > until {
            self.now = until;
            return false;
        }
        self.now = self.now.max(event.min(wake));
        if event <= wake {
            if let Some((_, (number, event))) = self.agenda.pop_first() {
                self.happen(number, event);
            }
        } else if let Some((_, number)) = self.wakes.first().copied() {
            self.happen(number, Event::Tick);
        }
        true
    }

    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while self.step(until) {}
    }

    /// Whether each shard is read, and no worker reads two more than another.
    fn is_balanced(&self) -> bool {
        let counts = || self.hosts.values().map(|host| host.reads.len());
        let (least, most) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
        self.readers.len() == SHARDS && most <= least + 1
    }

    /// How long it takes until the shards are shared out evenly.
    fn balances_within(&mut self, most: Duration) -> Duration {
        let began = self.now;
        while !self.is_balanced() {
            assert!(self.now < began + most, "{} of {SHARDS} are read", self.readers.len());
            self.pass(Duration::from_millis(100));
        }
        self.now.since(began)
    }
}

#[test]
fn five_hundred_workers_share_ten_thousand_shards() {
    let mut fleet = Fleet::new();
    fleet.start(0);
    let alone = fleet.balances_within(Duration::from_secs(5));
    let whole = fleet.largest;
    for number in 1..WORKERS {
        fleet.start(number);
    }
    let joined = fleet.balances_within(Duration::from_secs(10));
    let planner = fleet.planner().expect("a planner");
    for place in 0..DEAD {
        fleet.kill((planner + place * WORKERS / DEAD) % WORKERS);
    }
    assert!(!fleet.is_balanced());
    let left = fleet.balances_within(Duration::from_secs(20));
    fleet.pass(Duration::from_secs(60));
    assert!(fleet.is_balanced(), "and so it stays");
    assert_eq!(fleet.hosts.len(), WORKERS - DEAD);
    println!(
        "one worker reads all after {alone:?}, told in {whole} bytes; 499 more: {joined:?}; \
         without {DEAD}, the planner among them: {left:?}; the largest document: {} bytes",
        fleet.largest
    );
    assert!(fleet.largest <= Document::MAX_BODY);
}
