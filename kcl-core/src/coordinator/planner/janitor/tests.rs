use super::{super::tests as scene, *};
use crate::{
    assignment::{
        Balance, Weighting,
        placement::{Mode, Rule, Target, Uncovered},
    },
    coordinator::{
        command::Notice,
        op::StoreCall,
        tests::{Done, at, done, id},
    },
    lease::{Checkpoint, EndReason, Lease, Session, SessionState, Write},
    settings::Coordination,
    store::StoreErrorKind,
};

struct Scene {
    janitor: Janitor,
    catalogue: Catalogue,
    ctx: Context,
}

fn ended(worker: &str) -> Session {
    let mut row = scene::session(worker, crate::lease::PlanVersion::NONE);
    row.state = SessionState::Ended(EndReason::Left);
    row
}

fn forget(worker: &str) -> StoreCall {
    StoreCall::Forget(Forget::new(id(worker)))
}

fn document(worker: &str) -> DocName {
    DocName::assignment(&id(worker).worker)
}

impl Scene {
    /// These sessions are seen, and these leases there.
    fn of(sessions: &[Session], rows: Vec<Lease>) -> Self {
        let ctx = scene::context(Coordination::default());
        let mut catalogue = scene::catalogue(rows, &[], &ctx);
        catalogue.fleet.replace(sessions, at(0), at(0));
        Self { janitor: Janitor::default(), catalogue, ctx }
    }

    /// One to whom the ended session `w` was shown, named by no lease, at 0.
    fn unused() -> Self {
        let mut scene = Self::of(&[ended("w")], Vec::new());
        scene.note(&[]);
        scene
    }

    /// One that has asked for the end of the row of `w`, at 6 s.
    fn forgetting() -> Self {
        let mut scene = Self::unused();
        assert_eq!(scene.tick(6_000), [forget("w")]);
        scene
    }

    fn note(&mut self, desired: &[(usize, &str)]) {
        self.janitor.note_unused(&self.catalogue, &scene::plan(desired), &self.ctx);
    }

    fn tick(&mut self, millis: u64) -> Vec<StoreCall> {
        self.ctx.now = at(millis);
        self.janitor.forget_due(&mut self.ctx);
        done(&mut self.ctx).asked
    }

    fn answer(&mut self, answer: Answer) -> (Option<WorkerId>, Vec<StoreCall>) {
        let gone = self.janitor.on_answer(answer, &mut self.catalogue, &mut self.ctx);
        (gone, done(&mut self.ctx).asked)
    }

    /// A family whose ended parent, shard 0, the stream has forgotten: its row may go, and with it
    /// what is known of the parent of shard 1. These are the rules.
    fn family(rules: Vec<Rule>) -> Self {
        let mut parent = scene::held(1, "w").remove(0);
        parent.checkpoint = Checkpoint::ShardEnd;
        parent.owner = None;
        let mut child = scene::shards(1).remove(0);
        child.id = scene::shard_id(1);
        child.parents = vec![scene::shard_id(0)];
        let row = scene::row_of(&child, Checkpoint::TrimHorizon);
        let mut scene = Self::of(&[], vec![parent.clone(), row]);
        let body = PlacementRules::new(rules, Uncovered::default()).unwrap().encode().unwrap();
        let doc = Document::new(DocName::placement(), 4, body);
        scene.catalogue.rules_for_test(&doc, &mut scene.ctx);
        let view = scene::view(vec![child]);
        let deletes = vec![Delete::ended(parent.key, parent.epoch)];
        scene.catalogue.found_for_test(view, deletes);
        scene
    }

    fn delete_useless(&mut self) -> Done {
        delete_useless(&mut self.catalogue, &mut self.ctx);
        done(&mut self.ctx)
    }
}

fn require(shard: usize) -> Rule {
    let mut rule =
        Rule::new(Target::Shard(scene::shard_id(shard)), "w".parse().unwrap(), Mode::Require);
    rule.stream = Some(scene::stream().name);
    rule
}

fn parent_row() -> Delete {
    Delete::ended(scene::key(0), crate::lease::Epoch(7))
}

#[test]
fn a_session_that_ended_is_forgotten_a_timeout_after_no_lease_names_it() {
    let mut scene = Scene::unused();
    assert_eq!(scene.janitor.next_wake(), at(6_000));
    assert_eq!(scene.tick(5_999), []);
    assert_eq!(scene.tick(6_000), [forget("w")]);
    assert_eq!(scene.tick(6_001), [], "it is being forgotten");
    let failed = Answer::Forget(id("w"), Err(StoreErrorKind::Unavailable));
    assert_eq!(scene.answer(failed), (None, vec![]));
    assert_eq!(scene.tick(12_000), [forget("w")], "that failed");
}

#[test]
fn a_session_that_lives_or_that_a_lease_or_the_plan_names_is_not_forgotten() {
    let mut live = Scene::of(&[scene::session("w", crate::lease::PlanVersion::NONE)], Vec::new());
    live.note(&[]);
    assert_eq!(live.janitor.next_wake(), Time::NEVER);
    let mut owner = Scene::of(&[ended("w")], scene::held(1, "w"));
    owner.note(&[]);
    assert_eq!(owner.janitor.next_wake(), Time::NEVER);
    let mut planned = Scene::of(&[ended("w")], Vec::new());
    planned.note(&[(0, "w")]);
    assert_eq!(planned.janitor.next_wake(), Time::NEVER);
}

#[test]
fn a_session_that_a_lease_names_again_is_not_forgotten() {
    let mut scene = Scene::unused();
    scene.ctx.now = at(1_000);
    scene.note(&[]);
    assert_eq!(scene.janitor.next_wake(), at(6_000), "it counts from when it was first seen");
    scene.note(&[(0, "w")]);
    assert_eq!(scene.tick(6_000), []);
}

#[test]
fn with_the_last_session_of_a_worker_its_document_goes() {
    let mut scene = Scene::forgetting();
    let forgotten = Answer::Forget(id("w"), Ok(Write::Refused(None)));
    assert_eq!(scene.answer(forgotten), (None, vec![StoreCall::Doc(document("w"))]));
    let doc = Document::new(document("w"), 6, "{}".into());
    let read = Answer::DeadDoc(id("w").worker, Ok(Some(doc)));
    let delete = StoreCall::DeleteDoc(DeleteDoc::new(document("w"), 6));
    assert_eq!(scene.answer(read), (Some(id("w").worker), vec![delete]));
    assert_eq!(scene.tick(20_000), []);
}

#[test]
fn where_leases_are_shared_out_by_load_the_report_goes_with_the_document() {
    let mut scene = Scene::forgetting();
    scene.ctx.settings.balance = Balance::Weighted(Weighting::default());
    let report = DocName::report(&id("w").worker);
    let forgotten = Answer::Forget(id("w"), Ok(Write::Refused(None)));
    let reads = vec![StoreCall::Doc(document("w")), StoreCall::Doc(report.clone())];
    assert_eq!(scene.answer(forgotten), (None, reads));
    let doc = Document::new(report.clone(), 6, "{}".into());
    let delete = StoreCall::DeleteDoc(DeleteDoc::new(report, 6));
    let read = Answer::DeadReport(id("w").worker, Ok(Some(doc)));
    assert_eq!(scene.answer(read), (None, vec![delete]));
}

#[test]
fn the_document_of_a_worker_that_is_known_by_another_session_stays() {
    let mut again = scene::session("w", crate::lease::PlanVersion::NONE);
    again.id = SessionId::new("w".parse().unwrap(), crate::lease::Incarnation::from_bits(9));
    let mut scene = Scene::of(&[ended("w"), again.clone()], Vec::new());
    let forgotten = Answer::Forget(id("w"), Ok(Write::Refused(None)));
    assert_eq!(scene.answer(forgotten), (None, vec![]));
    // It came back while its document was being read.
    let mut scene = Scene::forgetting();
    scene.catalogue.on_seen(&again, &scene.ctx);
    let doc = Document::new(document("w"), 6, "{}".into());
    let read = Answer::DeadDoc(id("w").worker, Ok(Some(doc)));
    assert_eq!(scene.answer(read), (None, vec![]));
}

#[test]
fn a_document_that_could_not_be_read_or_is_gone_is_left_alone() {
    let mut scene = Scene::forgetting();
    for answer in [Ok(None), Err(StoreErrorKind::Unavailable)] {
        let read = Answer::DeadDoc(id("w").worker, answer);
        assert_eq!(scene.answer(read), (None, vec![]));
    }
}

#[test]
fn a_row_that_nobody_needs_is_deleted_once() {
    let mut scene = Scene::family(Vec::new());
    assert_eq!(scene.delete_useless().asked, [StoreCall::Delete(parent_row())]);
    assert!(!scene.catalogue.rows.contains_key(&scene::key(0)));
    assert_eq!(scene.delete_useless().asked, []);
}

#[test]
fn what_a_row_hands_down_is_made_a_rule_before_it_is_deleted() {
    let mut scene = Scene::family(vec![require(0)]);
    let mut heir = require(1);
    heir.created = Some(scene::stream().created);
    let rules = PlacementRules::new(vec![heir], Uncovered::default()).unwrap();
    let put = PutDoc::new(DocName::placement(), Some(4), rules.encode().unwrap());
    assert_eq!(scene.delete_useless().asked, [StoreCall::PutDoc(put.clone())]);
    assert!(scene.catalogue.rows.contains_key(&scene::key(0)));
    let doc = Document::new(put.name, 5, put.body);
    let stored = Answer::PutRules(rules.clone(), vec![parent_row()], Ok(Write::Done(doc)));
    assert_eq!(scene.answer(stored), (None, vec![StoreCall::Delete(parent_row())]));
    assert_eq!(scene.catalogue.rules.stated(), &rules);
    assert_eq!(scene.catalogue.rules.version(), Some(Some(5)));
}

#[test]
fn rules_that_could_not_be_stored_keep_the_row() {
    let answers = [Err(StoreErrorKind::Unavailable), Ok(Write::Refused(None))];
    for answer in answers {
        let mut scene = Scene::family(vec![require(0)]);
        let _ = scene.delete_useless();
        let rules = scene.catalogue.rules.stated().clone();
        let put = Answer::PutRules(rules, vec![parent_row()], answer);
        assert_eq!(scene.answer(put), (None, vec![]));
        assert!(scene.catalogue.rows.contains_key(&scene::key(0)));
    }
}

#[test]
fn while_the_rules_make_no_sense_no_row_is_deleted() {
    let mut scene = Scene::family(Vec::new());
    let garbled = Document::new(DocName::placement(), 5, "[".into());
    scene.catalogue.rules_for_test(&garbled, &mut scene.ctx);
    let done = scene.delete_useless();
    assert!(matches!(*done.noted, [Notice::BadRules(_)]));
    assert_eq!(done.asked, []);
}

#[test]
fn while_a_lease_makes_no_sense_no_session_is_forgotten_for_it_may_be_its_owner() {
    let mut scene = Scene::of(&[ended("w")], Vec::new());
    scene.catalogue.unreadable_for_test(scene::key(0));
    scene.note(&[]);
    assert_eq!(scene.janitor.next_wake(), Time::NEVER);
}
