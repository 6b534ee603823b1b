//! What row and beats say to the fleet; and what the mailbox says to the session (rule 15).

use super::*;

#[test]
fn beats_tell_what_was_seen_changed_met_and_read() {
    let mut scene = Scene::live();
    let seen = PlanVersion { term: Epoch(3), version: 4 };
    scene.member.has_seen(seen);
    scene.member.has_changed_leases();
    scene.member.has_changed_leases();
    scene.member.has_met_conflict();
    scene.member.has_watched(at(300));
    let mut report = Report::NOTHING;
    (report.seen, report.changes, report.conflicts, report.watched) = (seen, 2, 1, 700);
    let beat = Beat::new(scene.member.id().clone(), 1, report);
    assert_eq!(scene.tick(1_000), [StoreCall::Beat(beat)]);
    let row = Session { report, beat: 1, ..scene.row() };
    assert_eq!(scene.member.row(), row);
    assert_eq!(scene.member.news(), (1, report, false));
    scene.member.start_leaving(&mut scene.ctx);
    let row = Session { state: SessionState::Leaving, beat: 2, ..row };
    assert_eq!(scene.member.row(), row);
}

#[test]
fn a_raised_mailbox_wakes_once() {
    let mut scene = Scene::live();
    for expected in [vec![Signal::Woken], Vec::new()] {
        let row = Session { mailbox: 1, ..scene.row() };
        assert_eq!(scene.after(Reply::Mailbox(Ok(Some(row)))), []);
        assert_eq!(scene.said(), expected);
    }
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    let row = Session { mailbox: 2, beat: 1, ..scene.row() };
    let counted = stamped(Write::Done(row), "1");
    assert_eq!(scene.after(Reply::Beat(1, Ok(counted))), []);
    assert_eq!(scene.said(), [Signal::Woken], "a beat's answer tells of it, too");
}

#[test]
fn a_wake_up_that_was_pushed_is_not_heard_of_again() {
    let mut scene = Scene::live();
    scene.member.on_push(&mut scene.ctx);
    assert_eq!(scene.said(), [Signal::Woken]);
    let row = Session { mailbox: 1, ..scene.row() };
    assert_eq!(scene.after(Reply::Mailbox(Ok(Some(row)))), []);
    assert_eq!(scene.said(), []);
}

#[test]
fn the_mailbox_is_polled_where_the_store_pushes_nothing() {
    let mut scene = Scene::starting(Coordination::default());
    scene.ctx.pushes = false;
    let _ = scene.after(Reply::ListBefore(Ok(Vec::new())));
    let _ = scene.register("1");
    let _ = (scene.open(), scene.read(Some(mine(3))), scene.put(Ok(Write::Done(mine(4)))));
    let _ = scene.after(Reply::ListAfter(Ok(Vec::new())));
    assert_eq!(scene.said(), [Signal::Joined]);
    let poll = StoreCall::Session(scene.member.id().clone(), Consistency::Eventual);
    assert_eq!(scene.meanwhile(499), []);
    assert_eq!(scene.meanwhile(500), std::slice::from_ref(&poll));
    assert_eq!(scene.meanwhile(999), []);
    assert_eq!(scene.meanwhile(1_000), std::slice::from_ref(&poll));
    scene.ctx.pushes = true;
    scene.member.on_pushes(&scene.ctx);
    assert_eq!(scene.meanwhile(4_000), []);
    scene.ctx.pushes = false;
    scene.member.on_pushes(&scene.ctx);
    assert_eq!(scene.meanwhile(4_000), [poll], "at once: pushes may have been lost");
}

#[test]
fn a_session_sees_in_its_mailbox_that_it_was_ended() {
    let mut scene = Scene::live();
    let row = ended(&scene.row(), EndReason::Replaced);
    assert_eq!(scene.after(Reply::Mailbox(Ok(Some(row)))), []);
    assert_eq!(scene.said(), [Signal::Fenced(EndReason::Replaced)]);
    scene.assert_over();
}
