//! What a fleet of real processes does, in how long, and at what cost in the lease store.
//!
//! `cargo bench -p kcl-tests --bench rebalance -- [--runs 10] [--profile default|fast|t10]
//! [--store dynamodb|postgres|redis] [--only ROW] [--json FILE]` prints a Markdown table: median
//! and maximum of the runs, for each profile. `ROW` is the beginning of a row's name. Times are
//! taken from the processes' own logs: all run on one machine, with one clock.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where results go")]

mod arguments;
mod cost;
mod departures;
mod lab;
mod leases;
mod pauses;
mod placing;
mod profile;
mod reads;
mod resharding;
mod rolling;
mod row;
mod starts;
mod table;

use anyhow::Result;
use arguments::Arguments;
use lab::Lab;
use row::Row;
use table::Table;

fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let table = tokio::runtime::Runtime::new()?.block_on(measure(&arguments))?;
    println!("{table}");
    if let Some(file) = &arguments.json {
        std::fs::write(file, table.json()?)?;
    }
    Ok(())
}

async fn measure(arguments: &Arguments) -> Result<Table> {
    let lab = Lab::open(arguments.store).await?;
    let mut table = Table::default();
    let rows = Row::ALL
        .into_iter()
        .filter(|row| arguments.wants(row.name()))
        .filter(|row| row.is_for(arguments.store));
    for row in rows {
        for &profile in &arguments.profiles {
            for run in 0..row.runs(arguments.runs) {
                eprintln!("{}, {}, run {}", row.name(), profile.name(), run + 1);
                match Box::pin(row.measure(&lab, profile, run)).await {
                    Ok(samples) => {
                        eprintln!("    {samples:?}");
                        table.add(profile, samples);
                    }
                    // One run that fails does not cost the others.
                    Err(error) => {
                        eprintln!("    FAILED: {error:#}");
                        table.fail(profile, row.name());
                    }
                }
            }
        }
    }
    Ok(table)
}
