//! The requests of a member to the store.

use crate::{
    coordinator::{op, request::requests},
    env::Time,
    lease::SessionId,
};

requests! {
    /// All sessions, before registering.
    ListBefore by Sessions;
    /// The row of a new session, put; sent at this time.
    Register(sent: Time) by Register;
    /// The document `changing`: is the application open?
    Changing by Doc;
    /// The document `streams`, in this round of passing.
    Streams(round: u64) by Doc;
    /// A compare-and-set of `streams`, in this round.
    PutStreams(round: u64) by PutDoc;
    /// All sessions, to watch the readers of another stream, in this round.
    OtherReaders(round: u64) by Sessions;
    /// The end of a silent one of them, in this round.
    EndReader(round: u64, id: SessionId) by EndSession;
    /// The end of this session, which found the application closed.
    EndShut by EndSession;
    /// All sessions, after registering.
    ListAfter by Sessions;
    /// The end of an older session of this id.
    EndOlder(id: SessionId) by EndSession;
    /// The row of an older session of this id that must not be replaced.
    LookAtOlder(id: SessionId) by Session;
    /// All sessions, after the store went back.
    ListAgain by Sessions;
    /// The beat of this number.
    Beat(number: u64) by Beat;
    /// The row of this session, for its mailbox.
    Mailbox by Session;
    /// The end of this session, at the end of leaving.
    Leave by EndSession;
}
