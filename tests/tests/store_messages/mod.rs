//! What the command says when its lease store cannot be used: what is wrong, where, and what to do
//! about it; never a password.
//!
//! `cargo test --workspace --test servers store_messages -- --nocapture` shows every message.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test")]

mod addresses;
mod case;
mod dynamodb;
mod postgres;
mod redis;
