//! The conditions and changes of writes on sessions.

use kcl_core::lease::{Beat, EndReason, EndSession, Ending, SessionState};

use crate::{
    change::Change,
    codec::{number, text},
};

/// Requires that the session has a row and has not ended.
fn alive() -> Change {
    Change::new()
        .when("st IN (:live,:leaving)")
        .bind(":live", text(SessionState::Live.as_str()))
        .bind(":leaving", text(SessionState::Leaving.as_str()))
}

/// Requires a session that lives and a lower beat number, and writes the number and the report.
pub(crate) fn beat(beat: &Beat) -> Change {
    let change = alive().when("b<:b").set("b", number(beat.number)).write(&beat.report);
    if beat.leaving { change.set("st", text(SessionState::Leaving.as_str())) } else { change }
}

/// Requires a session that lives, and for a fence the beat number that the caller saw. A beat that
/// came later refuses the fence.
pub(crate) fn end_session(end: &EndSession) -> Change {
    let (reason, beat) = match end.ending {
        Ending::Leave => (EndReason::Left, None),
        Ending::Replace => (EndReason::Replaced, None),
        Ending::Fence { beat } => (EndReason::Fenced, Some(beat)),
    };
    let change = alive().set("st", text(SessionState::Ended(reason).as_str()));
    match beat {
        Some(beat) => change.when("b=:seen").bind(":seen", number(beat)),
        None => change,
    }
}

/// Requires a session that has ended, in whatever way.
pub(crate) fn forget() -> Change {
    let ended = |reason| text(SessionState::Ended(reason).as_str());
    Change::new()
        .when("st IN (:left,:replaced,:fenced)")
        .bind(":left", ended(EndReason::Left))
        .bind(":replaced", ended(EndReason::Replaced))
        .bind(":fenced", ended(EndReason::Fenced))
}

/// Requires a session that lives, and adds one to the wake-ups that its worker polls.
pub(crate) fn wake() -> Change {
    alive().count("mb")
}
