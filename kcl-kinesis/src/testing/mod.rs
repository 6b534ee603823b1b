//! Two simulated services, one that answers from a script and one that fails at random, and a
//! clock on which sleeping takes no time.

mod clock;
mod model;
mod service;

pub(crate) use clock::{ManualClock, WALL};
pub(crate) use model::{Kept, Model};
pub(crate) use service::{Reply, Scripted, Sent, answer, iterator, record_of, records, refusal};
