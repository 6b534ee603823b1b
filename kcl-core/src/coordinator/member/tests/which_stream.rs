//! Rule 17: the document `streams` names another stream, or does not exist.

use super::*;

fn differs() -> Notice {
    Notice::StreamDiffers { reads: Some(name("payments")), wanted: name("orders") }
}

fn other_stream(reads: Option<&str>) -> Signal {
    Signal::OtherStream { reads: reads.map(name), wanted: name("orders") }
}

/// A session that found the other stream, and lists the sessions that may read it.
fn watching() -> Scene {
    let mut scene = Scene::opened();
    assert_eq!(scene.read(Some(theirs(3))), [list()]);
    assert_eq!(scene.noted(), [differs()]);
    scene
}

/// A session that has seen a reader of the other stream beat, and reads the document once more.
fn leaving() -> Scene {
    let mut scene = watching();
    let row = reader("a", Some("payments"));
    assert_eq!(scene.others(std::slice::from_ref(&row)), []);
    assert_eq!(scene.meanwhile(2_000), [list()]);
    assert_eq!(scene.others(&[Session { beat: 2, ..row }]), [streams()]);
    scene
}

#[test]
fn a_stream_that_nobody_reads_is_put_over() {
    let mut scene = watching();
    assert_eq!(scene.others(&[scene.row()]), [pass(Some(3)), list()]);
    assert_eq!(scene.meanwhile(5_000), [], "nobody is watched any more");
    assert_eq!(scene.put(Ok(Write::Done(mine(4)))), []);
    assert_eq!(scene.after(Reply::ListAfter(Ok(Vec::new()))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn without_a_document_mine_is_put_where_none_is_unless_somebody_lives_who_does_not_say() {
    let mut scene = Scene::opened();
    assert_eq!(scene.read(None), [list()], "who reads whatever was read");
    assert_eq!(scene.noted(), []);
    let others = [reader("b", Some("orders")), reader("c", Some("payments"))];
    assert_eq!(scene.others(&others), [pass(None), list()], "they meet in the version");
    let mut scene = Scene::opened();
    assert_eq!(scene.read(None), [list()]);
    let silent = reader("a", None);
    assert_eq!(scene.others(std::slice::from_ref(&silent)), []);
    assert_eq!(scene.meanwhile(2_000), [list()]);
    assert_eq!(scene.others(&[Session { beat: 2, ..silent }]), [streams()]);
    assert_eq!(scene.read(None), [scene.end(Ending::Leave)]);
    assert_eq!(scene.said(), [other_stream(None)]);
}

#[test]
fn a_put_over_the_other_stream_that_was_refused_is_judged_by_what_is_there() {
    let mut scene = watching();
    assert_eq!(scene.others(&[]), [pass(Some(3)), list()]);
    assert_eq!(scene.put(Ok(Write::Refused(Some(theirs(4))))), [list()], "one has passed");
    assert_eq!(scene.noted(), [differs()]);
    assert_eq!(scene.others(&[]), [pass(Some(4)), list()]);
    assert_eq!(scene.put(Ok(Write::Refused(Some(mine(5))))), [], "another of mine was first");
    assert_eq!(scene.after(Reply::ListAfter(Ok(Vec::new()))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

/// A session that passed up to a version had registered before the version was read: a listing that
/// is asked for after that shows all of these sessions.
#[test]
fn a_listing_counts_only_for_the_version_that_was_read_before_it() {
    let mut scene = watching();
    assert_eq!(scene.meanwhile(2_000), [list()], "the first one takes its time");
    let former = scene.round();
    let nobody = |round| Reply::OtherReaders(round, Ok(Vec::new()));
    assert_eq!(scene.after(nobody(former)), [pass(Some(3)), list()]);
    assert_eq!(scene.put(Ok(Write::Refused(Some(theirs(4))))), [list()]);
    assert_eq!(scene.after(nobody(former)), []);
    assert_eq!(scene.after(nobody(scene.round())), [pass(Some(4)), list()]);
}

#[test]
fn who_reads_another_stream_lives_so_this_session_ends_and_names_both() {
    for doc in [Some(theirs(3)), Some(theirs(4)), None] {
        let mut scene = leaving();
        let end = scene.end(Ending::Leave);
        assert_eq!(scene.read(doc), [end], "the document still does not name mine");
        assert_eq!(scene.said(), [other_stream(Some("payments"))]);
        assert_eq!(scene.noted(), []);
        scene.assert_over();
    }
}

#[test]
fn who_finds_its_own_stream_as_the_document_is_read_once_more_stays() {
    let mut scene = leaving();
    assert_eq!(scene.read(Some(mine(4))), [list()], "it was put since: a pass");
    assert_eq!(scene.after(Reply::ListAfter(Ok(Vec::new()))), []);
    assert_eq!(scene.said(), [Signal::Joined]);
}

#[test]
fn nobody_leaves_by_a_document_that_could_not_be_read_once_more() {
    let mut scene = leaving();
    let failed = Reply::Streams(scene.round(), Err(StoreErrorKind::Unavailable));
    assert_eq!(scene.after(failed), []);
    assert_eq!(scene.after_a_pause(), [streams()]);
    assert_eq!(scene.read(Some(theirs(3))), [list()], "who reads it is found out again");
    assert_eq!(scene.said(), []);
}

#[test]
fn the_answers_about_readers_of_the_other_stream_mean_nothing_once_the_document_is_read_again() {
    let mut scene = watching();
    let watched = scene.round();
    let row = reader("a", Some("payments"));
    assert_eq!(scene.others(std::slice::from_ref(&row)), []);
    let fence = end_of(&row.id, Ending::Fence { beat: 1 });
    assert_eq!(scene.watching(6_000, std::slice::from_ref(&row)), [fence]);
    let number = scene.member.last_number;
    let back = Reply::Beat(number, Ok(scene.counted(number, "2")));
    assert_eq!(scene.after(back), []);
    assert_eq!(scene.said(), [Signal::WentBack]);
    assert_eq!(scene.tick(6_000), [streams()]);
    assert_eq!(scene.read(Some(theirs(2))), [list()]);
    assert_eq!(scene.others(std::slice::from_ref(&row)), [], "it lives again");
    assert_eq!(scene.noted(), [differs()]);
    let over = Ok(Write::Done(ended(&row, EndReason::Fenced)));
    assert_eq!(scene.after(Reply::EndReader(watched, row.id, over)), []);
    assert_eq!(scene.noted(), [], "that was in the former history");
}
