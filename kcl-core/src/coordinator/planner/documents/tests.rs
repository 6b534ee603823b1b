use super::{super::tests as scene, *};
use crate::{
    assignment::placement::Taking,
    coordinator::tests::{assignment, at, id},
    lease::{Checkpoint, Epoch, SessionState},
    settings::Coordination,
};

/// The documents of the planner `me`, by this plan.
fn documents(
    catalogue: &mut Catalogue,
    plan: &Plan,
    moves: &Moves,
    ctx: &Context,
) -> Vec<Assignment> {
    catalogue.fleet.name_standbys(&id("me"));
    let term = Term { planner: id("me"), number: Epoch(3) };
    let children = Children::default();
    Documents { term: &term, catalogue, plan, moves, children: &children }.all(ctx)
}

/// The moves that this plan makes; the sessions in `known` have confirmed their documents.
fn moves(plan: &Plan, known: &str, catalogue: &Catalogue, ctx: &mut Context) -> Moves {
    let mut moves = Moves::default();
    moves.follow(plan.iter(), catalogue, at(0));
    let _ = moves.go_on(|session| *session == id(known), &catalogue.fleet, ctx);
    moves
}

/// A lease to hold, with the row as it was read.
fn hold(number: usize, from: Option<(Option<&str>, Transfer)>) -> Hold {
    let origin = |(owner, how): (Option<&str>, Transfer)| Origin {
        owner: owner.map(id),
        epoch: Epoch(7),
        how,
    };
    Hold { key: scene::key(number), from: from.map(origin), children: Taking::default() }
}

fn give(number: usize, to: Option<&str>) -> Revoke {
    Revoke { key: scene::key(number), epoch: Epoch(7), to: to.map(id) }
}

#[test]
fn each_worker_is_told_what_to_hold_and_how_and_what_to_give_and_to_whom() {
    let mut ctx = scene::context(Coordination::default());
    let mut rows = scene::held(10, "a");
    rows[2].owner = None;
    rows[3].owner = Some(id("gone"));
    rows[6].checkpoint = Checkpoint::ShardEnd;
    rows[7].owner = Some(id("b"));
    rows[9].owner = Some(id("b"));
    let mut catalogue = scene::catalogue(rows, &["a", "b", "c", "me"], &ctx);
    // No worker should hold 0, 7 and 9; 6 has ended.
    let desired = [(1, "a"), (2, "b"), (3, "a"), (4, "b"), (5, "c")];
    let moves = moves(&scene::plan(&desired), "c", &catalogue, &mut ctx);
    // The row of 8 was read anew since the moves were planned.
    let plan = scene::plan(&[&desired[..], &[(8, "b")]].concat());
    let told = |worker: &str, rank| Assignment {
        rank,
        standby: Some(id("a")),
        second: Some(id("b")),
        takes_children: false,
        ..assignment("me", worker, PlanVersion::NONE)
    };
    let waits = Some((Some("a"), Transfer::AwaitRelease));
    let a = Assignment {
        holds: vec![hold(1, None), hold(3, Some((Some("gone"), Transfer::Unowned))), hold(4, None)],
        gives: vec![give(0, None), give(5, Some("c"))],
        give_within: Some(30_000),
        ..told("a", 1)
    };
    let b = Assignment {
        holds: vec![hold(2, Some((None, Transfer::Unowned))), hold(4, waits), hold(8, waits)],
        gives: vec![give(7, None), give(9, None)],
        give_within: Some(30_000),
        ..told("b", 2)
    };
    let c = Assignment { holds: vec![hold(5, waits)], ..told("c", 3) };
    let expected = [a, b, c, told("me", 0)];
    assert_eq!(documents(&mut catalogue, &plan, &moves, &ctx), expected);
}

#[test]
fn a_session_that_leaves_is_told_whom_to_hand_over_to_while_it_holds_leases() {
    let mut ctx = scene::context(Coordination::default());
    let mut catalogue = scene::catalogue(scene::held(1, "w"), &["a", "me"], &ctx);
    for worker in ["w", "done"] {
        let mut row = scene::session(worker, PlanVersion::NONE);
        row.state = SessionState::Leaving;
        catalogue.on_seen(&row, &ctx);
    }
    let plan = scene::plan(&[(0, "a")]);
    let moves = moves(&plan, "a", &catalogue, &mut ctx);
    let told = documents(&mut catalogue, &plan, &moves, &ctx);
    let sessions: Vec<&SessionId> = told.iter().map(|document| &document.session).collect();
    assert_eq!(sessions, [&id("w"), &id("a"), &id("me")]);
    assert_eq!(told[0].gives, [give(0, Some("a"))]);
}

/// A drained worker reads on until other workers have taken over, and takes no children meanwhile.
#[test]
fn a_worker_that_is_drained_is_told_to_take_no_children() {
    use crate::{
        assignment::placement::{Placement, Said},
        env::WallTime,
        lease::{DocName, Document},
    };
    let mut ctx = scene::context(Coordination::default());
    let mut catalogue = scene::catalogue(scene::held(1, "w"), &["w", "a", "me"], &ctx);
    let plan = scene::plan(&[(0, "a")]);
    let moves = moves(&plan, "nobody", &catalogue, &mut ctx);
    let children = |catalogue: &Catalogue| {
        let children = Children::by(catalogue);
        let term = Term { planner: id("me"), number: Epoch(3) };
        let documents =
            Documents { term: &term, catalogue, plan: &plan, moves: &moves, children: &children };
        let told = documents.all(&ctx).into_iter().find(|told| told.session == id("w")).unwrap();
        (told.takes_children, told.holds)
    };
    let read = |placement: &Placement, catalogue: &mut Catalogue| {
        let doc = Document::new(DocName::placement(), 1, placement.encode().unwrap());
        catalogue.rules_for_test(&doc, &mut scene::context(Coordination::default()));
    };
    let mut placement = Placement::default();
    read(&placement, &mut catalogue);
    assert_eq!(children(&catalogue), (true, vec![hold(0, None)]));
    let said = Said { by: "a test".to_owned(), since: WallTime::from_millis(1) };
    placement.marks.drained.insert(id("w").worker, said);
    read(&placement, &mut catalogue);
    assert_eq!(children(&catalogue), (false, vec![hold(0, None)]));
}
