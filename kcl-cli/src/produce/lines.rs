//! Reads the lines of stdin on a thread of its own, because a read of a terminal or a pipe cannot
//! be cancelled.
//!
//! The thread hands lines over in chunks. It waits if [`CHUNKS`] of them are not taken, so that a
//! fast input does not fill the memory.

use std::io::{self, BufRead, BufReader, Read};

use anyhow::Context;
use tokio::sync::mpsc;

/// The bytes after which a chunk is handed over. A chunk may be longer by one line.
const CHUNK: usize = 1024 * 1024;

/// The most lines of a chunk.
const CHUNK_LINES: usize = 500;

/// The most chunks that wait.
const CHUNKS: usize = 4;

/// Lines with their numbers, from 1.
type Chunk = Vec<(u64, Vec<u8>)>;

/// Receives the lines as they arrive.
#[derive(Debug)]
pub(super) struct Lines {
    chunks: mpsc::Receiver<io::Result<Chunk>>,
    chunk: std::vec::IntoIter<(u64, Vec<u8>)>,
}

impl Lines {
    /// Starts to read `from`. A line that is longer than `longest` bytes is cut, and is the last
    /// one: its length is more than `longest`, so that the caller can refuse it.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub(super) fn read(from: impl Read + Send + 'static, longest: usize) -> anyhow::Result<Self> {
        let (sender, chunks) = mpsc::channel(CHUNKS);
        let thread = std::thread::Builder::new().name("kcl-stdin".into());
        thread
            .spawn(move || send_all(BufReader::new(from), longest, &sender))
            .context("no thread to read stdin with")?;
        Ok(Self { chunks, chunk: Vec::new().into_iter() })
    }

    /// Waits for the next line. Returns its number and the line without its end; `None` at the end
    /// of the input.
    ///
    /// # Errors
    /// The input cannot be read.
    ///
    /// # Cancel safety
    /// Safe: no line is lost.
    pub(super) async fn next(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        loop {
            if let Some(line) = self.chunk.next() {
                return Ok(Some(line));
            }
            match self.chunks.recv().await.transpose()? {
                Some(chunk) => self.chunk = chunk.into_iter(),
                None => return Ok(None),
            }
        }
    }

    /// The next line, if it has arrived already; `None` if not, and at the end of the input.
    ///
    /// # Errors
    /// The input cannot be read.
    pub(super) fn try_next(&mut self) -> io::Result<Option<(u64, Vec<u8>)>> {
        loop {
            if let Some(line) = self.chunk.next() {
                return Ok(Some(line));
            }
            match self.chunks.try_recv().ok().transpose()? {
                Some(chunk) => self.chunk = chunk.into_iter(),
                None => return Ok(None),
            }
        }
    }
}

/// The thread: reads lines until the end, an error, or the drop of the receiver.
fn send_all(mut from: BufReader<impl Read>, longest: usize, to: &mpsc::Sender<io::Result<Chunk>>) {
    let (mut chunk, mut bytes) = (Chunk::new(), 0);
    for number in 1.. {
        let line = match read_line(&mut from, longest) {
            Ok(line) => line,
            Err(error) => {
                // The lines before the error are delivered first.
                let _ = to.blocking_send(Ok(chunk));
                let _ = to.blocking_send(Err(error));
                return;
            }
        };
        let is_last = line.as_ref().is_none_or(|line| line.len() > longest);
        if let Some(line) = line {
            bytes += line.len();
            chunk.push((number, line));
        }
        // If no more input is buffered, the next read may block: the chunk is handed over now.
        let is_full = bytes >= CHUNK || chunk.len() >= CHUNK_LINES || from.buffer().is_empty();
        if is_last || is_full {
            bytes = 0;
            let chunk = std::mem::take(&mut chunk);
            if to.blocking_send(Ok(chunk)).is_err() || is_last {
                return;
            }
        }
    }
}

/// The next line without its end; `None` at the end of the input. A line that is too long is cut
/// one or two bytes behind `longest`.
fn read_line(from: &mut impl BufRead, longest: usize) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    // Two bytes more, for the end of the line.
    let most = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(2);
    if from.take(most).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.last() == Some(&b'\n') {
        line.pop();
        if line.last() == Some(&b'\r') {
            line.pop();
        }
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(input: &'static [u8], longest: usize) -> Vec<(u64, Vec<u8>)> {
        let mut lines = Lines::read(input, longest).unwrap();
        let mut read = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            read.push(line);
        }
        read
    }

    #[tokio::test]
    async fn lines_are_numbered_and_end_with_or_without_a_carriage_return() {
        let read = all(b"one\r\n\ntwo\nthree", 100).await;
        let text =
            |(number, line): &(u64, Vec<u8>)| format!("{number} {}", String::from_utf8_lossy(line));
        assert_eq!(read.iter().map(text).collect::<Vec<_>>(), ["1 one", "2 ", "3 two", "4 three"]);
        assert!(all(b"", 100).await.is_empty());
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_is_the_last_and_not_read_on() {
        let read = all(b"1234\n12345\n1234", 4).await;
        assert_eq!(read.len(), 2);
        assert_eq!(read[1], (2, b"12345".to_vec()));
        // A line's end has up to two bytes: only those are read beyond the limit.
        assert_eq!(all(b"123456789", 4).await[0].1.len(), 6);
    }

    #[tokio::test]
    async fn an_input_that_breaks_gives_what_it_had_first() {
        struct Breaks(bool);
        impl Read for Breaks {
            fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::ErrorKind::Other.into());
                }
                to[..4].copy_from_slice(b"a\nb\n");
                Ok(4)
            }
        }
        let mut lines = Lines::read(Breaks(false), 100).unwrap();
        assert_eq!(lines.next().await.unwrap(), Some((1, b"a".to_vec())));
        assert_eq!(lines.next().await.unwrap(), Some((2, b"b".to_vec())));
        lines.next().await.unwrap_err();
    }
}
