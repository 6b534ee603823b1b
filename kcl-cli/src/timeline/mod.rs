//! A run as a timeline: a row for each shard, a bar for each time a worker held or read it. Whoever
//! has a run makes a [`Picture`] of it.
//!
//! | part | its question |
//! |---|---|
//! | `picture` | what is drawn? Pure |
//! | `svg` | how does it look on a page? |
//! | `ink`, `lanes`, `scale` | which colours, where do labels stand, where is a time? |
//! | `file` | where does a drawing go? |

pub(crate) mod file;
pub(crate) mod ink;
pub(crate) mod lanes;
mod picture;
pub(crate) mod scale;
pub(crate) mod svg;

pub(crate) use picture::{Bar, Fault, Picture, Row, State, short};
