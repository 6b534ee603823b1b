//! Reads the files, and returns the facts of all of them in the order of time.
//!
//! A file may be a log or readings; both kinds may be mixed. If logs show who gained a lease, the
//! readings are dropped: logs are complete and exact to the microsecond.

use std::{
    fs,
    io::{self, BufRead, BufReader},
    path::PathBuf,
};

use anyhow::{Context, bail};
use serde_json::Value;

use super::{
    logs,
    looks::{self, Looks},
    sign::{Sign, What},
};

/// The facts of all files.
#[derive(Debug)]
pub(super) struct Signs {
    /// Sorted; never empty.
    pub(super) signs: Vec<Sign>,
    /// Where they come from: `log` or `watch`.
    pub(super) of: &'static str,
    /// How many lines showed no fact.
    pub(super) passed_over: usize,
}

/// Reads all files; `-` is stdin.
///
/// # Errors
/// A file cannot be read, or none shows a lease that a worker gained.
pub(super) fn files(files: &[PathBuf]) -> anyhow::Result<Signs> {
    let (mut logged, mut watched) = (Vec::new(), Vec::new());
    let (mut passed_over, mut looks) = (0, Looks::default());
    for file in files {
        let failed = || format!("cannot read {}", file.display());
        let from: Box<dyn BufRead> = if file.as_os_str() == "-" {
            Box::new(BufReader::new(io::stdin()))
        } else {
            Box::new(BufReader::new(fs::File::open(file).with_context(failed)?))
        };
        let mut worker = None;
        for line in from.split(b'\n') {
            let line = line.with_context(failed)?;
            match serde_json::from_slice::<Value>(&line) {
                Ok(value) if looks::is_look(&value) => looks.add(&value),
                Ok(value) => match logs::sign(&value, &mut worker) {
                    Some(sign) => logged.push(sign),
                    None => passed_over += 1,
                },
                Err(_) => passed_over += usize::from(!line.trim_ascii().is_empty()),
            }
        }
    }
    watched.append(&mut looks.into_signs());
    // Logs show more than readings, and are exact to the microsecond.
    let is_told =
        |signs: &[Sign]| signs.iter().any(|sign| matches!(sign.what, What::Gained { .. }));
    let (mut signs, of) = if is_told(&logged) { (logged, "log") } else { (watched, "watch") };
    if !is_told(&signs) {
        bail!(
            "nothing in {} says who reads what ({passed_over} lines were passed over): give logs \
             of workers, `kcl consume --log-format json 2>FILE`, or looks, `kcl leases watch \
             --format json >FILE`",
            names(files)
        );
    }
    signs.sort();
    Ok(Signs { signs, of, passed_over })
}

fn names(files: &[PathBuf]) -> String {
    files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ")
}
