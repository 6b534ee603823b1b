//! What servers use of the processor, as the operating system counts it.

use std::fs;

use anyhow::{Context, Result};

/// Hundredths of a second of one core.
pub(crate) type Ticks = u64;

/// Fields of `/proc/PID/stat` after the name, which is the second: see proc_pid_stat(5).
const PARENT: usize = 1;
const USER: usize = 11;
const SYSTEM: usize = 12;
const CHILDREN_USER: usize = 13;
const CHILDREN_SYSTEM: usize = 14;

/// A process with all of its children, those included that have ended.
pub(crate) fn of_family(parent: i32) -> Result<Ticks> {
    let own = stat(&format!("/proc/{parent}/stat")).context("the server has ended")?;
    let mut ticks =
        [USER, SYSTEM, CHILDREN_USER, CHILDREN_SYSTEM].map(|field| own[field]).iter().sum();
    for entry in fs::read_dir("/proc")?.flatten() {
        // One that has ended meanwhile is counted with its parent the next time.
        let Some(other) = stat(&entry.path().join("stat").to_string_lossy()) else { continue };
        if i32::try_from(other[PARENT]) == Ok(parent) {
            ticks += other[USER] + other[SYSTEM];
        }
    }
    Ok(ticks)
}

/// The threads of this process that have this name.
pub(crate) fn of_thread(name: &str) -> Result<Ticks> {
    let mut ticks = 0;
    for entry in fs::read_dir("/proc/self/task")?.flatten() {
        let comm = fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        if comm.trim_end() == name
            && let Some(thread) = stat(&entry.path().join("stat").to_string_lossy())
        {
            ticks += thread[USER] + thread[SYSTEM];
        }
    }
    Ok(ticks)
}

/// The numbers after the name; what is none counts as 0.
fn stat(path: &str) -> Option<Vec<u64>> {
    let text = fs::read_to_string(path).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let fields = fields.split_whitespace().map(|field| field.parse().unwrap_or(0));
    let fields: Vec<u64> = fields.collect();
    (fields.len() > CHILDREN_SYSTEM).then_some(fields)
}
