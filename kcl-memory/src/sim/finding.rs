//! A script that breaks an invariant, worth a file.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Ending, Script, Violation, play, shrink};

/// How often a script is shortened: what is left of its end shows once the rest is short.
const TRIES: usize = 4;

/// A script that breaks an invariant.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The script.
    pub script: Script,
    /// What it breaks.
    pub violation: Violation,
}

impl Finding {
    /// A script, and what it was seen to break.
    #[must_use]
    pub const fn new(script: Script, violation: Violation) -> Self {
        Self { script, violation }
    }

    /// Plays a script; `Some` if it breaks an invariant.
    #[must_use]
    pub fn of(script: &Script) -> Option<Self> {
        let violation = play(script).err()?;
        Some(Self { script: script.clone(), violation })
    }

    /// The shortest script found that breaks the same invariant: one that is not made shorter by
    /// another try.
    #[must_use]
    pub fn shrunk(&self) -> Self {
        let invariant = self.violation.invariant;
        let same =
            |script: &Script| play(script).is_err_and(|broken| broken.invariant == invariant);
        let mut shortest = self.clone();
        for _ in 0..TRIES {
            let script = shrink(&shortest.cut(same), same);
            if script == shortest.script {
                break;
            }
            shortest = Self::of(&script).unwrap_or(shortest);
        }
        shortest
    }

    /// The script without what comes after the violation, if that can be left out: short runs are
    /// shrunk fast.
    fn cut(&self, same: impl Fn(&Script) -> bool) -> Script {
        let broken = Duration::from_micros(self.violation.at.as_micros());
        let mut script = self.script.clone();
        script.steps.retain(|step| step.at <= broken);
        let last = script.steps.iter().map(|step| step.at).max().unwrap_or_default();
        let mut abrupt = script.clone();
        abrupt.ending = Ending::Abrupt;
        abrupt.settle = broken.saturating_sub(last) + Duration::from_millis(1);
        let cut = [abrupt, script].into_iter().find(|script| same(script));
        cut.unwrap_or_else(|| self.script.clone())
    }

    /// What a file that keeps it is called, without an ending: what it breaks, and the seed.
    #[must_use]
    pub fn name(&self) -> String {
        let invariant = self.violation.invariant;
        let invariant = invariant.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        format!("{invariant}-{}", self.script.seed)
    }

    /// Writes the script to a file of its own in `folder`, with what it breaks and how to replay
    /// it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn save(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        let file = folder.join(format!("{}.script", self.name()));
        let shown = file.display();
        let text = format!(
            "# {}\n# replay: KCL_SCRIPT={shown} cargo test -p kcl-memory --test simulation replay \
             -- --nocapture\n{}",
            self.violation, self.script
        );
        fs::write(&file, text)?;
        Ok(file)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.violation, self.script)
    }
}
