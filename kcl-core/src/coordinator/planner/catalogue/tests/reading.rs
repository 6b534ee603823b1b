//! What a reading asks for, in which order, and when it begins again.

use super::*;

#[test]
fn nothing_is_read_before_the_first_plan_is_due_or_while_the_session_is_not_valid() {
    let mut scene = Scene::new();
    assert_eq!(scene.catalogue.next_wake(), at(100));
    assert_eq!(scene.tick(99).asked, []);
    scene.ctx.valid = false;
    assert_eq!(scene.tick(100).asked, []);
    scene.ctx.valid = true;
    assert_eq!(scene.tick(101).asked.len(), 3);
}

#[test]
fn a_reading_is_complete_once_everything_is_read() {
    let scene = Scene::read();
    assert_eq!(scene.catalogue.rows.keys().cloned().collect::<Vec<_>>(), [key(0), key(1)]);
    assert!(scene.catalogue.fleet.is_alive(&id("w")));
    assert_eq!(scene.catalogue.next_wake(), at(100 + 30_000), "the next listing");
}

#[test]
fn shards_are_listed_after_the_leases_were_read() {
    let mut scene = Scene::reading();
    scene.ctx.now = at(150);
    assert_eq!(lists(&scene.rows(held(2, "w")).other), [name()]);
    let _ = scene.sessions(&["w"]);
    let _ = scene.rules(None);
    assert!(!scene.complete, "the shards are not listed");
    scene.catalogue.plan_soon(&scene.ctx);
    assert_eq!(scene.tick(160).asked, [], "one reading at a time");
}

#[test]
fn a_listing_that_was_asked_for_before_the_leases_were_read_is_followed_by_another() {
    let mut scene = Scene::read();
    assert_eq!(lists(&scene.tick(30_100).other), [name()], "it is listed every now and then");
    assert_eq!(scene.catalogue.next_wake(), Time::NEVER, "it is being listed");
    scene.catalogue.want_listings();
    scene.catalogue.plan_soon(&scene.ctx);
    assert_eq!(scene.tick(30_110).asked, [StoreCall::Leases, listing()]);
    scene.ctx.now = at(30_120);
    assert_eq!(lists(&scene.rows(held(2, "w")).other), [], "it is being listed");
    let _ = scene.sessions(&["w"]);
    assert_eq!(lists(&scene.listed(Ok(view(shards(2)))).other), [name()]);
    assert!(!scene.complete, "that list is older than the leases");
    let _ = scene.listed(Ok(view(shards(2))));
    assert!(scene.complete);
}

#[test]
fn other_shards_than_before_make_a_reading_with_a_listing_of_its_own() {
    let mut scene = Scene::read();
    let _ = scene.tick(30_100);
    assert_eq!(scene.listed(Ok(view(shards(2)))).asked, []);
    assert!(scene.catalogue.next_wake() > at(30_100), "they are the same");
    let _ = scene.tick(60_100);
    assert_eq!(scene.listed(Ok(view(shards(3)))).asked, [StoreCall::Leases, listing()]);
    assert_eq!(lists(&scene.rows(held(2, "w")).other), [name()]);
}

#[test]
fn a_stream_that_cannot_be_listed_or_shows_nothing_is_planned_for_by_its_rows() {
    for (listed, trouble) in [
        (Err(SourceErrorKind::Unavailable), Notice::StreamTrouble(SourceErrorKind::Unavailable)),
        (Ok(view(Vec::new())), Notice::Lineage(crate::lineage::Problem::NothingListed.to_string())),
    ] {
        let mut scene = Scene::all_but_shards();
        assert_eq!(scene.listed(listed).noted, [trouble]);
        assert!(scene.complete);
        let soon = at(100) + scene.ctx.settings.watch_interval;
        assert_eq!(scene.catalogue.next_wake(), soon, "it is listed again soon");
        scene.catalogue.plan_soon(&scene.ctx);
        let _ = scene.tick(200);
        assert_eq!(lists(&scene.rows(held(2, "w")).other), [name()]);
    }
}

#[test]
fn a_lease_of_a_session_that_is_not_listed_has_the_sessions_listed_once_more() {
    let mut scene = Scene::all_but_shards();
    let _ = scene.listed(Ok(view(shards(2))));
    scene.catalogue.give_up();
    scene.catalogue.plan_soon(&scene.ctx);
    let _ = scene.tick(200);
    let _ = scene.rows(held(2, "gone"));
    let _ = scene.listed(Ok(view(shards(2))));
    let _ = scene.sessions(&["w"]);
    scene.ctx.starts.is_stored(described(5).key, start(None, InitialPosition::TrimHorizon));
    assert_eq!(scene.rules(None).asked, [listing()], "it may be older than the lease");
    assert_eq!((scene.tick(250).asked, scene.complete), (vec![], false));
    let _ = scene.sessions(&["w"]);
    assert!(scene.complete);
    assert!(scene.ctx.ended.contains(&id("gone")), "now it is gone");
}

#[test]
fn a_session_known_to_have_ended_need_not_be_listed() {
    let mut scene = Scene::all_but_shards();
    scene.ctx.note_ended(&id("w"));
    let _ = scene.sessions(&[]);
    let _ = scene.listed(Ok(view(shards(2))));
    let known = start(None, InitialPosition::TrimHorizon);
    assert_eq!(scene.start(Some(&known)).asked, []);
    assert!(scene.complete);
}

#[test]
fn a_call_that_failed_makes_everything_be_read_again_after_a_pause() {
    let failed = || StoreErrorKind::Unavailable;
    let answers: [fn(ReadingNo, StoreErrorKind) -> Reply; 5] = [
        |round, why| Reply::Leases(round, Err(why)),
        |round, why| Reply::Sessions(round, Err(why)),
        |round, why| Reply::Rules(round, Err(why)),
        |round, why| Reply::Inherited(round, Err(why)),
        |round, why| Reply::Start(round, described(5).key, Err(why)),
    ];
    for answer in answers {
        let mut scene = Scene::reading();
        let _ = scene.answer(|round| answer(round, failed()));
        let pause = scene.ctx.settings.fast_poll;
        assert_eq!(scene.catalogue.next_wake(), at(100) + pause);
        assert_eq!(scene.tick(101).asked, []);
        let rules = StoreCall::Doc(DocName::placement());
        let again = scene.tick(100 + u64::try_from(pause.as_millis()).unwrap());
        assert_eq!(again.asked, [StoreCall::Leases, listing(), rules]);
    }
}

#[test]
fn an_answer_to_a_reading_that_was_given_up_means_nothing() {
    let mut scene = Scene::reading();
    let former = scene.catalogue.round;
    scene.catalogue.on_store_went_back();
    scene.catalogue.plan_soon(&scene.ctx);
    assert_eq!(scene.tick(110).asked.len(), 3, "the rules too: they may be lost");
    let _ = scene.answer(|_| Reply::Leases(former, Ok(Listing::of(held(2, "w")))));
    let _ = scene.answer(|_| Reply::Leases(former, Err(StoreErrorKind::Unavailable)));
    assert!(lists(&scene.rows(held(1, "w")).other) == [name()], "this one counts");
}

#[test]
fn rules_that_make_no_sense_leave_those_in_force_that_were_read_before() {
    let mut scene = Scene::reading();
    assert_eq!(scene.catalogue.rules.known(), None);
    assert!(scene.catalogue.rules.may_bind(), "they were never read");
    let rule = Rule::new(Target::Shard(shard_id(0)), "w".parse().unwrap(), Mode::Require);
    let rules = PlacementRules::new(vec![rule], Uncovered::default()).unwrap();
    let doc = |body| Document::new(DocName::placement(), 4, body);
    let _ = scene.rules(Some(doc(Placement::from(rules.clone()).encode().unwrap())));
    assert_eq!(scene.catalogue.rules.known(), Some(&rules));
    assert!(scene.catalogue.rules.make_sense());
    let mut ctx = context(Coordination::default());
    scene.catalogue.rules.read(Some(&doc("[".into())), &mut ctx);
    assert!(matches!(*done(&mut ctx).noted, [Notice::BadRules(_)]));
    assert_eq!(scene.catalogue.rules.known(), Some(&rules));
    assert!(!scene.catalogue.rules.make_sense(), "no row is deleted for them");
    scene.catalogue.rules.read(None, &mut ctx);
    assert!(!scene.catalogue.rules.may_bind());
}

#[test]
fn a_late_answer_to_a_reading_that_is_complete_or_given_up_changes_nothing() {
    let mut scene = Scene::read();
    let former = scene.catalogue.round;
    scene.catalogue.plan_soon(&scene.ctx);
    assert_eq!(scene.tick(200).asked, [StoreCall::Leases, listing()]);
    let late = |_| Reply::Sessions(former, Err(StoreErrorKind::Unavailable));
    let _ = scene.answer(late);
    let _ = scene.rows(held(2, "w"));
    let _ = scene.sessions(&["w"]);
    assert!(scene.complete, "the new reading goes on");
    let mut scene = Scene::reading();
    let former = scene.catalogue.round;
    let _ = scene.answer(|_| Reply::Leases(former, Err(StoreErrorKind::Unavailable)));
    scene.ctx.now = at(250);
    let _ = scene.answer(|_| Reply::Sessions(former, Err(StoreErrorKind::Unavailable)));
    assert_eq!(scene.catalogue.next_wake(), at(300), "a pause after the first that failed");
}

#[test]
fn after_the_store_went_back_the_rules_are_read_again_too() {
    let mut scene = Scene::read();
    scene.catalogue.on_store_went_back();
    assert!(!scene.catalogue.fleet.is_alive(&id("w")));
    scene.catalogue.plan_soon(&scene.ctx);
    let rules = StoreCall::Doc(DocName::placement());
    assert_eq!(scene.tick(200).asked, [StoreCall::Leases, listing(), rules]);
}

#[test]
fn sessions_that_a_reading_shows_to_have_ended_are_remembered() {
    let mut scene = Scene::read();
    scene.catalogue.plan_soon(&scene.ctx);
    let _ = scene.tick(200);
    let _ = scene.rows(held(2, "w"));
    let mut ended = session("x");
    ended.state = crate::lease::SessionState::Ended(crate::lease::EndReason::Left);
    let rows = vec![session("w").reading(name()), ended];
    let _ = scene.answer(|round| Reply::Sessions(round, Ok(rows)));
    assert!(scene.complete && scene.ctx.ended.contains(&id("x")));
}

#[test]
fn the_start_is_asked_for_as_soon_as_the_shards_are_listed() {
    let mut scene = Scene::reading();
    let _ = scene.rows(held(2, "w"));
    assert_eq!(scene.catalogue.next_wake(), Time::NEVER, "it is being listed");
    assert_eq!(scene.listed(Ok(view(shards(2)))).asked, [start_doc()], "sessions are missing");
}
