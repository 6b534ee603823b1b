//! In memory.
pub mod sim;
