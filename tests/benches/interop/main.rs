//! A whole change-over with the fleets of others: the real library reads a stream, `kcl import`
//! takes its leases over, workers of kcl read on, `kcl export` gives them back, and the old fleet
//! goes on, all while a producer writes. `make interop` builds those fleets and runs this.
//!
//! `cargo test --workspace --bench interop -- [KIND]... [--shards 20] [--rate 100]`: the kinds are
//! `kcl-2.7.2`, `kcl-3.5.1`, `vmware-go-kcl-1.5.1` and `vmware-go-kcl-v2`. It fails if a record was
//! lost, or came first to one reader after a later one of its shard had come to the next.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where results go")]

mod count;
mod course;
mod old;

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use course::Course;
use old::Old;

/// How much there is to do.
#[derive(Clone, Copy, Debug)]
struct Size {
    shards: i32,
    /// Records a second.
    rate: usize,
}

fn main() -> Result<ExitCode> {
    let mut size = Size { shards: 20, rate: 100 };
    let mut kinds = Vec::new();
    // Cargo says `--bench` to every benchmark.
    let mut arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|it| it.parse::<u16>().ok());
        match &*argument {
            "--shards" => size.shards = number().context("--shards N")?.into(),
            "--rate" => size.rate = number().context("--rate N")?.into(),
            kind => match Old::ALL.iter().find(|old| old.name == kind) {
                Some(old) => kinds.push(old),
                None => bail!("{kind}: expected one of {:?}", Old::ALL.map(|old| old.name)),
            },
        }
    }
    if kinds.is_empty() {
        kinds.extend(&Old::ALL);
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let mut right = true;
    let mut table = count::Table::default();
    for old in kinds {
        eprintln!("{}: {size:?}", old.name);
        match runtime.block_on(Course::play(old, size)) {
            Ok(outcome) => {
                eprintln!("{}: {outcome:#?}", old.name);
                right &= outcome.is_right();
                table.add(old.name, outcome);
            }
            Err(error) => {
                right = false;
                eprintln!("{}: FAILED: {error:#}", old.name);
            }
        }
    }
    println!("{table}\nlogs are in target/interop/logs");
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
