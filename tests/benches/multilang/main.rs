//! What it costs to run processors in other languages: how soon the first is told to begin, records
//! per second with a compiled child and with Python's client, and memory: with shards that are
//! empty, after a backlog, and at most.
//!
//! `cargo bench -p kcl-tests --bench multilang` prints a table. `-- --records N` sets how many
//! there are, `--shards N` in how many shards, `--rounds N` how often. `--kcl FILE` measures that
//! command in place of the one that is built with the bench, which has the demo in it. `--java
//! FOLDER` adds the Java daemon, whose jars are in that folder (as `make interop` builds it:
//! `target/interop/java-2.7.2/lib`), with the same stream, children and properties; rounds
//! alternate, and the median counts.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where results go")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench has nobody to hand an error to")]

mod run;

use run::{Child, Contestant, Daemon, Lab, Spent};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let of = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).cloned()
    };
    let records = of("--records").map_or(1_000_000, |it| it.parse().unwrap());
    let rounds = of("--rounds").map_or(3, |it| it.parse().unwrap());
    let shards = of("--shards").map_or(8, |it| it.parse().unwrap());
    let ours = of("--kcl").unwrap_or_else(|| env!("CARGO_BIN_EXE_kcl-under-test").to_owned());
    let mut contestants = vec![
        Contestant { daemon: Daemon::Ours(ours.clone()), child: Child::Compiled },
        Contestant { daemon: Daemon::Ours(ours), child: Child::Python },
    ];
    if let Some(jars) = of("--java") {
        for child in [Child::Compiled, Child::Python] {
            contestants.push(Contestant { daemon: Daemon::Java(jars.clone()), child });
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let lab = runtime.block_on(Lab::new(records, shards));
    let mut spent: Vec<Vec<Spent>> = contestants.iter().map(|_| Vec::new()).collect();
    for round in 1..=rounds {
        for (contestant, spent) in contestants.iter().zip(&mut spent) {
            let once = lab.run(contestant, round);
            eprintln!("round {round} of {rounds}, {}: {once:?}", contestant.name());
            spent.push(once);
        }
    }
    report(&contestants, &spent);
}

fn megabytes(kib: f64) -> f64 {
    kib * 1.024 / 1e3
}

fn report(contestants: &[Contestant], spent: &[Vec<Spent>]) {
    println!(
        "| | start to initialize | records/s | CPU of the daemon a record | busiest child \
         | RSS, empty shards | RSS after the backlog | RSS at most |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (contestant, spent) in contestants.iter().zip(spent) {
        let median = |of: fn(&Spent) -> f64| {
            let mut all: Vec<f64> = spent.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all.get(all.len() / 2).copied().unwrap_or_default()
        };
        println!(
            "| {} | {:.2} s | {:.0} | {:.1} us | {:.0} % | {:.1} MB | {:.1} MB | {:.1} MB |",
            contestant.name(),
            median(|it| it.begun),
            median(|it| it.rate),
            median(|it| it.cpu) * 1e6,
            median(|it| it.busy) * 100.0,
            megabytes(median(|it| it.empty_kib)),
            megabytes(median(|it| it.idle_kib)),
            megabytes(median(|it| it.peak_kib)),
        );
    }
}
