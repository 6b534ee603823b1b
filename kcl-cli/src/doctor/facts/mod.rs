//! Reads the store and the stream once, and keeps for each source its time, or why it is unknown.
//!
//! - `sight` runs one reading ([`Sight`]) and returns [`Facts`].
//! - `store` reads sessions, leases and documents; `stream` reads the stream's description, its
//!   shards and the lag; `rights` tests calls to Kinesis.
//! - `pages` bounds the rate of listings and the number of reads in flight.
//! - `known` has [`Known`], in which every source's answer stands; `model` has the other types.
//! - `progress` compares readings: how long a checkpoint has stood, and whether lag grows.
//!
//! Nothing here judges: `doctor::judge` does.

mod known;
mod model;
mod pages;
mod progress;
mod rights;
mod sight;
mod store;
mod stream;
#[cfg(test)]
mod tests;

pub(crate) use known::Known;
pub(crate) use model::{Described, Documents, Facts, Lag, Right, Sessions};
pub(crate) use progress::{Progress, age};
pub(crate) use sight::{OfStream, Sight};
