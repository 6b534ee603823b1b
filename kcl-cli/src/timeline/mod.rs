//! Draws a run as a timeline: a row for each shard, with a bar for each span during which a worker
//! held or read it.
//!
//! `kcl simulate` and `kcl leases analyze` make a [`Picture`] of their runs. It is drawn as SVG
//! here; `simulate` also draws it as text.
//!
//! | part | its question |
//! |---|---|
//! | `picture` | what is drawn? Pure |
//! | `svg` | how does it look on a page? |
//! | `ink`, `lanes`, `scale` | which colours, where do labels stand, where is a time? |
//! | `file` | where is a drawing written? |

pub(crate) mod file;
pub(crate) mod ink;
pub(crate) mod lanes;
mod picture;
pub(crate) mod scale;
pub(crate) mod svg;

pub(crate) use picture::{Bar, Fault, Picture, Row, State, short};
