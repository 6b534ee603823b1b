//! `kcl leases analyze` measures how well a fleet shared its leases out, from the workers' logs or
//! from the output of `kcl leases watch --format json`.
//!
//! ```text
//! files ──► read ──► logs, looks ──► signs ──► run ──► measure ──► show, drawing
//!           lines                    by time   spans   figures     text, SVG
//! ```
//!
//! | part | its question |
//! |---|---|
//! | `sign` | which facts can a line show? |
//! | `read` | which files are there, and are they logs or readings? |
//! | `logs`, `looks` | which facts does a line of a log, or a reading, show? |
//! | `run` | who read which shard from when to when, and what happened to the fleet? |
//! | `measure` | how long did it take after each event, and how many leases moved? Pure |
//! | `show` | how is it written as text? |
//! | `drawing` | how is it drawn as a timeline? |

mod drawing;
mod logs;
mod looks;
mod measure;
mod read;
mod run;
mod show;
mod sign;
#[cfg(test)]
mod tests;

use self::{measure::Findings, run::Run};
use super::args::AnalyzeArgs;
use crate::{
    stdout,
    timeline::{file, svg},
};

/// Runs the command.
///
/// # Errors
/// A file cannot be read, no file has events or readings of leases, or the drawing cannot be
/// written.
pub(super) fn run(args: &AnalyzeArgs) -> anyhow::Result<()> {
    let run = Run::of(read::files(&args.files)?, args.session_timeout)?;
    let findings = Findings::of(&run);
    if args.json {
        stdout::line(serde_json::to_string(&findings)?)?;
    } else {
        stdout::write(&show::text(&findings))?;
    }
    match &args.svg {
        Some(to) => {
            file::write(to, &svg::draw(&drawing::picture(&run), &show::headline(&findings)))
        }
        None => Ok(()),
    }
}
