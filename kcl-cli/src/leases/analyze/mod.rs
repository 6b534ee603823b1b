//! `kcl leases analyze`: how well a fleet has shared its leases out, from its logs or from what
//! `kcl leases watch` wrote.
//!
//! | part | its question |
//! |---|---|
//! | `sign` | what can be seen? |
//! | `read` | what do the files say? |
//! | `logs`, `looks` | what is a line of a log, or a look, the sign of? |
//! | `run` | who read which shard from when to when, and what happened to the fleet? |
//! | `measure` | how long did it take after each event, and how many leases moved? Pure |
//! | `show` | how is it shown? |
//! | `drawing` | what is drawn of it? |

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

/// Does it.
///
/// # Errors
/// A file cannot be read, or says nothing of leases; the drawing cannot be written.
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
