//! What can go wrong between a worker and its lease store, put there on purpose.
//!
//! [`Faulty`] stands before any store; a [`Policy`] decides the [`Fate`] of each call. [`Mishaps`]
//! is a ready policy that draws them.

mod fate;
mod mishaps;
mod recent;
mod store;

pub use fate::{Call, CallKind, Fate, Outcome, Policy};
pub use mishaps::Mishaps;
pub use store::Faulty;

#[cfg(test)]
mod tests;
