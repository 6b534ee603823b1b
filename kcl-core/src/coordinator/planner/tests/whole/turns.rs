//! The steps of a turn, and what begins one (PROTOCOL rules 6 and 12).

use super::*;
use crate::lease::report::{self, WorkerReport};

#[test]
fn a_turn_reads_then_plans_and_publishes_then_tidies_each_at_an_event_of_its_own() {
    let mut scene = Scene::of(&["a", "me"], &["a", "me"]);
    let row = Lease::new(key(5), Checkpoint::ShardEnd);
    let _ = scene.leases.insert(key(5), Lease { epoch: Epoch(7), ..row });
    assert_eq!(scene.tick(99), []);
    assert_eq!(scene.tick(100), everything());
    assert_eq!(scene.answer(), [StoreCall::Doc(DocName::start(&stream()))]);
    assert_eq!((scene.lists, scene.plans()), (1, vec![]));
    assert_eq!(scene.planner.next_wake(&scene.ctx), Time::ZERO, "the next step is for at once");
    assert_eq!(scene.tick(101), ["a", "me"].map(document_of));
    assert_eq!(scene.plans(), [0]);
    assert_eq!(scene.planner.next_wake(&scene.ctx), Time::ZERO);
    let useless = Delete::ended(key(5), Epoch(7));
    assert_eq!(scene.tick(102), [StoreCall::Delete(useless)]);
    assert!(scene.planner.next_wake(&scene.ctx) > at(102), "the turn is over");
    let _ = scene.answer();
    let start = StreamStart { of: stream(), at: None, by: frozen().by, change: 0 };
    let hold = |number| Hold { key: key(number), from: None, children: Taking::default() };
    let a = Assignment {
        standby: Some(id("a")),
        rank: 1,
        starts: vec![start],
        holds: vec![hold(0)],
        ..assignment("me", "a", version(1))
    };
    assert_eq!(scene.told("a"), a);
    assert_eq!(scene.said(), [Signal::Mine(Box::new(scene.told("me")))]);
}

#[test]
fn while_its_session_is_not_valid_a_planner_does_nothing() {
    let mut scene = Scene::planned(&["a", "me"], &["a", "me", "x"]);
    scene.beats("x", |row| row.state = SessionState::Ended(EndReason::Left));
    let _ = scene.run(200);
    scene.all_echo();
    scene.ctx.valid = false;
    assert_eq!(scene.tick(30_100), [], "no session is forgotten");
    assert_eq!((scene.lists, scene.planner.next_wake(&scene.ctx)), (1, Time::NEVER));
    scene.ctx.valid = true;
    assert_eq!(scene.tick(30_200), [StoreCall::Forget(Forget::new(id("x")))]);
    assert_eq!(scene.lists, 2);
}

#[test]
fn every_audit_interval_everything_is_read_again_and_what_is_said_already_is_not_written_again() {
    let mut scene = Scene::planned(&["a", "me"], &["a", "me"]);
    assert_eq!((scene.run(30_100), scene.lists), (vec![], 2), "the shards are as they were");
    assert_eq!((scene.run(59_999), scene.plans()), (vec![], vec![0]));
    assert_eq!((scene.run(60_000), scene.lists), (everything(), 3));
    assert_eq!(scene.plans(), [0]);
    assert_eq!(scene.run(60_001), []);
    assert_eq!(scene.run(119_999), []);
    assert_eq!(scene.run(120_000), everything());
}

#[test]
fn a_plan_that_is_wanted_is_made_at_once_and_a_planner_that_is_woken_looks_at_the_rules() {
    let mut scene = Scene::planned(&["a", "me"], &["a", "me"]);
    scene.planner.plan_soon(&scene.ctx);
    assert_eq!(scene.run(200), leases_and_sessions());
    scene.planner.on_woken(&mut scene.ctx);
    assert_eq!(scene.take_asked(), [StoreCall::Doc(DocName::placement())]);
}

#[test]
fn who_leaves_plans_at_once_and_tells_at_once_which_moves_it_has_planned() {
    let mut scene = Scene::planned(&["a", "a", "me"], &["a", "b", "me"]);
    let moves = |scene: &Scene| scene.docs.get(&DocName::moves()).map(|moves| moves.version);
    assert_eq!(moves(&scene), None);
    scene.planner.start_leaving(&scene.ctx);
    assert_eq!(scene.run(200)[..2], leases_and_sessions());
    assert_eq!(moves(&scene), Some(1));
}

#[test]
fn a_start_that_another_part_has_given_back_completes_the_reading() {
    let initial_position = InitialPosition::Latest;
    let settings = Coordination { initial_position, ..Coordination::default() };
    let mut scene = Scene::with(settings, &["a", "me"], &["a", "me"]);
    scene.docs.clear();
    let _ = scene.run(100);
    assert_eq!((scene.plans(), scene.said()), (vec![], vec![Signal::Unsure]));
    scene.ctx.starts.is_stored(stream(), frozen());
    assert_eq!(scene.tick(200), []);
    assert_eq!(scene.tick(201), ["a", "me"].map(document_of));
}

#[test]
fn after_the_store_went_back_no_plan_is_made_of_what_was_read_and_all_documents_are_read_again() {
    let mut scene = Scene::planned(&["a", "me"], &["a", "me"]);
    scene.planner.plan_soon(&scene.ctx);
    let _ = scene.tick(200);
    let _ = scene.answer();
    let _ = scene.plans();
    assert_eq!(scene.planner.next_wake(&scene.ctx), Time::ZERO, "a plan is to be made");
    scene.planner.on_store_went_back(&scene.ctx);
    assert_eq!((scene.tick(201), scene.plans()), (everything(), vec![]));
    let asked = scene.run(202);
    assert_eq!(asked[..2], ["a", "me"].map(document_of), "{asked:?}");
    assert_eq!((scene.plans(), scene.lists), (vec![0], 2));
}

/// By the reports of the workers, where leases are shared out by load.
#[test]
fn an_audit_plans_by_the_loads_that_workers_report() {
    let balance = Balance::Weighted(Weighting::default());
    let settings = Coordination { balance, ..Coordination::default() };
    let mut scene = Scene::with(settings, &["a", "a", "b", "me"], &["a", "b", "me"]);
    let of = |bytes| Load { bytes_per_second: Some(bytes), ..Load::UNKNOWN };
    let loads = [("a", 0..2, of(10_000_000)), ("b", 2..3, of(1)), ("me", 3..4, of(1))];
    for (worker, leases, load) in loads {
        let report = WorkerReport::of_loads(leases.map(|number| (key(number), load)));
        let report = Document::new(DocName::report(&id(worker).worker), 1, report.encode());
        scene.docs.insert(report.name.clone(), report);
    }
    let _ = scene.run(100);
    scene.all_echo();
    assert_eq!(scene.plans(), [0], "nothing is known of their weights");
    scene.shows_what_is_told = true;
    let reports =
        ["a", "b", "me"].map(|worker| StoreCall::Doc(DocName::report(&id(worker).worker)));
    assert_eq!(scene.run(1_100), reports);
    scene.shows_what_is_told = false;
    let _ = scene.run(60_000);
    assert_eq!(scene.plans(), [1], "one of the heavy leases moves");
}

/// Rule 15: wake-ups may be lost.
#[test]
fn a_worker_that_does_not_say_that_it_has_seen_its_document_is_woken_again() {
    let mut scene = Scene::of(&["a", "me"], &["a", "me"]);
    let _ = scene.run(100);
    assert_eq!(scene.run(3_099), []);
    assert_eq!(scene.run(3_100), [wake("a")]);
}

#[test]
fn when_a_worker_has_lived_for_two_session_timeouts_a_plan_is_made_for_what_prefers_it() {
    use crate::assignment::placement::{Mode, Placement, PlacementRules, Rule, Target, Uncovered};
    let mut scene = Scene::of(&["a", "me"], &["a", "b", "me"]);
    let rule = Rule::new(Target::Shard(shard_id(0)), "b".parse().unwrap(), Mode::Prefer);
    let rules = PlacementRules::new(vec![rule], Uncovered::Balance).unwrap();
    let body = Placement::from(rules).encode().unwrap();
    let rules = Document::new(DocName::placement(), 1, body);
    scene.docs.insert(rules.name.clone(), rules);
    let _ = scene.run(100);
    scene.all_echo();
    assert_eq!((scene.run(12_099), scene.plans()), (vec![], vec![0]));
    assert_eq!(scene.planner.next_wake(&scene.ctx), at(12_100));
    let asked = scene.run(12_100);
    assert_eq!(asked[..2], leases_and_sessions(), "{asked:?}");
    assert_eq!(scene.plans(), [1], "it returns");
}

#[test]
fn a_plan_is_told_two_seconds_later_and_once() {
    let mut scene = Scene::planned(&["a", "a", "me"], &["a", "b", "me"]);
    let counts = scene.noted.iter().filter_map(|notice| match notice {
        Notice::Planned { workers, leases, .. } => Some((*workers, *leases)),
        _ => None,
    });
    assert_eq!(counts.collect::<Vec<_>>(), [(3, 3)]);
    let _ = scene.run(2_100);
    let told = scene.docs[&DocName::planner_report()].version;
    assert_eq!(told, 1);
    let moves = report::Moves::decode(&scene.docs[&DocName::moves()].body).unwrap().moves;
    let to: Vec<_> = moves.into_iter().map(|it| (it.from, it.to)).collect();
    assert_eq!(to, [(Some(id("a").worker), id("b").worker)]);
    // The stored version is known: a minute later the report is put over it.
    scene.shows_what_is_told = true;
    let asked = scene.run(62_100);
    assert!(!asked.contains(&StoreCall::Doc(DocName::planner_report())), "{asked:?}");
    assert_eq!(scene.docs[&DocName::planner_report()].version, 2);
}
