//! What a member asks the store for.

use crate::{
    coordinator::{op, request::requests},
    env::Time,
    lease::SessionId,
};

requests! {
    /// The sessions, before registering.
    ListBefore by Sessions;
    /// The row of a new session; sent at.
    Register(sent: Time) by Register;
    /// Whether the application is open.
    Changing by Doc;
    /// Which stream the application reads, in this round of passing.
    Streams(round: u64) by Doc;
    /// A compare-and-set of that, in this round.
    PutStreams(round: u64) by PutDoc;
    /// The sessions, for those that read another stream, in this round.
    OtherReaders(round: u64) by Sessions;
    /// The end of one of them that is silent, in this round.
    EndReader(round: u64, id: SessionId) by EndSession;
    /// The end of the session that found the application closed.
    EndShut by EndSession;
    /// The sessions, after registering.
    ListAfter by Sessions;
    /// The end of an older session of my id.
    EndOlder(id: SessionId) by EndSession;
    /// The row of an older session of my id that I must not replace.
    LookAtOlder(id: SessionId) by Session;
    /// The sessions, after the store went back.
    ListAgain by Sessions;
    /// A beat of this number.
    Beat(number: u64) by Beat;
    /// My own row, for its mailbox.
    Mailbox by Session;
    /// The end of my own session, by myself.
    Leave by EndSession;
}
