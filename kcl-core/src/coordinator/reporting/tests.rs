use std::collections::BTreeMap;

use super::*;
use crate::{
    assignment::Weighting,
    coordinator::{
        op::StoreCall,
        tests::{asked, at, context, done},
    },
    lease::{Document, Load},
    settings::Coordination,
    store::StoreErrorKind,
};

struct Scene {
    reporting: Reporting,
    ctx: Context,
    me: WorkerId,
}

fn loads(bytes: u64) -> LoadReport {
    let load = Load { bytes_per_second: Some(bytes), ..Load::UNKNOWN };
    LoadReport::new(BTreeMap::from([("orders/7/shard-0".parse().unwrap(), load)]))
}

impl Scene {
    /// A session that lives since 0.
    fn new(balance: Balance) -> Self {
        let ctx = context(Coordination { balance, ..Coordination::default() });
        let mut scene = Self { reporting: Reporting::default(), ctx, me: "me".parse().unwrap() };
        scene.tick(0, true);
        scene
    }

    fn weighted() -> Self {
        Self::new(Balance::Weighted(Weighting::default()))
    }

    /// One whose first report was written at 30 s: 70,000 bytes a second.
    fn told() -> Self {
        let mut scene = Self::weighted();
        scene.tick(30_000, true);
        scene.measured(loads(70_000));
        scene.found(None);
        scene.written(1);
        scene
    }

    /// Whether the worker is asked for its loads.
    fn tick(&mut self, millis: u64, live: bool) -> bool {
        self.ctx.now = at(millis);
        self.reporting.on_tick(live, &mut self.ctx);
        done(&mut self.ctx).other.iter().any(|command| matches!(command, Command::Measure))
    }

    /// What is asked of the store when the loads are these.
    fn measured(&mut self, loads: LoadReport) -> Vec<StoreCall> {
        self.reporting.on_loads(loads, &self.me, &mut self.ctx);
        asked(&mut self.ctx)
    }

    fn found(&mut self, version: Option<u64>) -> Vec<StoreCall> {
        let name = DocName::report(&self.me);
        let doc = version.map(|version| Document::new(name, version, loads(1).encode()));
        self.after(Answer::Look(Ok(doc)))
    }

    fn written(&mut self, version: u64) {
        let doc = Document::new(DocName::report(&self.me), version, loads(1).encode());
        assert_eq!(self.after(Answer::Put(Ok(Write::Done(doc)))), []);
    }

    /// What is asked of the store after this answer.
    fn after(&mut self, answer: Answer) -> Vec<StoreCall> {
        self.reporting.on_answer(answer, &self.me, &mut self.ctx);
        asked(&mut self.ctx)
    }
}

fn look() -> Vec<StoreCall> {
    vec![StoreCall::Doc(DocName::report(&"me".parse().unwrap()))]
}

fn put(seen: Option<u64>, loads: &LoadReport) -> Vec<StoreCall> {
    let name = DocName::report(&"me".parse().unwrap());
    vec![StoreCall::PutDoc(PutDoc::new(name, seen, loads.encode()))]
}

#[test]
fn the_first_report_is_written_over_what_a_former_life_left() {
    for left in [None, Some(9)] {
        let mut scene = Scene::weighted();
        assert!(!scene.tick(29_999, true));
        assert!(scene.tick(30_000, true));
        assert_eq!(scene.measured(loads(70_000)), look());
        assert_eq!(scene.found(left), put(left, &loads(70_000)));
    }
}

#[test]
fn a_report_is_written_again_when_it_says_something_else_or_is_old() {
    let mut scene = Scene::told();
    assert!(scene.tick(60_000, true));
    assert_eq!(scene.measured(loads(71_000)), [], "much the same");
    assert!(scene.tick(90_000, true));
    assert_eq!(scene.measured(loads(0)), put(Some(1), &loads(0)));
    scene.written(2);
    assert!(scene.tick(380_000, true));
    assert_eq!(scene.measured(loads(0)), []);
    assert!(scene.tick(410_000, true));
    assert_eq!(scene.measured(loads(0)), put(Some(2), &loads(0)), "five minutes old");
}

#[test]
fn a_report_whose_fate_is_unknown_is_looked_for_and_a_refused_one_is_put_over_what_is_there() {
    let mut scene = Scene::weighted();
    scene.tick(30_000, true);
    scene.measured(loads(70_000));
    scene.found(None);
    assert_eq!(scene.after(Answer::Put(Err(StoreErrorKind::Unknown))), []);
    assert!(scene.tick(60_000, true));
    assert_eq!(scene.measured(loads(70_000)), look());
    scene.found(Some(1));
    let there = Document::new(DocName::report(&scene.me), 5, loads(1).encode());
    assert_eq!(scene.after(Answer::Put(Ok(Write::Refused(Some(there))))), []);
    assert!(scene.tick(90_000, true));
    assert_eq!(scene.measured(loads(70_000)), put(Some(5), &loads(70_000)));
}

#[test]
fn what_cannot_be_looked_for_is_measured_anew() {
    let mut scene = Scene::weighted();
    scene.tick(30_000, true);
    scene.measured(loads(70_000));
    assert_eq!(scene.after(Answer::Look(Err(StoreErrorKind::Unavailable))), []);
    assert!(scene.tick(60_000, true));
    assert_eq!(scene.measured(loads(70_000)), look());
}

#[test]
fn nothing_is_told_where_leases_are_shared_out_by_count_or_before_the_session_lives() {
    let mut even = Scene::new(Balance::Even);
    assert!(!even.tick(90_000, true));
    assert_eq!(even.reporting.next_wake(), Time::NEVER);
    let mut joining = Scene::weighted();
    joining.tick(10_000, false);
    assert_eq!(joining.reporting.next_wake(), Time::NEVER);
    assert!(!joining.tick(90_000, true));
    assert!(joining.tick(120_000, true));
}

#[test]
fn loads_are_looked_at_every_thirty_seconds_and_not_while_a_report_is_under_way() {
    let mut scene = Scene::weighted();
    assert_eq!(scene.reporting.next_wake(), at(30_000));
    assert!(scene.tick(30_000, true));
    assert!(!scene.tick(60_000, true), "they are being measured");
    assert_eq!(scene.reporting.next_wake(), Time::NEVER);
    assert_eq!(scene.measured(loads(70_000)), look());
    assert_eq!(scene.found(None), put(None, &loads(70_000)));
    scene.written(1);
    assert_eq!(scene.reporting.next_wake(), at(60_000));
    assert!(scene.tick(61_000, true));
    assert_eq!(scene.measured(loads(70_000)), [], "as told");
    assert_eq!(scene.reporting.next_wake(), at(91_000));
}

#[test]
fn loads_that_nobody_asked_for_are_not_told() {
    let mut scene = Scene::weighted();
    assert_eq!(scene.measured(loads(70_000)), [], "a former life asked for them");
    assert!(scene.tick(30_000, true));
    assert_eq!(scene.measured(loads(70_000)), look());
    assert_eq!(scene.measured(loads(0)), [], "once");
    assert_eq!(scene.found(None), put(None, &loads(70_000)));
}

#[test]
fn a_report_whose_fate_is_unknown_is_looked_for_although_the_loads_are_again_as_told_before() {
    let mut scene = Scene::told();
    assert!(scene.tick(60_000, true));
    assert_eq!(scene.measured(loads(0)), put(Some(1), &loads(0)));
    assert_eq!(scene.after(Answer::Put(Err(StoreErrorKind::Unknown))), []);
    assert!(scene.tick(90_000, true));
    assert_eq!(scene.measured(loads(70_000)), look());
}
