//! The `kcl` command as a library: its `main` is all that the binary adds.

#[cfg(feature = "demo")]
pub mod demo;

use std::process::ExitCode;

/// Runs the command with the process's arguments.
pub fn main() -> ExitCode {
    ExitCode::SUCCESS
}
