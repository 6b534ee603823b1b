//! A lease that moves between two live workers: make before break, and force (rule 8).

use super::*;

/// A planner that moves a lease of `a` to `b`, which has not confirmed that yet; and the lease.
fn moving() -> (Scene, LeaseKey) {
    let mut scene = Scene::of(&["a", "a", "me"], &["a", "b", "me"]);
    let _ = scene.run(100);
    assert_eq!(scene.plans(), [1]);
    for worker in ["a", "me"] {
        scene.echoes(worker);
    }
    let moving = scene.told("b").holds[0].key.clone();
    (scene, moving)
}

/// A planner whose order `a` has confirmed at 500 ms, and that is overdue now.
fn overdue() -> (Scene, LeaseKey) {
    let (mut scene, moving) = moving();
    scene.echoes("b");
    let _ = scene.run(400);
    scene.echoes("a");
    assert_eq!(scene.run(500), []);
    let _ = scene.run(30_499);
    assert_eq!(scene.tick(30_500), [StoreCall::Lease(moving.clone())]);
    (scene, moving)
}

fn hold(key: &LeaseKey, how: Transfer) -> Hold {
    let from = Some(Origin { owner: Some(id("a")), epoch: Epoch(7), how });
    Hold { key: key.clone(), from, children: Taking::default() }
}

#[test]
fn the_new_owner_is_told_first_and_the_old_one_once_that_has_said_that_it_knows() {
    let (mut scene, moving) = moving();
    assert_eq!(scene.told("b").holds, [hold(&moving, Transfer::AwaitRelease)]);
    assert_eq!((scene.told("a").holds.len(), scene.told("a").gives.len()), (2, 0));
    let look = StoreCall::Session(id("b"), Consistency::Eventual);
    assert_eq!(scene.tick(299), []);
    assert_eq!(scene.tick(300), [look], "whether it knows");
    scene.echoes("b");
    let asked = scene.run(400);
    assert!(
        matches!(&asked[..], [StoreCall::PutDoc(_), woken] if *woken == wake("a")),
        "{asked:?}"
    );
    let told = scene.told("a");
    assert_eq!((told.holds.len(), told.gives.len()), (1, 1));
    assert_eq!((&told.gives[0].key, &told.gives[0].to), (&moving, &Some(id("b"))));
}

#[test]
fn an_owner_that_does_not_give_a_lease_in_time_has_it_taken_by_force() {
    let (mut scene, moving) = overdue();
    let asked = scene.answer();
    let [first, StoreCall::PutDoc(_), second] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!([first, second], [&wake("a"), &wake("b")]);
    assert_eq!(scene.told("b").holds, [hold(&moving, Transfer::Force)]);
    let forced = Notice::Forced { key: moving, from: id("a"), overlap: false };
    assert!(scene.noted.contains(&forced), "{:?}", scene.noted);
}

#[test]
fn a_lease_that_has_moved_meanwhile_makes_a_plan() {
    let (mut scene, moving) = overdue();
    let row = scene.leases.get_mut(&moving).unwrap();
    (row.owner, row.epoch) = (Some(id("b")), Epoch(8));
    let _ = scene.plans();
    let asked = scene.run(30_500);
    assert_eq!(asked[..2], leases_and_sessions());
    assert_eq!(scene.plans(), [0]);
    assert!(scene.told("a").gives.is_empty() && scene.told("b").holds.len() == 1);
}
