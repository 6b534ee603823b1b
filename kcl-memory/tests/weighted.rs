//! Sharing out by load: the loads that the fleet knows are those that the stream truly has.

#![allow(clippy::unwrap_used, reason = "what goes wrong fails the test")]
#![allow(clippy::print_stderr, reason = "figures are printed for people")]

use std::time::Duration;

use kcl_core::{
    assignment::{Balance, Weighting},
    lease::{
        DocName,
        report::{ShardReport, WorkerReport},
    },
    settings::{ProgressMode, Settings},
    stream::StreamSource,
    worker::{Worker, WorkerHandle},
};
use kcl_memory::sim::{Action, Script, Step, World, play};

use crate::bench::{self, Bench};

/// Seeds that are played; each takes minutes of the fleet's time.
const SEEDS: u64 = 60;

/// A fleet whose every third shard takes nine times as much as the others.
fn skewed(checkpoints: bool) -> Script {
    let mut script = Script::quiet(11, 3, 12);
    script.settings.balance = Balance::Weighted(Weighting::default());
    script.next = script.settings.clone();
    (script.skew, script.checkpoints) = (8, checkpoints);
    script
}

#[test]
fn fleets_under_faults_come_to_share_the_load() {
    for seed in 0..SEEDS {
        if let Err(broken) = play(&Script::weighted(seed)) {
            panic!("seed {seed}: {broken}");
        }
    }
}

#[test]
fn load_is_shared_also_where_no_processor_ever_checkpoints() {
    for checkpoints in [true, false] {
        // One worker takes all; then two others come.
        let mut script = skewed(checkpoints);
        script.workers = 1;
        let script =
            script.with(vec![Step::new(90_000, Action::Join), Step::new(95_000, Action::Join)]);
        if let Err(broken) = play(&script) {
            panic!("checkpoints {checkpoints}: {broken}");
        }
    }
}

#[test]
fn what_workers_tell_of_their_loads_is_what_arrives() {
    let mut world = World::new(skewed(false));
    world.run_for(Duration::from_secs(240)).unwrap();
    let mut told = 0;
    for (worker, _) in world.held() {
        let document = world.document(&DocName::report(&worker)).expect("a report");
        for (key, ShardReport { load, .. }) in WorkerReport::decode(&document.body).unwrap().shards
        {
            let number: u64 = key.shard().unwrap().as_str()[8..].parse().unwrap();
            let truth = if number.is_multiple_of(3) { 1_800_000 } else { 200_000 };
            let bytes = load.bytes_per_second.expect("it was measured for minutes");
            assert!(bytes.abs_diff(truth) < truth / 10, "{key}: {bytes} of {truth}");
            assert!(load.busy_permille.is_some_and(|busy| busy > 0 && busy < 500), "{load:?}");
            told += 1;
        }
    }
    assert_eq!(told, 12, "each lease is told of once");
}

/// What it costs: a fleet whose loads stay as they are writes a report in five minutes, and reads
/// each a minute.
#[test]
fn telling_loads_costs_a_fleet_at_rest_little() {
    let calls = |weighted: bool| {
        let mut script = skewed(true);
        script.shards = 20;
        if !weighted {
            script.settings.balance = Balance::Even;
        }
        let mut world = World::new(script);
        world.run_for(Duration::from_secs(600)).unwrap();
        let count = |world: &World, name| world.calls().get(name).copied().unwrap_or(0);
        let before = ["put_doc", "doc"].map(|name| count(&world, name));
        world.run_for(Duration::from_secs(600)).unwrap();
        let after = ["put_doc", "doc"].map(|name| count(&world, name));
        [0, 1].map(|at| (after[at] - before[at]) as f64 / 600.0)
    };
    let (even, weighted) = (calls(false), calls(true));
    let more = [0, 1].map(|at| weighted[at] - even[at]);
    eprintln!("3 workers, 20 leases: {:.3} writes and {:.3} reads a second more", more[0], more[1]);
    // At rest such a fleet writes some 2.3 units a second, and reads 5.2.
    assert!(more[0] <= 0.05, "{more:?}");
    assert!(more[1] <= 0.06, "{more:?}");
}

/// A worker that shares out by load, and whose processor never checkpoints.
fn start(bench: &Bench, name: &str) -> WorkerHandle {
    let mut settings = Settings::default();
    let mut weighting = Weighting::default();
    weighting.floor = 500;
    settings.coordination.balance = Balance::Weighted(weighting);
    settings.delivery.progress = ProgressMode::Manual;
    let env = bench.env.clone();
    let worker = Worker::builder(bench.stream.clone(), bench.server.store("test"))
        .worker_id(name.parse().unwrap())
        .env(bench.env.clone())
        .settings(settings)
        .for_each_batch(move |_| {
            let clock = env.clock.clone();
            async move {
                clock.sleep(Duration::from_millis(200)).await;
                Ok(())
            }
        })
        .build()
        .unwrap();
    bench::run(worker)
}

/// The whole way: read, measured, told, planned by, moved.
#[test]
fn whole_workers_that_never_checkpoint_share_the_load_of_a_heavy_shard() {
    bench::virtually(6, |bench| async move {
        bench.put(0..6);
        let first = start(&bench, "a");
        let mut shards = bench.stream.shards().await.unwrap();
        shards.sort_by(|a, b| a.id.cmp(&b.id));
        let hashes: Vec<u128> = shards.iter().map(|shard| shard.range.unwrap().start).collect();
        let run = async |seconds: u64| {
            for _ in 0..seconds {
                for (at, hash) in hashes.iter().enumerate() {
                    let bytes = if at == 0 { 5_000 } else { 1_000 };
                    bench.stream.put_hashed(*hash, "key", vec![0; bytes]).unwrap();
                }
                bench.sleep(1).await;
            }
        };
        run(60).await;
        let status = first.status();
        assert_eq!(status.leases.len(), 6);
        let loads: Vec<_> = status.leases.values().map(|lease| lease.load).collect();
        let bytes: Vec<u64> = loads.iter().map(|load| load.bytes_per_second.unwrap()).collect();
        let near = |bytes: u64, truth: u64| bytes.abs_diff(truth) <= truth / 10;
        assert!(
            near(bytes[0], 5_000) && bytes[1..].iter().all(|one| near(*one, 1_000)),
            "{bytes:?}"
        );
        let busy = |load: &kcl_core::lease::Load| load.busy_permille.unwrap();
        assert!(loads.iter().all(|load| (150..=250).contains(&busy(load))), "{loads:?}");
        let second = start(&bench, "b");
        run(300).await;
        let held = [&first, &second].map(|it| it.status().leases.into_keys().collect::<Vec<_>>());
        let mut counts = held.each_ref().map(Vec::len);
        counts.sort_unstable();
        assert_eq!(counts, [1, 5], "the heavy one weighs as much as the others together: {held:?}");
    });
}

#[test]
fn the_report_of_a_worker_that_is_gone_goes_too() {
    let mut world = World::new(skewed(true));
    world.run_for(Duration::from_secs(190)).unwrap();
    let names = |world: &World| world.held().into_iter().map(|(worker, _)| worker);
    let before: Vec<_> = names(&world).collect();
    let has_report = |world: &World, of| world.document(&DocName::report(of)).is_some();
    assert!(before.iter().all(|worker| has_report(&world, worker)));
    world.act_now(&Action::Crash(2)).unwrap();
    world.run_for(Duration::from_secs(200)).unwrap();
    let after: Vec<_> = names(&world).collect();
    assert_eq!((before.len(), after.len()), (3, 2));
    for worker in &before {
        assert_eq!(has_report(&world, worker), after.contains(worker), "{worker}");
    }
}
