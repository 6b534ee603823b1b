//! The messages between a worker and its child: one JSON object on each line, on the child's
//! standard input and output.
//!
//! ```text
//! worker -> child   initialize, processRecords, leaseLost, shardEnded, shutdownRequested
//! child -> worker   checkpoint, as often as it likes, while an action runs
//! worker -> child   checkpoint, with the error or null
//! child -> worker   status, with the name of the action that is done
//! ```
//!
//! [`Records`] writes `processRecords`; the functions of `message` write all other messages;
//! [`hear`] reads one line of a child. The module does no I/O: it takes bytes and returns bytes.

mod answer;
mod json;
mod message;
mod records;

pub use answer::{Answer, Heard, Sequence, hear};
pub use message::{Action, checkpoint_reply, control, initialize};
pub use records::Records;
