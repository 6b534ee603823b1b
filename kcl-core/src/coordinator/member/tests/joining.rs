//! Rule 1: a worker registers, and lists, before it does anything else.

use super::*;

#[test]
fn a_worker_joins_by_registering_passing_and_looking_for_others_of_its_id() {
    let scene = Scene::live();
    assert_eq!(scene.valid_until, [at(5_700)], "a timeout from sending, without the guard");
    assert!(scene.member.is_valid(at(5_699)));
    assert!(!scene.member.is_valid(at(5_700)));
}

#[test]
fn what_the_stream_is_is_found_out_first() {
    let mut scene = Scene::new(Coordination::default());
    assert_eq!(scene.tick(0), []);
    assert!(scene.member.is_describing());
    assert_eq!(scene.ctx.reads.take_due(at(0)), [None]);
    let _ = scene.ctx.reads.on_described(None, Ok(orders()), at(0));
    scene.member.on_described(&mut scene.ctx);
    assert_eq!(scene.asked(), [list()]);
}

#[test]
fn the_sessions_are_listed_until_that_succeeds() {
    let mut scene = Scene::starting(Coordination::default());
    assert_eq!(scene.meanwhile(5_000), [], "they are being listed");
    assert_eq!(scene.after(Reply::ListBefore(Err(StoreErrorKind::Unavailable))), []);
    assert_eq!(scene.after_a_pause(), [list()]);
    assert_eq!(scene.meanwhile(10_000), [], "they are being listed again");
}

#[test]
fn a_row_says_who_reads_what_where_and_after_whom() {
    let settings = Coordination {
        max_leases: Some(7),
        zone: Some("a".parse().unwrap()),
        ..Coordination::default()
    };
    let mut scene = Scene::starting(settings.clone());
    let former = ended(&Session { start: 4, ..scene.rival(4) }, EndReason::Left);
    let other = Session { start: 9, ..session("other") };
    let me = scene.member.id().clone();
    let mut row = Session::new(me, 5, settings.session_timeout, settings.heartbeat_interval);
    row.capacity = 7;
    row.zone = settings.zone;
    row.stream = Some(name("orders"));
    let asked = scene.after(Reply::ListBefore(Ok(vec![former, other])));
    assert_eq!(asked, [StoreCall::Register(row)]);
}

#[test]
fn a_registration_without_an_answer_is_sent_again_as_it_was_and_given_up_after_a_timeout() {
    let mut scene = Scene::starting(Coordination::default());
    let sent = scene.after(Reply::ListBefore(Ok(Vec::new())));
    let unheard = || Reply::Register(at(0), Err(StoreErrorKind::Unknown));
    assert_eq!(scene.after(unheard()), []);
    assert_eq!(scene.after_a_pause(), sent, "the same incarnation");
    assert_eq!(scene.meanwhile(5_500), [], "it is being sent");
    assert_eq!(scene.after(unheard()), []);
    assert_eq!(scene.meanwhile(7_000), []);
    assert_eq!(scene.said(), [Signal::Unheard]);
    scene.assert_over();
}

#[test]
fn a_registration_is_answered_once() {
    let mut scene = Scene::registered(Coordination::default());
    assert_eq!(scene.register("1"), [], "an earlier attempt was answered later");
    assert_eq!(scene.said(), []);
}

#[test]
fn a_registration_that_was_refused_without_a_row_begins_again() {
    let mut scene = Scene::starting(Coordination::default());
    let _ = scene.after(Reply::ListBefore(Ok(Vec::new())));
    let refused = stamped(Write::Refused(None), "1");
    assert_eq!(scene.after(Reply::Register(at(0), Ok(refused))), [list()]);
}

#[test]
fn a_row_that_was_ended_before_its_registration_was_heard_of_is_over() {
    let mut scene = Scene::starting(Coordination::default());
    let _ = scene.after(Reply::ListBefore(Ok(Vec::new())));
    let row = ended(&scene.row(), EndReason::Replaced);
    let refused = stamped(Write::Refused(Some(row)), "1");
    assert_eq!(scene.after(Reply::Register(at(0), Ok(refused))), []);
    assert_eq!(scene.said(), [Signal::Fenced(EndReason::Replaced)]);
    scene.assert_over();
}

#[test]
fn a_registration_tells_the_stores_time_and_what_the_mailbox_was() {
    let mut scene = Scene::starting(Coordination::default());
    let _ = scene.after(Reply::ListBefore(Ok(Vec::new())));
    let row = Session { mailbox: 3, ..scene.row() };
    let mut reply = stamped(Write::Refused(Some(row.clone())), "1");
    reply.stamp.at = StoreTime(50);
    let asked = scene.after(Reply::Register(at(0), Ok(reply)));
    assert_eq!(asked, [changing(), streams()], "an earlier attempt was counted");
    assert_eq!(scene.ctx.epochs.next(Epoch(0), at(0)), Epoch(50));
    assert_eq!(scene.after(Reply::Mailbox(Ok(Some(row)))), []);
    assert_eq!(scene.said(), []);
}

/// The order of the two answers, the put's and the listing's, does not matter.
#[test]
fn the_sessions_are_listed_with_the_put_and_judged_after_it() {
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3)), list()]);
    assert_eq!(scene.after(Reply::ListAfter(Ok(Vec::new()))), []);
    assert_eq!(scene.said(), []);
    assert_eq!(scene.put(Ok(Write::Done(mine(4)))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn of_several_listings_the_one_that_came_with_the_last_put_is_judged() {
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3)), list()]);
    assert_eq!(scene.after(Reply::ListAfter(Ok(Vec::new()))), []);
    let former = names(&stream("orders", 4), 4);
    let again = scene.put(Ok(Write::Refused(Some(former))));
    assert_eq!(again, [pass(Some(4)), list()], "its life was an earlier one");
    assert_eq!(scene.put(Ok(Write::Done(mine(5)))), []);
    assert_eq!(scene.said(), []);
    assert_eq!(scene.after(Reply::ListAfter(Ok(Vec::new()))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn a_listing_that_failed_before_the_pass_is_made_again_with_it() {
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3)), list()]);
    assert_eq!(scene.after(Reply::ListAfter(Err(StoreErrorKind::Unavailable))), []);
    assert_eq!(scene.put(Ok(Write::Done(mine(4)))), [list()]);
    assert_eq!(scene.after(Reply::ListAfter(Ok(Vec::new()))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn a_listing_that_failed_after_the_pass_is_made_again_a_little_later() {
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3)), list()]);
    assert_eq!(scene.put(Ok(Write::Done(mine(4)))), []);
    assert_eq!(scene.after(Reply::ListAfter(Err(StoreErrorKind::Unavailable))), []);
    assert_eq!(scene.after_a_pause(), [list()]);
    assert_eq!(scene.meanwhile(5_000), [], "they are being listed");
    assert_eq!(scene.after(Reply::ListAfter(Ok(Vec::new()))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}
