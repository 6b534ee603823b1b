//! The conditions and changes of writes on sessions.

use kcl_core::lease::{Beat, EndReason, EndSession, Ending, SessionState};

use crate::change::Change;

/// Requires that the session has not ended.
fn alive() -> Change {
    Change::new().when_among("st", [SessionState::Live, SessionState::Leaving])
}

pub(crate) fn beat(beat: &Beat) -> Change {
    let change = alive().when_below("b", beat.number).set("b", beat.number).write(&beat.report);
    if beat.leaving { change.set("st", SessionState::Leaving) } else { change }
}

pub(crate) fn end_session(end: &EndSession) -> Change {
    let (reason, beat) = match end.ending {
        Ending::Leave => (EndReason::Left, None),
        Ending::Replace => (EndReason::Replaced, None),
        Ending::Fence { beat } => (EndReason::Fenced, Some(beat)),
    };
    let change = alive().set("st", SessionState::Ended(reason));
    match beat {
        Some(beat) => change.when_is("b", beat),
        None => change,
    }
}

pub(crate) fn forget() -> Change {
    let reasons = [EndReason::Left, EndReason::Replaced, EndReason::Fenced];
    Change::new().when_among("st", reasons.map(SessionState::Ended))
}

/// Raises the mailbox and sends a message to `channel`. With `sharded` the message stays on the
/// application's node of a cluster.
pub(crate) fn wake(channel: String, sharded: bool) -> Change {
    alive().count("mb").publish(channel, sharded)
}
