//! Reads a child's standard output and standard error until they end.
//!
//! The worker reads both all the time, also while it waits for the store or for nothing: a child
//! whose pipe is full blocks, or crashes. Messages go into a channel; lines of the standard error,
//! and a count of lines that are no messages, go into the log.

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    sync::mpsc,
};
use tracing::{info, warn};

use super::place::{LastWords, Place};
use crate::{
    protocol::{Answer, Heard, hear},
    transcript::{Transcript, Who},
};

/// The bytes of a line of standard output that are kept. A message has about a hundred.
const LINE: usize = 16 * 1024;

/// The bytes of a line of standard error that are logged.
const LOGGED: usize = 4 * 1024;

/// Reads messages from the child's standard output until it ends. A message is dropped, with a
/// warning, if `to` is full: no client sends a thousand requests before it reads an answer.
pub(super) async fn messages(
    from: impl AsyncRead + Unpin,
    to: mpsc::Sender<Answer>,
    place: Place,
    transcript: Option<Transcript>,
) {
    let mut lines = Lines::new(from, LINE);
    let mut noise = Noise { place: place.clone(), lines: 0, bytes: 0, why: "" };
    while let Some((line, cut)) = lines.next().await {
        if let Some(transcript) = &transcript {
            transcript.note(&place, Who::Child, line);
        }
        let heard = if cut { Heard::Noise("a line that is too long") } else { hear(line) };
        match heard {
            Heard::Blank => {}
            Heard::Noise(why) => noise.more(line.len(), why),
            Heard::Answer(answer) => {
                noise.tell();
                if to.try_send(answer).is_err() {
                    let (shard, pid) = (&place.shard, place.pid);
                    warn!(%shard, pid, why = "nobody asked for so many", "kcl.child.stray");
                }
            }
        }
    }
    noise.tell();
}

/// Logs the child's standard error until it ends, and keeps its last line in `last`.
pub(super) async fn log(from: impl AsyncRead + Unpin, place: Place, last: LastWords) {
    let mut lines = Lines::new(from, LOGGED);
    while let Some((line, cut)) = lines.next().await {
        let text = String::from_utf8_lossy(line);
        let (text, shard, pid) = (text.trim_end(), &place.shard, place.pid);
        if text.is_empty() {
            continue;
        }
        info!(%shard, pid, line = text, cut, "kcl.child.stderr");
        last.set(text);
    }
}

/// Counts the lines of a child that are no messages. The count is logged when the next message
/// arrives, when the output ends, and each time that it reaches 10,000 lines.
struct Noise {
    place: Place,
    /// How many lines since the last log line.
    lines: u64,
    /// Their bytes, without those that were cut off.
    bytes: u64,
    /// Why the last of them is no message.
    why: &'static str,
}

impl Noise {
    /// Counts a line that is no message.
    fn more(&mut self, bytes: usize, why: &'static str) {
        self.lines += 1;
        self.bytes += bytes as u64;
        self.why = why;
        // A child that never sends a message is visible in the log, too.
        if self.lines == 10_000 {
            self.tell();
        }
    }

    /// Logs the count, if there is one, and begins anew.
    fn tell(&mut self) {
        if self.lines > 0 {
            let Self { place: Place { shard, pid }, lines, bytes, why } = self;
            info!(%shard, pid, lines, bytes, why, "kcl.child.noise");
            (self.lines, self.bytes) = (0, 0);
        }
    }
}

/// Reads lines of at most `most` bytes. The rest of a longer line is read and thrown away, so that
/// a child cannot fill the worker's memory.
struct Lines<R> {
    from: BufReader<R>,
    line: Vec<u8>,
    most: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    fn new(from: R, most: usize) -> Self {
        Self { from: BufReader::new(from), line: Vec::new(), most }
    }

    /// The next line without its line feed, and whether it was cut; `None` at the end, or after an
    /// error.
    async fn next(&mut self) -> Option<(&[u8], bool)> {
        self.line.clear();
        let mut cut = false;
        loop {
            let read = self.from.fill_buf().await.ok()?;
            if read.is_empty() {
                return if self.line.is_empty() { None } else { Some((&self.line, cut)) };
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = read.get(..end.unwrap_or(read.len())).unwrap_or_default();
            let room = self.most - self.line.len();
            self.line.extend_from_slice(part.get(..room).unwrap_or(part));
            cut |= part.len() > room;
            let used = end.map_or(read.len(), |end| end + 1);
            self.from.consume(used);
            if end.is_some() {
                return Some((&self.line, cut));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_cut_and_what_follows_is_read_as_it_is() {
        let text = format!("short\n\n{}\nnext\nlast", "x".repeat(100));
        let mut lines = Lines::new(text.as_bytes(), 8);
        let mut read = Vec::new();
        while let Some((line, cut)) = lines.next().await {
            read.push((String::from_utf8(line.to_vec()).unwrap(), cut));
        }
        let expected =
            [("short", false), ("", false), ("xxxxxxxx", true), ("next", false), ("last", false)];
        assert_eq!(read, expected.map(|(line, cut)| (line.to_owned(), cut)));
    }
}
