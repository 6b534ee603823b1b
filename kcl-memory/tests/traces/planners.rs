//! Planners that die, pause, or are replaced at bad moments.

use kcl_core::{
    coordinator::{StoreCall, StreamView},
    lease::{Epoch, LeaseKey, WorkerId},
    store::Consistency,
};
use kcl_memory::sim::{Action, Fate, World};

use super::stage::{acquires, millis, secs, settled, wait_for};

/// The planner tells the new owner of a lease and dies before it tells the old one; the old one's
/// processor is slow, so that its successor has to force the handoff.
#[test]
pub(crate) fn a_planner_that_dies_between_two_assignment_writes_then_a_forced_handoff() {
    let mut world = settled(3, 9);
    for which in 0..3 {
        world.act_now(&Action::HungProcessor(which, secs(40), secs(40))).unwrap();
    }
    let puts = world.intercept(Fate::RequestLost, |_, call| {
        let newcomers = ["assignment:w3", "assignment:w4"];
        matches!(call, StoreCall::PutDoc(put) if !newcomers.contains(&put.name.as_str()))
    });
    world.act_now(&Action::Join).unwrap();
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(5), |world| world.picked(puts) > 0);
    world.act_now(&Action::CrashPlanner).unwrap();
    world.lift(puts);
    wait_for(&mut world, secs(60), |world| world.noticed("Forced") > 0);
    world.finish().unwrap();
}

/// The planner stands still for longer than its session lasts, and goes on under a newer term.
#[test]
pub(crate) fn a_paused_planner_that_wakes_under_a_newer_term() {
    let mut world = settled(3, 6);
    let old = world.planner();
    world.act_now(&Action::PausePlanner(secs(12))).unwrap();
    world.run_for(secs(20)).unwrap();
    assert!(world.planner().is_some() && world.planner() != old);
    assert!(world.noticed("Planning") >= 2);
    world.finish().unwrap();
}

/// The planner's lease is somebody else's, and the planner does not know it yet: it is refused,
/// reads what it met, and must not write over it.
#[test]
pub(crate) fn a_stale_planner_that_is_refused_and_reads_again() {
    let mut world = settled(3, 6);
    let old = world.planner().unwrap();
    let heir = world
        .shard_leases()
        .filter_map(|row| row.owner.clone())
        .find(|owner| owner.worker != old)
        .unwrap();
    world
        .tamper(|rows| {
            let row = rows.get_mut(&LeaseKey::planner()).unwrap();
            row.owner = Some(heir);
            row.epoch = Epoch(row.epoch.0 + 1);
        })
        .unwrap();
    // The heir finds its own session there and plans in a newer term; a newcomer makes both plan.
    wait_for(&mut world, secs(40), |world| world.noticed("Planning") >= 2);
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(10)).unwrap();
    assert!(world.noticed("StoppedPlanning") >= 1);
    world.finish().unwrap();
}

/// The standby's acquire of the planner's lease lands when it does not expect it any more.
#[test]
pub(crate) fn an_acquire_of_the_planners_lease_that_lands_on_a_worker_that_does_not_plan() {
    let mut world = settled(3, 6);
    let key = LeaseKey::planner();
    let late = world.intercept(Fate::Held, move |_, call| acquires(call, &key));
    world.act_now(&Action::LeavePlanner).unwrap();
    wait_for(&mut world, secs(20), |world| world.picked(late) > 0);
    world.land(late).unwrap();
    world.run_for(secs(3)).unwrap();
    assert_eq!(world.planner(), None, "its own later acquires are held");
    world.lift(late);
    wait_for(&mut world, secs(40), |world| world.planner().is_some());
    world.act_now(&Action::Join).unwrap();
    world.finish().unwrap();
}

/// Planner and standby die at once: the next in rank finds out by itself.
#[test]
pub(crate) fn planner_and_standby_die_together() {
    let mut world = settled(4, 8);
    world.act_now(&Action::CrashPlannerAndStandby).unwrap();
    wait_for(&mut world, secs(60), |world| world.planner().is_some());
    world.finish().unwrap();
}

/// The stream cannot be listed when a new planner starts: what others read stays with them, the
/// children of reshards, too.
#[test]
pub(crate) fn a_planner_that_cannot_list_the_shards_takes_no_lease_from_anybody() {
    let mut world = settled(3, 4);
    world.act_now(&Action::SplitStorm(3)).unwrap();
    world.run_for(secs(20)).unwrap();
    world.act_now(&Action::StreamOutage(secs(60))).unwrap();
    world.act_now(&Action::CrashPlanner).unwrap();
    let before = world.noticed("Planning");
    wait_for(&mut world, secs(20), |world| world.noticed("Planning") > before);
    world.run_for(secs(20)).unwrap();
    let open = || world.shard_leases().filter(|row| !row.has_ended());
    assert!(open().any(|row| !row.parents.is_empty()), "there are children");
    let free: Vec<_> = open().filter(|row| row.owner.is_none()).map(|row| &row.key).collect();
    assert!(free.is_empty(), "held by nobody: {free:?}");
    world.run_for(secs(60)).unwrap();
    world.finish().unwrap();
}

/// The stream's listing is answered and holds nothing. Nobody loses a lease for that, although the
/// rows of its parents are gone, and shards that nothing can be said of are read on.
#[test]
pub(crate) fn a_list_that_holds_nothing_takes_no_lease_from_anybody() {
    let mut world = settled(3, 4);
    world.act_now(&Action::SplitStorm(3)).unwrap();
    wait_for(&mut world, secs(20), |world| {
        world.shard_leases().filter(|row| row.has_ended()).count() == 3
    });
    world.act_now(&Action::Trim).unwrap();
    let all_open = |world: &World| world.shard_leases().all(|row| !row.has_ended());
    wait_for(&mut world, secs(120), all_open);
    let nothing = StreamView { shards: Vec::new(), ..world.listing() };
    nobody_loses_a_lease_by(world, nothing);
}

/// The listing that a new planner gets is of a former life of the stream, which has been read for
/// some time since it was made again. It says nothing of the rows there are.
#[test]
pub(crate) fn a_list_of_a_former_life_takes_no_lease_from_anybody() {
    let mut world = settled(3, 4);
    let former = world.listing();
    world.act_now(&Action::RemakeStream).unwrap();
    let old = former.description.key.clone();
    let all_new = move |world: &World| {
        let mut rows = world.shard_leases();
        rows.all(|row| row.owner.is_some() && row.key.stream().as_ref() != Some(&old))
    };
    wait_for(&mut world, secs(120), all_new);
    nobody_loses_a_lease_by(world, former);
}

/// The next planner is answered with this listing: whatever is held stays held, and it is said that
/// the list makes no sense.
fn nobody_loses_a_lease_by(mut world: World, listing: StreamView) {
    world.answer_listings(Some(listing));
    world.act_now(&Action::CrashPlanner).unwrap();
    let before = world.noticed("Planning");
    wait_for(&mut world, secs(20), |world| world.noticed("Planning") > before);
    world.run_for(secs(60)).unwrap();
    let free = world.shard_leases().filter(|row| row.owner.is_none()).count();
    assert_eq!((free, world.noticed("Lineage") > 0), (0, true));
    world.answer_listings(None);
    world.run_for(secs(60)).unwrap();
    world.finish().unwrap();
}

/// A listing of the sessions that a given-up plan had asked for is answered when the next plan
/// waits for one newer than the leases: it does not show who came since, and nobody is told that
/// those are gone.
#[test]
pub(crate) fn a_listing_of_sessions_that_outlives_its_plan() {
    let mut world = settled(4, 8);
    let planner = world.planner().unwrap();
    let of_planner = |what: fn(&StoreCall) -> bool| {
        let planner = planner.clone();
        move |who: &WorkerId, call: &StoreCall| *who == planner && what(call)
    };
    let lists = |call: &StoreCall| matches!(call, StoreCall::Sessions(Consistency::Strong));
    let reads = |call: &StoreCall| matches!(call, StoreCall::Leases);
    // The first plan's listing of the leases fails, while that of the sessions is slow.
    let first = world.intercept(Fate::ReplyLate(millis(1_900)), of_planner(lists));
    let failing = world.intercept(Fate::Refused, of_planner(reads));
    world.act_now(&Action::Join).unwrap();
    wait_for(&mut world, secs(5), |world| world.picked(failing) > 0);
    world.lift(first);
    world.lift(failing);
    // The second's listing of the leases shows who came after its listing of the sessions.
    let second = world.intercept(Fate::RequestLate(millis(700)), of_planner(reads));
    wait_for(&mut world, secs(2), |world| world.picked(second) > 0);
    world.lift(second);
    world.run_for(millis(50)).unwrap();
    let again = world.intercept(Fate::RequestLate(millis(1_500)), of_planner(lists));
    let back = (0..4).find(|at| world.held()[*at].0 != planner).unwrap();
    world.act_now(&Action::JoinAs(back)).unwrap();
    world.run_for(secs(2)).unwrap();
    assert!(world.picked(again) > 0);
    world.lift(again);
    world.run_for(secs(3)).unwrap();
    world.finish().unwrap();
}
