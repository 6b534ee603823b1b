//! Asks the user on the terminal before a command changes something.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use clap::Args;

/// Whether a change is agreed to.
#[derive(Args, Clone, Copy, Debug)]
pub struct Consent {
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Show what would be changed, and change nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Asks on stderr, and reads the answer from stdin. `Ok` means yes.
///
/// # Errors
/// Stdin is no terminal, or the answer is not `y` or `yes`. The caller must change nothing.
#[expect(clippy::print_stderr, reason = "this is where people are asked")]
pub(crate) fn agreed(question: &str) -> anyhow::Result<()> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        bail!("nothing was changed: there is no terminal to ask on; say --yes to agree beforehand");
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).context("no answer can be read")?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    bail!("nothing was changed")
}
