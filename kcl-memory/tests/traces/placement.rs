//! Placement rules that meet reshards, changes of planner, and the operator's commands.

use bytes::Bytes;
use kcl_core::{
    lease::{DocName, Document, Lease, LeaseKey, WorkerId},
    stream::ShardId,
};
use kcl_memory::sim::{Action, World};

use crate::traces::stage::{owner, secs, settled, wait_for};

/// A worker that does not plan, and the number by which actions name it.
fn reader(world: &World) -> (usize, WorkerId) {
    let planner = world.planner();
    let held = world.held().into_iter().map(|(worker, _)| worker).enumerate();
    held.into_iter().find(|(_, worker)| Some(worker) != planner.as_ref()).unwrap()
}

fn is_read_by(world: &World, key: &LeaseKey, who: &WorkerId) -> bool {
    owner(world, key).is_some_and(|owner| owner.worker == *who)
}

/// The leases of the open shards, in the order in which actions number them.
fn open(world: &World) -> Vec<LeaseKey> {
    let mut open: Vec<_> = world.shard_leases().filter(|row| !row.has_ended()).collect();
    open.sort_by_key(|row| row.range.map(|range| range.start));
    open.into_iter().map(|row| row.key.clone()).collect()
}

/// The first open shard that this worker does not read, and its number among them.
fn read_elsewhere(world: &World, who: &WorkerId) -> (usize, LeaseKey) {
    let open = open(world).into_iter().enumerate();
    open.into_iter().find(|(_, key)| !is_read_by(world, key, who)).unwrap()
}

fn children(world: &World, parent: &Lease) -> Vec<LeaseKey> {
    let rows = parent.children.iter().filter_map(|id| parent.key.sibling(id));
    rows.filter(|key| world.lease(key).is_some()).collect()
}

/// A shard is split, and the stream forgets it as soon as it has ended: its row goes. Its children.
fn split_and_forget(world: &mut World, number: usize, key: &LeaseKey) -> Vec<LeaseKey> {
    world.act_now(&Action::Split(number)).unwrap();
    wait_for(world, secs(10), |world| world.lease(key).is_some_and(Lease::has_ended));
    let parent = world.lease(key).unwrap().clone();
    world.act_now(&Action::Trim).unwrap();
    wait_for(world, secs(130), |world| world.lease(key).is_none());
    children(world, &parent)
}

fn rules(world: &World) -> Document {
    world.docs()[&DocName::placement()].clone()
}

#[test]
pub(crate) fn a_rule_that_is_put_or_taken_back_holds_within_a_beat_or_so() {
    for seed in 0..3 {
        let mut world = settled(3, 6);
        // The next audit is at another time each time, and never soon.
        world.run_for(secs(5 + 10 * seed)).unwrap();
        let (at, who) = reader(&world);
        let (number, key) = read_elsewhere(&world, &who);
        world.act_now(&Action::Require(number, at)).unwrap();
        wait_for(&mut world, secs(3), |world| is_read_by(world, &key, &who));
        world.act_now(&Action::Crash(at)).unwrap();
        world.run_for(secs(20)).unwrap();
        let row = world.lease(&key).unwrap();
        assert!(row.owner.as_ref().is_none_or(|owner| owner.worker == who), "it waits: {row:?}");
        world.act_now(&Action::ClearRules).unwrap();
        wait_for(&mut world, secs(3), |world| {
            owner(world, &key).is_some_and(|owner| owner.worker != who)
        });
        world.finish().unwrap();
    }
}

/// The row of a shard with a rule goes, then the planner that wrote down who inherits, and then the
/// worker that the rule names: nobody else reads the children until the rule is taken back. The
/// operator's document says all the while what the operator wrote.
#[test]
pub(crate) fn what_shards_inherit_outlives_the_row_that_led_to_it_and_the_planner() {
    let mut world = settled(4, 4);
    let (at, who) = reader(&world);
    let (number, key) = read_elsewhere(&world, &who);
    world.act_now(&Action::Require(number, at)).unwrap();
    wait_for(&mut world, secs(10), |world| is_read_by(world, &key, &who));
    let written = rules(&world);
    let heirs = split_and_forget(&mut world, number, &key);
    assert_eq!(heirs.len(), 2);
    assert!(heirs.iter().all(|heir| is_read_by(&world, heir, &who)));
    assert!(world.docs().contains_key(&DocName::inherited()));
    world.act_now(&Action::CrashPlanner).unwrap();
    wait_for(&mut world, secs(30), |world| world.planner().is_some());
    world.run_for(secs(70)).unwrap();
    assert!(heirs.iter().all(|heir| is_read_by(&world, heir, &who)), "nothing moves");
    let at = world.held().iter().position(|(worker, _)| *worker == who).unwrap();
    world.act_now(&Action::Crash(at)).unwrap();
    world.run_for(secs(70)).unwrap();
    for heir in &heirs {
        let owner = owner(&world, heir);
        assert!(owner.as_ref().is_none_or(|owner| owner.worker == who), "{heir}: {owner:?}");
    }
    assert_eq!(rules(&world), written);
    world.act_now(&Action::ClearRules).unwrap();
    wait_for(&mut world, secs(5), |world| {
        heirs.iter().all(|heir| owner(world, heir).is_some_and(|owner| owner.worker != who))
    });
    world.finish().unwrap();
}

/// The rule of a shard whose row is gone is given to another worker: its heirs follow.
#[test]
pub(crate) fn heirs_follow_the_rule_as_the_operator_changes_it() {
    let mut world = settled(4, 4);
    let (at, who) = reader(&world);
    let (number, key) = read_elsewhere(&world, &who);
    world.act_now(&Action::Require(number, at)).unwrap();
    let heirs = split_and_forget(&mut world, number, &key);
    assert!(heirs.iter().all(|heir| is_read_by(&world, heir, &who)));
    let other = world.held().into_iter().map(|(worker, _)| worker).find(|it| *it != who).unwrap();
    let Document { name, version, body, .. } = rules(&world);
    let text = String::from_utf8(body.to_vec()).unwrap();
    let changed = text.replace(&format!("\"{who}\""), &format!("\"{other}\""));
    assert_ne!(changed, text);
    let changed = Document::new(name.clone(), version + 1, changed.into());
    world.tamper_docs(|docs| drop(docs.insert(name, changed)));
    // Nobody is woken by that: the next audit finds out.
    wait_for(&mut world, secs(70), |world| heirs.iter().all(|it| is_read_by(world, it, &other)));
}

/// A planner of an older build wrote a rule for an heir among the operator's. It holds, what
/// descends from that shard inherits it, and the document is left as it is.
#[test]
pub(crate) fn what_an_older_build_handed_down_among_the_operators_rules_holds_on() {
    let mut world = settled(4, 4);
    let (_, who) = reader(&world);
    let first = open(&world).remove(0);
    let heir = split_and_forget(&mut world, 0, &first).remove(0);
    let life = first.stream().unwrap();
    let shard: ShardId = heir.shard().unwrap();
    let (stream, created) = (life.name, life.created.as_millis());
    let older = format!(
        "{{\"format\":1,\"uncovered\":\"balance\",\"rules\":[{{\"stream\":\"{stream}\",\
         \"created\":{created},\"shard\":\"{shard}\",\"worker\":\"{who}\",\
         \"mode\":\"require\"}}]}}"
    );
    let older = Document::new(DocName::placement(), 3, Bytes::from(older));
    world.tamper_docs(|docs| drop(docs.insert(DocName::placement(), older.clone())));
    wait_for(&mut world, secs(70), |world| is_read_by(world, &heir, &who));
    let number = open(&world).iter().position(|key| *key == heir).unwrap();
    let next = split_and_forget(&mut world, number, &heir);
    world.act_now(&Action::CrashPlanner).unwrap();
    world.run_for(secs(90)).unwrap();
    assert_eq!(next.len(), 2);
    assert!(next.iter().all(|heir| is_read_by(&world, heir, &who)));
    assert_eq!(rules(&world), older);
}

/// A planner that was overtaken hands nothing down over what its successor wrote, and deletes no
/// row for it.
#[test]
pub(crate) fn a_document_of_a_later_planner_is_not_written_over() {
    let mut world = settled(4, 4);
    let (at, _) = reader(&world);
    world.act_now(&Action::Require(0, at)).unwrap();
    world.run_for(secs(5)).unwrap();
    let first = open(&world).remove(0);
    let later = r#"{"format":1,"term":9000000000000000000,"streams":[]}"#;
    let later = Document::new(DocName::inherited(), 7, later.into());
    world.tamper_docs(|docs| drop(docs.insert(DocName::inherited(), later.clone())));
    world.act_now(&Action::Split(0)).unwrap();
    world.run_for(secs(5)).unwrap();
    world.act_now(&Action::Trim).unwrap();
    wait_for(&mut world, secs(130), |world| world.noticed("StoppedPlanning") > 0);
    assert!(world.lease(&first).is_some());
    assert_eq!(world.docs()[&DocName::inherited()], later);
}

/// A worker joins a frozen fleet and gets nothing, one dies and is replaced, and once the fleet is
/// thawed everybody has a share.
#[test]
pub(crate) fn a_frozen_fleet_gives_a_newcomer_what_nobody_holds_and_no_more() {
    let mut world = settled(3, 9);
    world.act_now(&Action::Freeze).unwrap();
    // By then whatever moves is seen by an invariant.
    world.run_for(secs(130)).unwrap();
    let before: Vec<_> = open(&world).iter().map(|key| owner(&world, key)).collect();
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(20)).unwrap();
    let after: Vec<_> = open(&world).iter().map(|key| owner(&world, key)).collect();
    assert_eq!(after, before, "the newcomer gets nothing");
    let (at, dead) = reader(&world);
    world.act_now(&Action::Crash(at)).unwrap();
    wait_for(&mut world, secs(10), |world| {
        open(world).iter().all(|key| owner(world, key).is_some_and(|it| it.worker != dead))
    });
    let newcomers = |world: &World| world.held().into_iter().map(|(_, held)| held).min();
    world.run_for(secs(1)).unwrap();
    assert_eq!(newcomers(&world), Some(3), "what nobody held is its share");
    world.act_now(&Action::Join).unwrap();
    world.run_for(secs(5)).unwrap();
    assert_eq!(newcomers(&world), Some(0));
    world.act_now(&Action::Thaw).unwrap();
    wait_for(&mut world, secs(5), |world| newcomers(world) == Some(2));
}

/// A worker that shards prefer starts a new session: they are read by others meanwhile, and come
/// back to it once it has lived for two session timeouts.
#[test]
pub(crate) fn a_lease_returns_to_who_it_prefers_when_that_has_lived_for_a_while() {
    let mut world = settled(3, 6);
    let (at, who) = reader(&world);
    let (number, key) = read_elsewhere(&world, &who);
    world.act_now(&Action::Prefer(number, at)).unwrap();
    wait_for(&mut world, secs(3), |world| is_read_by(world, &key, &who));
    // It stands still, is taken for dead, and comes back.
    world.act_now(&Action::Pause(at, secs(8))).unwrap();
    wait_for(&mut world, secs(8), |world| {
        owner(world, &key).is_some_and(|owner| owner.worker != who)
    });
    world.run_for(secs(12)).unwrap();
    assert!(!is_read_by(&world, &key, &who), "it may go as fast as it came");
    assert!(world.held().iter().any(|(worker, held)| *worker == who && *held > 0), "it is back");
    wait_for(&mut world, secs(6), |world| is_read_by(world, &key, &who));
}
