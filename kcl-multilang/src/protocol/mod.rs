//! The protocol between a worker and its child: one JSON object a line, on the child's standard
//! input and output. Pure: bytes in, bytes out.

mod answer;
mod json;
mod message;
mod records;

pub use answer::{Answer, Heard, Sequence, hear};
pub use message::{Action, checkpoint_reply, control, initialize};
pub use records::Records;
