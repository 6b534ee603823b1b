//! A simulation that failed, told so that it can be understood and repeated.

use std::{fmt, path::PathBuf};

use super::{Broken, Plan};

/// A simulation that failed. `Display` tells all of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure {
    /// What did not hold.
    pub broken: Broken,
    /// How, with record, shard, sequence number, worker and epoch.
    pub what: String,
    /// What happened to the records it is about, and meanwhile to the workers.
    pub story: Vec<String>,
    /// The shortest plan found that shows it.
    pub plan: Plan,
    /// The seed that showed it first.
    pub seed: u64,
    /// How many steps the plan of that seed had.
    pub steps: usize,
    /// Where the plan was written to, if that went well.
    pub file: Option<PathBuf>,
    /// The command that plays the plan again.
    pub command: String,
    /// Everything that happened, a line each. Shown when a plan is replayed.
    pub log: Vec<String>,
    /// Whether it comes from a plan that was given, not drawn.
    pub replayed: bool,
}

/// The most lines of a story that are shown.
const STORY: usize = 40;

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = if self.replayed { "plan".into() } else { format!("seed {}", self.seed) };
        writeln!(f, "{from}: {}\n  {}\n", self.broken, self.what)?;
        if self.replayed {
            writeln!(f, "everything that happened:")?;
            lines(f, &self.log)?;
        } else if !self.story.is_empty() {
            writeln!(f, "how it came:")?;
            let skipped = self.story.len().saturating_sub(STORY);
            if skipped > 0 {
                writeln!(f, "  ({skipped} earlier lines are in a replay)")?;
            }
            lines(f, self.story.get(skipped..).unwrap_or_default())?;
        }
        let count = self.plan.steps.len();
        match (self.replayed, count) {
            (true, _) => writeln!(f, "\nthe plan:")?,
            (false, 0) => writeln!(f, "\nthe shortest plan that shows it: nothing went wrong")?,
            (false, 1) if self.steps == 1 => writeln!(f, "\nthe shortest plan that shows it:")?,
            (false, left) => {
                let all = self.steps;
                writeln!(f, "\nthe shortest plan that shows it ({left} of {all} steps needed):")?;
            }
        }
        self.plan.to_string().lines().try_for_each(|line| writeln!(f, "  {line}"))?;
        writeln!(f, "\nagain, with everything that happens:\n  {}", self.command)?;
        write!(f, "as a test of its own: add .plan(\"…\") with the lines above")
    }
}

fn lines(f: &mut fmt::Formatter<'_>, lines: &[String]) -> fmt::Result {
    lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
}

impl std::error::Error for Failure {}
