//! The requests of the watch to the store.

use crate::{
    coordinator::{op, request::requests},
    env::Time,
    lease::SessionId,
    store::Consistency,
};

requests! {
    /// All sessions, read this consistently.
    List(how: Consistency) by Sessions;
    /// The row of one session; asked for at this time.
    Look(id: SessionId, asked: Time) by Session;
    /// The row of a session that an eventual read did not find, read consistently.
    Confirm(id: SessionId) by Session;
    /// The end of a silent session.
    Fence(id: SessionId) by EndSession;
}
