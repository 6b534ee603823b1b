//! Rule 13: the store went back in time, and may have lost what this session wrote.

use super::*;

/// The newest beat is answered with this generation.
fn answered_from(scene: &mut Scene, generation: &'static str) {
    scene.generation = generation;
    scene.member.beat_at = scene.ctx.now;
    let _ = scene.tick(scene.now());
    let number = scene.member.last_number;
    let counted = scene.counted(number, generation);
    assert_eq!(scene.after(Reply::Beat(number, Ok(counted))), []);
}

#[test]
fn a_row_that_is_gone_in_another_history_was_ended_by_nobody() {
    let mut scene = Scene::live();
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    assert_eq!(scene.after(Reply::Beat(1, Ok(stamped(Write::Refused(None), "2")))), []);
    assert_eq!(scene.said(), [Signal::Vanished]);
    scene.assert_over();
}

#[test]
fn another_history_is_told_of_once_and_the_stream_and_my_id_are_made_sure_of_again() {
    let mut scene = Scene::live();
    scene.ctx.now = at(1_000);
    answered_from(&mut scene, "2");
    assert_eq!(scene.said(), [Signal::WentBack]);
    assert_eq!(scene.tick(1_000), [streams(), list()]);
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3))], "it goes on meanwhile");
    assert_eq!(scene.put(Ok(Write::Done(mine(4)))), []);
    answered_from(&mut scene, "2");
    assert_eq!(scene.said(), []);
}

#[test]
fn older_sessions_of_my_id_are_ended_until_a_listing_shows_none() {
    let mut scene = Scene::live();
    scene.ctx.now = at(1_000);
    answered_from(&mut scene, "2");
    assert_eq!(scene.tick(1_000), [streams(), list()]);
    let older = scene.rival(0);
    let end = end_of(&older.id, Ending::Replace);
    assert_eq!(scene.after(Reply::ListAgain(Ok(vec![older]))), [end]);
    assert_eq!(scene.meanwhile(2_499), []);
    assert_eq!(scene.meanwhile(2_500), [list()]);
    assert_eq!(scene.after(Reply::ListAgain(Ok(vec![scene.row()]))), []);
    assert_eq!(scene.meanwhile(60_000), []);
    assert_eq!(scene.said(), [Signal::WentBack]);
}

#[test]
fn a_newer_session_of_my_id_takes_my_place_unless_ids_are_not_replaced() {
    for same_id in [SameId::Replace, SameId::Refuse] {
        let mut scene = Scene::live();
        scene.ctx.settings.same_id = same_id;
        let newer = Reply::ListAgain(Ok(vec![scene.rival(2)]));
        if same_id == SameId::Replace {
            assert_eq!(scene.after(newer), [scene.end(Ending::Leave)]);
            assert_eq!(scene.said(), [Signal::Duplicate]);
            scene.assert_over();
        } else {
            assert_eq!(scene.after(newer), [], "it may just be finding out that it must not");
            assert_eq!(scene.said(), []);
        }
    }
}

#[test]
fn whoever_is_finding_out_whether_its_id_is_its_own_passes_again() {
    let mut scene = Scene::checking(Coordination::default(), |scene| vec![scene.rival(0)]);
    let _ = scene.asked();
    answered_from(&mut scene, "2");
    assert_eq!(scene.said(), [Signal::WentBack]);
    assert_eq!(scene.tick(0), [streams()]);
    assert_eq!(scene.read(Some(mine(2))), [pass(Some(2))]);
}

#[test]
fn what_was_asked_in_the_former_history_means_nothing() {
    let mut scene = Scene::live();
    scene.ctx.now = at(1_000);
    answered_from(&mut scene, "2");
    assert_eq!(scene.tick(1_000), [streams(), list()]);
    let former = scene.round();
    answered_from(&mut scene, "3");
    assert_eq!(scene.tick(1_000), [streams(), list()]);
    assert_eq!(scene.after(Reply::Streams(former, Ok(Some(mine(9))))), [], "it was read then");
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3))]);
    let former = scene.round();
    answered_from(&mut scene, "4");
    assert_eq!(scene.tick(1_000), [streams(), list()]);
    let refused = Reply::PutStreams(former, Ok(Write::Refused(Some(mine(2)))));
    assert_eq!(scene.after(refused), []);
    assert_eq!(scene.read(Some(mine(1))), [pass(Some(1))]);
}
