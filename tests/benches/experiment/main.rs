//! The published experiments, played on servers of their own. `make experiment` and
//! `make experiment-manual` run it; `docs/EXPERIMENT.md` says what it shows.

#![allow(clippy::print_stdout, reason = "this is where results go")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use kcl_tests::{
    experiment::{self, Place, Plan, Timeline, manual},
    servers::{Dynalite, Ferrokinesis},
};

fn main() -> Result<ExitCode> {
    // Cargo says `--bench` to every benchmark.
    let mut arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    let which = arguments.next().unwrap_or_else(|| "published".to_owned());
    let runtime = tokio::runtime::Runtime::new()?;
    // The other Kinesis server is slower than the fleet, and would be what is measured.
    let (kinesis, dynamodb) = (Ferrokinesis::start()?, Dynalite::start()?);
    let results = workspace().join("target/experiment").join(&which);
    fs::create_dir_all(&results).with_context(|| results.display().to_string())?;
    let place = Place {
        binary: env!("CARGO_BIN_EXE_kcl-under-test").into(),
        kinesis: kinesis.url().to_owned(),
        dynamodb: dynamodb.url().to_owned(),
        settings: experiment::settings(),
        results,
    };
    match which.as_str() {
        "published" => runtime.block_on(published(&place)),
        "manual" => runtime.block_on(mapped(&place)),
        _ => bail!("{which}: expected published or manual"),
    }
}

async fn published(place: &Place) -> Result<ExitCode> {
    let plan = Plan::published();
    let outcome = experiment::play(place, &plan, &mut Timeline::begin()).await?;
    println!("{outcome}");
    println!("logs, leases.json and timeline.svg are in {}", place.results.display());
    Ok(if outcome.is_as_published() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn mapped(place: &Place) -> Result<ExitCode> {
    let doctor = manual::play(place, "mapped", &mut Timeline::begin()).await?;
    println!("what `kcl doctor` said while worker-3 was dead:\n\n{doctor}");
    Ok(ExitCode::SUCCESS)
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
