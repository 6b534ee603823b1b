//! What the watch asks the store for.

use crate::{
    coordinator::{op, request::requests},
    env::Time,
    lease::SessionId,
    store::Consistency,
};

requests! {
    /// All sessions, this consistently.
    List(how: Consistency) by Sessions;
    /// One session; asked at.
    Look(id: SessionId, asked: Time) by Session;
    /// One session that a look did not find, consistently.
    Confirm(id: SessionId) by Session;
    /// The end of a session.
    Fence(id: SessionId) by EndSession;
}
