//! Reading the rows of wanted leases, and judging them (PROTOCOL rules 12 and 15).

use super::*;

#[test]
fn a_lease_that_is_to_be_given_is_looked_at_until_it_is_free() {
    let mut scene = Scene::new();
    let plan = vec![hold(0, origin(Some("other"), 7, Transfer::AwaitRelease))];
    assert_eq!(scene.planned(plan, Vec::new()), [read(0)]);
    let session = StoreCall::Session(id("other"), Consistency::Strong);
    assert_eq!(scene.after(Reply::WantedRow(key(0), Ok(Some(held(0, "other", 7))))), [session]);
    assert_eq!(scene.said(), [], "it is the expected owner");
    assert_eq!(scene.tick(199).asked, []);
    assert_eq!(scene.tick(200).asked, [read(0)]);
    let given = Reply::WantedRow(key(0), Ok(Some(free(0, 7))));
    assert_eq!(scene.after(given), [acquire(&free(0, 7), 207)]);
}

#[test]
fn a_read_that_failed_is_made_again_soon() {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    let failed = Reply::WantedRow(key(0), Err(StoreErrorKind::Unavailable));
    assert_eq!(scene.after(failed), []);
    assert_eq!(scene.tick(200).asked, [read(0)]);
}

#[test]
fn an_owner_that_is_not_expected_is_a_conflict_told_once_and_none_once_it_has_ended() {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    let theirs = || Reply::WantedRow(key(0), Ok(Some(held(0, "other", 7))));
    let first = scene.answer(theirs());
    assert_eq!(first.asked, [StoreCall::Session(id("other"), Consistency::Strong)]);
    assert_eq!(first.noted, [Notice::Conflict(key(0), id("other"))]);
    assert_eq!(scene.said(), [Signal::Conflict]);
    assert_eq!(scene.answer(theirs()).noted, []);
    assert_eq!(scene.said(), []);
    assert_eq!(scene.after(Reply::Owner(id("other"), Ok(None))), [read(0)]);
    assert_eq!(scene.after(theirs()), [acquire(&held(0, "other", 7), 8)]);
}

#[test]
fn an_owner_that_lives_is_waited_for_and_asked_for_at_each_look() {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    let theirs = || row(0, Some(held(0, "other", 7)));
    assert_eq!(scene.after(theirs()), [look_at("other")]);
    assert_eq!(scene.after(Reply::Owner(id("other"), Ok(Some(session("other"))))), []);
    assert_eq!(scene.wakes(), at(1_500));
    assert_eq!(scene.tick(1_500).asked, [read(0)]);
    assert_eq!(scene.after(theirs()), [look_at("other")]);
}

#[test]
fn the_owner_of_many_leases_is_asked_for_once_and_all_are_looked_at_when_it_has_ended() {
    let mut scene = Scene::new();
    let both = vec![hold(0, None), hold(1, None)];
    assert_eq!(scene.planned(both, Vec::new()), [read(0), read(1)]);
    assert_eq!(scene.after(row(0, Some(held(0, "other", 7)))), [look_at("other")]);
    assert_eq!(scene.after(row(1, Some(held(1, "other", 7)))), []);
    assert_eq!(scene.after(Reply::Owner(id("other"), Ok(None))), [read(0), read(1)]);
}

#[test]
fn a_row_is_read_once_at_a_time_however_often_the_session_is_woken() {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    assert_eq!(scene.wakes(), Time::NEVER);
    assert_eq!(scene.on(Handoff::hurry).asked, []);
    assert_eq!(scene.after(row(0, None)), []);
    assert_eq!(scene.wakes(), at(1_500), "the planner puts it");
    assert_eq!(scene.on(Handoff::hurry).asked, [read(0)], "rule 15");
    assert_eq!(scene.wakes(), Time::NEVER);
}

#[test]
fn few_rows_are_read_at_once_however_many_leases_are_wanted() {
    let mut scene = Scene::new();
    let reads = |numbers: std::ops::Range<u8>| numbers.map(read).collect::<Vec<_>>();
    let all = (0..40).map(|number| hold(number, None)).collect();
    assert_eq!(scene.planned(all, Vec::new()), reads(0..32));
    assert_eq!(scene.wakes(), at(200));
    assert_eq!(scene.tick(200).asked, [], "none of them is answered");
    for number in 0..3 {
        assert_eq!(scene.after(row(number, None)), []);
    }
    assert_eq!(scene.tick(400).asked, reads(32..35));
}

#[test]
fn the_plans_newer_word_on_a_row_is_acted_upon_at_once() {
    let mut scene = Scene::new();
    let wait = vec![hold(0, origin(Some("other"), 7, Transfer::AwaitRelease))];
    assert_eq!(scene.planned(wait, Vec::new()), [read(0)]);
    let theirs = held(0, "other", 7);
    assert_eq!(scene.after(row(0, Some(theirs.clone()))), [look_at("other")]);
    let force = vec![hold(0, origin(Some("other"), 7, Transfer::Force))];
    assert_eq!(scene.planned(force, Vec::new()), [acquire(&theirs, 8)]);
}

#[test]
fn what_the_plan_names_no_more_is_looked_at_no_more_and_an_answer_about_it_means_nothing() {
    let mut waiting = Scene::new();
    assert_eq!(waiting.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    assert_eq!(waiting.after(row(0, None)), []);
    assert_eq!(waiting.planned(Vec::new(), Vec::new()), []);
    assert_eq!(waiting.wakes(), Time::NEVER);

    let mut reading = Scene::new();
    assert_eq!(reading.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    assert_eq!(reading.planned(Vec::new(), Vec::new()), []);
    assert_eq!(reading.after(row(0, Some(ended(0, 7)))), []);
    assert_eq!(reading.said(), []);
}

#[test]
fn a_shard_that_has_ended_is_wanted_no_more_until_a_document_names_it_again() {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    assert_eq!(scene.after(row(0, Some(ended(0, 7)))), []);
    assert_eq!(scene.said(), [Signal::Changed]);
    assert_eq!(scene.wakes(), Time::NEVER);
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
}

#[test]
fn nothing_is_looked_at_while_the_session_is_not_valid() {
    let mut scene = Scene::new();
    assert_eq!(scene.planned(vec![hold(0, None)], Vec::new()), [read(0)]);
    assert_eq!(scene.after(row(0, None)), []);
    scene.ctx.valid = false;
    assert_eq!(scene.wakes(), Time::NEVER, "rule 2");
    assert_eq!(scene.tick(60_000).asked, []);
    scene.ctx.valid = true;
    assert_eq!(scene.wakes(), at(1_500));
    assert_eq!(scene.tick(60_000).asked, [read(0)]);
}
