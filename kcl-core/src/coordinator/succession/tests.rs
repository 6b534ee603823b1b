use super::*;
use crate::{
    coordinator::{
        op::StoreCall,
        signal::Signal as Any,
        tests::{asked, assignment, at, context, id, said, session},
    },
    lease::{EndReason, PlanVersion, SessionState},
    settings::Coordination,
    store::StoreErrorKind,
};

mod partner;
mod places;

struct Scene {
    succession: Succession,
    watch: Watch,
    ctx: Context,
}

impl Scene {
    /// A worker that has just joined, with a valid session.
    fn joined() -> Self {
        let mut succession = Succession::new(id("me"));
        let ctx = context(Coordination::default());
        succession.look_now(&ctx);
        Self { succession, watch: Watch::new(id("me"), at(0)), ctx }
    }

    fn tick(&mut self, millis: u64) -> Vec<StoreCall> {
        self.ctx.now = at(millis);
        self.succession.on_tick(&mut self.watch, &mut self.ctx);
        asked(&mut self.ctx)
    }

    /// The next calls.
    fn after(&mut self, answer: Reply) -> Vec<StoreCall> {
        self.succession.on_answer(answer, &mut self.watch, &mut self.ctx);
        asked(&mut self.ctx)
    }

    /// The document of its own names `planner` and these standbys, and its place.
    fn told(&mut self, first: &str, second: &str, rank: u32) {
        let (standby, second) = (Some(id(first)), Some(id(second)));
        let plain = assignment("planner", "me", PlanVersion::NONE);
        let assignment = Assignment { standby, second, rank, ..plain };
        self.succession.on_assignment(&assignment, &mut self.watch, &mut self.ctx);
    }

    /// A read of a session that was sent now shows this row; the calls then.
    fn seen(&mut self, row: Session) -> Vec<StoreCall> {
        use crate::coordinator::watch::{request::Reply, signal::Signal};
        let look = Reply::Look(row.id.clone(), self.ctx.now, Ok(Some(row)));
        self.watch.on_answer(look, &mut self.ctx);
        for signal in said(&mut self.ctx) {
            match signal {
                Any::Watch(Signal::Seen(row)) => {
                    self.succession.on_seen(&row, &mut self.watch, &mut self.ctx);
                }
                Any::Watch(Signal::Ended(id, _)) => {
                    self.succession.on_ended(&id, &mut self.ctx);
                }
                other => panic!("{other:?}"),
            }
        }
        asked(&mut self.ctx)
    }

    /// The planner's lease is read without an owner, and granted under this epoch.
    fn elect(&mut self, epoch: u64) {
        assert_eq!(self.after(Reply::PlannersRow(Ok(Some(free())))), [take(&free(), epoch)]);
        let granted = Reply::Take(Epoch(epoch), Ok(Write::Done(held("me", epoch))));
        assert_eq!(self.after(granted), []);
        assert_eq!(self.said(), [Signal::Elected(Epoch(epoch))]);
    }

    fn said(&mut self) -> Vec<Signal> {
        let own = said(&mut self.ctx).into_iter().map(|signal| match signal {
            Any::Succession(signal) => signal,
            other => panic!("{other:?}"),
        });
        own.collect()
    }

    /// A session whose acquire under epoch 1 is under way.
    fn taking() -> Self {
        let mut scene = Self::joined();
        assert_eq!(scene.tick(0), [look()]);
        assert_eq!(scene.after(Reply::PlannersRow(Ok(Some(free())))), [take(&free(), 1)]);
        scene
    }

    fn planner() -> Self {
        let mut scene = Self::joined();
        assert_eq!(scene.tick(0), [look()]);
        scene.elect(1);
        scene
    }
}

fn look() -> StoreCall {
    StoreCall::Lease(LeaseKey::planner())
}

/// A read of one session's row.
fn look_at(worker: &str) -> StoreCall {
    StoreCall::Session(id(worker), Consistency::Eventual)
}

/// The planner's session is read, so that it is known at once if it has ended.
fn owner(worker: &str) -> StoreCall {
    StoreCall::Session(id(worker), Consistency::Strong)
}

fn beaten(worker: &str, beat: u64) -> Session {
    Session { beat, ..session(worker) }
}

fn standbys(first: Option<&str>, second: Option<&str>) -> Standbys {
    Standbys { first: first.map(id), second: second.map(id) }
}

fn take(row: &Lease, epoch: u64) -> StoreCall {
    StoreCall::Acquire(Acquire::new(row, id("me"), Epoch(epoch)))
}

fn free() -> Lease {
    Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon)
}

fn held(worker: &str, epoch: u64) -> Lease {
    Lease { owner: Some(id(worker)), epoch: Epoch(epoch), ..free() }
}

#[test]
fn without_a_row_one_is_put_and_then_taken() {
    let mut scene = Scene::joined();
    assert_eq!(scene.tick(0), [look()]);
    assert_eq!(scene.tick(2_000), [], "a look is under way");
    assert_eq!(scene.after(Reply::PlannersRow(Ok(None))), [StoreCall::Create(free())]);
    assert_eq!(scene.tick(4_000), [], "the row is being put");
    let there = Write::Refused(Some(free()));
    assert_eq!(scene.after(Reply::CreatePlannersRow(Ok(there))), [take(&free(), 1)]);
}

#[test]
fn a_row_that_another_has_put_and_taken_is_looked_at_again_in_time() {
    let mut scene = Scene::joined();
    assert_eq!(scene.tick(0), [look()]);
    assert_eq!(scene.after(Reply::PlannersRow(Ok(None))), [StoreCall::Create(free())]);
    let taken = Write::Refused(Some(held("other", 7)));
    assert_eq!(scene.after(Reply::CreatePlannersRow(Ok(taken))), [owner("other")]);
    assert!(scene.tick(2_000).contains(&look()));
}

/// Rule 4: the new epoch is above any that was seen.
#[test]
fn a_row_that_a_store_has_lost_is_taken_under_no_epoch_that_was_seen() {
    let mut scene = Scene::joined();
    assert_eq!(scene.tick(0), [look()]);
    let _ = scene.after(Reply::PlannersRow(Ok(Some(held("other", 50)))));
    assert_eq!(scene.after(Reply::PlannersRow(Ok(Some(free())))), [take(&free(), 51)]);
}

#[test]
fn a_look_that_failed_is_made_again_after_a_fast_poll() {
    for answer in [
        Reply::PlannersRow(Err(StoreErrorKind::Unavailable)),
        Reply::CreatePlannersRow(Err(StoreErrorKind::Unknown)),
    ] {
        let mut scene = Scene::joined();
        assert_eq!(scene.tick(0), [look()]);
        assert_eq!(scene.after(answer), []);
        assert_eq!(scene.tick(199), []);
        assert_eq!(scene.tick(200), [look()]);
    }
}

#[test]
fn a_free_lease_is_taken_under_the_next_epoch_and_who_got_it_plans() {
    let mut scene = Scene::planner();
    let audit = Coordination::default().audit_interval.as_millis();
    assert_eq!(scene.tick(u64::try_from(audit).unwrap() - 1), []);
    assert_eq!(scene.tick(u64::try_from(audit).unwrap()), [look()], "whether it still is mine");
}

#[test]
fn an_acquire_that_was_refused_means_what_the_row_says() {
    let mut scene = Scene::taking();
    let other = Write::Refused(Some(held("other", 7)));
    assert_eq!(scene.after(Reply::Take(Epoch(1), Ok(other))), [owner("other")]);
    assert_eq!(scene.said(), [Signal::Follows(id("other"))]);
    let mut scene = Scene::taking();
    let stepped = Lease { epoch: Epoch(7), ..free() };
    let again = scene.after(Reply::Take(Epoch(1), Ok(Write::Refused(Some(stepped.clone())))));
    assert_eq!(again, [take(&stepped, 8)]);
}

#[test]
fn an_acquire_without_an_answer_is_found_out_by_the_next_look() {
    let mut scene = Scene::taking();
    assert_eq!(scene.after(Reply::Take(Epoch(1), Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.said(), []);
    assert_eq!(scene.tick(200), [look()]);
    // The acquire was applied: it is made anew.
    let mine = held("me", 1);
    assert_eq!(scene.after(Reply::PlannersRow(Ok(Some(mine.clone())))), [take(&mine, 2)]);
}

#[test]
fn an_answer_to_an_earlier_acquire_means_nothing() {
    let mut scene = Scene::taking();
    assert_eq!(scene.after(Reply::Take(Epoch(9), Ok(Write::Done(held("me", 9))))), []);
    assert_eq!(scene.said(), []);
}

#[test]
fn who_is_not_valid_or_leaves_takes_nothing() {
    let mut scene = Scene::joined();
    scene.ctx.valid = false;
    assert_eq!(scene.tick(0), [look()]);
    assert_eq!(scene.after(Reply::PlannersRow(Ok(Some(free())))), []);
    let mut scene = Scene::joined();
    scene.succession.start_leaving();
    assert_eq!(scene.tick(0), [look()]);
    assert_eq!(scene.after(Reply::PlannersRow(Ok(Some(free())))), []);
    let mut scene = Scene::taking();
    scene.ctx.valid = false;
    assert_eq!(scene.after(Reply::Take(Epoch(1), Ok(Write::Done(held("me", 1))))), []);
    assert_eq!(scene.said(), [], "the others may have ended this session");
}

#[test]
fn a_planner_that_has_ended_is_replaced() {
    let mut scene = Scene::joined();
    assert_eq!(scene.tick(0), [look()]);
    let other = held("other", 7);
    assert_eq!(scene.after(Reply::PlannersRow(Ok(Some(other.clone())))), [owner("other")]);
    assert_eq!(scene.said(), [Signal::Follows(id("other"))]);
    let ended = Session { state: SessionState::Ended(EndReason::Fenced), ..session("other") };
    assert_eq!(scene.after(Reply::Owner(id("other"), Ok(Some(session("other"))))), []);
    assert_eq!(scene.after(Reply::Owner(id("other"), Ok(Some(ended)))), []);
    assert_eq!(scene.tick(0), [look()]);
    assert_eq!(scene.after(Reply::PlannersRow(Ok(Some(other.clone())))), [take(&other, 8)]);
}

#[test]
fn who_is_nearer_looks_sooner_when_the_planner_has_ended() {
    for (rank, pause) in [(1, 0), (2, 200), (3, 400)] {
        let mut scene = Scene::joined();
        assert_eq!(scene.tick(0), [look()]);
        let _ = scene.after(Reply::PlannersRow(Ok(Some(held("other", 7)))));
        scene.succession.rank = Some(rank);
        scene.ctx.now = at(1_000);
        scene.succession.on_ended(&id("other"), &mut scene.ctx);
        let looks = |scene: &mut Scene, at| scene.tick(at).contains(&look());
        assert!(pause == 0 || !looks(&mut scene, 1_000 + pause - 1), "rank {rank}");
        assert!(looks(&mut scene, 1_000 + pause), "rank {rank}");
    }
}

#[test]
fn a_planner_whose_row_is_anothers_or_of_another_epoch_plans_no_more() {
    for row in [held("other", 2), held("me", 2), free()] {
        let mut scene = Scene::planner();
        assert_eq!(scene.tick(60_000), [look()]);
        assert_eq!(scene.after(Reply::PlannersRow(Ok(Some(row.clone())))), [], "{row:?}");
        assert_eq!(scene.said(), [Signal::Deposed]);
        assert_eq!(scene.tick(60_000), [look()], "who plans now is found out at once");
    }
    let mut scene = Scene::planner();
    assert_eq!(scene.tick(60_000), [look()]);
    assert_eq!(scene.after(Reply::PlannersRow(Ok(Some(held("me", 1))))), []);
    assert_eq!(scene.said(), [], "it is mine");
}

#[test]
fn who_is_outranked_plans_no_more_and_follows_whoever_does() {
    let mut scene = Scene::joined();
    assert_eq!(scene.tick(0), [look()]);
    scene.told("me", "second", 1);
    scene.elect(1);
    scene.succession.name_standbys(&standbys(Some("next"), None), at(0));
    scene.succession.depose(&mut scene.ctx);
    assert_eq!(scene.said(), [Signal::Deposed]);
    scene.succession.depose(&mut scene.ctx);
    assert_eq!(scene.said(), [], "it is no planner");
    assert_eq!(scene.succession.planner(), None);
    assert_eq!(scene.succession.standbys(), &standbys(None, None), "they were its own");
    assert_eq!(scene.tick(0), [look()], "and it looks at them no more");
    let other = held("other", 7);
    assert_eq!(scene.after(Reply::PlannersRow(Ok(Some(other)))), [owner("other")]);
}

#[test]
fn a_planner_gives_its_lease_to_the_standby_until_that_is_answered() {
    let mut scene = Scene::planner();
    scene.succession.name_standbys(&standbys(Some("next"), None), at(0));
    let release = Release::new(LeaseKey::planner(), id("me"), Epoch(1)).to(Some(id("next")));
    let release = || [StoreCall::Release(release.clone())];
    scene.succession.step_down(&mut scene.ctx);
    assert_eq!(asked(&mut scene.ctx), release());
    assert_eq!(scene.after(Reply::StepDown(Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.said(), []);
    let again = scene.tick(200);
    assert!(again.contains(&release()[0]), "{again:?}");
    let _ = scene.after(Reply::StepDown(Ok(Write::Refused(Some(free())))));
    assert_eq!(scene.said(), [Signal::SteppedDown], "it had landed");
}

#[test]
fn while_the_release_is_not_answered_it_is_not_sent_again() {
    let mut scene = Scene::planner();
    scene.succession.step_down(&mut scene.ctx);
    let release = Release::new(LeaseKey::planner(), id("me"), Epoch(1)).to(None);
    assert_eq!(asked(&mut scene.ctx), [StoreCall::Release(release)]);
    assert_eq!(scene.succession.next_wake(), Time::NEVER);
    assert_eq!(scene.tick(60_000), []);
}
