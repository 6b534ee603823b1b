//! How long a plan takes: `cargo bench -p kcl-core --bench plan`.
//!
//! The bound is 10 ms warm and 25 ms cold for 100,000 leases and 1,000 workers on one core, the
//! allocation of the plan included. Leases come in random order, which is the worst for a planner
//! that must not depend on it.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use kcl_core::{
    assignment::{Balance, LeaseView, View, Weighting, WorkerView, plan},
    env::WallTime,
    lease::LeaseKey,
    stream::StreamKey,
};

/// A small generator of repeatable noise (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or(0)
    }
}

/// `leases` orphans of one stream and `workers` workers, in random order, most leases light and few
/// heavy.
fn cold(leases: usize, workers: usize, balance: Balance) -> View {
    let stream = StreamKey::new("orders", WallTime::from_millis(1_700_000_000_000));
    let mut noise = Noise(7);
    let lease = |number: usize| {
        let shard = format!("shardId-{number:012}").parse().ok()?;
        let mut lease = LeaseView::new(LeaseKey::of_shard(&stream, &shard));
        lease.weight = Some(1_000_000_000_000 / (1 + noise.next() % 100_000) + number as u64);
        Some(lease)
    };
    let mut all: Vec<LeaseView> = (0..leases).filter_map(lease).collect();
    for at in (1..all.len()).rev() {
        all.swap(at, noise.below(at + 1));
    }
    let worker = |number: usize| Some(WorkerView::new(format!("orders-{number}").parse().ok()?));
    let mut view = View::new(all, (0..workers).filter_map(worker).collect());
    view.balance = balance;
    view
}

/// The view once its plan has been carried out.
fn warm(mut view: View) -> View {
    let plan = plan(&view);
    for (lease, seat) in view.leases.iter_mut().zip(plan.seats) {
        lease.holder = seat;
    }
    view
}

/// The view with a tenth more workers.
fn joined(mut view: View) -> View {
    let more = view.workers.len() / 10;
    let worker = |number: usize| Some(WorkerView::new(format!("new-{number}").parse().ok()?));
    view.workers.extend((0..more).filter_map(worker));
    view
}

/// The view without the last tenth of its workers.
fn left(mut view: View) -> View {
    let rest = view.workers.len() - view.workers.len() / 10;
    view.workers.truncate(rest);
    view
}

/// The view with every weight changed by up to a half.
fn shifted(mut view: View) -> View {
    let mut noise = Noise(11);
    for lease in &mut view.leases {
        lease.weight = lease.weight.map(|weight| weight / 2 + noise.next() % (weight + 1));
    }
    view
}

/// One lease is given up by a worker that makes no progress on it.
fn given_up(mut view: View) -> View {
    if let Some(lease) = view.leases.first_mut() {
        lease.avoid = lease.holder;
    }
    view
}

fn bench(criterion: &mut Criterion) {
    let mut weighting = Weighting::default();
    weighting.floor = 1;
    let weighted = Balance::Weighted(weighting);
    for (leases, workers) in [(10_000, 200), (100_000, 1_000)] {
        let mut group = criterion.benchmark_group(format!("{leases} leases, {workers} workers"));
        group.sample_size(30);
        for (name, balance) in [("even", Balance::Even), ("weighted", weighted)] {
            let cold = cold(leases, workers, balance);
            let warm = warm(cold.clone());
            let cases = [
                ("unchanged", warm.clone()),
                ("a tenth joins", joined(warm.clone())),
                ("a tenth leaves", left(warm.clone())),
                ("a lease is given up", given_up(warm.clone())),
                ("weights shift", shifted(warm)),
                ("all orphaned", cold),
            ];
            for (case, view) in cases {
                group.bench_function(format!("{name}, {case}"), |bencher| {
                    bencher.iter_batched(|| (), |()| plan(black_box(&view)), BatchSize::LargeInput);
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
