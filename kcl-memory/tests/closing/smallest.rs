//! What is searched.

use super::{
    search::{Searched, search},
    small::Budget,
};

const NOTHING: Budget = Budget {
    dead: 0,
    late: 0,
    crashes: 0,
    unknown: 0,
    starts: 0,
    undo: false,
    at_once: 1,
    sleeper: false,
    back: false,
    lanes: 1,
};

#[expect(clippy::print_stdout, reason = "how much was searched")]
fn holds(budget: Budget) {
    let Searched { states, broken } = search(budget);
    println!("{budget:?}: {states} states");
    if let Some((what, steps)) = broken {
        panic!("{what}\nafter {} steps: {steps:?}", steps.len());
    }
    assert!(states > 20, "{states} states are no search");
}

/// Late writes of the dead land in the midst of a change.
#[test]
pub(crate) fn a_change_among_late_writes_of_the_dead() {
    holds(Budget { dead: 3, ..NOTHING });
}

/// Somebody's last beat is still on its way.
#[test]
pub(crate) fn a_change_while_a_session_is_silent() {
    holds(Budget { dead: 1, sleeper: true, ..NOTHING });
}

/// A change is broken off and gone on with.
#[test]
pub(crate) fn a_change_that_crashes_and_goes_on() {
    holds(Budget { dead: 1, late: 1, crashes: 1, starts: 1, ..NOTHING });
}

/// A change is broken off, perhaps twice, and taken back.
#[test]
pub(crate) fn a_change_that_crashes_twice_and_is_taken_back() {
    holds(Budget { late: 1, crashes: 2, starts: 2, undo: true, ..NOTHING });
}

/// Rows are written side by side: late writes land among them, some are not answered, a run is
/// broken off with all of them under way and gone on with, or taken back.
#[test]
pub(crate) fn a_change_in_lanes() {
    let lanes = Budget { lanes: 3, ..NOTHING };
    holds(Budget { dead: 1, late: 1, unknown: 1, ..lanes });
    holds(Budget { dead: 1, late: 1, crashes: 1, starts: 1, undo: true, ..lanes });
    holds(Budget { starts: 1, undo: true, at_once: 2, ..lanes });
    holds(Budget { unknown: 1, starts: 1, at_once: 2, ..lanes });
}

/// A change is taken back while the dead still write.
#[test]
pub(crate) fn a_change_that_is_taken_back_among_late_writes_of_the_dead() {
    holds(Budget { dead: 2, crashes: 1, starts: 1, undo: true, ..NOTHING });
}

/// A change is gone on with or taken back while it still runs.
#[test]
pub(crate) fn two_commands_at_once() {
    holds(Budget { late: 1, unknown: 1, starts: 1, undo: true, at_once: 2, ..NOTHING });
}

/// The same, and nothing is lost or late.
#[test]
pub(crate) fn a_second_command_takes_over() {
    holds(Budget { starts: 1, undo: true, at_once: 2, ..NOTHING });
}

/// A change is broken off, gone on with or taken back, while the dead still write.
#[test]
pub(crate) fn a_change_that_crashes_among_late_writes_of_the_dead() {
    holds(Budget { dead: 3, crashes: 1, starts: 1, undo: true, ..NOTHING });
}

/// A change is broken off twice, gone on with and taken back, while the dead still write.
#[test]
pub(crate) fn a_change_that_crashes_twice_among_late_writes_of_the_dead() {
    holds(Budget { dead: 2, crashes: 2, starts: 2, undo: true, ..NOTHING });
}

/// A change is broken off and taken back, while the dead and the broken off still write.
#[test]
pub(crate) fn a_change_that_is_taken_back_among_late_writes_of_both() {
    holds(Budget { dead: 2, late: 1, crashes: 1, starts: 1, undo: true, ..NOTHING });
}

/// The store loses its last writes, at any moment of a change that may be gone on with or taken
/// back.
#[test]
pub(crate) fn a_change_while_the_store_goes_back() {
    holds(Budget { crashes: 1, starts: 1, undo: true, back: true, ..NOTHING });
}

/// The same, and the end of a session is lost whose beat is under way.
#[test]
pub(crate) fn a_change_while_the_store_loses_the_end_of_a_session() {
    holds(Budget { dead: 1, sleeper: true, back: true, ..NOTHING });
}

/// The same among late writes of the dead.
#[test]
pub(crate) fn a_change_among_late_writes_of_the_dead_while_the_store_goes_back() {
    holds(Budget { dead: 1, starts: 1, undo: true, back: true, ..NOTHING });
}

/// What a change had under way when the store lost it meets the next one.
#[test]
pub(crate) fn a_change_that_meets_what_is_left_of_a_lost_one() {
    holds(Budget { dead: 1, starts: 2, undo: true, back: true, ..NOTHING });
}
