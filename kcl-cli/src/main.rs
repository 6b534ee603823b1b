//! The `kcl` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    kcl_cli::main()
}
