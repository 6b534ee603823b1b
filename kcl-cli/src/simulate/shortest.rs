//! Finds the shortest script that breaks the same invariant as a run, and writes it to a file.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use kcl_memory::sim::{Finding, Script};

use super::args::{SimulateArgs, replay_of};
use crate::timeline::file;

/// The shortest script that breaks the same invariant as a run.
#[derive(Clone, Debug)]
pub(super) struct Shortest {
    pub(super) script: Script,
    /// The file; `None` if the user's own script is the shortest already.
    pub(super) file: Option<PathBuf>,
}

impl Shortest {
    /// Searches for the script, and writes it to the file that `--save` names, or to a new file in
    /// the working directory.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn of(finding: &Finding, args: &SimulateArgs) -> Result<Self> {
        let broken = finding.violation.invariant;
        writeln!(io::stderr(), "looking for the shortest script that breaks \"{broken}\"")?;
        let found = finding.shrunk();
        if args.script.is_some() && args.save.is_none() && found.script == finding.script {
            return Ok(Self { script: found.script, file: None });
        }
        let file = match &args.save {
            Some(to) => {
                file::write(to, &text(&found, &to.display().to_string()))?;
                to.clone()
            }
            None => save(&found).context(
                "cannot write the shortest script here; say where with --save FILE, or leave it \
                 out with --no-shrink",
            )?,
        };
        Ok(Self { script: found.script, file: Some(file) })
    }
}

/// The text of the file: the script, with comments on how to play it.
fn text(found: &Finding, file: &str) -> String {
    format!("# {}\n# replay: {}\n{}", found.violation, replay_of(file), found.script)
}

/// Writes the script to the working directory. It never overwrites a file: if the name is taken by
/// another text, the name gets a number.
fn save(found: &Finding) -> io::Result<PathBuf> {
    let stem = found.name();
    let mut number = 1;
    loop {
        let name =
            if number == 1 { format!("{stem}.script") } else { format!("{stem}-{number}.script") };
        let text = text(found, &name);
        match File::create_new(&name) {
            Ok(mut file) => return file.write_all(text.as_bytes()).map(|()| name.into()),
            Err(taken) if taken.kind() == ErrorKind::AlreadyExists => {
                if fs::read_to_string(&name).is_ok_and(|there| there == text) {
                    return Ok(name.into());
                }
            }
            Err(error) => return Err(error),
        }
        number += 1;
    }
}
