//! What workers and children told each other, line by line, for reports of bugs. It holds the data
//! of records: it is written only where somebody asks for it.

use std::{
    fmt, fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use kcl_core::env::{Clock, WallTime};
use serde::Serialize;
use tracing::error;

use crate::child::Place;

/// A file of lines of JSON: when, which child, who said it, and what. Clones write to the same.
#[derive(Clone)]
pub struct Transcript {
    to: Arc<Mutex<Option<fs::File>>>,
    clock: Arc<dyn Clock>,
}

/// Who said it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Who {
    /// The worker, to its child.
    Worker,
    /// The child.
    Child,
}

#[derive(Serialize)]
struct Line<'a> {
    at: String,
    shard: &'a str,
    pid: u32,
    from: Who,
    line: &'a str,
}

impl Transcript {
    /// Writes to this file from now on, behind what is there. A new one is for its owner alone.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(file: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let to = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
        Ok(Self { to: Arc::new(Mutex::new(Some(to))), clock })
    }

    /// Notes a line. A file that cannot be written is given up, with a word in the log: a
    /// transcript stops no work.
    pub(crate) fn note(&self, place: &Place, from: Who, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let (at, shard, pid) = (written(self.clock.wall()), place.shard.as_str(), place.pid);
        let line = Line { at, shard, pid, from, line: &line };
        let Ok(mut text) = serde_json::to_vec(&line) else { return };
        text.push(b'\n');
        let mut to = self.to.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Err(why)) = to.as_mut().map(|to| to.write_all(&text)) {
            error!(%why, "kcl.transcript.failed");
            *to = None;
        }
    }
}

fn written(at: WallTime) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        // After the year 9999.
        Err(_) => millis.to_string(),
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transcript")
    }
}
