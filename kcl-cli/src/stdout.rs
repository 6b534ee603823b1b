//! Standard output, where data goes.

use std::io::{self, IsTerminal, Write};

/// What a shell reports of a process that wrote to a pipe whose reader is gone: 128 + SIGPIPE.
/// `kcl … | head` ends with it, quietly, as other commands do.
pub(crate) const READER_GONE: u8 = 141;

/// Nobody reads standard output any more.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads standard output any more")]
pub(crate) struct ReaderGone;

/// Writes a text, and sees it off.
///
/// # Errors
/// [`ReaderGone`], or what else keeps it from being written.
pub(crate) fn write(text: &str) -> anyhow::Result<()> {
    bytes(text.as_bytes())
}

/// Writes bytes, and sees them off.
///
/// # Errors
/// As [`write`].
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
/// As [`write`].
pub(crate) fn line(line: impl std::fmt::Display) -> anyhow::Result<()> {
    write(&format!("{line}\n"))
}

/// Makes room for the next look: on a terminal it takes the place of the last.
///
/// # Errors
/// As [`write`].
pub(crate) fn clear() -> anyhow::Result<()> {
    write(if io::stdout().is_terminal() { "\x1b[H\x1b[2J" } else { "\n" })
}

/// What it means that standard output cannot be written.
pub(crate) fn failed(error: io::Error) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => ReaderGone.into(),
        _ => anyhow::Error::new(error).context("standard output cannot be written"),
    }
}

/// Whether the command failed because nobody reads what it writes.
pub(crate) fn is_reader_gone(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.is::<ReaderGone>())
}
