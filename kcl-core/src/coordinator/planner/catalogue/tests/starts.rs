//! The frozen start of a stream.

use super::*;

#[test]
fn a_stream_read_from_its_oldest_record_is_frozen_so_and_its_rows_are_put() {
    let mut scene = Scene::of_new_stream(InitialPosition::TrimHorizon);
    let horizon = start(None, InitialPosition::TrimHorizon);
    assert_eq!(scene.start(None).asked, [put_start(horizon)]);
    assert_eq!(scene.said(), [], "another one would be the same");
    assert_eq!(scene.tick(150).asked, [], "it is being put");
    assert_eq!(scene.start_is_put(horizon).asked, [], "rows are missing, a beat makes sure");
    assert_eq!(scene.said(), [Signal::Unsure]);
    let rows: Vec<Lease> =
        shards(2).iter().rev().map(|shard| row_of(shard, Checkpoint::TrimHorizon)).collect();
    assert_eq!(scene.beaten().asked, creates(&rows));
    let _ = scene.created(&rows[0]);
    assert!(!scene.complete);
    let _ = scene.created(&rows[1]);
    assert!(scene.complete);
}

#[test]
fn a_stream_read_from_its_end_is_frozen_to_its_clock_once_a_beat_says_that_no_start_was_lost() {
    let mut scene = Scene::of_new_stream(InitialPosition::Latest);
    assert_eq!(scene.start(None).asked, []);
    assert_eq!(scene.said(), [Signal::Unsure]);
    let frozen = start(Some(900), InitialPosition::Latest);
    assert_eq!(scene.beaten().asked, [put_start(frozen)]);
    // Another planner was faster.
    let other = start(Some(800), InitialPosition::Latest);
    let of = described(5).key;
    let there = Document::new(DocName::start(&of), 1, other.encode());
    let put = |round| Reply::PutStart(round, of, Ok(Write::Refused(Some(there))));
    let rows: Vec<Lease> = shards(2)
        .iter()
        .rev()
        .map(|shard| row_of(shard, Checkpoint::AtTimestamp(WallTime::from_millis(800))))
        .collect();
    assert_eq!(scene.answer(put).asked, creates(&rows), "the beat was heard");
}

#[test]
fn a_start_that_may_be_lost_is_waited_for_until_another_may_be_frozen() {
    let mut scene = Scene::of_new_stream(InitialPosition::Latest);
    scene.ctx.starts.doubt(at(5_000));
    assert_eq!(scene.start(None).asked, []);
    assert_eq!(scene.catalogue.next_wake(), at(5_000), "whoever knows it gives it back");
    assert_eq!(scene.beaten().asked, []);
    let again = scene.tick(5_000).asked;
    assert_eq!(again, [StoreCall::Leases, listing()], "then everything is read again");
    assert_eq!(lists(&scene.rows(Vec::new()).other), [name()], "the shards, too");
}

#[test]
fn a_start_that_is_known_is_given_back_and_not_asked_for() {
    let mut scene = Scene::all_but_shards();
    let of = described(5).key;
    let told = StreamStart { of, at: Some(WallTime::from_millis(700)), by: None, change: 0 };
    scene.ctx.starts.learn(&told);
    scene.ctx.starts.doubt(at(5_000));
    let given = FrozenStart { at: told.at, by: None };
    assert_eq!(scene.listed(Ok(view(shards(2)))).asked, [put_start(given)]);
}

#[test]
fn a_start_that_makes_no_sense_is_told_and_only_what_follows_from_rows_gets_a_row() {
    let mut scene = Scene::all_but_shards();
    let mut family = shards(2);
    family[0].closed = true;
    let mut child = Shard::open(shard_id(2), family[0].range.unwrap());
    child.parents = vec![shard_id(0)];
    let beginning = Shard::open(shard_id(3), family[1].range.unwrap());
    family.extend([child.clone(), beginning]);
    let mut rows = held(2, "w");
    rows[0].checkpoint = Checkpoint::ShardEnd;
    scene.catalogue.give_up();
    let _ = scene.listed(Err(SourceErrorKind::Unavailable));
    scene.catalogue.plan_soon(&scene.ctx);
    let _ = scene.tick(200);
    let _ = scene.rows(rows);
    let _ = scene.sessions(&["w"]);
    let _ = scene.rules(None);
    let _ = scene.listed(Ok(view(family)));
    let of = DocName::start(&described(5).key);
    let garbled = Document::new(of.clone(), 1, "{}".into());
    let key = described(5).key;
    let done = scene.answer(|round| Reply::Start(round, key, Ok(Some(garbled))));
    assert_eq!(done.noted, [Notice::Unreadable(of, FrozenStart::EXPECTED.to_owned())]);
    let row = row_of(&child, Checkpoint::TrimHorizon);
    assert_eq!(scene.beaten().asked, creates(std::slice::from_ref(&row)));
    let _ = scene.created(&row);
    assert!(scene.complete);
    // The operator may have repaired it.
    scene.catalogue.plan_soon(&scene.ctx);
    let _ = scene.tick(300);
    let _ = scene.rows(held(2, "w"));
    assert_eq!(scene.sessions(&["w"]).asked, [start_doc()]);
}

#[test]
fn a_start_put_by_another_that_makes_no_sense_is_told_and_one_that_is_gone_is_read_again() {
    let horizon = start(None, InitialPosition::TrimHorizon);
    let of = || described(5).key;
    let mut scene = Scene::of_new_stream(InitialPosition::TrimHorizon);
    assert_eq!(scene.start(None).asked, [put_start(horizon)]);
    let name = DocName::start(&of());
    let garbled = Write::Refused(Some(Document::new(name.clone(), 1, "{}".into())));
    let done = scene.answer(|round| Reply::PutStart(round, of(), Ok(garbled)));
    assert_eq!(done.noted, [Notice::Unreadable(name, FrozenStart::EXPECTED.to_owned())]);
    assert!(scene.complete, "no row is put for it");
    let mut scene = Scene::of_new_stream(InitialPosition::TrimHorizon);
    let _ = scene.start(None);
    let _ = scene.answer(|round| Reply::PutStart(round, of(), Ok(Write::Refused(None))));
    let pause = scene.ctx.settings.fast_poll;
    assert_eq!(scene.catalogue.next_wake(), at(100) + pause, "everything is read again");
}

#[test]
fn when_a_stream_is_made_again_while_its_start_is_being_read_that_of_the_new_one_is_asked_for() {
    let mut scene = Scene::all_but_shards();
    assert_eq!(scene.listed(Ok(view(shards(2)))).asked, [start_doc()]);
    assert_eq!(lists(&scene.tick(30_100).other), [name()]);
    let remade = StreamView { description: described(6), shards: shards(1) };
    let of = DocName::start(&described(6).key);
    assert_eq!(scene.listed(Ok(remade)).asked, [StoreCall::Doc(of)]);
}

#[test]
fn a_stream_made_again_is_told_its_start_asked_for_and_its_former_rows_retired() {
    let mut scene = Scene::read();
    let _ = scene.tick(30_100);
    let remade = StreamView { description: described(6), shards: shards(1) };
    assert_eq!(scene.listed(Ok(remade.clone())).noted, [Notice::StreamRemade]);
    // The first has no owner any more; a live session holds the second.
    let mut rows = held(2, "w");
    rows[0].owner = None;
    let _ = scene.rows(rows);
    let of = described(6).key;
    assert_eq!(scene.sessions(&["w"]).asked, [StoreCall::Doc(DocName::start(&of))]);
    assert_eq!(scene.listed(Ok(remade)).asked, []);
    // A stream that was made again is read from its trim horizon, whatever the settings say.
    let put = StreamStart { of: of.clone(), at: None, by: None, change: 0 }.put();
    let none = of.clone();
    let done = scene.answer(|round| Reply::Start(round, none, Ok(None)));
    assert_eq!(done.asked, [StoreCall::PutDoc(put.clone())]);
    let doc = Document::new(put.name, 1, put.body);
    let _ = scene.answer(|round| Reply::PutStart(round, of, Ok(Write::Done(doc))));
    let gone = Delete::of_gone_stream(key(0), Epoch(7));
    assert_eq!(scene.catalogue.take_deletable(), [gone]);
    assert_eq!(scene.catalogue.take_deletable(), [], "once");
}
