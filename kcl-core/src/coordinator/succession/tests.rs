use super::*;
use crate::{
    coordinator::{
        op::StoreCall,
        signal::Signal as Any,
        tests::{asked, at, context, id, said, session},
    },
    lease::{EndReason, SessionState},
    settings::Coordination,
    store::StoreErrorKind,
};

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

    /// What is asked for next.
    fn after(&mut self, answer: Answer) -> Vec<StoreCall> {
        self.succession.on_answer(answer, &mut self.watch, &mut self.ctx);
        asked(&mut self.ctx)
    }

    fn said(&mut self) -> Vec<Signal> {
        let own = said(&mut self.ctx).into_iter().map(|signal| match signal {
            Any::Succession(signal) => signal,
            other => panic!("{other:?}"),
        });
        own.collect()
    }

    /// One whose acquire under epoch 1 is under way.
    fn taking() -> Self {
        let mut scene = Self::joined();
        assert_eq!(scene.tick(0), [look()]);
        assert_eq!(scene.after(Answer::PlannersRow(Ok(Some(free())))), [take(&free(), 1)]);
        scene
    }

    fn planner() -> Self {
        let mut scene = Self::taking();
        assert_eq!(scene.after(Answer::Take(Epoch(1), Ok(Write::Done(held("me", 1))))), []);
        assert_eq!(scene.said(), [Signal::Elected(Epoch(1))]);
        scene
    }
}

fn look() -> StoreCall {
    StoreCall::Lease(LeaseKey::planner())
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
    assert_eq!(scene.tick(50), [], "a look is under way");
    assert_eq!(scene.after(Answer::PlannersRow(Ok(None))), [StoreCall::Create(free())]);
    let there = Write::Refused(Some(free()));
    assert_eq!(scene.after(Answer::CreatePlannersRow(Ok(there))), [take(&free(), 1)]);
}

#[test]
fn a_look_that_failed_is_made_again_after_a_fast_poll() {
    for answer in [
        Answer::PlannersRow(Err(StoreErrorKind::Unavailable)),
        Answer::CreatePlannersRow(Err(StoreErrorKind::Unknown)),
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
    let owner = StoreCall::Session(id("other"), Consistency::Strong);
    assert_eq!(scene.after(Answer::Take(Epoch(1), Ok(other))), [owner]);
    assert_eq!(scene.said(), [Signal::Follows(id("other"))]);
    let mut scene = Scene::taking();
    let stepped = Lease { epoch: Epoch(7), ..free() };
    let again = scene.after(Answer::Take(Epoch(1), Ok(Write::Refused(Some(stepped.clone())))));
    assert_eq!(again, [take(&stepped, 8)]);
}

#[test]
fn an_acquire_without_an_answer_is_found_out_by_the_next_look() {
    let mut scene = Scene::taking();
    assert_eq!(scene.after(Answer::Take(Epoch(1), Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.said(), []);
    assert_eq!(scene.tick(200), [look()]);
    // It had landed: it is acquired anew.
    let mine = held("me", 1);
    assert_eq!(scene.after(Answer::PlannersRow(Ok(Some(mine.clone())))), [take(&mine, 2)]);
}

#[test]
fn an_answer_to_an_earlier_acquire_means_nothing() {
    let mut scene = Scene::taking();
    assert_eq!(scene.after(Answer::Take(Epoch(9), Ok(Write::Done(held("me", 9))))), []);
    assert_eq!(scene.said(), []);
}

#[test]
fn who_is_not_valid_or_leaves_takes_nothing() {
    let mut scene = Scene::joined();
    scene.ctx.valid = false;
    assert_eq!(scene.tick(0), [look()]);
    assert_eq!(scene.after(Answer::PlannersRow(Ok(Some(free())))), []);
    let mut scene = Scene::joined();
    scene.succession.start_leaving();
    assert_eq!(scene.tick(0), [look()]);
    assert_eq!(scene.after(Answer::PlannersRow(Ok(Some(free())))), []);
    let mut scene = Scene::taking();
    scene.ctx.valid = false;
    assert_eq!(scene.after(Answer::Take(Epoch(1), Ok(Write::Done(held("me", 1))))), []);
    assert_eq!(scene.said(), [], "the others may have ended this session");
}

#[test]
fn a_planner_that_has_ended_is_replaced() {
    let mut scene = Scene::joined();
    assert_eq!(scene.tick(0), [look()]);
    let other = held("other", 7);
    let owner = StoreCall::Session(id("other"), Consistency::Strong);
    assert_eq!(scene.after(Answer::PlannersRow(Ok(Some(other.clone())))), [owner]);
    assert_eq!(scene.said(), [Signal::Follows(id("other"))]);
    let ended = Session { state: SessionState::Ended(EndReason::Fenced), ..session("other") };
    assert_eq!(scene.after(Answer::Owner(id("other"), Ok(Some(session("other"))))), []);
    assert_eq!(scene.after(Answer::Owner(id("other"), Ok(Some(ended)))), []);
    assert_eq!(scene.tick(0), [look()]);
    assert_eq!(scene.after(Answer::PlannersRow(Ok(Some(other.clone())))), [take(&other, 8)]);
}

#[test]
fn who_is_nearer_looks_sooner_when_the_planner_has_ended() {
    for (rank, pause) in [(1, 0), (2, 200), (3, 400)] {
        let mut scene = Scene::joined();
        assert_eq!(scene.tick(0), [look()]);
        let _ = scene.after(Answer::PlannersRow(Ok(Some(held("other", 7)))));
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
        assert_eq!(scene.after(Answer::PlannersRow(Ok(Some(row.clone())))), [], "{row:?}");
        assert_eq!(scene.said(), [Signal::Deposed]);
        assert_eq!(scene.tick(60_000), [look()], "who plans now is found out at once");
    }
    let mut scene = Scene::planner();
    assert_eq!(scene.tick(60_000), [look()]);
    assert_eq!(scene.after(Answer::PlannersRow(Ok(Some(held("me", 1))))), []);
    assert_eq!(scene.said(), [], "it is mine");
}

#[test]
fn who_is_outranked_plans_no_more() {
    let mut scene = Scene::planner();
    scene.succession.depose(&mut scene.ctx);
    assert_eq!(scene.said(), [Signal::Deposed]);
    scene.succession.depose(&mut scene.ctx);
    assert_eq!(scene.said(), [], "it is no planner");
}

#[test]
fn a_planner_gives_its_lease_to_the_standby_until_that_is_answered() {
    let mut scene = Scene::planner();
    let standbys = Standbys { first: Some(id("next")), second: None };
    scene.succession.name_standbys(&standbys, at(0));
    let release = Release::new(LeaseKey::planner(), id("me"), Epoch(1)).to(Some(id("next")));
    let release = || [StoreCall::Release(release.clone())];
    scene.succession.step_down(&mut scene.ctx);
    assert_eq!(asked(&mut scene.ctx), release());
    assert_eq!(scene.after(Answer::StepDown(Err(StoreErrorKind::Unknown))), []);
    assert_eq!(scene.said(), []);
    let again = scene.tick(200);
    assert!(again.contains(&release()[0]), "{again:?}");
    let _ = scene.after(Answer::StepDown(Ok(Write::Refused(Some(free())))));
    assert_eq!(scene.said(), [Signal::SteppedDown], "it had landed");
}
