//! Rules 3, 11 and 17: the readers of the other stream are watched, and fenced when they are
//! silent.

use super::*;

/// The other stream's document was read at 0, and these were listed as its readers.
fn watching(rows: &[Session]) -> Scene {
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(theirs(3))), [list()]);
    assert_eq!(scene.others(rows), []);
    let _ = scene.noted();
    scene
}

fn payments(worker: &str) -> Session {
    reader(worker, Some("payments"))
}

fn fence(row: &Session) -> StoreCall {
    end_of(&row.id, Ending::Fence { beat: row.beat })
}

#[test]
fn the_readers_of_that_stream_and_those_that_say_nothing_are_fenced_after_a_timeout() {
    let (named, unnamed) = (payments("a"), reader("b", None));
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(theirs(3))), [list()]);
    let over = ended(&payments("d"), EndReason::Left);
    let all = [scene.row(), named.clone(), unnamed.clone(), reader("c", Some("orders")), over];
    assert_eq!(scene.meanwhile(500), []);
    assert_eq!(scene.others(&all), []);
    let _ = scene.noted();
    assert_eq!(scene.watching(6_499, &all), []);
    assert_eq!(scene.watching(6_500, &all), [fence(&named), fence(&unnamed)]);
    let gone = Write::Done(ended(&named, EndReason::Fenced));
    assert_eq!(scene.reader_ended(&named, gone), [], "the other is waited for");
    assert_eq!(scene.noted(), [Notice::FencedOther(named.id.clone())]);
    let asked = scene.reader_ended(&unnamed, Write::Refused(None));
    assert_eq!(asked, [pass(Some(3)), list()]);
    assert_eq!(scene.noted(), [Notice::FencedOther(unnamed.id.clone())]);
    assert!(scene.ctx.ended.contains(&named.id) && scene.ctx.ended.contains(&unnamed.id));
    assert_eq!(scene.meanwhile(12_000), [], "nobody is watched any more");
}

#[test]
fn they_are_looked_at_every_watch_interval() {
    let mut scene = watching(&[payments("a")]);
    for time in [2_000, 4_000] {
        assert_eq!(scene.meanwhile(time - 1), []);
        assert_eq!(scene.meanwhile(time), [list()]);
        assert_eq!(scene.others(&[payments("a")]), []);
    }
}

#[test]
fn a_fence_that_was_not_answered_is_sent_again() {
    let row = payments("a");
    let mut scene = watching(std::slice::from_ref(&row));
    assert_eq!(scene.watching(6_000, std::slice::from_ref(&row)), [fence(&row)]);
    let unknown = Err(StoreErrorKind::Unknown);
    assert_eq!(scene.after(Reply::EndReader(scene.round(), row.id.clone(), unknown)), []);
    assert_eq!(scene.watching(6_200, std::slice::from_ref(&row)), [fence(&row)]);
}

#[test]
fn whoever_is_gone_or_was_ended_by_others_is_not_waited_for() {
    for rows in [Vec::new(), vec![ended(&payments("a"), EndReason::Fenced)]] {
        let mut scene = watching(&[payments("a"), payments("b")]);
        let stays = [vec![payments("b")], rows.clone()].concat();
        assert_eq!(scene.watching(2_000, &stays), []);
        assert_eq!(scene.watching(4_000, &rows), [pass(Some(3)), list()]);
        assert_eq!(scene.noted(), [], "by whomever");
    }
}

#[test]
fn who_comes_later_meets_in_the_version_and_is_not_watched() {
    let row = payments("a");
    let mut scene = watching(std::slice::from_ref(&row));
    let later = payments("b");
    let fenced = scene.watching(6_000, &[row.clone(), later]);
    assert_eq!(fenced, [fence(&row)]);
    assert_eq!(scene.reader_ended(&row, Write::Refused(None)), [pass(Some(3)), list()]);
}

#[test]
fn who_is_leaving_has_its_last_beats_before_it_and_is_waited_for() {
    let beats = |beat| Session { state: SessionState::Leaving, beat, ..payments("a") };
    let mut scene = watching(&[beats(1)]);
    assert_eq!(scene.watching(2_000, &[beats(2)]), [], "nobody leaves because of it");
    assert_eq!(scene.watching(7_999, &[beats(2)]), []);
    assert_eq!(scene.watching(8_000, &[beats(2)]), [fence(&beats(2))]);
    let refused = Write::Refused(Some(beats(3)));
    assert_eq!(scene.reader_ended(&beats(2), refused), []);
    assert_eq!(scene.watching(13_999, &[beats(3)]), []);
    assert_eq!(scene.watching(14_000, &[beats(3)]), [fence(&beats(3))]);
}

#[test]
fn who_beats_as_it_is_fenced_lives() {
    let row = payments("a");
    let mut scene = watching(std::slice::from_ref(&row));
    assert_eq!(scene.watching(6_000, std::slice::from_ref(&row)), [fence(&row)]);
    let refused = Write::Refused(Some(Session { beat: 2, ..row.clone() }));
    assert_eq!(scene.reader_ended(&row, refused), [streams()]);
    assert_eq!(scene.noted(), []);
}

/// Rule 11: an outage is not a death.
#[test]
fn after_a_gap_in_the_looks_the_windows_open_anew() {
    let rows = [payments("a")];
    let mut scene = watching(&rows);
    assert_eq!(scene.meanwhile(5_500), [list(), list()], "the store does not answer");
    assert_eq!(scene.others(&rows), []);
    assert_eq!(scene.watching(11_499, &rows), []);
    assert_eq!(scene.watching(11_500, &rows), [fence(&rows[0])]);
}

/// Rule 11: a watcher's own beats must have been answered throughout the window.
#[test]
fn who_is_not_sure_of_its_own_session_takes_nobody_for_dead() {
    let rows = [payments("a")];
    let mut scene = watching(&rows);
    scene.answers = false;
    assert_eq!(scene.watching(6_000, &rows), [], "its session is not valid");
    assert_eq!(scene.said(), [Signal::Lapsed]);
    scene.answers = true;
    assert_eq!(scene.watching(11_999, &rows), []);
    assert_eq!(scene.watching(12_000, &rows), [fence(&rows[0])]);
    assert_eq!(scene.said(), [Signal::Revived]);
}
