use super::*;
use crate::{
    coordinator::{
        op::StoreCall,
        signal::Signal as Any,
        tests::{asked, at, context, done, id, said, session},
    },
    lease::{EndReason, SessionState},
    settings::Coordination,
    store::StoreErrorKind,
};

mod heads;
mod reading;

/// A watch with its context.
struct Scene {
    watch: Watch,
    ctx: Context,
    /// The rows that the store shows.
    rows: Vec<Session>,
    /// Whether own beats, listings and single reads are answered.
    beats: bool,
    lists: bool,
    looks: bool,
}

impl Scene {
    /// A watch of all sessions, which has read them at 0.
    fn all(rows: Vec<Session>) -> Self {
        let mut watch = Watch::new(id("me"), at(0));
        watch.watch_all_from(at(0));
        let ctx = context(Coordination::default());
        let mut scene = Self { watch, ctx, rows, beats: true, lists: true, looks: true };
        assert_eq!(scene.tick(0), [StoreCall::Sessions(Consistency::Eventual)]);
        scene.listed();
        scene
    }

    /// A watch of the heads alone, which has read both at 0.
    fn of_heads() -> Self {
        let mut watch = Watch::new(id("me"), at(0));
        watch.watch_heads(vec![id("planner"), id("standby")]);
        let ctx = context(Coordination::default());
        let rows = vec![session("planner"), session("standby"), session("other")];
        let mut scene = Self { watch, ctx, rows, beats: true, lists: true, looks: true };
        scene.listed();
        scene
    }

    fn answer(&mut self, answer: Reply) {
        self.watch.on_answer(answer, &mut self.ctx);
    }

    /// All sessions were read.
    fn listed(&mut self) {
        self.answer(Reply::List(Consistency::Eventual, Ok(self.rows.clone())));
    }

    /// The calls at this time.
    fn tick(&mut self, millis: u64) -> Vec<StoreCall> {
        self.ctx.now = at(millis);
        if self.beats {
            self.watch.on_own_beat(&self.ctx);
        }
        self.watch.on_tick(&mut self.ctx);
        asked(&mut self.ctx)
    }

    fn row(&self, of: &SessionId) -> Option<Session> {
        self.rows.iter().find(|row| row.id == *of).cloned()
    }

    /// Lets time pass until then; reads are answered. The sessions that were to be ended, and when.
    fn pass_to(&mut self, millis: u64) -> Vec<(u64, EndSession)> {
        let mut ends = Vec::new();
        let from = self.ctx.now.since(Time::ZERO).as_millis();
        let from = u64::try_from(from).unwrap() / 50 + 1;
        for step in from..=millis / 50 {
            for call in self.tick(step * 50) {
                let now = self.ctx.now;
                match call {
                    StoreCall::Sessions(_) if self.lists => self.listed(),
                    StoreCall::Sessions(how) => self.answer(Reply::List(how, Err(FAILED))),
                    StoreCall::Session(of, Consistency::Eventual) => {
                        let row = self.looks.then(|| self.row(&of)).ok_or(FAILED);
                        self.answer(Reply::Look(of, now, row));
                    }
                    StoreCall::EndSession(end) => ends.push((step * 50, end)),
                    other => panic!("{other:?}"),
                }
            }
            ends.extend(asked(&mut self.ctx).into_iter().filter_map(|call| match call {
                StoreCall::EndSession(end) => Some((step * 50, end)),
                _ => None,
            }));
        }
        said(&mut self.ctx);
        ends
    }

    /// A watch with one silent session, `other`, which was to be ended at 6 s.
    fn ending() -> Self {
        let mut scene = Self::all(vec![session("other")]);
        assert_eq!(scene.pass_to(6_000), [(6_000, end("other", 1))]);
        scene
    }
}

const FAILED: StoreErrorKind = StoreErrorKind::Unavailable;

fn list() -> StoreCall {
    StoreCall::Sessions(Consistency::Eventual)
}

fn look(worker: &str) -> StoreCall {
    StoreCall::Session(id(worker), Consistency::Eventual)
}

fn end(worker: &str, beat: u64) -> EndSession {
    EndSession::new(id(worker), Ending::Fence { beat })
}

fn beaten(worker: &str, beat: u64) -> Session {
    Session { beat, ..session(worker) }
}

fn ended(worker: &str) -> Session {
    Session { state: SessionState::Ended(EndReason::Fenced), ..session(worker) }
}

#[test]
fn a_session_is_ended_a_timeout_after_its_newest_beat_came_on_condition_of_that_beat() {
    let mut scene = Scene::all(vec![session("other")]);
    assert_eq!(scene.pass_to(3_950), []);
    scene.rows = vec![beaten("other", 9)];
    // Seen at the next read, a fast poll after the last one.
    let ends = scene.pass_to(20_000);
    assert_eq!(ends.len(), 1, "it is asked for once, while there is no answer");
    assert_eq!(ends[0].1, end("other", 9));
    assert!((9_950..=10_150).contains(&ends[0].0), "{ends:?}");
}

#[test]
fn an_older_beat_than_the_newest_known_is_a_stale_read() {
    let mut scene = Scene::all(vec![beaten("other", 9)]);
    scene.rows = vec![beaten("other", 8)];
    assert_eq!(scene.pass_to(6_000), [(6_000, end("other", 9))]);
}

#[test]
fn a_session_whose_beat_is_overdue_is_looked_at_fast_by_who_watches_all() {
    let mut scene = Scene::all(vec![session("other")]);
    assert_eq!(scene.tick(2_000), [list()]);
    scene.listed();
    assert_eq!(scene.tick(2_249), []);
    assert_eq!(scene.tick(2_250), [look("other")]);
    assert_eq!(scene.tick(2_300), [], "a look is under way");
    scene.answer(Reply::Look(id("other"), at(2_250), Ok(Some(session("other")))));
    assert_eq!(said(&mut scene.ctx).last(), Some(&Any::Watch(Signal::Seen(session("other")))));
    assert_eq!(scene.tick(2_449), []);
    assert_eq!(scene.tick(2_450), [look("other")]);
    scene.answer(Reply::Look(id("other"), at(2_450), Ok(Some(beaten("other", 2)))));
    assert_eq!(scene.tick(3_000), [], "it has beaten");
}

#[test]
fn an_absence_is_believed_of_a_consistent_read_only() {
    let mut scene = Scene::all(vec![session("other")]);
    said(&mut scene.ctx);
    let confirm = [StoreCall::Session(id("other"), Consistency::Strong)];
    scene.answer(Reply::Look(id("other"), at(0), Ok(None)));
    assert_eq!(asked(&mut scene.ctx), confirm);
    scene.answer(Reply::Confirm(id("other"), Ok(Some(session("other")))));
    scene.answer(Reply::Confirm(id("other"), Err(StoreErrorKind::Unavailable)));
    assert_eq!(said(&mut scene.ctx), [], "it is there, or that is not known");
    scene.answer(Reply::Confirm(id("other"), Ok(None)));
    assert_eq!(said(&mut scene.ctx), [Any::Watch(Signal::Ended(id("other"), false))]);
}

#[test]
fn an_end_that_is_read_is_told_once() {
    let mut scene = Scene::all(vec![session("other")]);
    said(&mut scene.ctx);
    for expected in [1, 0] {
        scene.rows = vec![ended("other")];
        scene.listed();
        let told = Any::Watch(Signal::Ended(id("other"), false));
        let heard = said(&mut scene.ctx).into_iter().filter(|signal| *signal == told);
        assert_eq!(heard.count(), expected);
    }
}

#[test]
fn an_end_that_was_written_is_told_as_my_doing() {
    let mut scene = Scene::ending();
    scene.answer(Reply::Fence(id("other"), Ok(Write::Done(ended("other")))));
    assert_eq!(said(&mut scene.ctx), [Any::Watch(Signal::Ended(id("other"), true))]);
    assert_eq!(done(&mut scene.ctx).noted, [Notice::FencedOther(id("other"))]);
    scene.rows = vec![ended("other")];
    scene.listed();
    let listed = Signal::Listed(vec![ended("other")], Consistency::Eventual);
    assert_eq!(said(&mut scene.ctx), [Any::Watch(listed)], "its end is told once");
}

#[test]
fn an_end_that_was_refused_for_a_beat_leaves_the_session_watched_anew() {
    let mut scene = Scene::ending();
    scene.rows = vec![beaten("other", 2)];
    scene.answer(Reply::Fence(id("other"), Ok(Write::Refused(Some(beaten("other", 2))))));
    assert_eq!(said(&mut scene.ctx), []);
    assert_eq!(scene.pass_to(12_000), [(12_000, end("other", 2))]);
}

#[test]
fn an_end_that_was_refused_for_the_row_is_gone_is_an_end() {
    let mut scene = Scene::ending();
    scene.answer(Reply::Fence(id("other"), Ok(Write::Refused(None))));
    assert_eq!(said(&mut scene.ctx), [Any::Watch(Signal::Ended(id("other"), false))]);
}

#[test]
fn an_end_without_an_answer_is_tried_again_after_a_fast_poll() {
    let mut scene = Scene::ending();
    scene.answer(Reply::Fence(id("other"), Err(StoreErrorKind::Unknown)));
    assert_eq!(scene.pass_to(6_150), []);
    assert_eq!(scene.pass_to(6_200), [(6_200, end("other", 1))]);
}

#[test]
fn who_is_not_well_ends_nobody_and_counts_from_when_it_is_well_again() {
    let mut scene = Scene::all(vec![session("other")]);
    scene.beats = false;
    assert_eq!(scene.pass_to(8_000), [], "no own beat was answered for a while");
    scene.beats = true;
    assert_eq!(scene.pass_to(14_000), []);
    assert_eq!(scene.pass_to(14_050), [(14_050, end("other", 1))]);
}

#[test]
fn when_most_fall_silent_together_one_more_timeout_is_waited_and_only_once() {
    let silent = ["a", "b", "c", "d"];
    let mut scene = Scene::all(silent.map(session).to_vec());
    assert_eq!(scene.pass_to(11_950), []);
    let ends = silent.map(|worker| (12_000, end(worker, 1)));
    assert_eq!(scene.pass_to(12_000), ends);
}

#[test]
fn once_the_fleet_is_well_again_another_outage_is_waited_out_like_the_first() {
    let (former, later) = (["a", "b", "c", "d"], ["e", "f", "g", "h"]);
    let mut scene = Scene::all(former.map(session).to_vec());
    assert_eq!(scene.pass_to(12_000).len(), 4);
    for worker in former {
        scene.answer(Reply::Fence(id(worker), Ok(Write::Done(ended(worker)))));
    }
    // They are first seen at 14 s.
    scene.rows = later.map(session).to_vec();
    assert_eq!(scene.pass_to(25_950), []);
    assert_eq!(scene.pass_to(26_000), later.map(|worker| (26_000, end(worker, 1))));
}

#[test]
fn two_of_five_that_fall_silent_are_no_outage() {
    let mut scene = Scene::all(["a", "b", "c", "d"].map(session).to_vec());
    for beat in 2..6 {
        scene.rows[2].beat = beat;
        scene.rows[3].beat = beat;
        let expected: &[(u64, EndSession)] =
            if beat == 5 { &[(6_000, end("a", 1)), (6_000, end("b", 1))] } else { &[] };
        assert_eq!(scene.pass_to((beat - 1) * 1_500), expected);
    }
}

#[test]
fn after_the_store_went_back_nobody_is_ended_for_a_timeout_and_nothing_is_known() {
    let mut scene = Scene::all(vec![session("other")]);
    assert_eq!(scene.pass_to(5_000), []);
    scene.watch.on_store_went_back(&scene.ctx);
    // It is read again at 6 s.
    assert_eq!(scene.pass_to(12_000), [(12_000, end("other", 1))]);
    // Even one whose own timeout is shorter.
    let mut hasty = session("other");
    hasty.timeout /= 3;
    let mut scene = Scene::all(vec![hasty]);
    assert_eq!(scene.pass_to(1_000), []);
    scene.watch.on_store_went_back(&scene.ctx);
    assert_eq!(scene.pass_to(7_000), [(7_000, end("other", 1))]);
}
