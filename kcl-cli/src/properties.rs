//! Reads the properties file of a MultiLangDaemon, for `kcl multilang` and `kcl config convert`.

use std::{fs, path::Path};

use anyhow::Context;
use kcl_multilang::properties::{Converted, convert, parse};

/// Reads a properties file, and converts each property.
///
/// # Errors
/// The file cannot be read or parsed. A refused property is no error here.
pub(crate) fn read(file: &Path) -> anyhow::Result<Converted> {
    let name = file.display();
    let bytes =
        fs::read(file).with_context(|| format!("the properties file {name} cannot be read"))?;
    let properties = parse(&bytes).with_context(|| format!("the properties file {name}"))?;
    Ok(convert(&properties))
}
