//! Findings: scripts that break an invariant, shortened and saved to a file.
//!
//! `kcl simulate` and the tests of the protocol make one of each violation. The file is a script
//! with two lines of comment; a script whose cause was mended stays as a test in
//! `kcl-memory/tests/regressions`.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Ending, Script, Violation, play, shrink};

/// How often the whole script is shortened. Its end can be cut off only after the rest is short,
/// and then the rest may become shorter once more.
const TRIES: usize = 4;

/// A script that breaks an invariant.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The script that breaks the invariant.
    pub script: Script,
    /// The invariant that it breaks, with the time and a message.
    pub violation: Violation,
}

impl Finding {
    /// A finding of a script that was played and broke something.
    #[must_use]
    pub const fn new(script: Script, violation: Violation) -> Self {
        Self { script, violation }
    }

    /// Plays a script. `None` if it breaks no invariant.
    #[must_use]
    pub fn of(script: &Script) -> Option<Self> {
        let violation = play(script).err()?;
        Some(Self { script: script.clone(), violation })
    }

    /// The shortest script found that breaks the same invariant. It plays up to some thousand runs,
    /// so it takes seconds to minutes.
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

    /// The script without all that comes after the violation, if it is still broken then: shorter
    /// runs take less time to shrink.
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

    /// The name of its file without the suffix: the broken invariant and the seed.
    #[must_use]
    pub fn name(&self) -> String {
        let invariant = self.violation.invariant;
        let invariant = invariant.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        format!("{invariant}-{}", self.script.seed)
    }

    /// Writes the script to a file of its own in `folder`, which it creates if needed. The first
    /// lines are comments: the violation, and the command that plays the script again. Returns the
    /// path of the file.
    ///
    /// # Errors
    /// The error of the file system if the folder or the file cannot be written.
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
