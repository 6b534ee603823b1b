//! What observers are told of the keeper itself: its turns, and that it leaves.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use kcl_core::{
    env::{Clock, Time},
    observe::{KeeperTurn, Observer, Subject, WorkerEvent},
    store::{LeaseStore, StoreErrorKind},
    worker::{Worker, WorkerHandle},
};
use kcl_memory::{
    Faulty,
    faults::{CallKind, Fate, Outcome},
};

use crate::bench::{self, Bench};

/// What timers are exact to.
const TIMERS: Duration = Duration::from_millis(1);

/// Notes each turn with the time it was told at, and each time that the worker leaves.
#[derive(Clone)]
struct Turns {
    clock: Arc<dyn Clock>,
    turns: Arc<Mutex<Vec<(Time, KeeperTurn)>>>,
    leaves: Arc<Mutex<usize>>,
}

impl Turns {
    fn new(bench: &Bench) -> Self {
        let clock = Arc::clone(&bench.env.clock);
        Self { clock, turns: Arc::default(), leaves: Arc::default() }
    }

    /// What turns said of the next one, and when that was, where it came later than said; but for
    /// the milliseconds that timers are exact to.
    fn broken_promises(&self) -> Vec<(Time, Time)> {
        let turns = self.turns.lock().unwrap();
        let pairs = turns.windows(2).map(|pair| (pair[0].1.next, pair[1].0));
        pairs.filter(|(next, told)| told.since(*next) > TIMERS).collect()
    }

    /// Turns that said that the next one was before them, or that they were late.
    fn nonsense(&self) -> Vec<(Time, KeeperTurn)> {
        let turns = self.turns.lock().unwrap();
        let is_odd = |(told, turn): &&(Time, KeeperTurn)| turn.next < *told || turn.late > TIMERS;
        turns.iter().filter(is_odd).copied().collect()
    }
}

impl Observer for Turns {
    fn keeper_turn(&self, about: &Subject, turn: &KeeperTurn) {
        assert_eq!(&*about.application, "test");
        self.turns.lock().unwrap().push((self.clock.now(), *turn));
    }

    fn event(&self, _: &Subject, event: &WorkerEvent) {
        if *event == WorkerEvent::Leaving {
            *self.leaves.lock().unwrap() += 1;
        }
    }
}

/// A worker that reads, and whose store is dark from the first minute on.
fn start(bench: &Bench, turns: &Turns) -> WorkerHandle {
    let begun = bench.env.clock.now();
    let clock = Arc::clone(&bench.env.clock);
    let policy = move |call: &kcl_memory::faults::Call| {
        let dark = clock.now().since(begun) > Duration::from_secs(60);
        if !dark || call.kind == CallKind::Setup {
            return Fate::CALM;
        }
        Fate::of(Outcome::Refused(StoreErrorKind::Unavailable))
    };
    let server: Arc<dyn LeaseStore> = Arc::new(bench.server.store("test"));
    let store = Faulty::new(server, bench.env.clone(), Arc::new(policy));
    let worker = Worker::builder(bench.stream.clone(), store)
        .worker_id("a".parse().unwrap())
        .env(bench.env.clone())
        .observer(turns.clone())
        .for_each_batch(|_| async { Ok(()) })
        .build()
        .unwrap();
    bench::run(worker)
}

#[test]
fn the_keeper_tells_of_its_turns_and_keeps_to_them_also_while_the_store_is_dark() {
    bench::virtually(2, |bench| async move {
        let turns = Turns::new(&bench);
        let handle = start(&bench, &turns);
        bench.sleep(60).await;
        let bright = turns.turns.lock().unwrap().len();
        bench.sleep(600).await;
        let all = turns.turns.lock().unwrap().len();
        // It beats every 1.5 s, and tries again more often.
        assert!(bright >= 40 && all - bright >= 400, "{bright} of {all} turns before the dark");
        assert_eq!(turns.broken_promises(), []);
        assert_eq!(turns.nonsense(), []);
        assert_eq!(*turns.leaves.lock().unwrap(), 0);
        handle.shut_down();
        handle.shut_down();
        bench.sleep(5).await;
        assert_eq!(*turns.leaves.lock().unwrap(), 1, "it leaves once");
    });
}
