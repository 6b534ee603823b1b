use super::{
    super::{made::Given, tests as scene},
    *,
};
use crate::{
    assignment::{
        Limits,
        placement::{Frozen, Placement},
    },
    coordinator::{
        command::Command,
        op::StoreCall,
        tests::{asked, at, id},
    },
    env::WallTime,
    lease::{
        Epoch, Generation, Lease, LeaseKey, Load, Stamp, StoreTime,
        report::{Unassigned, WorkerReport},
    },
    settings::Coordination,
    store::StoreErrorKind,
};

/// The store's clock at the beginning.
const STORE: u64 = 1_700_000_000_000;

const MINE: PlanVersion = PlanVersion { term: Epoch(3), version: 5 };

struct Scene {
    telling: Telling,
    catalogue: Catalogue,
    plan: Plan,
    loads: Loads,
    me: SessionId,
    ctx: Context,
}

/// The report of `a` on three shards, in which it is busy for so many thousandths of the time.
fn loads(busy: u64, ctx: &Context) -> Loads {
    let each = Load { busy_permille: Some(busy / 3), lag: Some(Duration::ZERO), ..Load::UNKNOWN };
    let report = WorkerReport::of_loads((0..3).map(|shard| (scene::key(shard), each)));
    let name = DocName::report(&id("a").worker);
    let mut loads = Loads::default();
    let found = Ok(Some(Document::new(name, 1, report.encode())));
    loads.on_answer(super::super::loads::request::Reply::Report(id("a").worker, found), ctx);
    loads
}

fn given(shard: usize) -> Given {
    let why = report::Why::Balance;
    let lease = scene::key(shard);
    Given { lease, from: Some(id("a").worker), to: id("b").worker, why }
}

impl Scene {
    fn new() -> Self {
        Self::with(Coordination::default(), &scene::held(3, "a"))
    }

    fn with(settings: Coordination, rows: &[Lease]) -> Self {
        let mut ctx = scene::context(settings);
        let stamp = Stamp::new(StoreTime(STORE), Generation::default());
        ctx.epochs.stamped(&stamp, at(0));
        let mut catalogue = scene::catalogue(rows.to_vec(), &["a", "me"], &ctx);
        catalogue.take(rows, Some(&scene::view(scene::shards(rows.len()))));
        let (telling, plan, loads) = (Telling::default(), Plan::default(), Loads::default());
        Self { telling, catalogue, plan, loads, me: id("me"), ctx }
    }

    /// Makes a plan that moves these leases and leaves these without a worker.
    fn plan(&mut self, millis: u64, given: Vec<Given>, unassigned: &[usize]) {
        self.ctx.now = at(millis);
        let key = |shard: &usize| scene::key(*shard);
        let unassigned = unassigned.iter().map(|it| (key(it), "full".to_owned())).collect();
        let made = Made { unassigned, given, workers: 2, runnable: 3 };
        self.telling.on_plan(made, &self.ctx);
    }

    /// The calls to the store at this time.
    fn go_on(&mut self, millis: u64) -> Vec<StoreCall> {
        self.ctx.now = at(millis);
        self.tell();
        asked(&mut self.ctx)
    }

    fn tell(&mut self) {
        let facts = Facts {
            me: &self.me,
            version: MINE,
            catalogue: &self.catalogue,
            plan: &self.plan,
            loads: &self.loads,
        };
        self.telling.go_on(&facts, &mut self.ctx);
    }

    fn after(&mut self, answer: Reply) -> Vec<StoreCall> {
        self.telling.on_answer(answer, MINE, &mut self.ctx);
        asked(&mut self.ctx)
    }

    /// A scene whose first report is stored, in version 1, after the plan at 0.
    fn told() -> Self {
        let mut scene = Self::new();
        scene.plan(0, Vec::new(), &[]);
        assert_eq!(scene.go_on(1_999), []);
        assert_eq!(scene.go_on(2_000), [StoreCall::Doc(DocName::planner_report())]);
        let put = scene.after(Reply::LookReport(Ok(None)));
        assert_eq!(seen_of(&put), [None]);
        scene.stored(&put, 1);
        scene
    }

    /// Stores the document that is being put.
    fn stored(&mut self, put: &[StoreCall], version: u64) {
        let answer = Reply::PutReport(Ok(Write::Done(document(put, version))));
        assert_eq!(self.after(answer), []);
    }
}

fn put_of(calls: &[StoreCall]) -> Vec<&PutDoc> {
    let mut puts = Vec::new();
    for call in calls {
        if let StoreCall::PutDoc(put) = call {
            puts.push(put);
        }
    }
    puts
}

fn seen_of(calls: &[StoreCall]) -> Vec<Option<u64>> {
    put_of(calls).into_iter().map(|put| put.seen).collect()
}

/// The document as it is stored then.
fn document(calls: &[StoreCall], version: u64) -> Document {
    let put = put_of(calls)[0];
    Document::new(put.name.clone(), version, put.body.clone())
}

fn report_in(calls: &[StoreCall]) -> PlannerReport {
    PlannerReport::decode(&put_of(calls)[0].body).unwrap()
}

#[test]
fn a_plan_is_told_two_seconds_later_and_then_every_minute() {
    let mut scene = Scene::told();
    assert_eq!(scene.telling.next_wake(), at(62_000));
    let put = scene.go_on(62_000);
    assert_eq!(seen_of(&put), [Some(1)]);
    let told = report_in(&put);
    assert_eq!((told.planner.clone(), told.plan), (id("me"), MINE));
    assert_eq!((told.workers, told.runnable, told.balance.as_str()), (2, 3, "even"));
    assert_eq!(told.store_clock, Some(StoreTime(STORE + 62_000)));
    assert_eq!(told.desired_workers, None, "nobody has told a load");
    scene.stored(&put, 2);
    assert_eq!(scene.telling.next_wake(), at(122_000));
}

#[test]
fn a_plan_that_says_the_same_is_not_told_and_other_reasons_are_not_twice_in_five_seconds() {
    let mut scene = Scene::told();
    scene.plan(20_000, Vec::new(), &[]);
    assert_eq!(scene.go_on(22_000), []);
    scene.plan(23_000, Vec::new(), &[1]);
    assert_eq!((scene.go_on(26_999), scene.telling.next_wake()), (vec![], at(27_000)));
    let put = scene.go_on(27_000);
    assert_eq!(seen_of(&put), [Some(1)]);
    let told = report_in(&put).unassigned;
    assert_eq!((told.len(), told[0].reason.as_str()), (1, "full"));
    assert_eq!(told[0].since, Some(StoreTime(STORE + 23_000)));
}

#[test]
fn moves_go_after_those_that_were_told_before_this_term() {
    let mut scene = Scene::told();
    scene.plan(20_000, vec![given(1), given(0)], &[]);
    assert_eq!(scene.go_on(22_000), [StoreCall::Doc(DocName::moves())]);
    let mut before = Moves::default();
    let moved = |shard, at| {
        let it = given(shard);
        report::Moved::new(it.lease, it.from, it.to, it.why, StoreTime(at))
    };
    before.add([moved(2, 7)]);
    let found = Document::new(DocName::moves(), 4, before.encode());
    let put = scene.after(Reply::LookMoves(Ok(Some(found))));
    assert_eq!(seen_of(&put), [Some(4)]);
    let told = Moves::decode(&put_of(&put)[0].body).unwrap().moves;
    assert_eq!(told, [moved(2, 7), moved(1, STORE + 20_000), moved(0, STORE + 20_000)]);
    assert_eq!(scene.after(Reply::PutMoves(Ok(Write::Done(document(&put, 5))))), []);
    // A stored move is not written again, and a move that is still under way is no new one.
    scene.plan(40_000, vec![given(0)], &[]);
    assert_eq!(scene.go_on(42_000), []);
    scene.plan(50_000, vec![Given { from: Some(id("b").worker), ..given(0) }], &[]);
    assert_eq!(seen_of(&scene.go_on(52_000)), [Some(5)]);
    // The outcome is unknown, so the document is read.
    assert_eq!(scene.after(Reply::PutMoves(Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.go_on(57_000), [StoreCall::Doc(DocName::moves())]);
}

#[test]
fn who_leaves_tells_its_moves_at_once_and_those_of_a_plan_made_meanwhile() {
    let mut scene = Scene::told();
    scene.plan(20_000, vec![given(0)], &[]);
    assert_eq!(scene.go_on(20_500), []);
    scene.telling.start_leaving(at(20_500));
    assert_eq!(scene.telling.next_wake(), at(20_500));
    assert_eq!(scene.go_on(20_500), [StoreCall::Doc(DocName::moves())]);
    let put = scene.after(Reply::LookMoves(Ok(None)));
    assert_eq!(seen_of(&put), [None]);
    scene.plan(20_600, vec![given(1)], &[]);
    assert_eq!((scene.telling.next_wake(), scene.go_on(20_600)), (at(20_600), vec![]));
    assert_eq!(scene.after(Reply::PutMoves(Ok(Write::Done(document(&put, 5))))), []);
    let put = scene.go_on(20_600);
    assert_eq!(seen_of(&put), [Some(5)]);
    assert_eq!(Moves::decode(&put_of(&put)[0].body).unwrap().moves.len(), 2);
    // What cannot be written now is not tried without end.
    assert_eq!(scene.after(Reply::PutMoves(Err(StoreErrorKind::Denied))), []);
    assert_eq!(scene.telling.next_wake(), at(25_600));
}

#[test]
fn who_leaves_and_has_told_all_moves_tells_nothing_at_once() {
    let mut scene = Scene::told();
    scene.telling.start_leaving(at(20_000));
    assert_eq!(scene.telling.next_wake(), at(62_000));
}

#[test]
fn a_planner_of_a_lower_term_is_quiet() {
    let mut scene = Scene::new();
    scene.plan(0, vec![given(0)], &[]);
    assert_eq!(scene.go_on(2_000).len(), 2);
    let theirs = PlanVersion { term: Epoch(4), version: 1 };
    let theirs = PlannerReport::new(id("b"), theirs).encode();
    let found = Document::new(DocName::planner_report(), 9, theirs);
    assert_eq!(scene.after(Reply::LookReport(Ok(Some(found)))), []);
    assert_eq!((scene.go_on(600_000), scene.telling.next_wake()), (vec![], Time::NEVER));
}

#[test]
fn what_the_planner_before_knew_is_known() {
    let mut scene = Scene::new();
    scene.plan(0, Vec::new(), &[1]);
    let _ = scene.go_on(2_000);
    let mut before = PlannerReport::new(id("b"), PlanVersion { term: Epoch(2), version: 1 });
    before.borne = Some(3_500);
    let mut unread = Unassigned::new(scene::key(1), "full".to_owned());
    unread.since = Some(StoreTime(77));
    before.unassigned = vec![unread];
    let found = Document::new(DocName::planner_report(), 9, before.encode());
    let put = scene.after(Reply::LookReport(Ok(Some(found))));
    scene.stored(&put, 10);
    let put = scene.go_on(62_000);
    assert_eq!(seen_of(&put), [Some(10)]);
    let told = report_in(&put);
    assert_eq!((told.borne, told.unassigned[0].since), (Some(3_500), Some(StoreTime(77))));
}

#[test]
fn what_cannot_be_told_is_tried_again() {
    let mut scene = Scene::told();
    assert_eq!(scene.go_on(62_000).len(), 1);
    assert_eq!(scene.after(Reply::PutReport(Err(StoreErrorKind::Denied))), []);
    assert_eq!(scene.telling.next_wake(), at(67_000));
    assert_eq!(scene.go_on(67_000), [StoreCall::Doc(DocName::planner_report())]);
    assert_eq!(scene.after(Reply::LookReport(Err(StoreErrorKind::Denied))), []);
    assert_eq!(scene.telling.next_wake(), at(72_000));
}

#[test]
fn nothing_is_told_before_there_is_a_plan() {
    let mut scene = Scene::new();
    assert_eq!((scene.go_on(600_000), scene.telling.next_wake()), (vec![], Time::NEVER));
}

#[test]
fn how_old_what_nobody_reads_is_is_told_each_minute() {
    let mut scene = Scene::told();
    scene.ctx.now = at(62_000);
    scene.tell();
    let told = scene
        .ctx
        .take_commands()
        .into_iter()
        .any(|command| matches!(command, Command::Notify(Notice::Unread { oldest: None, .. })));
    assert!(told);
}

#[test]
fn while_a_report_is_on_its_way_the_next_waits() {
    let mut scene = Scene::new();
    scene.plan(0, Vec::new(), &[]);
    assert_eq!(scene.go_on(2_000), [StoreCall::Doc(DocName::planner_report())]);
    scene.plan(3_000, Vec::new(), &[1]);
    assert_eq!((scene.go_on(7_000), scene.telling.next_wake()), (vec![], at(12_000)));
}

#[test]
fn what_the_planner_knows_of_itself_and_of_the_stream_is_told() {
    let limits = Limits { per_worker: Some(2), ..Default::default() };
    let mut scene =
        Scene::with(Coordination { limits, ..Coordination::default() }, &scene::held(3, "a"));
    let mut me = scene::session("me", PlanVersion::NONE);
    me.beat = 41;
    scene.catalogue.on_seen(&me, &scene.ctx);
    let frozen = Frozen { by: "a test".to_owned(), since: WallTime::from_millis(1) };
    let mut placement = Placement::default();
    placement.frozen = Some(frozen);
    let doc = Document::new(DocName::placement(), 2, placement.encode().unwrap());
    scene.catalogue.rules_for_test(&doc, &mut scene.ctx);
    scene.plan(0, Vec::new(), &[]);
    let _ = scene.go_on(2_000);
    let told = report_in(&scene.after(Reply::LookReport(Ok(None))));
    assert_eq!((told.beat, told.frozen, told.limits), (41, true, limits));
    assert_eq!(told.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(told.retention, Some(Duration::from_hours(24)));
}

/// That half of the retention is over is reported once, until a worker reads the lease.
#[test]
fn what_nobody_reads_is_told_to_be_old_once() {
    let mut rows = scene::held(3, "a");
    let arrived = WallTime::from_millis(STORE - 13 * 3_600_000);
    rows[1].progress.arrival = Some(arrived);
    let mut scene = Scene::with(Coordination::default(), &rows);
    let mut old = |millis| -> Vec<LeaseKey> {
        scene.plan(millis, Vec::new(), &[1]);
        scene.ctx.now = at(millis + 5_000);
        scene.tell();
        let commands = scene.ctx.take_commands().into_iter();
        let old = commands.filter_map(|command| match command {
            Command::Notify(Notice::UnreadOld { key, .. }) => Some(key),
            _ => None,
        });
        old.collect()
    };
    assert_eq!((old(0), old(60_000)), (vec![scene::key(1)], vec![]));
}

#[test]
fn what_a_worker_was_seen_to_bear_is_known_when_it_bears_less() {
    let mut scene = Scene::told();
    scene.plan(60_000, Vec::new(), &[]);
    scene.loads = loads(1_800, &scene.ctx);
    scene.plan = scene::plan(&[(0, "a"), (1, "a"), (2, "a")]);
    let put = scene.go_on(62_000);
    let borne = report_in(&put).borne;
    assert!(borne > Some(1_000), "{borne:?}");
    scene.stored(&put, 2);
    scene.loads = Loads::default();
    assert_eq!(report_in(&scene.go_on(122_000)).borne, borne);
}

#[test]
fn who_is_refused_for_a_higher_term_is_quiet() {
    let mut scene = Scene::told();
    assert_eq!(scene.go_on(62_000).len(), 1);
    let theirs = PlanVersion { term: Epoch(4), version: 1 };
    let theirs = PlannerReport::new(id("b"), theirs).encode();
    let found = Document::new(DocName::planner_report(), 9, theirs);
    assert_eq!(scene.after(Reply::PutReport(Ok(Write::Refused(Some(found))))), []);
    assert_eq!(scene.telling.next_wake(), Time::NEVER);
}

#[test]
fn moves_that_cannot_be_looked_up_are_tried_again() {
    let mut scene = Scene::told();
    scene.plan(20_000, vec![given(0)], &[]);
    assert_eq!(scene.go_on(22_000), [StoreCall::Doc(DocName::moves())]);
    assert_eq!(scene.after(Reply::LookMoves(Err(StoreErrorKind::Denied))), []);
    assert_eq!(scene.telling.next_wake(), at(27_000));
}
