//! Rule 1: sessions of one id are ordered, and only one of them stays.

use super::*;

fn refuse() -> Coordination {
    Coordination { same_id: SameId::Refuse, ..Coordination::default() }
}

fn end_answered(row: &Session, answer: Result<Write<Session>, StoreErrorKind>) -> Reply {
    Reply::EndOlder(row.id.clone(), answer)
}

fn seen(row: &Session, now: Option<Session>) -> Reply {
    Reply::LookAtOlder(row.id.clone(), Ok(now))
}

fn look(row: &Session) -> StoreCall {
    StoreCall::Session(row.id.clone(), Consistency::Strong)
}

#[test]
fn an_older_session_of_my_id_is_ended_before_i_join() {
    let mut scene = Scene::checking(Coordination::default(), |scene| vec![scene.rival(0)]);
    let rival = scene.rival(0);
    let end = end_of(&rival.id, Ending::Replace);
    assert_eq!(scene.asked(), std::slice::from_ref(&end));
    assert_eq!(scene.meanwhile(1_000), [], "it is being ended");
    assert_eq!(scene.after(end_answered(&rival, Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.said(), []);
    assert_eq!(scene.meanwhile(1_199), []);
    assert_eq!(scene.meanwhile(5_000), [end], "told again, once");
    assert_eq!(scene.after(end_answered(&rival, Ok(Write::Refused(None)))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
    assert!(scene.ctx.ended.contains(&rival.id), "others need not look");
}

#[test]
fn of_several_older_sessions_each_is_waited_for_once() {
    let another = |scene: &Scene| {
        let mut row = scene.rival(0);
        row.id.incarnation = Incarnation::from_bits(8);
        row
    };
    let mut scene =
        Scene::checking(Coordination::default(), |scene| vec![scene.rival(0), another(scene)]);
    let (first, second) = (scene.rival(0), another(&scene));
    let ends = [&first, &second].map(|row| end_of(&row.id, Ending::Replace));
    assert_eq!(scene.asked(), ends);
    scene.member.beat_at = Time::NEVER;
    let wake = scene.member.next_wake();
    assert_eq!(scene.after(end_answered(&first, Ok(Write::Refused(None)))), []);
    assert_eq!(scene.said(), []);
    assert_eq!(scene.after(end_answered(&first, Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.member.next_wake(), wake, "it has ended, whatever else is heard of it");
    let over = ended(&second, EndReason::Left);
    assert_eq!(scene.after(end_answered(&second, Ok(Write::Refused(Some(over))))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn where_ids_are_not_replaced_an_older_session_that_beats_stays() {
    let mut scene = Scene::checking(refuse(), |scene| vec![scene.rival(0)]);
    let rival = scene.rival(0);
    assert_eq!(scene.asked(), []);
    assert_eq!(scene.meanwhile(1_999), []);
    assert_eq!(scene.meanwhile(2_000), [look(&rival)]);
    let beaten = Session { beat: rival.beat + 1, ..rival.clone() };
    assert_eq!(scene.after(seen(&rival, Some(beaten))), [scene.end(Ending::Leave)]);
    assert_eq!(scene.said(), [Signal::Duplicate]);
    scene.assert_over();
}

#[test]
fn where_ids_are_not_replaced_an_older_session_that_is_silent_for_its_timeout_is_fenced() {
    let mut scene = Scene::checking(refuse(), |scene| vec![scene.rival(0)]);
    let rival = scene.rival(0);
    for time in [2_000, 4_000] {
        assert_eq!(scene.meanwhile(time), [look(&rival)]);
        assert_eq!(scene.after(seen(&rival, Some(rival.clone()))), []);
    }
    assert_eq!(scene.meanwhile(6_000), [look(&rival)]);
    let fence = end_of(&rival.id, Ending::Fence { beat: rival.beat });
    assert_eq!(scene.after(seen(&rival, Some(rival.clone()))), [fence]);
    assert_eq!(scene.said(), []);
    assert_eq!(scene.after(end_answered(&rival, Ok(Write::Done(rival.clone())))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn where_ids_are_not_replaced_a_fence_that_was_not_answered_is_sent_again_as_one() {
    let mut scene = Scene::checking(refuse(), |scene| vec![scene.rival(0)]);
    let rival = scene.rival(0);
    let _ = scene.meanwhile(6_000);
    let fence = end_of(&rival.id, Ending::Fence { beat: rival.beat });
    let silent = seen(&rival, Some(rival.clone()));
    assert_eq!(scene.after(silent), std::slice::from_ref(&fence));
    assert_eq!(scene.after(end_answered(&rival, Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.meanwhile(6_200), [fence], "it may have beaten since");
    let beaten = Session { beat: rival.beat + 1, ..rival.clone() };
    let refused = end_answered(&rival, Ok(Write::Refused(Some(beaten))));
    assert_eq!(scene.after(refused), [scene.end(Ending::Leave)]);
    assert_eq!(scene.said(), [Signal::Duplicate]);
    scene.assert_over();
}

#[test]
fn where_ids_are_not_replaced_an_older_session_that_ends_by_itself_is_waited_for() {
    for gone in [true, false] {
        let mut scene = Scene::checking(refuse(), |scene| vec![scene.rival(0)]);
        let rival = scene.rival(0);
        assert_eq!(scene.meanwhile(2_000), [look(&rival)]);
        let row = (!gone).then(|| ended(&rival, EndReason::Left));
        assert_eq!(scene.after(seen(&rival, row)), []);
        assert_eq!(scene.said(), [Signal::Joined]);
        assert!(scene.ctx.ended.contains(&rival.id), "others need not look");
    }
}

#[test]
fn a_newer_session_of_my_id_takes_my_place() {
    let mut scene = Scene::checking(Coordination::default(), |scene| vec![scene.rival(2)]);
    assert_eq!(scene.asked(), [scene.end(Ending::Leave)]);
    assert_eq!(scene.said(), [Signal::Duplicate]);
    scene.assert_over();
}

/// Rule 16: a fenced session starts anew, and finds a session that took its id meanwhile.
#[test]
fn who_was_fenced_leaves_its_id_to_whoever_has_it_without_registering() {
    let mut scene = Scene::starting(Coordination::default());
    scene.member = Member::new(name_of_me(), at(0), Vec::new(), true, &mut scene.ctx);
    assert_eq!(scene.tick(0), [list()]);
    let rival = scene.rival(0);
    assert_eq!(scene.after(Reply::ListBefore(Ok(vec![rival]))), []);
    assert_eq!(scene.said(), [Signal::Duplicate]);
    scene.assert_over();
}
