//! Single cases, by name.

use std::slice::from_ref;

use crate::{
    env::WallTime,
    lease::{Checkpoint, Delete, Lease, LeaseKey},
    lineage::{Changes, FrozenStart, Lineage, Problem, reconcile},
    stream::{HashRange, Shard, ShardId, StreamKey},
};

const NOON: FrozenStart = FrozenStart::AtTimestamp(WallTime::from_millis(12));

fn stream() -> StreamKey {
    StreamKey::new("orders", WallTime::from_millis(5))
}

fn id(name: &str) -> ShardId {
    name.parse().unwrap()
}

fn ids(names: &[&str]) -> Vec<ShardId> {
    names.iter().map(|name| id(name)).collect()
}

/// A closed shard, or with a name that ends in `*` an open one.
fn shard(name: &str, parents: &[&str], range: (u128, u128)) -> Shard {
    let name_only = name.trim_end_matches('*');
    let range = HashRange::new(range.0, range.1);
    Shard { parents: ids(parents), closed: name == name_only, ..Shard::open(id(name_only), range) }
}

fn key(name: &str) -> LeaseKey {
    LeaseKey::of_shard(&stream(), &id(name))
}

fn row(of: &Shard, checkpoint: Checkpoint) -> Lease {
    let parents = of.parents.clone();
    Lease::new(LeaseKey::of_shard(&stream(), &of.id), checkpoint).of_shard(parents, of.range)
}

fn run(shards: &[Shard], leases: &[Lease], start: FrozenStart) -> Changes {
    reconcile(&Lineage::new(&stream(), shards, leases), start)
}

fn created(changes: &Changes) -> Vec<(String, Checkpoint)> {
    let name = |lease: &Lease| lease.key.shard().unwrap().to_string();
    changes.create.iter().map(|lease| (name(lease), lease.checkpoint.clone())).collect()
}

fn at(start: &FrozenStart, names: &[&str]) -> Vec<(String, Checkpoint)> {
    names.iter().map(|name| ((*name).to_owned(), (*start).into())).collect()
}

/// The worked example of the Java KCL: (0,1) merged to 6, (2,3) to 7, (6,7) to 8; 5 split to
/// (9,10); 4 open.
fn java_shards() -> Vec<Shard> {
    vec![
        shard("0", &[], (0, 9)),
        shard("1", &[], (10, 19)),
        shard("2", &[], (20, 29)),
        shard("3", &[], (30, 39)),
        shard("4*", &[], (40, 49)),
        shard("5", &[], (50, u128::MAX)),
        shard("6", &["0", "1"], (0, 19)),
        shard("7", &["2", "3"], (20, 39)),
        shard("8*", &["6", "7"], (0, 39)),
        shard("9*", &["5"], (50, 99)),
        shard("10*", &["5"], (100, u128::MAX)),
    ]
}

/// Its leases: 4, 5 and 7.
fn java_leases(shards: &[Shard]) -> Vec<Lease> {
    [4, 5, 7].map(|n: usize| row(&shards[n], Checkpoint::TrimHorizon)).into()
}

#[test]
fn the_java_example_from_trim_horizon_starts_at_the_oldest() {
    let mut shards = java_shards();
    let leases = java_leases(&shards);
    // The parents of 7 are forgotten: that must be so where 7 has a row and they have none.
    shards.retain(|shard| !["2", "3"].contains(&shard.id.as_str()));
    let changes = run(&shards, &leases, FrozenStart::TrimHorizon);
    assert_eq!(created(&changes), at(&FrozenStart::TrimHorizon, &["1", "0"]));
    assert_eq!((changes.holes, changes.problems), (vec![], vec![]));
}

#[test]
fn the_java_example_from_a_time_covers_every_generation_at_that_time() {
    let mut shards = java_shards();
    let leases = java_leases(&shards);
    shards.retain(|shard| !["2", "3"].contains(&shard.id.as_str()));
    let changes = run(&shards, &leases, NOON);
    // Not 6 from the ends of 0 and 1, at TrimHorizon: 6 may have been open before noon.
    assert_eq!(created(&changes), at(&NOON, &["6", "1", "0"]));
}

#[test]
fn a_parent_that_is_listed_and_has_no_row_gets_one_and_holds_its_child_back() {
    let shards = java_shards();
    let leases = java_leases(&shards);
    let stream = stream();
    let lineage = Lineage::new(&stream, &shards, &leases);
    let changes = reconcile(&lineage, FrozenStart::TrimHorizon);
    assert_eq!(created(&changes), at(&FrozenStart::TrimHorizon, &["3", "2", "1", "0"]));
    let runnable: Vec<bool> = leases.iter().map(|lease| lineage.is_runnable(lease)).collect();
    assert_eq!(runnable, [true, true, false]);
}

/// 0 split to (1,2); 1 split to (3,4); (2,4) merged to 5; 3 and 5 open.
fn split_merge_split() -> Vec<Shard> {
    vec![
        shard("0", &[], (0, u128::MAX)),
        shard("1", &["0"], (0, 99)),
        shard("2", &["0"], (100, u128::MAX)),
        shard("3*", &["1"], (0, 49)),
        shard("4", &["1"], (50, 99)),
        shard("5*", &["2", "4"], (50, u128::MAX)),
    ]
}

#[test]
fn an_empty_table_from_trim_horizon_gets_the_oldest_listed_shards_only() {
    let shards = split_merge_split();
    let changes = run(&shards, &[], FrozenStart::TrimHorizon);
    assert_eq!(created(&changes), at(&FrozenStart::TrimHorizon, &["0"]));
    // Once 0 and 1 are trimmed, 2 and what is left of 1 are the oldest.
    let changes = run(&shards[2..], &[], FrozenStart::TrimHorizon);
    assert_eq!(created(&changes), at(&FrozenStart::TrimHorizon, &["4", "3", "2"]));
    assert_eq!(changes.holes, []);
}

#[test]
fn an_empty_table_from_a_time_gets_every_listed_shard_descendants_first() {
    let changes = run(&split_merge_split(), &[], NOON);
    assert_eq!(created(&changes), at(&NOON, &["5", "4", "3", "2", "1", "0"]));
}

#[test]
fn a_beginning_that_stopped_half_way_goes_on_at_the_same_time() {
    let shards = split_merge_split();
    let whole = run(&shards, &[], NOON).create;
    for made in 0..=whole.len() {
        let changes = run(&shards, &whole[..made], NOON);
        assert_eq!(changes.create, whole[made..]);
    }
}

#[test]
fn a_child_waits_for_the_end_of_its_parent_and_then_starts_at_its_first_record() {
    let shards = split_merge_split();
    let reading = [row(&shards[0], Checkpoint::AtTimestamp(WallTime::from_millis(12)))];
    assert_eq!(created(&run(&shards, &reading, NOON)), []);
    let ended = [row(&shards[0], Checkpoint::ShardEnd)];
    let changes = run(&shards, &ended, NOON);
    assert_eq!(created(&changes), at(&FrozenStart::TrimHorizon, &["2", "1"]));
    assert_eq!(changes.holes, []);
}

#[test]
fn the_other_parent_of_a_merge_gets_a_lease_where_reading_began() {
    let shards = [
        shard("0", &[], (0, 9)),
        shard("1", &[], (10, u128::MAX)),
        shard("2*", &["0", "1"], (0, u128::MAX)),
    ];
    let leases = [row(&shards[0], Checkpoint::ShardEnd), row(&shards[2], Checkpoint::TrimHorizon)];
    let changes = run(&shards, &leases, NOON);
    assert_eq!(created(&changes), at(&NOON, &["1"]));
    assert!(!Lineage::new(&stream(), &shards, &leases).is_runnable(&leases[1]));
    // Once the stream has forgotten it, no shard waits for it.
    let later = [shards[0].clone(), shards[2].clone()];
    assert_eq!(created(&run(&later, &leases, NOON)), []);
    assert!(Lineage::new(&stream(), &later, &leases).is_runnable(&leases[1]));
}

#[test]
fn an_absent_parent_says_nothing_if_the_list_is_older_than_the_child() {
    let shards = [shard("0*", &[], (0, u128::MAX))];
    let child = shard("3*", &["1", "2"], (0, u128::MAX));
    let first = row(&shard("1", &["0"], (0, 9)), Checkpoint::ShardEnd);
    let leases = [row(&shards[0], Checkpoint::TrimHorizon), first, row(&child, NOON.into())];
    assert!(!Lineage::new(&stream(), &shards, &leases).is_runnable(&leases[2]));
    assert!(Lineage::new(&stream(), &[child], &leases).is_runnable(&leases[2]));
}

#[test]
fn an_ended_row_stays_while_its_shard_is_listed_or_a_child_lacks_its_row() {
    let shards = split_merge_split();
    let mut ended = row(&shards[0], Checkpoint::ShardEnd);
    ended.children = ids(&["1", "2"]);
    let one = row(&shards[1], Checkpoint::TrimHorizon);
    let two = row(&shards[2], Checkpoint::TrimHorizon);
    let deleted = |shards: &[Shard], leases: &[Lease]| run(shards, leases, NOON).delete;
    let gone = vec![Delete::ended(key("0"), ended.epoch)];

    assert_eq!(deleted(&shards, &[ended.clone(), one.clone(), two.clone()]), []);
    assert_eq!(deleted(&shards[1..], &[ended.clone(), one.clone()]), []);
    assert_eq!(deleted(&shards[1..], &[ended.clone(), one.clone(), two]), gone);
    assert_eq!(deleted(&shards[3..], &[ended.clone(), one.clone()]), gone);
    // The end did not name the children; the list does.
    ended.children.clear();
    assert_eq!(deleted(&shards[1..], &[ended, one]), []);
}

#[test]
fn an_unfinished_lease_of_a_forgotten_shard_is_reported_and_kept() {
    let shards = split_merge_split();
    let one = row(&shards[1], Checkpoint::TrimHorizon);
    let four = row(&shards[4], Checkpoint::TrimHorizon);
    let two = row(&shards[2], Checkpoint::TrimHorizon);
    let changes = run(&shards[5..], &[one, four, two], FrozenStart::TrimHorizon);
    // 4 follows once 1 has been ended by its owner.
    assert_eq!(changes.orphaned, [key("1"), key("2")]);
    assert_eq!((changes.create, changes.delete), (vec![], vec![]));
}

#[test]
fn leases_of_a_former_life_of_the_stream_are_stale() {
    let former = StreamKey::new("orders", WallTime::from_millis(4));
    let shards = [shard("0*", &[], (0, u128::MAX))];
    let old = Lease::new(LeaseKey::of_shard(&former, &id("0")), Checkpoint::ShardEnd);
    let changes = run(&shards, from_ref(&old), FrozenStart::TrimHorizon);
    assert_eq!(changes.stale, [Delete::of_gone_stream(old.key.clone(), old.epoch)]);
    assert_eq!(created(&changes), at(&FrozenStart::TrimHorizon, &["0"]));
}

#[test]
fn a_list_of_a_life_that_is_over_changes_nothing() {
    let later = StreamKey::new("orders", WallTime::from_millis(6));
    let shards = [shard("0*", &[], (0, u128::MAX))];
    let new = Lease::new(LeaseKey::of_shard(&later, &id("0")), Checkpoint::TrimHorizon);
    let changes = run(&shards, from_ref(&new), FrozenStart::TrimHorizon);
    let problems = vec![Problem::LaterLife { key: new.key }];
    assert_eq!(changes, Changes { problems, ..Changes::default() });
}

#[test]
fn an_empty_list_changes_nothing() {
    let leases = [row(&split_merge_split()[0], Checkpoint::ShardEnd)];
    let changes = run(&[], &leases, FrozenStart::TrimHorizon);
    let problems = vec![Problem::NothingListed];
    assert_eq!(changes, Changes { problems, ..Changes::default() });
}

#[test]
fn other_streams_and_roles_are_passed_over() {
    let other = StreamKey::new("payments", WallTime::from_millis(5));
    let shards = [shard("0*", &[], (0, u128::MAX))];
    let leases = [
        row(&shards[0], Checkpoint::TrimHorizon),
        Lease::new(LeaseKey::of_shard(&other, &id("7")), Checkpoint::ShardEnd),
        Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon),
    ];
    assert_eq!(run(&shards, &leases, NOON), Changes::default());
}

#[test]
fn an_ended_lease_of_an_open_shard_is_a_hole_and_says_what_to_do() {
    let shards = [shard("0*", &[], (0, 9)), shard("1*", &[], (10, u128::MAX))];
    let leases = [row(&shards[0], Checkpoint::ShardEnd), row(&shards[1], Checkpoint::TrimHorizon)];
    let changes = run(&shards, &leases, NOON);
    assert_eq!(changes.holes, [HashRange::new(0, 9)]);
    assert_eq!(changes.problems, [Problem::EndedWhileOpen { key: key("0") }]);
    assert!(changes.problems[0].to_string().contains("kcl leases reset --lease "));
}

#[test]
fn holes_are_found_at_both_ends_and_between() {
    let shards = [shard("0*", &[], (5, 9)), shard("1*", &[], (20, u128::MAX - 1))];
    let changes = run(&shards, &[], NOON);
    let between = HashRange::new(10, 19);
    let end = HashRange::new(u128::MAX, u128::MAX);
    assert_eq!(changes.holes, [HashRange::new(0, 4), between, end]);
}

#[test]
fn a_source_without_hash_keys_has_no_holes() {
    let shards = [Shard { range: None, ..shard("0*", &[], (0, 0)) }];
    assert_eq!(run(&shards, &[], NOON).holes, []);
}

#[test]
fn parents_that_run_in_a_circle_end_no_run() {
    let shards = [shard("0", &["1"], (0, 9)), shard("1*", &["0"], (10, u128::MAX))];
    let changes = run(&shards, &[], FrozenStart::TrimHorizon);
    assert_eq!((created(&changes), changes.holes), (vec![], vec![HashRange::ALL]));
}
