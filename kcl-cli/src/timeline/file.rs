//! Files that a run leaves: its picture, the shortest script.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// Writes a file, over one that is there.
///
/// # Errors
/// The operating system's, with the file's name and the remedy.
pub(crate) fn write(file: &Path, text: &str) -> Result<()> {
    let why = || format!("cannot write {}; name a file in a folder that exists", file.display());
    fs::write(file, text).with_context(why)
}
