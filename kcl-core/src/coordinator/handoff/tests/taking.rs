//! Acquiring a lease (PROTOCOL rules 4, 8 and 10), and what becomes of a grant.

use super::*;

#[test]
fn a_lease_that_is_free_is_taken_at_once_and_its_run_started() {
    let _ = Scene::holding();
}

#[test]
fn a_lease_is_taken_by_force_only_from_the_owner_and_epoch_that_are_meant() {
    let force = || vec![hold(0, origin(Some("other"), 7, Transfer::Force))];
    let mut scene = Scene::new();
    assert_eq!(scene.planned(force(), Vec::new()), [acquire(&held(0, "other", 7), 8)]);
    let refused = Write::Refused(Some(held(0, "other", 9)));
    let asked = scene.after(Reply::Acquire(key(0), Epoch(8), Ok(refused)));
    assert_eq!(
        asked,
        [StoreCall::Session(id("other"), Consistency::Strong)],
        "it has been taken since"
    );
}

#[test]
fn a_grant_that_the_plan_has_given_away_is_given_back() {
    let mut scene = Scene::new();
    let plan = vec![hold(0, origin(None, 7, Transfer::Unowned))];
    assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
    assert_eq!(scene.planned(Vec::new(), Scene::give("next")), []);
    let granted = Reply::Acquire(key(0), Epoch(8), Ok(Write::Done(held(0, "me", 8))));
    let done = scene.answer(granted);
    assert_eq!(done.asked, [StoreCall::Release(released())]);
    assert_eq!(orders(done), []);
}

#[test]
fn a_grant_that_comes_too_late_starts_nothing() {
    let mut scene = Scene::new();
    let plan = vec![hold(0, origin(None, 7, Transfer::Unowned))];
    assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
    scene.ctx.valid = false;
    let granted = Reply::Acquire(key(0), Epoch(8), Ok(Write::Done(held(0, "me", 8))));
    let done = scene.answer(granted);
    assert_eq!((done.asked.len(), orders(done).len()), (0, 0));
    scene.ctx.valid = true;
    assert_eq!(scene.tick(200).asked, [read(0)]);
    let mine = held(0, "me", 8);
    let again = scene.after(Reply::WantedRow(key(0), Ok(Some(mine.clone()))));
    assert_eq!(again, [acquire(&mine, 208)], "taken anew, under an epoch of its own");
}

#[test]
fn an_acquire_of_which_nobody_knows_is_found_out() {
    let mut scene = Scene::new();
    let plan = vec![hold(0, origin(None, 7, Transfer::Unowned))];
    assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
    let unknown = Reply::Acquire(key(0), Epoch(8), Err(StoreErrorKind::Unknown));
    assert_eq!(scene.after(unknown), []);
    assert_eq!(scene.tick(0).asked, [read(0)]);
}

#[test]
fn an_acquire_that_failed_is_made_good_soon() {
    let mut scene = Scene::new();
    let plan = vec![hold(0, origin(None, 7, Transfer::Unowned))];
    assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
    let failed = Reply::Acquire(key(0), Epoch(8), Err(StoreErrorKind::Throttled));
    assert_eq!(scene.after(failed), []);
    assert_eq!(scene.wakes(), at(200));
    assert_eq!(scene.tick(200).asked, [read(0)]);
}

#[test]
fn an_acquire_of_which_nobody_knows_is_given_back_if_the_plan_wants_it_here_no_more() {
    let gives = [(Vec::new(), release()), (Scene::give("next"), released())];
    for (gives, release) in gives {
        let mut scene = Scene::new();
        let plan = vec![hold(0, origin(None, 7, Transfer::Unowned))];
        assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
        assert_eq!(scene.planned(Vec::new(), gives), []);
        let unknown = Reply::Acquire(key(0), Epoch(8), Err(StoreErrorKind::Unknown));
        assert_eq!(scene.after(unknown), [StoreCall::Release(release)]);
        assert_eq!(scene.wakes(), Time::NEVER);
    }
}

#[test]
fn an_owner_that_the_planner_saw_end_is_not_asked_for_again() {
    let mut scene = Scene::new();
    let of_ended = vec![hold(0, origin(Some("other"), 7, Transfer::Unowned))];
    assert_eq!(scene.planned(of_ended, Vec::new()), [acquire(&held(0, "other", 7), 8)]);
    let late = held(0, "other", 9);
    assert_eq!(scene.after(refused(0, 8, Some(late.clone()))), [acquire(&late, 10)]);
}

#[test]
fn of_two_acquires_of_a_lease_only_the_later_starts_a_run() {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    let newer = vec![hold(0, origin(None, 7, Transfer::Unowned))];
    assert_eq!(scene.planned(newer, Vec::new()), [acquire(&free(0, 7), 8)]);
    assert_eq!(scene.after(row(0, Some(free(0, 7)))), [acquire(&free(0, 7), 9)]);
    let first = scene.answer(granted(0, 8));
    assert_eq!((first.asked, first.noted, first.other.len()), (vec![], vec![], 0));
    assert_eq!(scene.answer(granted(0, 9)).noted, [Notice::Gained(key(0), Epoch(9))]);
}

#[test]
fn what_a_former_life_held_is_taken_back_from_that_life_alone() {
    let former = SessionId::new("me".parse().unwrap(), Incarnation::from_bits(0));
    let of_former = Lease { owner: Some(former.clone()), ..free(0, 7) };
    let mut scene = Scene::new();
    scene.ctx.note_ended(&former);
    assert_eq!(scene.taken_back(vec![hold(0, None)]), [read(0)]);
    assert_eq!(scene.after(row(0, Some(of_former.clone()))), [acquire(&of_former, 8)]);
    assert_eq!(scene.planned(Vec::new(), Scene::give("next")), [], "the plan knows better");
    assert_eq!(scene.after(granted(0, 8)), [StoreCall::Release(released())]);

    for left in [free(0, 7), held(0, "other", 7), of_former] {
        let mut scene = Scene::new();
        assert_eq!(scene.taken_back(vec![hold(0, None)]), [read(0)]);
        assert_eq!(scene.after(row(0, Some(left))), [], "that is left to the plan");
        assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    }
}

#[test]
fn what_a_former_life_held_is_the_plans_once_a_document_names_it() {
    let mut scene = Scene::new();
    assert_eq!(scene.taken_back(vec![hold(0, None)]), [read(0)]);
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), []);
    assert_eq!(scene.after(row(0, Some(held(0, "other", 7)))), [look_at("other")]);
    assert_eq!(scene.said(), [Signal::Conflict]);
}
