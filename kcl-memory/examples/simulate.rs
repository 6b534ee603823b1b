//! Plays seeds of the simulator: `cargo run --release --example simulate -- [SEEDS [FROM]]`.
//!
//! Progress goes to stderr, a summary as JSON to stdout. A seed that breaks an invariant is shrunk
//! and its script written to `target/simulation`; the exit code is then 1.

use std::{
    env,
    error::Error,
    io::{self, Write},
    path::Path,
    process::ExitCode,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use kcl_memory::sim::{Campaign, Finding, Tally};
use serde_json::json;

/// Seeds played if no number is given.
const SEEDS: u64 = 2_000;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let seeds = argument(1, SEEDS)?;
    let from = argument(2, 0)?;
    #[expect(clippy::disallowed_methods, reason = "how long it takes is what is measured")]
    let start = Instant::now();
    let campaign = Campaign::of(from..from.saturating_add(seeds));
    let played = AtomicU64::new(0);
    let tally = campaign.play(|seed, broken| {
        let played = played.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(broken) = broken {
            drop(writeln!(io::stderr(), "seed {seed}: {broken}"));
        }
        if played.is_multiple_of((seeds / 20).max(1)) {
            let seconds = start.elapsed().as_secs();
            drop(writeln!(io::stderr(), "{played} of {seeds} seeds in {seconds} s"));
        }
    });
    let took = start.elapsed().as_secs_f64();
    let found = save(&tally)?;
    let per_second = |number: f64| (number / took).round();
    let hours = tally.worker_time.as_secs_f64() / 3_600.0;
    let events = tally.events.to_string().parse::<f64>()?;
    let summary = json!({
        "seeds": tally.seeds,
        "from": from,
        "played_twice": tally.twice,
        "threads": campaign.threads,
        "seconds": (took * 10.0).round() / 10.0,
        "events": tally.events,
        "events_per_second": per_second(events),
        "worker_hours": (hours * 10.0).round() / 10.0,
        "worker_hours_per_minute": per_second(hours * 60.0),
        "simulated_hours": (tally.run_time.as_secs_f64() / 360.0).round() / 10.0,
        "faults": tally.faults,
        "notices": tally.notices,
        "violations": found,
    });
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, &summary)?;
    writeln!(out)?;
    Ok(if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn argument(at: usize, usual: u64) -> Result<u64, Box<dyn Error>> {
    match env::args().nth(at) {
        None => Ok(usual),
        Some(text) => {
            text.parse().map_err(|_| format!("{text:?} is no number; write [SEEDS [FROM]]").into())
        }
    }
}

/// Shrinks what was found, one script for each invariant, and writes it down.
fn save(tally: &Tally) -> Result<Vec<serde_json::Value>, Box<dyn Error>> {
    let mut saved = Vec::new();
    let mut invariants: Vec<&str> = Vec::new();
    for finding in &tally.findings {
        let mut told = json!({
            "seed": finding.script.seed,
            "violation": finding.violation.to_string(),
        });
        if !invariants.contains(&finding.violation.invariant) {
            invariants.push(finding.violation.invariant);
            let (seed, violation) = (finding.script.seed, &finding.violation);
            writeln!(io::stderr(), "seed {seed}: {violation}; shrinking it")?;
            let shortest: Finding = finding.shrunk();
            let file = shortest.save(Path::new("target/simulation"))?;
            writeln!(io::stderr(), "{}:\n{shortest}", file.display())?;
            told["script"] = json!(file);
        }
        saved.push(told);
    }
    Ok(saved)
}
