//! Writes the files that a run leaves: its drawing, and the shortest script.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// Writes a file. An existing one is overwritten.
///
/// # Errors
/// The operating system refuses. The message has the file's name and the remedy.
pub(crate) fn write(file: &Path, text: &str) -> Result<()> {
    let why = || format!("cannot write {}; name a file in a folder that exists", file.display());
    fs::write(file, text).with_context(why)
}
