//! What fleets tell of themselves: that it is so, what it costs, and that nothing hangs on it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by it")]
#![allow(clippy::print_stderr, reason = "figures are printed for people")]

use std::{cell::Cell, collections::BTreeMap, rc::Rc, time::Duration};

use kcl_core::{
    coordinator::StoreCall,
    env::WallTime,
    lease::{
        DocName, Document, WorkerId,
        report::{Moves, PlannerReport, Watch, Why, WorkerReport},
    },
};
use kcl_memory::sim::{Action, Fate, Report, Script, Step, World};

/// Scripts that are played without reports.
const SEEDS: u64 = 15;

/// What DynamoDB writes for one unit, and what the names of a row take.
const UNIT_BYTES: usize = 1_024;
const NAMES: usize = 100;

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn is_told(call: &StoreCall) -> bool {
    match call {
        StoreCall::Doc(name) => name.is_told(),
        StoreCall::PutDoc(put) => put.name.is_told(),
        StoreCall::DeleteDoc(delete) => delete.name.is_told(),
        _ => false,
    }
}

/// What became of a run, but for what was told in it.
fn outcome(report: &Report) -> impl PartialEq + std::fmt::Debug + use<> {
    let without = |counts: &BTreeMap<&'static str, u64>, names: &[&str]| {
        let mut counts = counts.clone();
        counts.retain(|name, _| !names.contains(name));
        counts
    };
    let calls = without(&report.calls, &["doc", "put_doc", "delete_doc"]);
    let notices = without(&report.notices, &["Other"]);
    let counts = (report.processed, report.duplicates, report.acquires);
    (counts, report.held.clone(), calls, notices)
}

/// Whether reports are written or refused: leases, sessions and plans are the same.
#[test]
fn nothing_hangs_on_what_is_told() {
    let told = Rc::new(Cell::new(0));
    for seed in 0..8 {
        let steps = [
            (15_000, Action::Join),
            (40_000, Action::Split(1)),
            (70_000, Action::Crash(1)),
            (130_000, Action::Leave(0)),
        ];
        let steps = steps.map(|(at, action)| Step::new(at, action));
        let script = Script::quiet(seed, 4, 12).with(steps.to_vec());
        let plain = World::new(script.clone()).play().unwrap();
        let mut world = World::new(script);
        let count = Rc::clone(&told);
        let _ = world.intercept(Fate::Refused, move |_, call| {
            count.set(count.get() + u64::from(is_told(call)));
            is_told(call)
        });
        assert_eq!(outcome(&plain), outcome(&world.play().unwrap()), "seed {seed}");
    }
    assert!(told.get() > 100, "{} calls were refused", told.get());
}

/// Nor where nobody hears what becomes of them, whatever else goes wrong.
#[test]
fn fleets_that_cannot_tell_anything_keep_all_they_promise() {
    let fates = [Fate::Refused, Fate::RequestLost, Fate::ReplyLost];
    for (seed, fate) in (0..SEEDS).zip(fates.into_iter().cycle()) {
        let mut world = World::new(Script::from_seed(seed));
        let _ = world.intercept(fate, |_, call| is_told(call));
        let (_, broken) = world.play_explained();
        assert!(broken.is_none(), "seed {seed}, {fate:?}: {}", broken.unwrap());
    }
}

fn document(world: &World, name: &DocName) -> Document {
    world.document(name).cloned().unwrap_or_else(|| panic!("{name} is not there"))
}

fn report(world: &World, worker: &WorkerId) -> WorkerReport {
    WorkerReport::decode(&document(world, &DocName::report(worker)).body).unwrap()
}

#[test]
fn workers_tell_of_what_they_hold_and_the_planner_of_its_plan_and_its_moves() {
    let mut world = World::new(Script::quiet(1, 3, 20));
    world.run_for(secs(150)).unwrap();
    for (worker, held) in world.held() {
        let report = report(&world, &worker);
        assert_eq!(report.shards.len(), held);
        assert!(report.shards.values().all(|it| it.load.busy_permille.is_some()), "{report:?}");
        assert!(report.beat > 0 && report.store_clock.is_some());
    }
    let plan = document(&world, &DocName::planner_report());
    let plan = PlannerReport::decode(&plan.body).unwrap();
    assert_eq!(Some(plan.planner.worker.clone()), world.planner());
    assert_eq!((plan.workers, plan.runnable, plan.unassigned.len()), (3, 20, 0));
    assert_eq!(plan.desired_workers.map(|it| it <= 20), Some(true), "{plan:?}");
    let moves = || Moves::decode(&document(&world, &DocName::moves()).body).unwrap();
    let free = moves().moves.iter().filter(|moved| moved.why == Why::Free).count();
    assert_eq!((free, moves().moves.len()), (20, 20), "each lease was given to somebody once");
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(20)).unwrap();
    let moves = Moves::decode(&document(&world, &DocName::moves()).body).unwrap();
    let moved = &moves.moves[20..];
    assert_eq!(moved.len(), 5, "{moved:?}");
    assert!(moved.iter().all(|it| it.why == Why::Balance && it.from.is_some()), "{moved:?}");
}

/// Units that are written in a second for what is told, and documents by name that are written.
fn written(world: &mut World, span: Duration) -> f64 {
    let names = |world: &World| -> Vec<DocName> {
        let workers = world.held().into_iter().map(|(worker, _)| DocName::report(&worker));
        workers.chain([DocName::planner_report(), DocName::moves()]).collect()
    };
    let before: BTreeMap<DocName, u64> = names(world)
        .into_iter()
        .map(|name| (name.clone(), document(world, &name).version))
        .collect();
    world.run_for(span).unwrap();
    let units = before.into_iter().map(|(name, version)| {
        let now = document(world, &name);
        let units = (now.body.len() + NAMES).div_ceil(UNIT_BYTES) as u64;
        (now.version - version) * units
    });
    units.sum::<u64>() as f64 / span.as_secs_f64()
}

/// Such a fleet writes two units a second at rest: what it tells may cost a tenth of that. What
/// real workers tell is longer than what simulated ones do: a test of `report::worker` bounds it.
#[test]
fn what_three_idle_workers_tell_costs_less_than_a_tenth_of_what_they_write() {
    let mut world = World::new(Script::quiet(1, 3, 20));
    world.run_for(secs(150)).unwrap();
    let units = written(&mut world, secs(600));
    eprintln!("3 workers with 20 leases: {units:.3} write units/s for what is told");
    assert!(units <= 0.1, "{units:.3}");
}

#[test]
fn while_somebody_watches_each_beat_is_followed_by_a_report_and_afterwards_none() {
    let mut world = World::new(Script::quiet(1, 3, 20));
    world.run_for(secs(150)).unwrap();
    let workers: Vec<WorkerId> = world.held().into_iter().map(|(worker, _)| worker).collect();
    let versions = |world: &World| -> Vec<u64> {
        workers.iter().map(|it| document(world, &DocName::report(it)).version).collect()
    };
    let grown = |world: &mut World, span| {
        let before = versions(world);
        world.run_for(span).unwrap();
        versions(world).into_iter().zip(before).map(|(now, then)| now - then).collect::<Vec<_>>()
    };
    world.tamper_docs(|docs| {
        let watch = Watch::new("a test", WallTime::from_millis(u64::MAX / 2));
        docs.insert(DocName::watch(), Document::new(DocName::watch(), 1, watch.encode()));
    });
    assert!(grown(&mut world, secs(10)).iter().all(|by| *by <= 1), "nobody was woken");
    // Who joins has everybody woken, who looks then.
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(2)).unwrap();
    let by = grown(&mut world, secs(20));
    assert!(by.iter().all(|by| *by >= 10), "{by:?}");
    world.run_for(secs(20)).unwrap();
    let by = grown(&mut world, secs(50));
    assert!(by.iter().all(|by| *by <= 1), "nobody watches any more: {by:?}");
}
