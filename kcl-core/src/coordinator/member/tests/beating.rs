//! Rule 2: beats, what their answers mean, and until when the session is valid.

use super::*;

fn beat_answered(scene: &Scene, number: u64) -> Reply {
    Reply::Beat(number, Ok(scene.counted(number, "1")))
}

#[test]
fn beats_are_spread_over_the_interval_and_keep_their_schedule() {
    let mut scene = Scene::checking(Coordination::default(), |_| Vec::new());
    assert_eq!(scene.said(), [Signal::Joined]);
    assert_eq!(scene.meanwhile(1_500), []);
    let first = scene.beats[0];
    assert!(first < 1_500, "{first}");
    assert_eq!(scene.meanwhile(5_999), []);
    assert_eq!(scene.beats, [first, first + 1_500, first + 3_000, first + 4_500]);
}

#[test]
fn one_without_an_answer_is_repeated() {
    let mut scene = Scene::live();
    assert_eq!(scene.tick(999), []);
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    assert_eq!(scene.tick(1_499), []);
    assert_eq!(scene.tick(1_500), [scene.beat(2)], "tried again");
    let second = Session { beat: 2, ..scene.row() };
    let refused = stamped(Write::Refused(Some(second)), "1");
    assert_eq!(scene.after(Reply::Beat(1, Ok(refused))), []);
    assert_eq!(scene.said(), [], "a later attempt of mine was counted, its answer lost");
    assert_eq!(scene.valid_until.last(), Some(&at(7_200)), "from its own sending");
    assert_eq!(scene.tick(2_499), []);
    assert_eq!(scene.tick(2_500), [scene.beat(3)]);
}

#[test]
fn a_session_lapses_a_timeout_after_its_last_answered_beat_was_sent_and_revives_with_the_next() {
    let mut scene = Scene::live();
    scene.answers = false;
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    scene.ctx.now = at(1_900);
    assert_eq!(scene.after(beat_answered(&scene, 1)), []);
    assert_eq!(scene.ctx.heard, at(1_000), "counted from sending");
    for _ in 0..2 {
        let until = scene.now();
        let valid = *scene.valid_until.last().unwrap();
        assert!(valid > at(until));
        let _ = scene.meanwhile(valid.as_micros() / 1_000 - 1);
        assert_eq!(scene.said(), []);
        let _ = scene.meanwhile(valid.as_micros() / 1_000);
        assert_eq!(scene.said(), [Signal::Lapsed]);
        assert!(!scene.member.is_valid(scene.ctx.now));
        let last = scene.member.last_number;
        assert_eq!(scene.after(beat_answered(&scene, last)), []);
        assert_eq!(scene.said(), [Signal::Revived]);
        assert!(scene.member.is_valid(scene.ctx.now));
    }
}

#[test]
fn an_answer_that_comes_after_the_deadline_tells_of_a_lapse_first() {
    let mut scene = Scene::live();
    assert_eq!(scene.tick(5_000), [scene.beat(1)]);
    scene.ctx.now = at(5_700);
    assert_eq!(scene.after(beat_answered(&scene, 1)), []);
    assert_eq!(scene.said(), [Signal::Lapsed, Signal::Revived]);
}

#[test]
fn of_unanswered_beats_the_last_sixty_four_are_remembered() {
    for (number, until) in [(2, at(7_200)), (1, at(5_700))] {
        let mut scene = Scene::live();
        scene.answers = false;
        let mut sent = 0;
        while sent < 65 {
            let wake = scene.member.next_wake().as_micros() / 1_000;
            sent += scene.tick(wake).len();
        }
        assert_eq!(scene.after(beat_answered(&scene, number)), []);
        assert_eq!(scene.valid_until.last(), Some(&until), "beat {number}");
    }
}

#[test]
fn a_session_that_was_ended_beats_no_more() {
    let refusals = |row: &Session| {
        let fenced = Some(ended(row, EndReason::Fenced));
        [fenced, None].map(|row| stamped(Write::Refused(row), "1"))
    };
    for which in 0..2 {
        let mut scene = Scene::live();
        assert_eq!(scene.tick(1_000), [scene.beat(1)]);
        let refused = refusals(&scene.row())[which].clone();
        assert_eq!(scene.after(Reply::Beat(1, Ok(refused))), []);
        assert_eq!(scene.said(), [Signal::Fenced(EndReason::Fenced)]);
        scene.assert_over();
    }
}

#[test]
fn a_session_beats_and_lapses_while_others_of_its_id_are_looked_at() {
    let settings = Coordination { same_id: SameId::Refuse, ..Coordination::default() };
    let mut scene = Scene::checking(settings, |scene| vec![scene.rival(0)]);
    scene.answers = false;
    let _ = scene.meanwhile(5_699);
    assert!(scene.beats.len() > 3, "{:?}", scene.beats);
    assert_eq!(scene.said(), []);
    let _ = scene.meanwhile(5_700);
    assert_eq!(scene.said(), [Signal::Lapsed]);
}

#[test]
fn a_beat_beside_the_schedule_is_sent_by_a_session_that_lives() {
    let mut scene = Scene::registered(Coordination::default());
    scene.member.beat_now(&mut scene.ctx);
    assert_eq!(scene.asked(), []);
    let mut scene = Scene::live();
    scene.member.beat_now(&mut scene.ctx);
    assert_eq!(scene.asked(), [scene.beat(1)]);
}

#[test]
fn a_beats_answer_tells_the_stores_time() {
    let mut scene = Scene::live();
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    let mut reply = scene.counted(1, "1");
    reply.stamp.at = StoreTime(50);
    assert_eq!(scene.after(Reply::Beat(1, Ok(reply))), []);
    assert_eq!(scene.ctx.epochs.next(Epoch(0), at(1_000)), Epoch(50));
}

/// Rule 14: a session that leaves says so and goes on; at last it ends itself.
#[test]
fn who_leaves_says_so_in_a_beat_and_then_asks_for_its_end_until_that_is_answered() {
    let mut scene = Scene::live();
    scene.member.start_leaving(&mut scene.ctx);
    let beat = Beat::new(scene.member.id().clone(), 1, Report::NOTHING).leaving(true);
    assert_eq!(scene.asked(), [StoreCall::Beat(beat)]);
    scene.member.leave(&mut scene.ctx);
    let end = scene.end(Ending::Leave);
    assert_eq!(scene.asked(), std::slice::from_ref(&end));
    assert_eq!(scene.after(beat_answered(&scene, 1)), []);
    assert_eq!(scene.valid_until, [at(5_700)], "what it asked before means nothing");
    assert_eq!(scene.after(Reply::Leave(Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.said(), []);
    let now = scene.now();
    assert_eq!(scene.tick(now + 249), []);
    assert_eq!(scene.tick(now + 750), [end]);
    assert_eq!(scene.after(Reply::Leave(Ok(Write::Refused(None)))), []);
    assert_eq!(scene.said(), [Signal::Left]);
}

#[test]
fn how_late_a_beat_was_sent_is_known_until_the_next() {
    let mut scene = Scene::live();
    assert_eq!(scene.tick(1_000), [scene.beat(1)]);
    assert_eq!(scene.member.late(), Duration::ZERO);
    assert_eq!(scene.after(beat_answered(&scene, 1)), []);
    let _ = scene.tick(2_530);
    assert_eq!(scene.member.late(), Duration::from_millis(30));
}
