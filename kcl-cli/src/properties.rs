//! The properties file of a MultiLangDaemon: read, and made settings of.

use std::{fs, path::Path};

use anyhow::Context;
use kcl_multilang::properties::{Converted, convert, parse};

/// Reads a properties file, and finds out what becomes of each property.
///
/// # Errors
/// It cannot be read, or is none.
pub(crate) fn read(file: &Path) -> anyhow::Result<Converted> {
    let name = file.display();
    let bytes =
        fs::read(file).with_context(|| format!("the properties file {name} cannot be read"))?;
    let properties = parse(&bytes).with_context(|| format!("the properties file {name}"))?;
    Ok(convert(&properties))
}
