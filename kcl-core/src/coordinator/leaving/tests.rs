use super::*;
use crate::coordinator::tests::{at, id, session};

const GRACE: Duration = Duration::from_secs(10);
const WATCH: Duration = Duration::from_secs(2);
const BEAT: Duration = Duration::from_millis(1_500);

/// A live session that holds leases, and is not the planner.
fn facts(millis: u64) -> Facts {
    Facts {
        now: at(millis),
        is_live: true,
        holds_any: true,
        planner: None,
        watch_interval: WATCH,
        heartbeat_interval: BEAT,
    }
}

/// A session that has handed over all its leases.
fn emptied(millis: u64) -> Facts {
    Facts { holds_any: false, ..facts(millis) }
}

fn planning(millis: u64, standby_knows: bool, has_successors: bool) -> Facts {
    let planner = Some(PlannerFacts { standby_knows, has_successors });
    Facts { planner, ..emptied(millis) }
}

/// All steps that can be taken now.
fn all(leaving: &mut Leaving, facts: Facts) -> Vec<Next> {
    std::iter::from_fn(|| leaving.next(facts).filter(|next| *next != Next::Finish)).collect()
}

/// A worker that was asked to leave at 0, with the sessions read; these others live.
fn asked(others: &[Session]) -> Leaving {
    let mut leaving = Leaving::default();
    leaving.start(at(0), GRACE);
    assert_eq!(all(&mut leaving, facts(0)), [Next::List]);
    leaving.on_listed(Consistency::Strong, others, &id("me"), None);
    leaving
}

#[test]
fn who_is_not_asked_does_nothing_however_often_sessions_are_read() {
    let mut leaving = Leaving::default();
    leaving.on_listed(Consistency::Strong, &[], &id("me"), None);
    assert_eq!(all(&mut leaving, emptied(99_000)), []);
    assert_eq!(leaving.next_wake(), Time::NEVER);
}

#[test]
fn leases_are_kept_until_others_have_them_and_then_the_session_ends() {
    let mut leaving = asked(&[session("other"), session("me")]);
    assert_eq!(all(&mut leaving, facts(100)), []);
    assert_eq!(all(&mut leaving, facts(2_000)), [Next::List], "the others may be leaving, too");
    assert_eq!(all(&mut leaving, emptied(2_500)), [Next::EndSession]);
    assert_eq!(all(&mut leaving, emptied(2_600)), [], "it was ended");
    assert_eq!(leaving.next_wake(), at(10_000), "who lives matters no more");
}

#[test]
fn who_has_ended_its_session_gives_no_lease_back_although_it_planned() {
    let mut leaving = asked(&[session("other")]);
    assert_eq!(leaving.go(), Some(Next::EndSession));
    assert_eq!(all(&mut leaving, planning(100, true, true)), []);
}

#[test]
fn a_session_that_is_not_live_reads_nobodys_row() {
    let mut leaving = Leaving::default();
    leaving.start(at(0), GRACE);
    assert_eq!(all(&mut leaving, Facts { is_live: false, ..facts(0) }), []);
}

#[test]
fn nothing_is_decided_before_it_is_known_who_lives() {
    let mut leaving = Leaving::default();
    leaving.start(at(0), GRACE);
    assert_eq!(all(&mut leaving, emptied(0)), [Next::List]);
    assert_eq!(all(&mut leaving, emptied(100)), []);
}

#[test]
fn who_is_alone_drains_once_and_goes() {
    let mut gone = session("other");
    gone.state = SessionState::Leaving;
    let mut leaving = asked(&[gone, session("me")]);
    assert_eq!(all(&mut leaving, facts(100)), [Next::DrainAll]);
    leaving.on_listed(Consistency::Strong, &[session("me")], &id("me"), None);
    assert_eq!(all(&mut leaving, facts(200)), []);
    assert_eq!(all(&mut leaving, emptied(300)), [Next::EndSession]);
}

#[test]
fn a_planner_waits_two_beats_for_its_standbys_word_and_gives_its_lease_back_last() {
    let mut leaving = asked(&[session("other")]);
    assert_eq!(all(&mut leaving, planning(100, false, true)), []);
    assert_eq!(all(&mut leaving, planning(200, true, true)), [Next::StepDown]);
    assert_eq!(all(&mut leaving, planning(300, true, true)), [], "it is on its way");
    assert_eq!(leaving.go(), Some(Next::EndSession));
    assert_eq!(leaving.go(), None);

    let mut unheard = asked(&[session("other")]);
    assert_eq!(all(&mut unheard, planning(100, false, true)), []);
    assert_eq!(all(&mut unheard, planning(3_099, false, true)), [Next::List]);
    assert_eq!(all(&mut unheard, planning(3_100, false, true)), [Next::StepDown]);

    let mut last = asked(&[session("other")]);
    assert_eq!(all(&mut last, planning(100, false, false)), [Next::StepDown], "nobody is to come");
}

#[test]
fn when_the_grace_is_out_batches_are_dropped_then_the_session_ends_then_nothing_is_waited_for() {
    let mut leaving = asked(&[session("other")]);
    let mut step = |facts| leaving.next(facts);
    assert_eq!(step(facts(9_999)), Some(Next::List));
    assert_eq!(step(facts(10_000)), Some(Next::DropAll));
    assert_eq!(step(facts(10_500)), None);
    assert_eq!(step(facts(11_000)), Some(Next::EndSession));
    let over = Facts { is_live: false, ..emptied(11_999) };
    assert_eq!(step(over), None);
    assert_eq!(step(Facts { now: at(12_000), ..over }), Some(Next::Finish));
}

#[test]
fn a_session_that_is_not_live_is_ended_and_waited_for_no_longer_than_the_grace() {
    let mut leaving = Leaving::default();
    leaving.start(at(0), GRACE);
    assert_eq!(leaving.go(), Some(Next::EndSession));
    let over = Facts { is_live: false, ..emptied(0) };
    assert_eq!(all(&mut leaving, over), []);
    assert_eq!(leaving.next(Facts { now: at(10_000), ..over }), Some(Next::Finish));
}

#[test]
fn that_nobody_stays_is_believed_of_a_consistent_listing_only() {
    let mut leaving = Leaving::default();
    leaving.start(at(0), GRACE);
    assert_eq!(all(&mut leaving, facts(0)), [Next::List]);
    leaving.on_listed(Consistency::Eventual, &[], &id("me"), None);
    assert_eq!(all(&mut leaving, facts(100)), []);
    leaving.on_listed(Consistency::Strong, &[], &id("me"), None);
    assert_eq!(all(&mut leaving, facts(200)), [Next::DrainAll]);
}
