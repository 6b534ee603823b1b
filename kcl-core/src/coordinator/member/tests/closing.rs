//! Rule 18: while the application is closed, a worker waits without a session.

use super::*;
use crate::coordinator::document::StreamStart;

fn document(state: ChangeState, by: &str) -> Document {
    let changing = Changing::new(state, by, WallTime::from_millis(1), "turn");
    Document::new(DocName::changing(), 1, changing.encode())
}

fn closed(by: &str) -> Reply {
    Reply::Changing(Ok(Some(document(ChangeState::Closed, by))))
}

fn open() -> Reply {
    Reply::Changing(Ok(Some(document(ChangeState::Open, "ann"))))
}

/// A session that has found the application closed by ann, at 0.
fn shut() -> Scene {
    let mut scene = Scene::registered(Coordination::default());
    assert_eq!(scene.after(closed("ann")), [scene.end(Ending::Leave), changing()]);
    assert_eq!(scene.noted(), [Notice::Closed("ann".to_owned())]);
    scene
}

/// A session that has read `changing` twice: at first the application was open.
fn closed_since() -> Scene {
    let mut scene = Scene::registered(Coordination::default());
    let failed = Reply::Streams(scene.round(), Err(StoreErrorKind::Unavailable));
    assert_eq!(scene.after(failed), []);
    assert_eq!(scene.after_a_pause(), [changing(), streams()]);
    assert_eq!(scene.open(), []);
    scene
}

#[test]
fn an_application_that_was_changed_once_is_open() {
    let mut scene = Scene::registered(Coordination::default());
    assert_eq!(scene.after(open()), []);
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3)), list()]);
    assert_eq!(scene.noted(), []);
}

#[test]
fn a_session_that_finds_it_closed_ends_until_that_is_answered_and_looks_at_a_pace() {
    let mut scene = shut();
    assert_eq!(scene.after(Reply::EndShut(Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.meanwhile(499), [], "it beats no more");
    assert_eq!(scene.meanwhile(500), [scene.end(Ending::Leave), changing()]);
    assert_eq!(scene.after(Reply::EndShut(Ok(Write::Refused(None)))), []);
    assert_eq!(scene.meanwhile(999), []);
    assert_eq!(scene.meanwhile(1_000), [changing()]);
    assert_eq!(scene.after(Reply::Changing(Err(StoreErrorKind::Unavailable))), []);
    assert_eq!(scene.meanwhile(1_500), [changing()], "that failed");
    assert!(scene.beats.is_empty(), "it is not registered any more");
    assert_eq!(scene.said(), []);
}

#[test]
fn whoever_closed_it_is_named_once() {
    let mut scene = shut();
    let odd = Document::new(DocName::changing(), 1, "{}".into());
    let problem = Changing::decode(b"{}").unwrap_err().to_string();
    let unreadable = Notice::Unreadable(DocName::changing(), problem);
    let odd = || Reply::Changing(Ok(Some(odd.clone())));
    for (answer, noted) in [
        (closed("ann"), Vec::new()),
        (closed("bob"), vec![Notice::Closed("bob".to_owned())]),
        (closed("bob"), Vec::new()),
        (odd(), vec![unreadable]),
        (odd(), Vec::new()),
    ] {
        assert_eq!(scene.after(answer), []);
        assert_eq!(scene.noted(), noted);
    }
}

#[test]
fn a_document_that_makes_no_sense_is_taken_for_closed() {
    let mut scene = Scene::registered(Coordination::default());
    let odd = Document::new(DocName::changing(), 1, "{}".into());
    let asked = scene.after(Reply::Changing(Ok(Some(odd))));
    assert_eq!(asked, [scene.end(Ending::Leave), changing()]);
}

#[test]
fn it_joins_anew_once_the_application_is_open_and_its_session_has_ended() {
    let mut scene = shut();
    assert_eq!(scene.after(open()), []);
    assert_eq!(scene.said(), [], "the session may still be there");
    assert_eq!(scene.after(Reply::EndShut(Ok(Write::Done(scene.row())))), []);
    assert_eq!(scene.meanwhile(500), [changing()]);
    assert_eq!(scene.noted(), []);
    assert_eq!(scene.after(open()), []);
    assert_eq!(scene.said(), [Signal::Reopened]);
    assert_eq!(scene.noted(), [Notice::Reopened]);
    scene.assert_over();
}

/// A beat under way when the application was found closed is not sent again.
#[test]
fn who_beat_before_it_found_the_application_closed_is_over_all_the_same() {
    let mut scene = Scene::registered(Coordination::default());
    scene.answers = false;
    assert_eq!(scene.meanwhile(1_500), []);
    assert!(!scene.beats.is_empty());
    assert_eq!(scene.after(closed("ann")), [scene.end(Ending::Leave), changing()]);
    assert_eq!(scene.after(Reply::EndShut(Ok(Write::Refused(None)))), []);
    let _ = scene.noted();
    assert_eq!(scene.after(open()), []);
    assert_eq!(scene.said(), [Signal::Reopened]);
    scene.assert_over();
}

#[test]
fn nothing_is_passed_in_an_application_that_is_closed() {
    let mut scene = shut();
    assert_eq!(scene.read(Some(mine(3))), []);
    let mut scene = closed_since();
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3)), list()]);
    let former = scene.round();
    assert_eq!(scene.after(closed("ann")), [scene.end(Ending::Leave), changing()]);
    let refused = Reply::PutStreams(former, Ok(Write::Refused(Some(theirs(4)))));
    assert_eq!(scene.after(refused), []);
    assert_eq!(scene.noted(), [Notice::Closed("ann".to_owned())]);
    let mut scene = closed_since();
    let later = stream("orders", 6);
    assert_eq!(scene.read(Some(names(&later, 3))), [], "its source is asked what it is");
    assert_eq!(scene.after(closed("ann")), [scene.end(Ending::Leave), changing()]);
    let _ = scene.ctx.reads.on_described(Some(name("orders")), Ok(later), at(0));
    scene.member.on_described(&mut scene.ctx);
    assert_eq!(scene.asked(), []);
}

#[test]
fn what_was_known_of_starts_from_before_the_change_is_forgotten() {
    let mut scene = Scene::registered(Coordination::default());
    let told = StreamStart { of: orders().key, at: None, by: None, change: 0 };
    scene.ctx.starts.learn(&told);
    let body = r#"{"state":"open","by":"ann","since":1,"turn":"t","change":3,"what":"reset"}"#;
    let doc = Document::new(DocName::changing(), 4, body.into());
    assert_eq!(scene.after(Reply::Changing(Ok(Some(doc)))), []);
    assert_eq!(scene.ctx.starts.told(&orders().key), None);
}
