//! Rule 17: the document `streams` names this worker's stream, and the same content is put over it.

use super::*;

fn unavailable<T>() -> Result<T, StoreErrorKind> {
    Err(StoreErrorKind::Unavailable)
}

#[test]
fn nothing_is_put_before_the_application_is_known_to_be_open() {
    let mut scene = Scene::registered(Coordination::default());
    assert_eq!(scene.read(Some(mine(3))), []);
    assert_eq!(scene.open(), [pass(Some(3)), list()]);
}

#[test]
fn what_a_later_version_added_to_the_document_is_kept() {
    let mut scene = Scene::opened();
    let body = r#"{"streams":[{"name":"orders","life":5,"state":"active"}],"since":3}"#;
    let doc = Document::new(DocName::streams(), 3, body.into());
    let kept = Streams::decode(&doc.body).unwrap().encode();
    let put = StoreCall::PutDoc(PutDoc::new(DocName::streams(), Some(3), kept));
    assert_eq!(scene.read(Some(doc)), [put, list()]);
}

#[test]
fn a_pass_that_was_refused_counts_if_my_stream_was_put_above_the_version_read_first() {
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3)), list()]);
    assert_eq!(scene.put(Ok(Write::Refused(Some(mine(5))))), [], "by another that passed");
    assert_eq!(scene.after(Reply::ListAfter(Ok(Vec::new()))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn a_pass_that_was_refused_does_not_count_at_the_version_read_first_or_below() {
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3)), list()]);
    assert_eq!(scene.put(Ok(Write::Refused(Some(mine(3))))), [pass(Some(3)), list()]);
    let back = scene.put(Ok(Write::Refused(Some(mine(1)))));
    assert_eq!(back, [pass(Some(1)), list()], "the store went back");
    assert_eq!(scene.put(Ok(Write::Refused(Some(mine(2))))), [], "that was put since");
    assert_eq!(scene.after(Reply::ListAfter(Ok(Vec::new()))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn a_pass_whose_answer_was_lost_counts_once_it_is_read_back() {
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3)), list()]);
    assert_eq!(scene.after(Reply::ListAfter(Ok(Vec::new()))), []);
    assert_eq!(scene.put(Err(StoreErrorKind::Unknown)), []);
    assert_eq!(scene.after_a_pause(), [streams()]);
    assert_eq!(scene.said(), []);
    assert_eq!(scene.read(Some(mine(4))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn at_an_earlier_life_of_my_stream_the_present_one_is_put_whoever_put_that() {
    let earlier = |version| names(&stream("orders", 4), version);
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(earlier(3))), [pass(Some(3)), list()]);
    assert_eq!(scene.put(Ok(Write::Refused(Some(earlier(5))))), [pass(Some(5)), list()]);
}

#[test]
fn at_a_later_life_of_my_stream_the_source_is_asked_what_it_is() {
    let (later, orders_name) = (stream("orders", 6), name("orders"));
    let unknown = "it names a later life of the stream than the stream service knows of";
    let unknown = Notice::Unreadable(DocName::streams(), unknown.to_owned());
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(names(&later, 3))), []);
    assert_eq!(scene.noted(), [], "its source may know");
    for noted in [vec![unknown], Vec::new()] {
        let asked = scene.ctx.reads.take_due(at(60_000));
        assert_eq!(asked, [Some(orders_name.clone())]);
        let _ = scene.ctx.reads.on_described(Some(orders_name.clone()), Ok(orders()), at(0));
        scene.member.on_described(&mut scene.ctx);
        assert_eq!(scene.noted(), noted, "it is said once that the source knows no such life");
    }
    let _ = scene.ctx.reads.on_described(Some(orders_name), Ok(later.clone()), at(0));
    scene.member.on_described(&mut scene.ctx);
    let body = Streams::of(&later).encode();
    let put = StoreCall::PutDoc(PutDoc::new(DocName::streams(), Some(3), body));
    assert_eq!(scene.asked(), [put, list()]);
}

#[test]
fn a_document_that_makes_no_sense_is_read_again_and_each_reason_is_said_once() {
    let odd = |body: &'static str| Document::new(DocName::streams(), 3, body.into());
    let said = |body: &str| {
        let problem = Streams::decode(body.as_bytes()).unwrap_err();
        Notice::Unreadable(DocName::streams(), problem)
    };
    let mut scene = Scene::opened();
    let none = r#"{"streams":[]}"#;
    for (time, body, noted) in [
        (2_000, "{}", vec![said("{}")]),
        (4_000, "{}", Vec::new()),
        (6_000, none, vec![said(none)]),
    ] {
        assert_eq!(scene.read(Some(odd(body))), []);
        assert_eq!(scene.noted(), noted, "{body} before {time}");
        assert_eq!(scene.meanwhile(time - 1), []);
        assert_eq!(scene.meanwhile(time), [streams()]);
    }
    let read = scene.read(Some(mine(4)));
    assert_eq!(read, [list()], "whoever could read it has put it since: a pass");
}

#[test]
fn what_could_not_be_read_is_read_again_a_little_later() {
    let mut scene = Scene::registered(Coordination::default());
    assert_eq!(scene.after(Reply::Streams(scene.round(), unavailable())), []);
    assert_eq!(scene.after_a_pause(), [changing(), streams()]);
    assert_eq!(scene.open(), []);
    assert_eq!(scene.after(Reply::Streams(scene.round(), unavailable())), []);
    assert_eq!(scene.after_a_pause(), [streams()], "it is known to be open");
    assert_eq!(scene.read(Some(mine(3))), [pass(Some(3)), list()]);
}

#[test]
fn where_it_is_not_known_whether_the_application_is_open_both_documents_are_read_again() {
    for comes_first in [true, false] {
        let mut scene = Scene::registered(Coordination::default());
        let former = scene.round();
        let read = |round| Reply::Streams(round, Ok(Some(mine(3))));
        if comes_first {
            assert_eq!(scene.after(read(former)), []);
        }
        assert_eq!(scene.after(Reply::Changing(unavailable())), []);
        if !comes_first {
            assert_eq!(scene.after(read(former)), []);
        }
        assert_eq!(scene.after_a_pause(), [changing(), streams()]);
        assert_eq!(scene.open(), [], "what was read before counts for nothing");
        assert_eq!(scene.after(read(former)), []);
        assert_eq!(scene.after(read(scene.round())), [pass(Some(3)), list()]);
    }
}

#[test]
fn a_session_beats_while_it_passes_and_lapses_without_an_answer() {
    let mut scene = Scene::registered(Coordination::default());
    scene.answers = false;
    assert_eq!(scene.meanwhile(5_699), []);
    assert_eq!(scene.said(), []);
    assert!(scene.beats.len() > 3, "{:?}", scene.beats);
    assert_eq!(scene.meanwhile(5_700), []);
    assert_eq!(scene.said(), [Signal::Lapsed]);
}
