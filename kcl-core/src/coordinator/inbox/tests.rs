use super::*;
use crate::{
    coordinator::{
        op::StoreCall,
        signal::Signal as Any,
        tests::{self, Done, at, context, done, id, said},
    },
    lease::{Epoch, Incarnation},
    settings::Coordination,
    store::StoreErrorKind,
};

struct Scene {
    inbox: Inbox,
    ctx: Context,
    facts: Facts,
}

/// A worker that follows no document yet, while another session plans.
const WAITING: Facts = Facts { is_planned_for: true, follows_one: false, is_leaving: false };

fn read() -> [StoreCall; 1] {
    [StoreCall::Doc(DocName::assignment(&id("me").worker))]
}

fn version(term: u64, version: u64) -> PlanVersion {
    PlanVersion { term: Epoch(term), version }
}

fn assignment(version: PlanVersion) -> Assignment {
    tests::assignment("planner", "me", version)
}

fn document(version: u64, body: impl Into<bytes::Bytes>) -> Reply {
    let name = DocName::assignment(&id("me").worker);
    Reply::MyDocument(Ok(Some(Document::new(name, version, body.into()))))
}

impl Scene {
    fn new() -> Self {
        let ctx = context(Coordination::default());
        Self { inbox: Inbox::new(id("me")), ctx, facts: WAITING }
    }

    /// A worker that has joined at 0 and polls for its document.
    fn joined() -> Self {
        let mut scene = Self::new();
        scene.inbox.on_joined(at(0));
        assert_eq!(scene.tick(0), read());
        scene
    }

    fn tick(&mut self, millis: u64) -> Vec<StoreCall> {
        self.ctx.now = at(millis);
        self.inbox.on_tick(self.facts, &mut self.ctx);
        done(&mut self.ctx).asked
    }

    fn read(&mut self) -> Vec<StoreCall> {
        self.inbox.read(&mut self.ctx);
        done(&mut self.ctx).asked
    }

    fn answer(&mut self, answer: Reply) -> Done {
        self.inbox.on_answer(answer, &mut self.ctx);
        done(&mut self.ctx)
    }

    fn nothing(&mut self) -> Vec<StoreCall> {
        self.answer(Reply::MyDocument(Ok(None))).asked
    }
}

#[test]
fn the_first_document_is_looked_for_at_the_fast_pace_for_a_while() {
    let mut scene = Scene::joined();
    assert_eq!(scene.nothing(), []);
    assert_eq!(scene.tick(199), []);
    assert_eq!(scene.tick(200), read());
    assert_eq!(scene.nothing(), []);
    assert_eq!(scene.tick(5_000), read(), "the last one");
    assert_eq!(scene.nothing(), []);
    assert_eq!(scene.inbox.next_wake(), Time::NEVER);
}

#[test]
fn who_follows_a_document_waits_to_be_woken_unless_it_leaves() {
    let mut scene = Scene::joined();
    assert_eq!(scene.nothing(), []);
    scene.facts.follows_one = true;
    assert_eq!(scene.tick(200), read());
    assert_eq!(scene.nothing(), []);
    assert_eq!(scene.inbox.next_wake(), Time::NEVER);
    scene.facts.is_leaving = true;
    scene.inbox.on_leaving(&scene.ctx);
    for millis in [400, 600, 60_000] {
        assert_eq!(scene.tick(millis), read(), "to whom its leases go may be said any moment");
        assert_eq!(scene.nothing(), []);
    }
}

#[test]
fn who_plans_or_does_not_live_looks_for_no_document() {
    let mut scene = Scene::new();
    scene.facts.is_planned_for = false;
    scene.inbox.on_joined(at(0));
    assert_eq!(scene.tick(0), []);
    assert_eq!(scene.inbox.next_wake(), Time::NEVER);
}

#[test]
fn a_document_that_makes_sense_is_handed_on() {
    let mut scene = Scene::joined();
    let told = assignment(version(7, 3));
    assert_eq!(scene.answer(document(1, told.encode())).asked, []);
    assert_eq!(said(&mut scene.ctx), [Any::Inbox(Signal::Came(Box::new(told)))]);
    scene.inbox.on_followed(&mut scene.ctx);
    assert_eq!(done(&mut scene.ctx).asked, []);
    assert_eq!(scene.read(), read());
}

#[test]
fn what_is_to_be_read_while_it_is_read_is_read_once_more() {
    let mut scene = Scene::joined();
    assert_eq!(scene.read(), []);
    assert_eq!(scene.read(), []);
    assert_eq!(scene.nothing(), read(), "what was read may be older than the word to read it");
    assert_eq!(scene.read(), []);
    let failed = Reply::MyDocument(Err(StoreErrorKind::Unavailable));
    assert_eq!(scene.answer(failed).asked, read());
    assert_eq!(scene.read(), []);
    let came = document(1, assignment(version(7, 3)).encode());
    assert_eq!(scene.answer(came).asked, [], "it is followed first");
    assert_eq!(scene.read(), []);
    scene.inbox.on_followed(&mut scene.ctx);
    assert_eq!(done(&mut scene.ctx).asked, read());
    assert_eq!(scene.nothing(), []);
}

#[test]
fn what_is_to_be_read_before_it_was_followed_is_read_once_more() {
    let mut scene = Scene::joined();
    let came = document(1, assignment(version(7, 3)).encode());
    assert_eq!(scene.answer(came).asked, []);
    assert_eq!(scene.read(), []);
    scene.inbox.on_followed(&mut scene.ctx);
    assert_eq!(done(&mut scene.ctx).asked, read());
}

#[test]
fn a_document_that_makes_no_sense_is_told_once_a_version() {
    let mut scene = Scene::joined();
    for (version, told) in [(1, true), (1, false), (2, true)] {
        let done = scene.answer(document(version, "{}"));
        let name = DocName::assignment(&id("me").worker);
        let expected = Notice::Unreadable(name, Assignment::EXPECTED.to_owned());
        assert_eq!(done.noted, vec![expected; usize::from(told)]);
        assert_eq!(said(&mut scene.ctx), []);
        assert_eq!(scene.read(), read());
    }
}

#[test]
fn a_document_of_a_later_term_is_new_whatever_its_number() {
    let inbox = Inbox::new(id("me"));
    let meaning = |told| inbox.meaning_of(&assignment(told), version(7, 3));
    assert_eq!(meaning(version(7, 4)), Meaning::New);
    assert_eq!(meaning(version(8, 1)), Meaning::New);
    assert_eq!(meaning(version(7, 3)), Meaning::Old);
    assert_eq!(meaning(version(6, 9)), Meaning::Old);
    let mut other = assignment(version(9, 9));
    other.session.incarnation = Incarnation::from_bits(2);
    assert_eq!(inbox.meaning_of(&other, version(7, 3)), Meaning::OfAnotherLife);
}
