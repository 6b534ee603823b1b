//! Texts from outside: settings and exports are read or refused, never a panic, and what is read is
//! written back as the same thing.

use crate::{config, snapshot};

/// Reads a settings file.
pub fn settings(text: &str) {
    if let Ok(config) = config::read_file(text) {
        // They may fit together or not; finding out is no panic.
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
