//! Stream sources for the conformance suite, and one that is only listed.

mod kinesis;
mod listed;
mod meddler;
mod memory;

pub use kinesis::KinesisStreams;
pub use listed::ListedStream;
pub use memory::MemoryStreams;

use kcl_core::conformance::{Failed, sources::Suite};

/// Runs the conformance suite, and prints how long each case took (`cargo test -- --nocapture`).
///
/// # Errors
/// A case failed.
///
/// # Panics
/// The number of cases that were left out is not `left_out`: a server that can do more or less than
/// its bench says would prove less than it seems to.
#[expect(clippy::print_stdout, reason = "cargo test shows it on request only")]
pub async fn source_conforms(suite: Suite, left_out: usize) -> Result<(), Failed> {
    let report = suite.run().await?;
    println!("{report}");
    assert_eq!(report.left_out.len(), left_out, "left out: {:?}", report.left_out);
    Ok(())
}
