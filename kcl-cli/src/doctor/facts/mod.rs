//! What a look sees: rows of the store, the stream's own word, and of each how old it is, or why it
//! is not known. Nothing here judges.

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
