//! Stream sources for the conformance suite, and one that is only listed.

mod kinesis;
mod listed;
mod meddler;
mod memory;

pub use kinesis::KinesisStreams;
pub use listed::ListedStream;
pub use memory::MemoryStreams;

use kcl_core::conformance::{Failed, sources::Suite};

/// Runs the suite, and shows how long each case took (`cargo test -- --nocapture`).
///
/// # Errors
/// When a case fails.
///
/// # Panics
/// When another number of cases than `left_out` was left out: a server that can do more, or less,
/// than its bench says proves something else than it seems to.
#[expect(clippy::print_stdout, reason = "cargo test shows it on request only")]
pub async fn source_conforms(suite: Suite, left_out: usize) -> Result<(), Failed> {
    let report = suite.run().await?;
    println!("{report}");
    assert_eq!(report.left_out.len(), left_out, "left out: {:?}", report.left_out);
    Ok(())
}
