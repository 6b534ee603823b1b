use std::collections::BTreeSet;

use super::{super::tests as scene, *};
use crate::{
    coordinator::{
        command::Notice,
        document::Revoke,
        op::StoreCall,
        tests::{self, Done, asked, at, done, id},
    },
    lease::Epoch,
    settings::Coordination,
    store::StoreErrorKind,
};

struct Scene {
    moves: Moves,
    catalogue: Catalogue,
    watch: Watch,
    ctx: Context,
    /// The sessions that have confirmed their documents.
    known: BTreeSet<SessionId>,
}

fn read(number: usize) -> StoreCall {
    StoreCall::Lease(scene::key(number))
}

fn look(worker: &str) -> StoreCall {
    StoreCall::Session(id(worker), Consistency::Eventual)
}

/// A document of `old` that gives these leases away.
fn giving(version: u64, leases: &[usize]) -> Assignment {
    let give =
        |number: &usize| Revoke { key: scene::key(*number), epoch: Epoch(7), to: Some(id("new")) };
    Assignment {
        gives: leases.iter().map(give).collect(),
        ..tests::assignment("me", "old", scene::version(version))
    }
}

fn ordered(published: u64, seen_at: Option<u64>, look_at: u64) -> Stage {
    let published = Some(scene::version(published));
    Stage::Ordered { published, seen_at: seen_at.map(at), look_at: at(look_at) }
}

impl Scene {
    /// Leases that `old` holds, so many of which the plan gives to `new`.
    fn moving(count: usize) -> Self {
        let ctx = scene::context(Coordination::default());
        let catalogue = scene::catalogue(scene::held(3, "old"), &["me", "old", "new"], &ctx);
        let watch = Watch::new(id("me"), at(0));
        let mut scene =
            Self { moves: Moves::default(), catalogue, watch, ctx, known: BTreeSet::new() };
        assert_eq!(scene.planned("new", count), count);
        scene
    }

    /// A scene whose order is published in the document of version 5.
    fn ordered() -> Self {
        let mut scene = Self::moving(1);
        scene.known.insert(id("new"));
        assert_eq!(scene.go_on(0), (Next::Publish, vec![]));
        assert_eq!(scene.stages(), [&Stage::ordered()]);
        scene.moves.on_published(&giving(5, &[0]), &scene.ctx);
        scene
    }

    /// A scene whose order the old owner confirmed at 100 ms, and that is overdue.
    fn overdue() -> Self {
        let mut scene = Self::ordered();
        scene.sees("old", 5);
        assert_eq!(scene.go_on(100), (Next::Nothing, vec![]));
        assert_eq!(scene.go_on(30_099), (Next::Nothing, vec![]));
        assert_eq!(scene.go_on(30_100), (Next::Nothing, vec![read(0)]));
        scene
    }

    /// A plan that gives the first leases to `to`, the others to `old`. How many start to move.
    fn planned(&mut self, to: &str, count: usize) -> usize {
        let rest = (count..3).map(|number| (number, "old"));
        let desired: Vec<(usize, &str)> =
            (0..count).map(|number| (number, to)).chain(rest).collect();
        self.moves.follow(scene::plan(&desired).iter(), &self.catalogue, self.ctx.now)
    }

    fn sees(&mut self, worker: &str, version: u64) {
        let mut row = scene::session(worker, scene::version(version));
        row.beat += version;
        self.catalogue.on_seen(&row, &self.ctx);
    }

    fn go_on(&mut self, millis: u64) -> (Next, Vec<StoreCall>) {
        self.ctx.now = at(millis);
        let known = self.known.clone();
        let knows = |id: &SessionId| known.contains(id);
        let next = self.moves.go_on(knows, &self.catalogue.fleet, &mut self.ctx);
        self.moves.look_for_echoes(&id("me"), &mut self.watch, &mut self.ctx);
        (next, asked(&mut self.ctx))
    }

    fn row(&mut self, order: u64, row: Result<Option<Lease>, StoreErrorKind>) -> (Next, Done) {
        let answer = Reply::Row(scene::key(0), scene::version(order), row);
        let next = self.moves.on_answer(answer, &mut self.ctx);
        (next, done(&mut self.ctx))
    }

    fn stages(&self) -> Vec<&Stage> {
        self.moves.iter().map(|(_, moving)| &moving.stage).collect()
    }
}

#[test]
fn what_the_plan_gives_to_another_than_its_live_owner_is_announced() {
    let scene = Scene::moving(2);
    assert_eq!(scene.stages(), [&Stage::Announced, &Stage::Announced]);
    assert_eq!(scene.moves.moved_at(&scene::key(1)), Some(at(0)));
    assert_eq!(scene.moves.moved_at(&scene::key(2)), None);
    let row = &scene.catalogue.rows[&scene::key(0)];
    assert_eq!(scene.moves.ordered_to(row), None, "the plan may still change its mind");
}

#[test]
fn a_lease_of_nobody_or_of_one_that_is_gone_does_not_move_but_is_taken() {
    let mut scene = Scene::moving(0);
    scene.catalogue.on_ended(&id("old"), &scene.ctx);
    assert_eq!(scene.planned("new", 3), 0);
    for row in scene.catalogue.rows.values_mut() {
        row.owner = None;
    }
    assert_eq!(scene.planned("new", 3), 0);
    assert_eq!(scene.stages().len(), 0);
}

#[test]
fn the_same_move_in_a_new_plan_goes_on_and_starts_no_second_time() {
    let mut scene = Scene::ordered();
    scene.ctx.now = at(50);
    assert_eq!(scene.planned("new", 1), 0);
    assert_eq!(scene.stages(), [&ordered(5, None, 36_000)]);
    assert_eq!(scene.moves.moved_at(&scene::key(0)), Some(at(0)));
}

#[test]
fn when_a_lease_last_moved_is_forgotten_with_its_row() {
    let mut scene = Scene::moving(1);
    let row = scene.catalogue.rows.remove(&scene::key(0)).unwrap();
    scene.planned("new", 0);
    scene.catalogue.rows.insert(scene::key(0), row);
    assert_eq!(scene.moves.moved_at(&scene::key(0)), None);
}

#[test]
fn another_goal_owner_or_epoch_makes_it_another_move() {
    let changes: [fn(&mut Scene) -> usize; 2] = [
        |scene| {
            scene.sees("third", 0);
            scene.planned("third", 1)
        },
        |scene| {
            scene.catalogue.rows.get_mut(&scene::key(0)).unwrap().epoch = Epoch(8);
            scene.planned("new", 1)
        },
    ];
    for change in changes {
        let mut scene = Scene::ordered();
        assert_eq!(change(&mut scene), 1);
        assert_eq!(scene.stages(), [&Stage::Announced]);
    }
    let mut scene = Scene::ordered();
    assert_eq!(scene.planned("new", 0), 0, "it stays where it is");
    assert_eq!(scene.stages().len(), 0);
}

#[test]
fn new_owners_that_have_not_seen_their_document_are_looked_at_with_pauses() {
    let mut scene = Scene::moving(2);
    assert_eq!(scene.go_on(0), (Next::Nothing, vec![]), "it was just told");
    assert_eq!(scene.moves.next_wake(), at(200));
    assert_eq!(scene.go_on(199), (Next::Nothing, vec![]));
    assert_eq!(scene.go_on(200), (Next::Nothing, vec![look("new")]), "once");
    assert_eq!(scene.moves.next_wake(), at(400));
    let mut pushed = Scene::moving(2);
    pushed.ctx.pushes = true;
    let _ = pushed.go_on(0);
    // Twice the pause each time, 200 ms at most.
    for millis in [25, 75, 175, 375, 575] {
        assert_eq!(pushed.moves.next_wake(), at(millis));
        assert_eq!(pushed.go_on(millis).1, [look("new")]);
    }
    pushed.known.insert(id("new"));
    let _ = pushed.go_on(600);
    assert_eq!(pushed.moves.next_wake(), Time::NEVER, "it has said that it knows");
}

#[test]
fn many_new_owners_are_looked_at_all_at_once() {
    let mut scene = Scene::moving(0);
    scene.catalogue.rows =
        scene::held(9, "old").into_iter().map(|row| (row.key.clone(), row)).collect();
    let workers: Vec<String> = (0..9).map(|number| format!("new-{number}")).collect();
    let desired: Vec<(usize, &str)> =
        workers.iter().enumerate().map(|(number, worker)| (number, worker.as_str())).collect();
    scene.moves.follow(scene::plan(&desired).iter(), &scene.catalogue, at(0));
    let _ = scene.go_on(0);
    let list = StoreCall::Sessions(Consistency::Eventual);
    assert_eq!(scene.go_on(200), (Next::Nothing, vec![list]));
}

#[test]
fn the_planner_itself_knows_and_is_not_looked_at() {
    let mut scene = Scene::moving(0);
    assert_eq!(scene.planned("me", 1), 1);
    let _ = scene.go_on(0);
    assert_eq!(scene.go_on(5_000), (Next::Nothing, vec![]));
}

#[test]
fn an_order_counts_from_its_publication_and_then_from_when_the_old_owner_saw_it() {
    let mut scene = Scene::ordered();
    let row = &scene.catalogue.rows[&scene::key(0)];
    assert_eq!(scene.moves.ordered_to(row), Some(&id("new")), "it is not called off");
    assert_eq!(scene.stages(), [&ordered(5, None, 36_000)], "an owner that never says that it saw");
    scene.sees("old", 4);
    let _ = scene.go_on(50);
    assert_eq!(scene.stages(), [&ordered(5, None, 36_000)], "that was an earlier document");
    scene.sees("old", 5);
    let _ = scene.go_on(100);
    assert_eq!(scene.stages(), [&ordered(5, Some(100), 30_100)]);
    scene.moves.on_published(&giving(6, &[0]), &scene.ctx);
    assert_eq!(scene.stages(), [&ordered(5, Some(100), 30_100)], "it was ordered before");
}

#[test]
fn a_lease_that_has_not_moved_in_time_is_taken_by_force_and_its_owner_told() {
    let mut scene = Scene::overdue();
    assert_eq!(scene.go_on(30_101), (Next::Nothing, vec![]), "one look");
    let held = scene.catalogue.rows[&scene::key(0)].clone();
    let (next, done) = scene.row(5, Ok(Some(held)));
    assert_eq!(next, Next::Publish);
    let forced = Notice::Forced { key: scene::key(0), from: id("old"), overlap: false };
    assert_eq!(done.noted, [forced]);
    assert_eq!(done.asked, [StoreCall::Wake(id("old"))]);
    assert_eq!(scene.stages(), [&Stage::Forced]);
    assert_eq!(scene.moves.next_wake(), Time::NEVER);
}

#[test]
fn an_owner_that_never_says_that_it_saw_the_order_may_overlap_with_the_next() {
    let mut scene = Scene::ordered();
    assert_eq!(scene.go_on(35_999), (Next::Nothing, vec![]));
    assert_eq!(scene.go_on(36_000), (Next::Nothing, vec![read(0)]));
    let held = scene.catalogue.rows[&scene::key(0)].clone();
    let forced = Notice::Forced { key: scene::key(0), from: id("old"), overlap: true };
    assert_eq!(scene.row(5, Ok(Some(held))).1.noted, [forced]);
}

#[test]
fn a_lease_that_has_moved_makes_a_plan() {
    let moved = Lease { owner: None, ..scene::held(1, "old").remove(0) };
    for row in [Some(moved), None] {
        let mut scene = Scene::overdue();
        let (next, done) = scene.row(5, Ok(row));
        assert_eq!((next, done.asked, done.noted), (Next::Plan, vec![], vec![]));
        assert_eq!(scene.stages().len(), 0);
    }
}

#[test]
fn a_row_that_could_not_be_read_is_read_again_after_a_pause() {
    let mut scene = Scene::overdue();
    assert_eq!(scene.row(5, Err(StoreErrorKind::Unavailable)).0, Next::Nothing);
    assert_eq!(scene.moves.next_wake(), at(30_300));
    assert_eq!(scene.go_on(30_300), (Next::Nothing, vec![read(0)]));
}

#[test]
fn a_look_says_nothing_of_a_later_order() {
    let mut scene = Scene::overdue();
    let held = scene.catalogue.rows[&scene::key(0)].clone();
    assert_eq!(scene.row(4, Ok(Some(held.clone()))).0, Next::Nothing);
    assert_eq!(scene.row(4, Err(StoreErrorKind::Unavailable)).0, Next::Nothing);
    assert_eq!(scene.moves.next_wake(), Time::NEVER, "the look at this one is under way");
    let _ = scene.row(5, Ok(Some(held.clone())));
    assert_eq!(scene.row(5, Ok(Some(held))).0, Next::Nothing, "it is forced already");
}
