//! The write that restarts a lease, by its rule: a fleet sends none while its application is open.

use kcl_core::{
    lease::{
        Acquire, Advance, Checkpoint, Epoch, Incarnation, Lease, LeaseKey, Restart, SessionId,
        Write, rules,
    },
    stream::{Position, SequenceNumber},
};

fn at(number: u128) -> Checkpoint {
    Checkpoint::After(Position::from(SequenceNumber::from(number)))
}

/// A lease that is held, at record 20.
fn held() -> (SessionId, Lease) {
    let owner = SessionId::new("a".parse().unwrap(), Incarnation::from_bits(7));
    let mut row = Lease::new(LeaseKey::planner(), at(20));
    row.owner = Some(owner.clone());
    row.epoch = Epoch(5);
    (owner, row)
}

fn left(write: Write<Lease>) -> Lease {
    write.done().expect("a restart of the row that was seen")
}

pub(crate) fn a_restart_is_of_the_row_that_was_seen() {
    let (owner, row) = held();
    let free = left(rules::restart(Some(&row), &Restart::new(&row, Epoch(6), at(3))));
    let taken = rules::acquire(Some(&free), &Acquire::new(&free, owner, Epoch(7))).done();
    // Somebody else restarts by what they saw before.
    for now in [free, taken.expect("a free lease is taken")] {
        let late = Restart::new(&row, Epoch(9), Checkpoint::TrimHorizon);
        assert!(!rules::restart(Some(&now), &late).is_done());
    }
}

pub(crate) fn a_restart_needs_an_epoch_of_its_own() {
    let (_, row) = held();
    let restart = Restart::new(&row, row.epoch, at(3));
    // Otherwise what was sent under that epoch before it would be taken after it.
    assert_eq!(rules::restart(Some(&row), &restart), Write::Refused(Some(row)));
}

pub(crate) fn nobody_holds_a_lease_that_was_restarted() {
    let (owner, row) = held();
    let now = left(rules::restart(Some(&row), &Restart::new(&row, Epoch(6), at(3))));
    let write = Advance::new(row.key, owner, Epoch(6), at(4));
    assert!(!rules::advance(Some(&now), &write).is_done());
    assert_eq!(now.owner, None);
}
