//! What an observer's figures are, how they are written, and who is answered what.

#![allow(clippy::unwrap_used, clippy::panic, reason = "what goes wrong fails the test")]

mod bench;
#[cfg(feature = "cloudwatch")]
mod cloudwatch;
mod counting;
mod deploy;
mod events;
#[cfg(feature = "facade")]
mod facade;
mod health;
mod lag;
#[cfg(feature = "listener")]
mod listener;
mod page;
mod table;
mod text;
