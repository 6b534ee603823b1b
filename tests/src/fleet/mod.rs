//! Fleets of real `kcl consume` processes, and what they wrote.
//!
//! A [`Fleet`] starts consumers, sends them signals, and waits for what their leases and their
//! output show. Standard output and log of each go to files, which one thread reads: the order of
//! its passes orders what different processes wrote. [`oracle::judge`] holds what came out against
//! what was put in.

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
