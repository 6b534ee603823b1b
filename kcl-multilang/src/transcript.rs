//! The transcript: every line that a worker and its children exchanged, for reports of bugs.
//!
//! A transcript contains the data and the partition keys of records. A worker writes one only if
//! [`Options::transcript`](crate::Options::transcript) holds one.

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

/// A file with one JSON object on each line: the time (`at`, UTC, in milliseconds), the child
/// (`shard`, `pid`), the sender (`from`: `worker` or `child`) and the text (`line`). Clones write
/// to the same file.
#[derive(Clone)]
pub struct Transcript {
    /// `None` after a write failed.
    to: Arc<Mutex<Option<fs::File>>>,
    clock: Arc<dyn Clock>,
}

/// The sender of a line.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Who {
    /// The worker sent the line to its child.
    Worker,
    /// The child sent the line, a message or not, on its standard output.
    Child,
}

/// A line of the file, as it is serialized.
#[derive(Serialize)]
struct Line<'a> {
    at: String,
    shard: &'a str,
    pid: u32,
    from: Who,
    line: &'a str,
}

impl Transcript {
    /// Opens `file` and appends to it. A file that does not exist is made, with the mode 0600: only
    /// its owner can read it.
    ///
    /// # Errors
    /// The operating system cannot open or make the file.
    pub fn open(file: &Path, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let to = fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
        Ok(Self { to: Arc::new(Mutex::new(Some(to))), clock })
    }

    /// Writes a line. If a write fails, the error is logged once and nothing more is written: a
    /// transcript never stops the work.
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

/// The time as RFC 3339 in UTC, with milliseconds.
fn written(at: WallTime) -> String {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    match jiff::Timestamp::from_millisecond(millis) {
        Ok(at) => at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        // The time is after the year 9999: its milliseconds since 1970.
        Err(_) => millis.to_string(),
    }
}

impl fmt::Debug for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transcript")
    }
}
