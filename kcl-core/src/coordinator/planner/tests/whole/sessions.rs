//! How the planner reacts to sessions that are seen, join or end.

use super::*;

#[test]
fn a_session_that_joins_is_planned_for_once_others_had_time_to_join_too() {
    let mut scene = Scene::planned(&["a", "me"], &["a", "me"]);
    let row = session("b", PlanVersion::NONE);
    let _ = scene.sessions.insert(row.id.clone(), row.clone());
    scene.planner.on_listed(&[row], &mut scene.ctx);
    assert_eq!(scene.run(399), []);
    let asked = scene.run(400);
    assert_eq!(asked[..2], leases_and_sessions());
    assert!(asked.contains(&document_of("b")), "{asked:?}");
    assert_eq!(scene.told("a").second, Some(id("b")));
}

#[test]
fn what_a_session_held_that_has_ended_is_given_to_others_at_once() {
    let mut scene = Scene::planned(&["a", "b", "me"], &["a", "b", "me"]);
    let row = scene.sessions.get_mut(&id("b")).unwrap();
    row.state = SessionState::Ended(EndReason::Fenced);
    scene.planner.on_ended(&id("b"), &scene.ctx);
    let asked = scene.run(200);
    assert_eq!(asked[..2], leases_and_sessions());
    let holds = scene.told("a").holds.len() + scene.told("me").holds.len();
    assert_eq!(holds, 3);
}

/// Rule 1: the row is deleted a timeout after it was seen that no lease names it.
#[test]
fn a_worker_that_is_gone_is_forgotten_with_its_document_and_one_that_returns_is_told_anew() {
    let mut scene = Scene::planned(&["a", "me"], &["a", "me", "x"]);
    scene.beats("x", |row| row.state = SessionState::Ended(EndReason::Left));
    let _ = scene.run(200);
    scene.all_echo();
    let stored = scene.docs[&DocName::assignment(&id("x").worker)].clone();
    assert_eq!(scene.run(6_199), []);
    let delete = StoreCall::DeleteDoc(DeleteDoc::new(stored.name, stored.version));
    let expected = [StoreCall::Forget(Forget::new(id("x"))), document_of("x"), delete];
    assert_eq!(scene.run(6_200), expected);
    let mut again = session("x", PlanVersion::NONE);
    again.id = SessionId::new("x".parse().unwrap(), Incarnation::from_bits(9));
    let _ = scene.sessions.insert(again.id.clone(), again.clone());
    scene.planner.on_seen(&again, &mut scene.ctx);
    let asked = scene.run(6_500);
    assert!(asked.contains(&document_of("x")), "nothing is stored: {asked:?}");
    assert_eq!(scene.told("x").session, again.id);
}

#[test]
fn an_echo_of_a_document_of_a_later_term_outranks_the_planner() {
    let later = PlanVersion { term: Epoch(4), version: 1 };
    let mut scene = Scene::planned(&["a", "me"], &["a", "me"]);
    let _ = scene.said();
    scene.beats("a", |row| row.report.seen = later);
    assert_eq!(scene.said(), [Signal::Outranked]);
    // The planner's own session is seen at every event, and counts when its row has changed.
    let own = session("me", later);
    let news = (9, own.report, false);
    scene.planner.on_own(news, || own.clone(), &mut scene.ctx);
    assert_eq!(scene.said(), [Signal::Outranked]);
    scene.planner.on_own(news, || own, &mut scene.ctx);
    assert_eq!(scene.said(), []);
}

#[test]
fn an_echo_of_a_document_that_a_store_has_lost_makes_all_be_read_and_written_again() {
    let mut scene = Scene::planned(&["a", "me"], &["a", "me"]);
    scene.beats("a", |row| row.report.seen = version(40));
    let asked = scene.run(200);
    assert_eq!(asked[..2], leases_and_sessions());
    assert_eq!(scene.lists, 2, "and the shards are listed");
    assert_eq!(asked[2..4], ["a", "me"].map(document_of));
    let versions: BTreeSet<PlanVersion> = ["a", "me"].map(|of| scene.told(of).version).into();
    assert_eq!(versions, BTreeSet::from([41, 42].map(version)));
}
