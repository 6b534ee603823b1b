//! When the rules are read, and when what shards inherit.

use super::*;
use crate::assignment::placement::Inherited;

fn placement() -> StoreCall {
    StoreCall::Doc(DocName::placement())
}

fn inherited() -> StoreCall {
    StoreCall::Doc(DocName::inherited())
}

/// The rules in this version: one, or none.
fn rules_doc(version: u64, any: bool) -> Document {
    let rule = Rule::new(Target::Shard(shard_id(0)), "w".parse().unwrap(), Mode::Require);
    let rules = if any { vec![rule] } else { Vec::new() };
    let rules = PlacementRules::new(rules, Uncovered::default()).unwrap();
    Document::new(DocName::placement(), version, Placement::from(rules).encode().unwrap())
}

impl Scene {
    fn woken(&mut self) -> Vec<StoreCall> {
        self.catalogue.on_woken(&mut self.ctx);
        done(&mut self.ctx).asked
    }

    fn looked(&mut self, found: Result<Option<Document>, StoreErrorKind>) -> Vec<StoreCall> {
        self.answer(|_| Reply::LookAtRules(found)).asked
    }
}

#[test]
fn a_planner_that_is_woken_reads_the_rules_and_nothing_else_if_they_are_as_they_were() {
    let mut scene = Scene::read();
    assert_eq!(scene.woken(), [placement()]);
    assert_eq!(scene.looked(Ok(None)), []);
    assert_eq!(scene.tick(200).asked, [], "there are still none");
}

#[test]
fn rules_that_are_others_than_before_make_a_reading_with_the_rules() {
    let failed = Err(StoreErrorKind::Unavailable);
    for found in [Ok(Some(rules_doc(1, true))), failed] {
        let mut scene = Scene::read();
        let _ = scene.woken();
        assert_eq!(scene.looked(found), []);
        assert_eq!(scene.tick(200).asked, [StoreCall::Leases, listing(), placement()]);
    }
}

#[test]
fn who_is_woken_while_the_rules_are_being_looked_at_looks_again() {
    let mut scene = Scene::read();
    assert_eq!(scene.woken(), [placement()]);
    assert_eq!((scene.woken(), scene.woken()), (vec![], vec![]), "one look at a time");
    assert_eq!(scene.looked(Ok(None)), [placement()], "that may have been too early");
    assert_eq!(scene.looked(Ok(None)), []);
}

#[test]
fn a_look_during_a_reading_that_found_other_rules_makes_another_reading() {
    let mut scene = Scene::reading();
    let _ = scene.woken();
    let _ = scene.looked(Ok(Some(rules_doc(1, true))));
    let _ = scene.rows(held(2, "w"));
    let _ = scene.sessions(&["w"]);
    let _ = scene.rules(None);
    let _ = scene.listed(Ok(view(shards(2))));
    let _ = scene.start(Some(&start(None, InitialPosition::TrimHorizon)));
    assert!(scene.complete, "this reading goes on");
    assert_eq!(scene.tick(200).asked, [StoreCall::Leases, listing(), placement()]);
}

#[test]
fn before_the_first_reading_a_look_makes_none_sooner() {
    let mut scene = Scene::new();
    let _ = scene.woken();
    assert_eq!(scene.looked(Ok(Some(rules_doc(1, true)))), []);
    assert_eq!(scene.tick(99).asked, [], "workers that start together are planned for together");
    assert_eq!(scene.tick(100).asked, [StoreCall::Leases, listing(), placement()]);
}

/// An entry is written before its row is deleted, so it shows whatever the rows no longer show.
#[test]
fn what_shards_inherit_is_read_after_the_leases_if_there_are_rules() {
    for rules_first in [true, false] {
        let mut scene = Scene::reading();
        let _ = scene.sessions(&["w"]);
        let asked = if rules_first {
            assert_eq!(scene.rules(Some(rules_doc(1, true))).asked, [], "the leases are not read");
            scene.rows(held(2, "w")).asked
        } else {
            let _ = scene.rows(held(2, "w"));
            scene.rules(Some(rules_doc(1, true))).asked
        };
        assert_eq!(asked, [inherited()]);
        let _ = scene.listed(Ok(view(shards(2))));
        let _ = scene.start(Some(&start(None, InitialPosition::TrimHorizon)));
        assert!(!scene.complete);
        let _ = scene.answer(|round| Reply::Inherited(round, Ok(None)));
        assert!(scene.complete && scene.catalogue.inheritance.is_known());
        // `inherited` is read again each time, the rules are not.
        scene.catalogue.plan_soon(&scene.ctx);
        assert_eq!(scene.tick(200).asked, [StoreCall::Leases, listing()]);
        assert_eq!(scene.rows(held(2, "w")).asked, [inherited()]);
    }
}

#[test]
fn without_rules_nobody_reads_what_shards_would_inherit() {
    let mut scene = Scene::reading();
    let _ = scene.sessions(&["w"]);
    let _ = scene.rows(held(2, "w"));
    assert_eq!(scene.rules(Some(rules_doc(1, false))).asked, []);
    let _ = scene.listed(Ok(view(shards(2))));
    let _ = scene.start(Some(&start(None, InitialPosition::TrimHorizon)));
    assert!(scene.complete);
}

#[test]
fn what_is_known_of_inheritance_outlives_a_store_that_lost_it_and_one_that_makes_no_sense() {
    let mut scene = Scene::reading();
    let mut heirs = Inherited::default();
    let of = BTreeMap::from([(shard_id(1), Target::Shard(shard_id(0)))]);
    heirs.replace(&described(5).key, of);
    let body = heirs.encode(Epoch(3)).unwrap();
    let read = |scene: &mut Scene, doc: Option<Document>| {
        scene.catalogue.inheritance.read(doc.as_ref(), &mut scene.ctx);
        (scene.catalogue.inheritance.known() == &heirs, done(&mut scene.ctx).noted.len())
    };
    assert_eq!(read(&mut scene, Some(Document::new(DocName::inherited(), 4, body))), (true, 0));
    assert_eq!(read(&mut scene, None), (true, 0), "the store lost it");
    let garbled = Document::new(DocName::inherited(), 5, "[".into());
    assert_eq!(read(&mut scene, Some(garbled)), (true, 1), "and it is told");
    assert_eq!(scene.catalogue.inheritance.stored(), None, "nobody writes over it");
}
