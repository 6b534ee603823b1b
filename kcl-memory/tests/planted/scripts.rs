//! Small histories, each about one rule that drawn faults seldom reach.

use kcl_core::{
    coordinator::StoreCall,
    lease::{Checkpoint, Epoch, Lease, LeaseKey, SessionId},
    settings::{InitialPosition, SameId},
};
use kcl_memory::sim::{Action, Fate, Script, World};

use super::lab::{at_rest, millis, not_planning, place_of, secs, settled, time_until};

/// A fleet that is at rest, whose handoffs are forced after four seconds.
pub(crate) fn impatient(seed: u64, workers: usize, shards: usize) -> World {
    let mut script = Script::quiet(seed, workers, shards);
    script.settings.handoff_timeout = secs(4);
    at_rest(script)
}

fn owners(world: &World) -> Vec<Option<SessionId>> {
    world.shard_leases().map(|row| row.owner.clone()).collect()
}

fn ended(world: &World) -> Vec<Lease> {
    world.shard_leases().filter(|row| row.has_ended()).cloned().collect()
}

fn is_end(call: &StoreCall) -> bool {
    matches!(call, StoreCall::Advance(advance) if advance.checkpoint.is_end())
}

/// A lease that a worker holds which does not plan, and its session.
fn held_by_a_follower(world: &World) -> (LeaseKey, SessionId) {
    let planner = world.planner().unwrap();
    let mut held = world.shard_leases().filter_map(|row| Some((&row.key, row.owner.as_ref()?)));
    let (key, owner) = held.find(|(_, owner)| owner.worker != planner).unwrap();
    (key.clone(), owner.clone())
}

/// A row is lost, and its owner dies, who could have put it again: the planner makes it anew.
fn lose_with_owner(world: &mut World, key: &LeaseKey, owner: &SessionId) {
    world.tamper(|rows| drop(rows.remove(key))).unwrap();
    let at = place_of(world, &owner.worker);
    world.act_now(&Action::Crash(at)).unwrap();
    world.run_for(secs(90)).unwrap();
    assert!(world.lease(key).is_some(), "the planner makes it anew");
}

/// Three of five hear nothing for longer than the session timeout, and not for twice as long.
#[test]
pub(crate) fn most_of_the_fleet_is_cut_off_and_nobody_is_fenced() {
    for seed in 0..4 {
        let mut world = settled(seed, 5, 10);
        let before = world.acquires();
        let planner = world.planner().unwrap();
        let others: Vec<_> =
            world.held().into_iter().filter(|(worker, _)| *worker != planner).take(3).collect();
        for (worker, _) in others {
            let at = place_of(&world, &worker);
            world.act_now(&Action::CutRequests(at, secs(9))).unwrap();
        }
        world.run_for(secs(30)).unwrap();
        assert_eq!(world.noticed("FencedOther"), 0, "an outage is no death");
        assert_eq!(world.acquires(), before, "nothing moves");
        world.finish().unwrap();
    }
}

#[test]
pub(crate) fn checkpoints_of_unknown_outcome_cost_nothing() {
    let mut world = settled(1, 3, 9);
    let before = world.acquires();
    let lost = world.intercept(Fate::ReplyLost, |_, call| matches!(call, StoreCall::Advance(_)));
    world.run_for(secs(15)).unwrap();
    assert!(world.picked(lost) > 9);
    world.lift(lost);
    world.run_for(secs(10)).unwrap();
    assert_eq!(world.acquires(), before, "no lease is lost for a lost answer");
    assert_eq!(world.duplicates(), 0);
    world.finish().unwrap();
}

/// The end is written, the owner does not hear of it, and writes it again.
#[test]
pub(crate) fn the_answer_to_an_end_is_lost() {
    let mut world = settled(1, 3, 9);
    let lost = world.intercept(Fate::ReplyLost, |_, call| is_end(call));
    world.act_now(&Action::Split(1)).unwrap();
    time_until(&mut world, |world| world.picked(lost) > 0);
    world.lift(lost);
    let read =
        time_until(&mut world, |world| !ended(world).is_empty() && world.unread().is_empty());
    assert!(read < secs(5), "the owner takes the children: {read:?}");
    world.finish().unwrap();
}

/// The row says that nobody holds the lease; its owner believes it does, until it hears otherwise.
#[test]
pub(crate) fn an_operator_frees_a_lease() {
    let mut world = settled(1, 3, 9);
    world
        .tamper(|rows| {
            let row = rows.values_mut().find(|row| !row.key.is_role()).unwrap();
            row.owner = None;
            row.epoch = Epoch(row.epoch.0 + 1);
        })
        .unwrap();
    let healed = time_until(&mut world, |world| owners(world).iter().all(Option::is_some));
    assert!(healed < secs(10), "at the next checkpoint, long before the next audit");
    world.finish().unwrap();
}

/// The owner puts the row again, at the checkpoint that was acknowledged.
#[test]
pub(crate) fn an_operator_deletes_a_row_that_is_held() {
    let mut world = settled(1, 3, 9);
    world.run_for(secs(20)).unwrap();
    let key = world.shard_leases().next().unwrap().key.clone();
    world.tamper(|rows| drop(rows.remove(&key))).unwrap();
    world.run_for(secs(20)).unwrap();
    assert!(world.lease(&key).is_some_and(|row| row.owner.is_some()));
    assert!(world.duplicates() < 40, "processed again: {}", world.duplicates());
    world.finish().unwrap();
}

/// Nobody is left who knows of the shard; the stream still lists it.
#[test]
pub(crate) fn the_row_of_an_open_shard_is_lost_with_its_owner() {
    let mut world = settled(1, 3, 9);
    let (key, owner) = held_by_a_follower(&world);
    lose_with_owner(&mut world, &key, &owner);
    world.finish().unwrap();
}

#[test]
pub(crate) fn the_row_of_a_child_is_lost_with_the_owner_of_its_parent() {
    let mut world = settled(1, 3, 3);
    world.act_now(&Action::Split(1)).unwrap();
    time_until(&mut world, |world| !ended(world).is_empty());
    world.run_for(secs(2)).unwrap();
    let parent = ended(&world).remove(0);
    let child = parent.key.sibling(&parent.children[0]).unwrap();
    let reader = world.lease(&child).unwrap().owner.clone().unwrap();
    lose_with_owner(&mut world, &child, &reader);
    world.finish().unwrap();
}

/// One parent of a merge ends while the other, a child of a split itself, has no row yet.
#[test]
pub(crate) fn a_parent_of_a_merge_has_no_row_yet() {
    let mut world = settled(1, 2, 2);
    let first = world.shard_leases().next().unwrap().key.clone();
    let held = first.clone();
    let puts = world.intercept(Fate::RequestLost, move |_, call| {
        matches!(call, StoreCall::Create(row) if row.parents == vec![held.shard().unwrap()])
    });
    let late = first;
    let ends = world.intercept(Fate::RequestLost, move |_, call| match call {
        StoreCall::Advance(advance) => is_end(call) && advance.key == late,
        _ => false,
    });
    world.act_now(&Action::Split(0)).unwrap();
    // The second half of the split shard and the shard beside it.
    world.act_now(&Action::Merge(1)).unwrap();
    world.run_for(secs(20)).unwrap();
    world.lift(puts);
    world.lift(ends);
    world.finish().unwrap();
}

#[test]
pub(crate) fn the_store_goes_back_and_nothing_is_processed_again() {
    let mut world = settled(1, 3, 9);
    world.run_for(secs(20)).unwrap();
    world.act_now(&Action::RollBack(secs(3))).unwrap();
    world.run_for(secs(20)).unwrap();
    assert!(world.noticed("StoreWentBack") >= 3);
    assert_eq!(world.noticed("FencedOther"), 0, "nobody died");
    assert!(world.duplicates() < 30, "processed again: {}", world.duplicates());
    world.finish().unwrap();
}

#[test]
pub(crate) fn the_store_loses_the_end_of_a_shard() {
    let mut world = settled(1, 3, 3);
    world.run_for(secs(20)).unwrap();
    world.act_now(&Action::Split(1)).unwrap();
    time_until(&mut world, |world| !ended(world).is_empty());
    world.run_for(millis(700)).unwrap();
    world.act_now(&Action::RollBack(millis(1_500))).unwrap();
    assert!(ended(&world).is_empty(), "the end is lost");
    world.run_for(secs(20)).unwrap();
    assert_eq!(ended(&world).len(), 1, "it is written forward");
    assert!(world.duplicates() < 40, "processed again: {}", world.duplicates());
    world.finish().unwrap();
}

#[test]
pub(crate) fn a_row_that_is_lost_starts_where_the_stream_was_frozen() {
    let mut script = Script::quiet(1, 3, 6);
    script.settings.initial_position = InitialPosition::Latest;
    let mut world = World::new(script);
    world.run_for(secs(20)).unwrap();
    let (key, owner) = held_by_a_follower(&world);
    lose_with_owner(&mut world, &key, &owner);
    world.finish().unwrap();
}

/// A worker joins, gets its share, works, and leaves: what comes back goes on where it got to.
#[test]
pub(crate) fn a_shard_that_was_moved_and_moved_back() {
    let mut world = settled(1, 2, 6);
    for _ in 0..3 {
        world.act_now(&Action::Join).unwrap();
        world.run_for(secs(15)).unwrap();
        let newcomer = world.held().len() - 1;
        world.act_now(&Action::Leave(newcomer)).unwrap();
        world.run_for(secs(15)).unwrap();
    }
    assert_eq!(world.duplicates(), 0, "every handover was in good order");
    world.finish().unwrap();
}

/// A worker stands still until the others have ended it, and a new process starts under its id.
#[test]
pub(crate) fn a_fenced_worker_finds_a_newer_one_of_its_id() {
    let mut world = settled(1, 3, 6);
    let name = not_planning(&world);
    let at = place_of(&world, &name);
    world.act_now(&Action::Pause(at, secs(14))).unwrap();
    world.run_for(secs(10)).unwrap();
    assert_eq!(world.noticed("FencedOther"), 1);
    world.act_now(&Action::JoinAs(at)).unwrap();
    world.run_for(secs(3)).unwrap();
    let before = world.acquires();
    world.run_for(secs(15)).unwrap();
    assert_eq!(world.acquires(), before, "the old process takes nothing from the new one");
    assert_eq!(world.held().len(), 3);
    world.finish().unwrap();
}

/// Under `same_id = refuse` the newcomer goes; nobody else takes notice.
#[test]
pub(crate) fn a_worker_whose_id_is_in_use_is_refused() {
    let mut script = Script::quiet(1, 3, 9);
    script.settings.same_id = SameId::Refuse;
    let mut world = at_rest(script);
    let at = place_of(&world, &not_planning(&world));
    world.act_now(&Action::JoinAs(at)).unwrap();
    world.run_for(secs(20)).unwrap();
    assert_eq!(world.noticed("DuplicateWorkerId"), 1);
    assert_eq!(world.held().len(), 3);
    assert_eq!(world.acquires(), 9, "each lease was taken once");
    world.finish().unwrap();
}

/// Each new process takes the place of the one before it, whatever its incarnation happens to be.
#[test]
pub(crate) fn a_worker_restarts_six_times() {
    let mut world = settled(1, 3, 6);
    let name = not_planning(&world);
    for _ in 0..6 {
        let started = world.noticed("Registered");
        let at = place_of(&world, &name);
        world.act_now(&Action::JoinAs(at)).unwrap();
        world.run_for(secs(5)).unwrap();
        assert_eq!(world.noticed("Registered"), started + 1, "the newcomer stays");
    }
    assert_eq!(world.noticed("FencedOther"), 0);
    world.finish().unwrap();
}

/// The batch of a lease that has to move takes longer than the handoff may: it is dropped in time.
#[test]
pub(crate) fn a_slow_batch_is_dropped_before_its_lease_is_forced() {
    for seed in 0..4 {
        let mut world = impatient(seed, 2, 6);
        world.act_now(&Action::SlowProcessor(0, secs(20), secs(20))).unwrap();
        world.act_now(&Action::SlowProcessor(1, secs(20), secs(20))).unwrap();
        world.run_for(secs(2)).unwrap();
        world.act_now(&Action::Join).unwrap();
        world.run_for(secs(30)).unwrap();
        assert_eq!(world.noticed("Forced"), 0, "each owner lets go in time");
        world.finish().unwrap();
    }
}

/// The same, while a deployment changes how long a handover may take: the planner is the one who
/// has less patience.
#[test]
pub(crate) fn a_worker_has_more_patience_than_its_planner() {
    for seed in 0..4 {
        let mut world = impatient(seed, 2, 12);
        world.act_now(&Action::JoinChanged).unwrap();
        world.run_for(secs(5)).unwrap();
        for at in 0..3 {
            world.act_now(&Action::SlowProcessor(at, secs(20), secs(20))).unwrap();
        }
        world.run_for(secs(2)).unwrap();
        world.act_now(&Action::Join).unwrap();
        world.run_for(secs(30)).unwrap();
        assert_eq!(world.noticed("Forced"), 0, "each owner lets go in time");
        world.finish().unwrap();
    }
}

#[test]
pub(crate) fn a_share_is_rounded_up() {
    let mut script = Script::quiet(1, 3, 20);
    script.settings.limits.fair_share = true;
    let world = at_rest(script);
    let mut held: Vec<usize> = world.held().into_iter().map(|(_, held)| held).collect();
    held.sort_unstable();
    assert_eq!(held, [6, 7, 7]);
    world.finish().unwrap();
}

/// A deletion comes late, after the row it meant was deleted and another was put in its place.
#[test]
pub(crate) fn a_deletion_lands_when_the_row_was_made_again() {
    let mut world = settled(1, 2, 2);
    world.act_now(&Action::Split(0)).unwrap();
    time_until(&mut world, |world| !ended(world).is_empty());
    let parent = ended(&world).remove(0);
    let late = world.intercept(Fate::Held, |_, call| matches!(call, StoreCall::Delete(_)));
    world.act_now(&Action::Trim).unwrap();
    world.run_while(secs(120), |world| world.picked(late) == 0).unwrap();
    world
        .tamper(|rows| {
            let row = rows.get_mut(&parent.key).unwrap();
            *row = Lease::new(parent.key.clone(), Checkpoint::TrimHorizon);
        })
        .unwrap();
    world.lift(late);
    world.land(late).unwrap();
    world.finish().unwrap();
}

#[test]
pub(crate) fn ended_rows_go_when_the_stream_forgets_them() {
    let mut world = settled(1, 3, 3);
    world.act_now(&Action::Split(1)).unwrap();
    world.run_for(secs(10)).unwrap();
    let key: LeaseKey = ended(&world).remove(0).key;
    world.run_for(secs(70)).unwrap();
    assert!(world.lease(&key).is_some(), "the stream still lists the shard");
    world.act_now(&Action::Trim).unwrap();
    world.run_for(secs(100)).unwrap();
    assert!(world.lease(&key).is_none(), "the stream has forgotten the shard");
    world.finish().unwrap();
}
