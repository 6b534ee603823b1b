//! Tests of the judgement of deliveries: each kind of fault is put into a correct history, and the
//! judge must count it.

use proptest::prelude::*;

use super::world::{Step, World, name, steps};
use crate::demo::judge::{Records, delivery::judge};

/// The counts that must be zero in a correct run. Duplicates are not among them.
const fn wrong(found: &Records) -> [usize; 6] {
    let in_order = [found.out_of_order_shard, found.out_of_order_key, found.before_parent];
    let [shard, key, parent] = in_order;
    [found.lost, shard, key, parent, found.stale_epoch, found.unknown]
}

proptest! {
    #[test]
    fn a_run_without_fault_is_found_without_fault(steps in steps()) {
        let world = World::after(&steps);
        let found = judge(&world.history);
        prop_assert_eq!(wrong(&found), [0; 6]);
        prop_assert_eq!(found.produced, world.history.produced.len());
        prop_assert_eq!(found.processed, found.produced);
        prop_assert_eq!(found.duplicates, world.again);
    }

    #[test]
    fn a_record_that_is_never_delivered_is_lost(steps in steps(), which: prop::sample::Index) {
        let mut history = World::after(&steps).history;
        prop_assume!(!history.produced.is_empty());
        let lost = which.get(&history.produced).id;
        history.deliveries.retain(|delivery| delivery.id != lost);
        let found = judge(&history);
        prop_assert_eq!(wrong(&found), [1, 0, 0, 0, 0, 0]);
        prop_assert_eq!(found.processed, found.produced - 1);
    }

    #[test]
    fn two_records_of_a_shard_that_change_places_are_out_of_order(
        steps in steps(), which: prop::sample::Index,
    ) {
        let mut history = World::after(&steps).history;
        let all = &history.deliveries;
        let next = |at: usize| (at + 1..all.len()).find(|other| {
            (&all[*other].shard, all[*other].epoch) == (&all[at].shard, all[at].epoch)
        });
        let pairs: Vec<(usize, usize)> =
            (0..all.len()).filter_map(|at| Some((at, next(at)?))).collect();
        prop_assume!(!pairs.is_empty());
        let (one, other) = *which.get(&pairs);
        history.deliveries.swap(one, other);
        prop_assert!(judge(&history).out_of_order_shard > 0);
    }

    #[test]
    fn two_first_records_of_a_key_that_change_places_are_out_of_order(
        steps in steps(), which: prop::sample::Index,
    ) {
        let mut history = World::after(&steps).history;
        let later = history.produced.iter().filter(|record| record.nth > 0).copied();
        let later: Vec<_> = later.collect();
        prop_assume!(!later.is_empty());
        let later = *which.get(&later);
        let earlier = history.produced.iter().find(|record| {
            record.key == later.key && record.nth + 1 == later.nth
        });
        let earlier = earlier.unwrap().id;
        // The two records change places, as if the producer had put the later one first.
        for delivery in &mut history.deliveries {
            if delivery.id == later.id {
                delivery.id = earlier;
            } else if delivery.id == earlier {
                delivery.id = later.id;
            }
        }
        prop_assert!(judge(&history).out_of_order_key > 0);
    }
}

fn handmade() -> World {
    // Key 0 is in shard 0, whose children are 2 (keys 0 and 1) and 3.
    World::after(&[Step::Put(0), Step::Put(0), Step::Split(0), Step::Put(0), Step::Put(0)])
}

#[test]
fn a_child_read_before_its_parent_is_over_is_found() {
    let mut history = handmade().history;
    let parents_last = history.deliveries.remove(1);
    history.deliveries.push(parents_last);
    let found = judge(&history);
    assert_eq!(found.before_parent, 2);
    assert_eq!(found.out_of_order_key, 1);
    assert_eq!(found.out_of_order_shard, 0);
}

#[test]
fn reading_on_after_a_newer_owner_is_found() {
    let mut history = handmade().history;
    let mut late = history.deliveries[3].clone();
    assert_eq!(late.shard, name(2));
    history.deliveries[3].epoch.0 += 1;
    late.worker.0 += 10;
    history.deliveries.push(late);
    let found = judge(&history);
    assert_eq!((found.stale_epoch, found.duplicates), (1, 1));
}

#[test]
fn a_record_nobody_produced_is_found() {
    let mut history = handmade().history;
    history.produced.pop();
    let found = judge(&history);
    assert_eq!((found.unknown, found.lost, found.produced), (1, 0, 3));
    assert_eq!(found.problems().len(), 1);
}

#[test]
fn a_run_without_records_proves_nothing() {
    let found = judge(&World::after(&[]).history);
    assert_eq!(found.problems(), ["nothing was put into the stream"]);
}

#[test]
fn two_workers_of_one_epoch_are_found_although_nothing_counts_them() {
    let mut history = handmade().history;
    history.deliveries[1].worker.0 += 10;
    let found = judge(&history);
    assert_eq!(wrong(&found), [0; 6]);
    assert_eq!(found.problems().len(), 1, "{found:?}");
    assert!(found.problems()[0].contains("shares epoch 1 with worker-1"), "{found:?}");
}
