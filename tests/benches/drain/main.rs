//! What a worker costs over a bare loop of the SDK: each drains the same backlog from a server of
//! prepared answers.
//!
//! `cargo bench -p kcl-tests --bench drain` prints a table: records per second from the first
//! answer to the last record, CPU time per record, and the most memory used. Server and
//! contestants are processes of their own; rounds alternate, and the median counts.
//! `-- --rounds N` sets how many there are; `-- --records N` how many records are drained in each,
//! in all: two million by default, which take about a second. `-- --cloudwatch` adds a worker with
//! all metrics on, which sends them to CloudWatch every second. It makes its clients within the
//! time that is measured, so it wants rounds of ten seconds and more: `--records 30000000`. The
//! server then takes 200 MB more.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where results go")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench has nobody to hand an error to")]

mod collector;
mod contestant;
mod server;
mod spent;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use contestant::Contestant;
use server::SHARDS;
use spent::Spent;

const ROUNDS: usize = 7;

/// Records of all shards together.
const RECORDS: usize = 2_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let of = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).cloned()
    };
    let number = |flag: &str, usual| of(flag).map_or(usual, |number| number.parse().unwrap());
    let each = number("--records", RECORDS).div_ceil(SHARDS);
    if arguments.iter().any(|argument| argument == "--serve") {
        return server::serve(each);
    }
    if let (Some(contestant), Some(url)) = (of("--contestant"), of("--url")) {
        let contestant = Contestant::named(&contestant).unwrap();
        return println!("{}", contestant.drain(&url, each));
    }
    let cloudwatch = arguments.iter().any(|argument| argument == "--cloudwatch");
    compare(number("--rounds", ROUNDS), each, cloudwatch);
}

/// Each drains `each` records of each shard, in turn, in each round.
fn compare(rounds: usize, each: usize, cloudwatch: bool) {
    let (mut server, url) = start_server(each);
    let is_asked_for = |it: &Contestant| cloudwatch || *it != Contestant::CloudWatch;
    let asked_for = Contestant::ALL.into_iter().filter(is_asked_for);
    let mut spent: Vec<(Contestant, Vec<Spent>)> =
        asked_for.map(|contestant| (contestant, Vec::new())).collect();
    for round in 1..=rounds {
        for (contestant, spent) in &mut spent {
            let once = run(*contestant, &url, each);
            eprintln!("round {round} of {rounds}, {}: {once:?}", contestant.name());
            spent.push(once);
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
    report(&spent, SHARDS * each);
}

fn report(spent: &[(Contestant, Vec<Spent>)], records: usize) {
    let records = f64::from(u32::try_from(records).unwrap());
    let rate = |spent: &[Spent]| records / spent::median(spent, |one| one.drain.as_secs_f64());
    let of = |wanted: Contestant| {
        let (_, spent) = spent.iter().find(|(contestant, _)| *contestant == wanted).unwrap();
        rate(spent)
    };
    let (bare, worker) = (of(Contestant::Bare), of(Contestant::Worker));
    println!(
        "| | records/s | of the bare loop | of a worker | CPU a record | peak RSS | start to last \
         record |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (contestant, spent) in spent {
        let rate = rate(spent);
        println!(
            "| {} | {:.2} M | {:.2} | {:.2} | {:.2} us | {:.0} MB | {:.2} s |",
            contestant.name(),
            rate / 1e6,
            rate / bare,
            rate / worker,
            spent::median(spent, |one| one.cpu.as_secs_f64()) * 1e6 / records,
            spent.iter().map(|one| one.peak_kib).max().map_or(0.0, |kib| kib as f64 / 1e3 * 1.024),
            spent::median(spent, |one| one.whole.as_secs_f64()),
        );
    }
}

fn run(contestant: Contestant, url: &str, each: usize) -> Spent {
    let mut command = with_records(each);
    command.args(["--contestant", contestant.name(), "--url", url]).stderr(Stdio::inherit());
    // What is sent to CloudWatch is signed, and nobody looks.
    command.env("AWS_ACCESS_KEY_ID", "bench").env("AWS_SECRET_ACCESS_KEY", "bench");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{} failed", contestant.name());
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// This program again, which is told of as many records.
fn with_records(each: usize) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--records", &(SHARDS * each).to_string()]);
    command
}

fn start_server(each: usize) -> (Child, String) {
    let mut command = with_records(each);
    let mut child = command.arg("--serve").stdout(Stdio::piped()).spawn().unwrap();
    let mut address = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
    (child, format!("http://{}", address.trim()))
}
