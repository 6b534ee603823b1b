//! `kcl multilang` with the clients that others wrote for Python and Node, by their own launchers,
//! beside what the real Java daemon said to the same children; with children that fail in every
//! way; and with input that makes no sense.

mod bad_input;
mod daemon;
mod dead_letters;
mod examples;
mod recorded;
mod roles;
mod transcript;
mod trouble;
