//! A service that answers from a script, and a clock that costs no time.

mod clock;
mod service;

pub(crate) use clock::{ManualClock, WALL};
pub(crate) use service::{Reply, Scripted, Sent, answer, iterator, record_of, records, refusal};
