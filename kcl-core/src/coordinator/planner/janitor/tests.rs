use super::{super::tests as scene, *};
use crate::{
    assignment::placement::{Inherited, Mode, Placement, PlacementRules, Rule, Target, Uncovered},
    coordinator::{
        command::Notice,
        op::StoreCall,
        signal::Signal as Any,
        tests::{Done, at, done, id, said},
    },
    lease::{Checkpoint, EndReason, Lease, LeaseKey, Session, SessionState, Write},
    settings::Coordination,
    store::StoreErrorKind,
    stream::{Shard, ShardId},
};

/// The term of the planner under test.
const TERM: Epoch = Epoch(3);

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
    /// A scene with these sessions and these leases.
    fn of(sessions: &[Session], rows: Vec<Lease>) -> Self {
        let ctx = scene::context(Coordination::default());
        let mut catalogue = scene::catalogue(rows, &[], &ctx);
        catalogue.fleet.replace(sessions, at(0), at(0));
        Self { janitor: Janitor::default(), catalogue, ctx }
    }

    /// A scene in which the ended session `w`, which no lease names, was noted at 0.
    fn unused() -> Self {
        let mut scene = Self::of(&[ended("w")], Vec::new());
        scene.note(&[]);
        scene
    }

    /// A scene in which the deletion of the row of `w` was asked for at 6 s.
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

    fn answer(&mut self, answer: Reply) -> (Option<WorkerId>, Vec<StoreCall>) {
        let gone = self.janitor.on_answer(answer, TERM, &mut self.catalogue, &mut self.ctx);
        (gone, done(&mut self.ctx).asked)
    }

    /// A family with these rules: the stream has forgotten the ended parent, shard 0. If its row is
    /// deleted, the parent of shard 1 is known no more.
    fn family(rules: Vec<Rule>) -> Self {
        let mut parent = scene::held(1, "w").remove(0);
        parent.checkpoint = Checkpoint::ShardEnd;
        parent.owner = None;
        let child = child_shard();
        let row = scene::row_of(&child, Checkpoint::TrimHorizon);
        let mut scene = Self::of(&[], vec![parent.clone(), row]);
        let body = Placement::from(PlacementRules::new(rules, Uncovered::default()).unwrap())
            .encode()
            .unwrap();
        let doc = Document::new(DocName::placement(), 4, body);
        scene.catalogue.rules_for_test(&doc, &mut scene.ctx);
        // Without rules it is not read.
        if scene.catalogue.rules.name_any() {
            scene.catalogue.inheritance_for_test(None, &mut scene.ctx);
        }
        let view = scene::view(vec![child]);
        let deletes = vec![Delete::ended(parent.key, parent.epoch)];
        scene.catalogue.found_for_test(view, deletes);
        scene
    }

    fn delete_useless(&mut self) -> Done {
        delete_useless(TERM, &mut self.catalogue, &mut self.ctx);
        done(&mut self.ctx)
    }

    /// Stores this document.
    fn stored(&mut self, doc: &Document) {
        self.catalogue.inheritance_for_test(Some(doc), &mut self.ctx);
    }
}

fn child_shard() -> Shard {
    let mut child = scene::shards(1).remove(0);
    child.id = scene::shard_id(1);
    child.parents = vec![scene::shard_id(0)];
    child
}

fn require(shard: usize) -> Rule {
    let mut rule =
        Rule::new(Target::Shard(scene::shard_id(shard)), "w".parse().unwrap(), Mode::Require);
    rule.stream = Some(scene::stream().name);
    rule
}

fn parent_row() -> Delete {
    Delete::ended(scene::key(0), Epoch(7))
}

#[test]
fn a_session_that_ended_is_forgotten_a_timeout_after_no_lease_names_it() {
    let mut scene = Scene::unused();
    assert_eq!(scene.janitor.next_wake(), at(6_000));
    assert_eq!(scene.tick(5_999), []);
    assert_eq!(scene.tick(6_000), [forget("w")]);
    assert_eq!(scene.janitor.next_wake(), at(12_000), "should that fail");
    assert_eq!(scene.tick(6_001), [], "it is being forgotten");
    let failed = Reply::Forget(id("w"), Err(StoreErrorKind::Unavailable));
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
fn with_the_last_session_of_a_worker_its_document_and_its_report_go() {
    let mut scene = Scene::forgetting();
    let report = DocName::report(&id("w").worker);
    let forgotten = Reply::Forget(id("w"), Ok(Write::Refused(None)));
    let reads = vec![StoreCall::Doc(document("w")), StoreCall::Doc(report.clone())];
    assert_eq!(scene.answer(forgotten), (None, reads));
    assert_eq!(scene.janitor.next_wake(), Time::NEVER);
    let doc = Document::new(document("w"), 6, "{}".into());
    let read = Reply::DeadDoc(id("w").worker, Ok(Some(doc)));
    let delete = StoreCall::DeleteDoc(DeleteDoc::new(document("w"), 6));
    assert_eq!(scene.answer(read), (Some(id("w").worker), vec![delete]));
    let doc = Document::new(report.clone(), 7, "{}".into());
    let delete = StoreCall::DeleteDoc(DeleteDoc::new(report, 7));
    let read = Reply::DeadReport(id("w").worker, Ok(Some(doc)));
    assert_eq!(scene.answer(read), (None, vec![delete]));
    assert_eq!(scene.tick(20_000), []);
}

#[test]
fn the_document_of_a_worker_that_is_known_by_another_session_stays() {
    let mut again = scene::session("w", crate::lease::PlanVersion::NONE);
    again.id = SessionId::new("w".parse().unwrap(), crate::lease::Incarnation::from_bits(9));
    let mut scene = Scene::of(&[ended("w"), again.clone()], Vec::new());
    let forgotten = Reply::Forget(id("w"), Ok(Write::Refused(None)));
    assert_eq!(scene.answer(forgotten), (None, vec![]));
    // The worker came back while its document was being read.
    let mut scene = Scene::forgetting();
    scene.catalogue.on_seen(&again, &scene.ctx);
    let doc = Document::new(document("w"), 6, "{}".into());
    let read = Reply::DeadDoc(id("w").worker, Ok(Some(doc)));
    assert_eq!(scene.answer(read), (None, vec![]));
}

#[test]
fn a_document_that_could_not_be_read_or_is_gone_is_left_alone() {
    let mut scene = Scene::forgetting();
    for answer in [Ok(None), Err(StoreErrorKind::Unavailable)] {
        let read = Reply::DeadDoc(id("w").worker, answer);
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

/// Shard 1 follows the rule for shard 0.
fn heir() -> Inherited {
    heirs(1..2)
}

fn heirs(shards: std::ops::Range<usize>) -> Inherited {
    let of = |shard| (scene::shard_id(shard), Target::Shard(scene::shard_id(0)));
    let mut inherited = Inherited::default();
    inherited.replace(&scene::stream(), shards.map(of).collect());
    inherited
}

fn inherited(version: u64, term: Epoch, says: &Inherited) -> Document {
    Document::new(DocName::inherited(), version, says.encode(term).unwrap())
}

fn put_inherited(over: Option<u64>, says: &Inherited) -> StoreCall {
    StoreCall::PutDoc(PutDoc::new(DocName::inherited(), over, says.encode(TERM).unwrap()))
}

#[test]
fn what_a_row_hands_down_is_written_down_before_it_is_deleted_and_the_rules_are_left_alone() {
    let mut scene = Scene::family(vec![require(0)]);
    let stated = scene.catalogue.rules.stated().clone();
    assert_eq!(scene.delete_useless().asked, [put_inherited(None, &heir())]);
    assert!(scene.catalogue.rows.contains_key(&scene::key(0)));
    let put = |scene: &mut Scene| {
        let write = Ok(Write::Done(inherited(1, TERM, &heir())));
        scene.answer(Reply::PutInherited(heir(), vec![parent_row()], write))
    };
    assert_eq!(put(&mut scene), (None, vec![StoreCall::Delete(parent_row())]));
    assert_eq!(scene.catalogue.inheritance.known(), &heir());
    assert_eq!(scene.catalogue.rules.stated(), &stated);
    assert_eq!(scene.delete_useless().asked, [], "it says so already");
}

#[test]
fn what_is_written_down_already_is_not_written_again() {
    let mut scene = Scene::family(vec![require(0)]);
    scene.stored(&inherited(4, Epoch(2), &heir()));
    assert_eq!(scene.delete_useless().asked, [StoreCall::Delete(parent_row())]);
}

#[test]
fn one_that_could_not_be_stored_keeps_the_row_until_it_is_read_again() {
    let lower = inherited(2, Epoch(2), &Inherited::default());
    let answers = [
        Err(StoreErrorKind::Unavailable),
        Ok(Write::Refused(None)),
        Ok(Write::Refused(Some(lower))),
    ];
    for answer in answers {
        let mut scene = Scene::family(vec![require(0)]);
        let found = || scene::view(vec![child_shard()]);
        let _ = scene.delete_useless();
        scene.catalogue.found_for_test(found(), vec![parent_row()]);
        assert_eq!(scene.delete_useless().asked, [], "it is being written");
        let put = Reply::PutInherited(heir(), vec![parent_row()], answer);
        assert_eq!(scene.answer(put), (None, vec![]));
        assert_eq!(said(&mut scene.ctx), []);
        assert!(scene.catalogue.rows.contains_key(&scene::key(0)));
        scene.catalogue.found_for_test(found(), vec![parent_row()]);
        assert_eq!(scene.delete_useless().asked, [put_inherited(None, &heir())]);
    }
}

#[test]
fn one_of_a_higher_term_ends_the_planner_and_is_not_written_over() {
    let later = inherited(4, Epoch(4), &Inherited::default());
    let outranked = [Any::Planner(Signal::Outranked)];
    let mut scene = Scene::family(vec![require(0)]);
    scene.stored(&later);
    assert_eq!(scene.delete_useless().asked, []);
    assert_eq!(said(&mut scene.ctx), outranked);
    let mut scene = Scene::family(vec![require(0)]);
    let _ = scene.delete_useless();
    let refused = Ok(Write::Refused(Some(later)));
    assert_eq!(scene.answer(Reply::PutInherited(heir(), Vec::new(), refused)).1, []);
    assert_eq!(said(&mut scene.ctx), outranked);
}

#[test]
fn one_that_makes_no_sense_is_not_written_over_and_keeps_the_rows() {
    let mut scene = Scene::family(vec![require(0)]);
    let doc = Document::new(DocName::inherited(), 4, r#"{"format":2,"term":1}"#.into());
    scene.stored(&doc);
    let done = scene.delete_useless();
    assert!(matches!(&*done.noted, [Notice::Unreadable(name, _)] if *name == doc.name));
    assert_eq!((done.asked, scene.catalogue.rows.len()), (vec![], 2));
}

#[test]
fn what_a_store_has_lost_of_it_is_given_back() {
    let mut scene = Scene::family(vec![require(0)]);
    scene.stored(&inherited(4, TERM, &heir()));
    scene.stored(&inherited(3, TERM, &Inherited::default()));
    assert_eq!(scene.delete_useless().asked, [put_inherited(Some(3), &heir())]);
}

#[test]
fn what_a_shard_inherited_that_is_gone_or_has_a_rule_goes_without_any_row() {
    for rules in [vec![require(0), require(1)], vec![require(7)]] {
        let keeps = rules.len() == 1;
        let mut scene = Scene::family(rules);
        let _ = scene.catalogue.take_deletable();
        scene.stored(&inherited(4, TERM, &heirs(1..3)));
        let left = if keeps { heir() } else { Inherited::default() };
        assert_eq!(scene.delete_useless().asked, [put_inherited(Some(4), &left)]);
        let write = Ok(Write::Done(inherited(5, TERM, &left)));
        assert_eq!(scene.answer(Reply::PutInherited(left, Vec::new(), write)).1, []);
        assert_eq!(scene.delete_useless().asked, []);
    }
}

#[test]
fn where_no_document_holds_it_the_rows_stay_and_it_is_told() {
    let mut scene = Scene::family(vec![require(0)]);
    let child = scene.catalogue.rows[&scene::key(1)].clone();
    // The longer the names, the fewer heirs fit.
    let width = ShardId::MAX_LENGTH;
    for number in 2..3_000 {
        let shard = format!("{number:0width$}").parse().unwrap();
        let row = Lease { key: LeaseKey::of_shard(&scene::stream(), &shard), ..child.clone() };
        scene.catalogue.rows.insert(row.key.clone(), row);
    }
    let done = scene.delete_useless();
    assert!(matches!(&*done.noted, [Notice::InheritanceFull(_)]), "{:?}", done.noted);
    assert_eq!((done.asked, scene.catalogue.rows.len()), (vec![], 3_000));
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
