//! Which child of two or more parents the owner of one of them takes (PROTOCOL rule 9).

use super::*;

/// The row of the child, as it was put.
fn child() -> Lease {
    Lease::new(key(9), Checkpoint::TrimHorizon)
}

/// The row of another parent was read, after the end of the lease 0.
fn other_parent(row: Option<Lease>) -> Reply {
    Reply::OtherParent(key(9), key(0), Ok(row))
}

impl Scene {
    /// A handoff that ended the lease 0, whose child has these parents, too.
    fn merging(others: &[u8]) -> Self {
        let mut scene = Self::holding();
        let parents: Vec<u8> = [0].iter().chain(others).copied().collect();
        let reads: Vec<StoreCall> = others.iter().copied().map(read).collect();
        assert_eq!(scene.ends(0, 8, &parents), reads);
        scene
    }
}

#[test]
fn a_child_of_two_is_taken_when_the_other_parent_has_ended_too() {
    let mut scene = Scene::merging(&[1]);
    assert_eq!(scene.after(other_parent(Some(ended(1, 8)))), [acquire(&child(), 9)]);
}

#[test]
fn a_child_is_left_to_others_if_a_parent_is_read_still_or_it_is_not_known() {
    let unknown = Reply::OtherParent(key(9), key(0), Err(StoreErrorKind::Unavailable));
    for answer in [other_parent(Some(held(1, "other", 7))), other_parent(None), unknown] {
        let mut scene = Scene::merging(&[1]);
        assert_eq!(scene.after(answer), []);
        assert_eq!(scene.wakes(), Time::NEVER);
        assert_eq!(scene.after(other_parent(Some(ended(1, 8)))), [], "it was asked for once");
    }
}

#[test]
fn a_child_of_three_is_taken_when_all_its_parents_have_ended() {
    let mut scene = Scene::merging(&[1, 2]);
    assert_eq!(scene.after(other_parent(Some(ended(1, 8)))), []);
    assert_eq!(scene.after(other_parent(Some(ended(2, 8)))), [acquire(&child(), 9)]);
}

/// A handoff that ended the leases 0 and 1, and reads the row of either for the child of both.
fn ended_both() -> Scene {
    let mut scene = Scene::holding();
    let both = vec![hold(0, None), hold(1, origin(None, 7, Transfer::Unowned))];
    assert_eq!(scene.planned(both, Vec::new()), [acquire(&free(1, 7), 9)]);
    let _ = scene.after(granted(1, 9));
    assert_eq!(scene.ends(0, 8, &[0, 1]), [read(1)]);
    assert_eq!(scene.ends(1, 9, &[0, 1]), [read(0)]);
    scene
}

#[test]
fn who_ends_both_parents_takes_the_child_once_whenever_the_rows_were_read() {
    let mut early = ended_both();
    assert_eq!(early.after(other_parent(Some(held(1, "me", 9)))), [], "before its end was there");
    let of_first = Reply::OtherParent(key(9), key(1), Ok(Some(ended(0, 8))));
    assert_eq!(early.after(of_first), [acquire(&child(), 10)]);

    let mut late = ended_both();
    assert_eq!(late.after(other_parent(Some(ended(1, 9)))), [acquire(&child(), 10)]);
    let of_first = Reply::OtherParent(key(9), key(1), Ok(Some(ended(0, 8))));
    assert_eq!(late.after(of_first), []);
}

#[test]
fn a_session_that_was_ended_takes_no_child() {
    let mut scene = Scene::merging(&[1]);
    let _ = scene.on(|handoff, ctx| handoff.lose_all(LossReason::Fenced, ctx));
    assert_eq!(scene.after(other_parent(Some(ended(1, 8)))), []);
}

#[test]
fn who_leaves_takes_no_child() {
    for parents in [&[0][..], &[0, 1]] {
        let mut scene = Scene::holding();
        let _ = scene.on(|handoff, _| handoff.start_leaving(at(30_000)));
        assert_eq!(scene.ends(0, 8, parents), []);
    }
    let mut reading = Scene::merging(&[1]);
    let _ = reading.on(|handoff, _| handoff.start_leaving(at(30_000)));
    assert_eq!(reading.after(other_parent(Some(ended(1, 8)))), []);
    assert_eq!(reading.wakes(), Time::NEVER);
}
