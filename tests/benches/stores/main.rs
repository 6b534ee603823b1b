//! What a big fleet asks of its lease store, idle and at work, and what that costs the server.
//!
//! `cargo bench -p kcl-tests --bench stores -- [--store memory|postgres|redis|dynamodb]
//! [--leases 1000] [--workers 50] [--seconds 30]` prints a Markdown table. All workers are in this
//! process, as is the stream; each has a store of its own, with the default settings but one:
//! checkpoints are written once a second. With `--doctor` no fleet runs: leases are put by hand,
//! sessions beat, and `kcl doctor` looks at them. With `--import` a table of the Java KCL with as
//! many leases is taken over.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is where results go")]

mod arguments;
mod backend;
mod counts;
mod doctor;
mod fleet;
mod import;
mod processor_time;
mod row;

use anyhow::Result;

use arguments::Arguments;
use row::{HEAD, Row};

fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let head = match &arguments {
        Arguments { doctor: true, .. } => doctor::HEAD,
        Arguments { import: true, .. } => import::HEAD,
        _ => HEAD,
    };
    println!("{head}");
    for &backend in &arguments.stores {
        eprintln!("{}", backend.name());
        if arguments.doctor {
            println!("{}", runtime.block_on(doctor::row(backend, &arguments))?);
            continue;
        }
        if arguments.import {
            println!("{}", runtime.block_on(import::row(backend, &arguments))?);
            continue;
        }
        for row in runtime.block_on(Row::measure(backend, &arguments))? {
            println!("{row}");
        }
    }
    Ok(())
}
