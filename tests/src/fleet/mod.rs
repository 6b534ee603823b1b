//! Fleets of real `kcl consume` processes, and the judge of their output.
//!
//! A [`Fleet`] starts consumers, sends them signals, and waits until their leases or their output
//! show a fact. The standard output and the log of each process go to files. One thread reads all
//! files again and again; the order of its passes orders the lines of different processes.
//! [`oracle::judge`] compares the output with the records that were put into the stream.
//!
//! ```text
//! Producer ─► stream ─► processes ─► files ─► watcher ─► History ─┐
//!    └──────────────────────────── Produced ──────────────────────┴─► oracle ─► Verdict
//! ```

mod delivery;
mod group;
mod history;
mod launch;
mod log;
pub mod oracle;
mod process;
mod produce;
mod tail;
mod watcher;

pub use delivery::Delivery;
pub use group::{Fleet, shares};
pub use history::{History, Reading};
pub use launch::{Launch, wall_millis};
pub use log::LogLine;
pub use process::{Process, Signal};
pub use produce::{Load, Produced, Producer};
