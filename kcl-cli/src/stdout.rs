//! Writes data to stdout. Messages go to stderr: see `report`.
//!
//! A closed pipe is an error of its own type, so that `kcl … | head` can end without a message.

use std::io::{self, IsTerminal, Write};

/// The exit code of a command whose reader has closed the pipe: 128 + SIGPIPE, as shells report it.
pub(crate) const READER_GONE: u8 = 141;

/// The reader of stdout has closed the pipe.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output any more")]
pub(crate) struct ReaderGone;

/// Writes a text, and flushes it.
///
/// # Errors
/// [`ReaderGone`] for a closed pipe; any other error of the write.
pub(crate) fn write(text: &str) -> anyhow::Result<()> {
    bytes(text.as_bytes())
}

/// Writes bytes, and flushes them.
///
/// # Errors
/// As [`write()`].
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut to = io::stdout().lock();
    match to.write_all(bytes).and_then(|()| to.flush()) {
        Ok(()) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// Writes a line.
///
/// # Errors
/// As [`write()`].
pub(crate) fn line(line: impl std::fmt::Display) -> anyhow::Result<()> {
    write(&format!("{line}\n"))
}

/// Begins the next reading: it clears the screen of a terminal, and writes an empty line elsewhere.
///
/// # Errors
/// As [`write()`].
pub(crate) fn clear() -> anyhow::Result<()> {
    write(if io::stdout().is_terminal() { "\x1b[H\x1b[2J" } else { "\n" })
}

/// The error of a command that could not write to stdout.
pub(crate) fn failed(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => ReaderGone.into(),
        _ => anyhow::Error::new(error).context("standard output cannot be written"),
    }
}

/// Whether a command failed because the reader of stdout is gone.
pub(crate) fn is_reader_gone(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<ReaderGone>())
}
