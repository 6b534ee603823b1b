//! The `kcl` command, built together with the tests that start it as a process.

use std::process::ExitCode;

fn main() -> ExitCode {
    kcl_cli::main()
}
