use super::{super::tests as scene, *};
use crate::{
    assignment::placement::Taking,
    coordinator::{
        document::{Hold, Origin, Transfer},
        op::StoreCall,
        signal::Signal as Any,
        tests::{self, Done, at, done, id, said},
    },
    lease::{Epoch, LeaseKey},
    settings::Coordination,
    store::StoreErrorKind,
};

struct Scene {
    publisher: Publisher,
    fleet: Fleet,
    ctx: Context,
}

fn document(worker: &str, rank: u32) -> Assignment {
    Assignment { rank, ..tests::assignment("me", worker, PlanVersion::NONE) }
}

fn read(worker: &str) -> StoreCall {
    StoreCall::Doc(DocName::assignment(&id(worker).worker))
}

/// The document with this version of the present term.
fn written(version: u64, document: Assignment) -> Assignment {
    Assignment { version: scene::version(version), ..document }
}

fn put(seen: Option<u64>, document: &Assignment) -> StoreCall {
    let name = DocName::assignment(&document.session.worker);
    StoreCall::PutDoc(PutDoc::new(name, seen, document.encode()))
}

fn stored(version: u64, document: &Assignment) -> Document {
    let name = DocName::assignment(&document.session.worker);
    Document::new(name, version, document.encode())
}

impl Scene {
    fn new() -> Self {
        let ctx = scene::context(Coordination::default());
        let mut fleet =
            Fleet::reading(Some(scene::name()), crate::coordinator::heads::Standbys::default());
        for worker in ["me", "w"] {
            fleet.observe(&scene::session(worker, PlanVersion::NONE), at(0));
        }
        let term = Term { planner: id("me"), number: Epoch(3) };
        Self { publisher: Publisher::new(term), fleet, ctx }
    }

    /// A scene in which `w` has no document and its first one is being put.
    fn writing() -> Self {
        let mut scene = Self::new();
        assert_eq!(scene.publish(document("w", 3)).asked, [read("w")]);
        let answer = Reply::Doc(id("w").worker, Ok(None));
        assert_eq!(scene.answer(answer).1.asked, [put(None, &written(1, document("w", 3)))]);
        scene
    }

    /// A scene in which the first document of `w` is stored.
    fn at_rest() -> Self {
        let mut scene = Self::writing();
        let first = written(1, document("w", 3));
        let (published, done) = scene.put(1, Ok(Write::Done(stored(1, &first))));
        assert_eq!(published, Some(first));
        assert_eq!(done.asked, [StoreCall::Wake(id("w"))]);
        scene
    }

    fn publish(&mut self, document: Assignment) -> Done {
        self.publisher.publish([document], &mut self.ctx);
        done(&mut self.ctx)
    }

    fn answer(&mut self, answer: Reply) -> (Option<Assignment>, Done) {
        let published = self.publisher.on_answer(answer, &mut self.ctx);
        (published, done(&mut self.ctx))
    }

    fn put(
        &mut self,
        version: u64,
        answer: Result<Write<Document>, StoreErrorKind>,
    ) -> (Option<Assignment>, Done) {
        self.answer(Reply::PutDocument(id("w").worker, scene::version(version), answer))
    }

    fn tick(&mut self, millis: u64) -> Vec<StoreCall> {
        self.ctx.now = at(millis);
        self.publisher.go_on(&self.fleet, &mut self.ctx);
        done(&mut self.ctx).asked
    }

    fn said(&mut self) -> Vec<Signal> {
        let own = said(&mut self.ctx).into_iter().map(|signal| match signal {
            Any::Planner(signal) => signal,
            other => panic!("{other:?}"),
        });
        own.collect()
    }
}

#[test]
fn what_is_stored_is_read_before_the_first_document_is_put_and_its_worker_woken() {
    let mut scene = Scene::at_rest();
    assert_eq!(scene.said(), []);
    assert_eq!(scene.publisher.next_wake(), Time::NEVER);
}

#[test]
fn a_document_that_says_the_same_is_not_written_again() {
    let mut scene = Scene::at_rest();
    assert_eq!(scene.publish(document("w", 3)).asked, []);
    // Behind the near ones, one place is like another.
    assert_eq!(scene.publish(document("w", 4)).asked, []);
    let second = written(2, document("w", 30));
    assert_eq!(scene.publish(document("w", 30)).asked, [put(Some(1), &second)]);
    assert_eq!(scene.publish(document("w", 31)).asked, []);
}

#[test]
fn one_write_of_a_document_is_under_way_and_the_newest_follows() {
    let mut scene = Scene::writing();
    let children = Assignment { takes_children: false, ..document("w", 3) };
    assert_eq!(scene.publish(children.clone()).asked, []);
    let first = stored(1, &written(1, document("w", 3)));
    let (published, done) = scene.put(1, Ok(Write::Done(first)));
    assert!(published.is_some());
    let wake = StoreCall::Wake(id("w"));
    assert_eq!(done.asked, [wake, put(Some(1), &written(2, children))]);
}

#[test]
fn the_planners_own_document_is_told_at_once() {
    let mut scene = Scene::new();
    let _ = scene.publish(document("me", 0));
    let _ = scene.answer(Reply::Doc(id("me").worker, Ok(None)));
    let mine = written(1, document("me", 0));
    let answer =
        Reply::PutDocument(id("me").worker, mine.version, Ok(Write::Done(stored(1, &mine))));
    assert_eq!(scene.answer(answer).1.asked, []);
    assert_eq!(scene.said(), [Signal::Mine(Box::new(mine))]);
}

#[test]
fn a_document_of_this_term_or_an_earlier_one_is_written_over() {
    let mut scene = Scene::writing();
    let earlier = PlanVersion { term: Epoch(2), version: 9 };
    let there = Assignment { version: earlier, ..document("w", 1) };
    let (published, done) = scene.put(1, Ok(Write::Refused(Some(stored(6, &there)))));
    assert_eq!(published, None);
    assert_eq!(done.asked, [put(Some(6), &written(1, document("w", 3)))]);
    let (_, done) = scene.put(1, Ok(Write::Refused(None)));
    assert_eq!(done.asked, [put(None, &written(1, document("w", 3)))], "somebody deleted it");
}

#[test]
fn a_document_of_a_later_term_is_not_written_over_and_outranks_the_planner() {
    let later = PlanVersion { term: Epoch(4), version: 1 };
    let there = stored(6, &Assignment { version: later, ..document("w", 1) });
    let mut scene = Scene::writing();
    assert_eq!(scene.put(1, Ok(Write::Refused(Some(there.clone())))).1.asked, []);
    assert_eq!(scene.said(), [Signal::Outranked]);
    let mut scene = Scene::new();
    let _ = scene.publish(document("w", 3));
    assert_eq!(scene.answer(Reply::Doc(id("w").worker, Ok(Some(there)))).1.asked, []);
    assert_eq!(scene.said(), [Signal::Outranked]);
}

#[test]
fn a_document_that_makes_no_sense_is_told_before_it_is_written_over() {
    let mut scene = Scene::new();
    let _ = scene.publish(document("w", 3));
    let name = DocName::assignment(&id("w").worker);
    let garbled = Document::new(name.clone(), 6, "{}".into());
    let (_, done) = scene.answer(Reply::Doc(id("w").worker, Ok(Some(garbled))));
    assert_eq!(done.noted, [Notice::Unreadable(name, Assignment::EXPECTED.to_owned())]);
    assert_eq!(done.asked, [put(Some(6), &written(1, document("w", 3)))]);
}

#[test]
fn after_a_failure_what_is_stored_is_read_again_after_a_pause() {
    let failures = [
        Reply::PutDocument(id("w").worker, scene::version(1), Err(StoreErrorKind::Unavailable)),
        Reply::Doc(id("w").worker, Err(StoreErrorKind::Unavailable)),
    ];
    for failure in failures {
        let mut scene = Scene::writing();
        assert_eq!(scene.answer(failure).1.asked, []);
        assert_eq!(scene.publisher.next_wake(), at(200));
        assert_eq!(scene.tick(199), []);
        assert_eq!(scene.tick(200), [read("w")], "the write may have landed");
        assert_eq!(scene.publisher.next_wake(), Time::NEVER, "it is being read");
    }
}

#[test]
fn nothing_is_written_while_the_session_is_not_valid_and_all_of_it_afterwards() {
    let mut scene = Scene::at_rest();
    scene.ctx.valid = false;
    let children = Assignment { takes_children: false, ..document("w", 3) };
    assert_eq!(scene.publish(children.clone()).asked, []);
    scene.ctx.valid = true;
    assert_eq!(scene.tick(10), [put(Some(1), &written(2, children))]);
}

#[test]
fn a_worker_that_does_not_echo_its_document_is_woken_every_two_heartbeats_while_it_lives() {
    let mut scene = Scene::at_rest();
    let patience = u64::try_from(scene.ctx.settings.heartbeat_interval.as_millis()).unwrap() * 2;
    assert_eq!(scene.tick(patience - 1), []);
    assert_eq!(scene.tick(patience), [StoreCall::Wake(id("w"))]);
    assert_eq!(scene.tick(patience + 1), []);
    let mut echo = scene::session("w", scene::version(1));
    echo.beat += 1;
    scene.fleet.observe(&echo, at(patience));
    assert!(scene.publisher.is_echoed_by(&id("w"), &scene.fleet));
    assert_eq!(scene.tick(patience * 3), []);
    let mut scene = Scene::at_rest();
    scene.fleet.remove(&id("w"));
    assert_eq!(scene.tick(patience), []);
}

#[test]
fn what_a_store_may_have_lost_is_read_and_written_with_the_next_plan() {
    let mut scene = Scene::at_rest();
    scene.publisher.forget_stored();
    assert_eq!(scene.tick(10), []);
    assert_eq!(scene.publish(document("w", 3)).asked, [read("w")]);
    let answer = Reply::Doc(id("w").worker, Ok(None));
    let again = written(2, document("w", 3));
    assert_eq!(scene.answer(answer).1.asked, [put(None, &again)]);
}

#[test]
fn an_echo_of_a_version_that_was_lost_makes_later_ones_newer() {
    let mut scene = Scene::at_rest();
    assert!(!scene.publisher.is_echo_of_lost(scene::version(1)));
    let former = PlanVersion { term: Epoch(2), version: 8 };
    assert!(!scene.publisher.is_echo_of_lost(former), "another planner wrote it");
    assert!(scene.publisher.is_echo_of_lost(scene::version(8)));
    let children = Assignment { takes_children: false, ..document("w", 3) };
    let newer = written(9, children.clone());
    assert_eq!(scene.publish(children).asked, [put(Some(1), &newer)]);
}

#[test]
fn a_worker_that_is_gone_has_no_desk() {
    let mut scene = Scene::writing();
    scene.publisher.remove(&id("w").worker);
    let first = stored(1, &written(1, document("w", 3)));
    let (published, done) = scene.put(1, Ok(Write::Done(first)));
    assert_eq!((published, done.asked), (None, vec![]));
}

#[test]
fn what_a_store_may_have_lost_is_neither_tried_again_nor_is_anybody_woken_for_it() {
    let failed = Err(StoreErrorKind::Unavailable);
    let mut scene = Scene::writing();
    let _ = scene.put(1, failed);
    scene.publisher.forget_stored();
    assert_eq!(scene.tick(200), []);
    assert_eq!(scene.publisher.next_wake(), Time::NEVER);
    let mut scene = Scene::at_rest();
    scene.publisher.forget_stored();
    assert_eq!(scene.tick(3_000), []);
}

#[test]
fn leases_for_which_a_document_has_no_room_are_told() {
    let hold = |number: usize| {
        let width = crate::stream::ShardId::MAX_LENGTH - 4;
        let shard = format!("{number:04}{:0>width$}", "").parse().unwrap();
        let key = LeaseKey::of_shard(&scene::stream(), &shard);
        let from = Some(Origin { owner: None, epoch: Epoch(7), how: Transfer::Unowned });
        Hold { key, from, children: Taking::default() }
    };
    let holds: Vec<Hold> = (0..3_200).map(hold).collect();
    let mut scene = Scene::new();
    let done = scene.publish(Assignment { holds, ..document("w", 3) });
    let [Notice::DocumentFull(name, left_out)] = &*done.noted else { panic!("{:?}", done.noted) };
    assert_eq!(*name, DocName::assignment(&id("w").worker));
    assert!((1..400).contains(left_out), "{left_out}");
}
