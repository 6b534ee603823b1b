use super::*;
use crate::{
    assignment::Weighting,
    coordinator::{
        command::Notice,
        op::StoreCall,
        tests::{asked, at, context, done, id},
    },
    env::WallTime,
    lease::{
        Document, Load, PlanVersion, Stamp, StoreTime, Write,
        report::{PlannerReport, Watch},
    },
    settings::Coordination,
    store::StoreErrorKind,
};

/// The store's clock at the beginning.
const STORE: u64 = 1_700_000_000_000;

struct Scene {
    reporting: Reporting,
    ctx: Context,
    me: SessionId,
}

fn loads(bytes: u64) -> WorkerReport {
    let load = Load { bytes_per_second: Some(bytes), ..Load::UNKNOWN };
    WorkerReport::of_loads([("orders/7/shard-0".parse().unwrap(), load)])
}

impl Scene {
    /// A session that has been live since 0.
    fn new(balance: Balance) -> Self {
        let mut ctx = context(Coordination { balance, ..Coordination::default() });
        let stamp = Stamp::new(StoreTime(STORE), crate::lease::Generation::default());
        ctx.epochs.stamped(&stamp, at(0));
        let mut scene = Self { reporting: Reporting::default(), ctx, me: id("me") };
        scene.tick(0);
        scene
    }

    fn even() -> Self {
        Self::new(Balance::Even)
    }

    fn weighted() -> Self {
        Self::new(Balance::Weighted(Weighting::default()))
    }

    /// A session whose first report was written at 10 s: 70,000 bytes a second.
    fn told(mut self) -> Self {
        assert!(self.tick(10_000));
        assert_eq!(self.measured(loads(70_000)), look());
        assert_eq!(self.found(None), self.put(None, loads(70_000)));
        self.written(1);
        self
    }

    /// Whether the worker is asked to measure.
    fn tick(&mut self, millis: u64) -> bool {
        self.ctx.now = at(millis);
        self.reporting.on_tick(true, &mut self.ctx);
        done(&mut self.ctx).other.iter().any(|command| matches!(command, Command::Measure))
    }

    /// The calls when this is measured.
    fn measured(&mut self, report: WorkerReport) -> Vec<StoreCall> {
        let late = Duration::from_millis(3);
        let me = self.me.clone();
        let mine = Mine { session: &me, beat: 7, late };
        self.reporting.on_measured(Box::new(report), mine, &mut self.ctx);
        asked(&mut self.ctx)
    }

    /// The report that is put when this is measured.
    fn put(&self, seen: Option<u64>, mut report: WorkerReport) -> Vec<StoreCall> {
        let now = self.ctx.now.as_micros() / 1_000;
        report.incarnation = Some(self.me.incarnation);
        (report.beat, report.late) = (7, Some(Duration::from_millis(3)));
        report.store_clock = Some(StoreTime(STORE + now));
        vec![StoreCall::PutDoc(PutDoc::new(name(), seen, report.encode()))]
    }

    fn found(&mut self, version: Option<u64>) -> Vec<StoreCall> {
        let doc = version.map(|version| Document::new(name(), version, loads(1).encode()));
        self.after(Reply::Look(Ok(doc)))
    }

    fn written(&mut self, version: u64) {
        let doc = Document::new(name(), version, loads(1).encode());
        assert_eq!(self.after(Reply::Put(Ok(Write::Done(doc)))), []);
    }

    /// The calls after this answer.
    fn after(&mut self, answer: Reply) -> Vec<StoreCall> {
        let me = self.me.clone();
        self.reporting.on_answer(answer, &me, &mut self.ctx);
        asked(&mut self.ctx)
    }

    /// The document `watch` is read, in this version.
    fn watched(&mut self, version: u64, written: u64) {
        let watch = Watch::new("a test", WallTime::from_millis(STORE + written));
        let doc = Document::new(DocName::watch(), version, watch.encode());
        assert_eq!(self.after(Reply::Watch(Ok(Some(doc)))), []);
    }

    fn beat(&mut self, millis: u64) -> bool {
        self.reporting.on_beat(at(millis));
        self.tick(millis)
    }
}

fn name() -> DocName {
    DocName::report(&id("me").worker)
}

fn look() -> Vec<StoreCall> {
    vec![StoreCall::Doc(name())]
}

#[test]
fn the_first_report_is_written_over_what_a_former_life_left() {
    for left in [None, Some(9)] {
        let mut scene = Scene::even();
        assert!(!scene.tick(9_999));
        assert!(scene.tick(10_000));
        assert_eq!(scene.measured(loads(70_000)), look());
        assert_eq!(scene.found(left), scene.put(left, loads(70_000)));
    }
}

#[test]
fn a_report_is_written_every_minute_whatever_it_says() {
    let mut scene = Scene::even().told();
    assert_eq!(scene.reporting.next_wake(), at(70_000));
    assert!(!scene.tick(69_999));
    assert!(scene.tick(70_000));
    assert_eq!(scene.measured(loads(70_000)), scene.put(Some(1), loads(70_000)));
    scene.written(2);
    assert!(scene.tick(130_000));
}

#[test]
fn where_leases_are_shared_out_by_load_other_loads_are_told_within_half_a_minute() {
    let mut scene = Scene::weighted().told();
    assert!(scene.tick(40_000));
    assert_eq!(scene.measured(loads(71_000)), [], "much the same");
    assert!(scene.tick(70_000));
    assert_eq!(scene.measured(loads(70_000)), scene.put(Some(1), loads(70_000)), "a minute");
    scene.written(2);
    assert!(scene.tick(100_000));
    assert_eq!(scene.measured(loads(0)), scene.put(Some(2), loads(0)));
}

#[test]
fn a_kind_of_fact_that_changes_is_told_at_once_and_not_twice_in_ten_seconds() {
    let mut scene = Scene::even().told();
    scene.ctx.now = at(30_000);
    scene.reporting.on_news(at(30_000));
    assert!(scene.tick(30_000));
    assert_eq!(scene.measured(loads(70_000)), scene.put(Some(1), loads(70_000)));
    scene.reporting.on_news(at(30_100));
    assert!(!scene.tick(30_100), "a report is on its way");
    scene.written(2);
    for flaps in 0..90 {
        scene.reporting.on_news(at(30_200 + flaps * 100));
        assert!(!scene.tick(30_200 + flaps * 100));
    }
    assert!(scene.tick(40_000));
    assert_eq!(scene.measured(loads(70_000)), scene.put(Some(2), loads(70_000)));
    scene.written(3);
    // The next is a minute after that.
    assert_eq!(scene.reporting.next_wake(), at(100_000));
}

#[test]
fn nothing_is_told_before_the_session_lives() {
    let mut scene = Scene::even();
    scene.reporting = Reporting::default();
    scene.reporting.on_news(at(5_000));
    assert_eq!(scene.reporting.next_wake(), Time::NEVER);
    scene.ctx.now = at(90_000);
    scene.reporting.on_tick(false, &mut scene.ctx);
    assert_eq!(done(&mut scene.ctx).other.len(), 0);
    assert_eq!(scene.reporting.next_wake(), Time::NEVER);
    assert!(!scene.tick(90_000));
    assert!(scene.tick(100_000));
}

#[test]
fn each_beat_is_followed_by_a_report_while_somebody_watches() {
    let mut scene = Scene::even().told();
    assert!(!scene.beat(12_000), "nobody watches");
    scene.reporting.on_woken(&mut scene.ctx);
    assert_eq!(asked(&mut scene.ctx), [StoreCall::Doc(DocName::watch())]);
    scene.reporting.on_woken(&mut scene.ctx);
    assert_eq!(asked(&mut scene.ctx), [], "it is being looked for");
    scene.watched(4, 12_000);
    assert!(scene.tick(12_000), "at once");
    assert_eq!(scene.measured(loads(70_000)), scene.put(Some(1), loads(70_000)));
    assert!(!scene.beat(13_500), "a report is on its way");
    scene.written(2);
    assert!(scene.beat(15_000));
    assert_eq!(scene.measured(loads(70_000)), scene.put(Some(2), loads(70_000)));
    scene.written(3);
    // Ten seconds after it was read it is read again: another version goes on.
    scene.ctx.now = at(22_000);
    scene.reporting.on_tick(true, &mut scene.ctx);
    assert_eq!(asked(&mut scene.ctx), [StoreCall::Doc(DocName::watch())]);
    scene.watched(5, 22_000);
    assert!(scene.beat(51_999));
    assert_eq!(scene.measured(loads(70_000)).len(), 1);
    scene.written(4);
    // The same version does not.
    scene.watched(5, 22_000);
    assert!(!scene.beat(52_001));
}

#[test]
fn a_watch_of_long_ago_or_none_or_what_makes_no_sense_is_no_watch() {
    let mut scene = Scene::even().told();
    scene.ctx.now = at(700_000);
    scene.watched(4, 0);
    assert!(!scene.reporting.watched.is_watched(at(700_000)));
    let odd = Document::new(DocName::watch(), 5, "odd".into());
    for found in [Ok(None), Ok(Some(odd)), Err(StoreErrorKind::Unavailable)] {
        assert_eq!(scene.after(Reply::Watch(found)), []);
        assert!(!scene.reporting.watched.is_watched(at(700_000)));
    }
    scene.watched(6, 0);
    assert!(scene.reporting.watched.is_watched(at(700_000)), "it is being written");
}

#[test]
fn a_report_that_cannot_be_written_is_written_at_the_next_time() {
    let mut scene = Scene::even().told();
    assert!(scene.tick(70_000));
    assert_eq!(scene.measured(loads(70_000)).len(), 1);
    // The stored report is another session's: a late write of an earlier life.
    let there = Document::new(name(), 5, loads(1).encode());
    assert_eq!(scene.after(Reply::Put(Ok(Write::Refused(Some(there))))), []);
    assert!(!scene.tick(129_999));
    assert!(scene.tick(130_000));
    assert_eq!(scene.measured(loads(70_000)), scene.put(Some(5), loads(70_000)));
    // The outcome is unknown, so the document is read.
    assert_eq!(scene.after(Reply::Put(Err(StoreErrorKind::Denied))), []);
    assert!(scene.tick(190_000));
    assert_eq!(scene.measured(loads(70_000)), look());
    assert_eq!(scene.after(Reply::Look(Err(StoreErrorKind::Unavailable))), []);
    assert!(scene.tick(250_000));
}

#[test]
fn what_nobody_asked_for_is_not_told() {
    let mut scene = Scene::even();
    assert_eq!(scene.measured(loads(70_000)), [], "a former life asked for it");
    assert!(scene.tick(10_000));
    assert_eq!(scene.measured(loads(70_000)), look());
    assert_eq!(scene.measured(loads(0)), [], "once");
    assert_eq!(scene.found(None), scene.put(None, loads(70_000)));
}

/// The number of workers that the session passes on after it has read the planner's report.
fn wanted(scene: &mut Scene, found: Result<Option<Document>, StoreErrorKind>) -> Option<Notice> {
    let me = scene.me.clone();
    scene.reporting.on_answer(Reply::Planner(found), &me, &mut scene.ctx);
    let commands = scene.ctx.take_commands();
    commands.into_iter().find_map(|command| match command {
        Command::Notify(notice) => Some(notice),
        _ => None,
    })
}

#[test]
fn what_the_planner_tells_is_passed_on_while_it_goes_on_telling() {
    let mut scene = Scene::even();
    let mut report = PlannerReport::new(id("a"), PlanVersion::NONE);
    (report.desired_workers, report.store_clock) = (Some(4), Some(StoreTime(STORE)));
    let mut doc = Document::new(DocName::planner_report(), 1, report.encode());
    let told = |workers| Some(Notice::Wanted { workers });
    assert_eq!(wanted(&mut scene, Ok(Some(doc.clone()))), told(Some(4)));
    scene.ctx.now = at(150_000);
    assert_eq!(wanted(&mut scene, Ok(Some(doc.clone()))), told(Some(4)));
    scene.ctx.now = at(150_001);
    assert_eq!(wanted(&mut scene, Ok(Some(doc.clone()))), told(None), "it is old");
    doc.version = 2;
    assert_eq!(wanted(&mut scene, Ok(Some(doc))), told(None), "and written again, late");
    assert_eq!(wanted(&mut scene, Ok(None)), told(None));
    assert_eq!(wanted(&mut scene, Err(StoreErrorKind::Unavailable)), None, "what was told holds");
}

#[test]
fn the_planners_report_is_asked_for_once_a_minute() {
    let mut scene = Scene::even();
    let planners = |scene: &mut Scene, millis| {
        scene.ctx.now = at(millis);
        scene.reporting.on_tick(true, &mut scene.ctx);
        let asked = asked(&mut scene.ctx);
        asked.iter().filter(|it| **it == StoreCall::Doc(DocName::planner_report())).count()
    };
    assert_eq!(planners(&mut scene, 10_000), 1);
    let _ = scene.measured(loads(1));
    let _ = scene.found(None);
    scene.written(1);
    scene.reporting.on_news(at(25_000));
    assert_eq!(planners(&mut scene, 25_000), 0);
}

#[test]
fn who_lives_anew_tells_ten_seconds_later_and_nothing_before() {
    let mut scene = Scene::even().told();
    scene.ctx.now = at(20_000);
    scene.reporting.on_tick(false, &mut scene.ctx);
    scene.reporting.on_news(at(20_000));
    assert_eq!(scene.reporting.next_wake(), Time::NEVER);
    assert!(!scene.tick(25_000));
    assert_eq!(scene.reporting.next_wake(), at(35_000));
}

#[test]
fn whether_somebody_watches_is_looked_at_once_when_that_is_due() {
    let mut scene = Scene::even();
    let woken = |scene: &mut Scene| {
        scene.reporting.on_woken(&mut scene.ctx);
        asked(&mut scene.ctx)
    };
    assert_eq!(woken(&mut scene), [StoreCall::Doc(DocName::watch())]);
    scene.watched(1, 0);
    assert_eq!(scene.reporting.watched.next_wake(), at(10_000));
    scene.ctx.now = at(10_000);
    assert_eq!(woken(&mut scene), [StoreCall::Doc(DocName::watch())]);
    assert_eq!(scene.reporting.watched.next_wake(), Time::NEVER, "until it is answered");
}
