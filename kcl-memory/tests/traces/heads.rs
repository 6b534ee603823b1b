//! Many workers that die at one instant, and those that watch all sessions among them.
//!
//! How long until everything is read again: the figures of PROTOCOL rule 6, with a network
//! that takes a few milliseconds.

use std::time::Duration;

use kcl_core::{
    coordinator::{Assignment, StoreCall},
    env::Time,
    lease::{DocName, WorkerId},
    store::Consistency,
};
use kcl_memory::sim::{Action, Fate, Script, World};

use super::stage::{millis, secs};

/// T and w of the default settings.
const TIMEOUT: Duration = Duration::from_secs(6);
const WATCH: Duration = Duration::from_secs(2);

/// Moments of death: at every phase of beats and readings.
const PHASES: u64 = 12;

fn fleet(seed: u64, workers: usize, zones: usize) -> World {
    let mut script = Script::quiet(seed, workers, 2 * workers);
    script.zones = zones;
    let mut world = World::new(script);
    world.run_for(secs(15) + millis(seed * 170)).unwrap();
    world
}

/// The document of a worker.
fn told(world: &World, worker: &WorkerId) -> Assignment {
    let document = world.document(&DocName::assignment(worker)).unwrap();
    Assignment::decode(&document.body).unwrap()
}

/// Those that watch all sessions, as the planner told everybody.
fn heads(world: &World) -> Vec<WorkerId> {
    let planner = world.planner().unwrap();
    told(world, &planner).heads().map(|head| head.worker.clone()).collect()
}

/// How long until every lease is read again, from the death of so many on.
fn takes(mut world: World, action: &Action, dead: usize) -> Duration {
    let begun = world.now();
    dies(&mut world, action, dead);
    read_again(world).since(begun)
}

fn dies(world: &mut World, action: &Action, dead: usize) {
    let up = world.held().len();
    world.act_now(action).unwrap();
    assert_eq!(world.held().len() + dead, up);
}

/// When every lease is read again.
fn read_again(mut world: World) -> Time {
    let read = world.run_while(secs(90), |world| !world.unread().is_empty()).unwrap();
    assert!(read, "not read again");
    let at = world.now();
    world.finish().unwrap();
    at
}

/// Median and maximum over all phases are no longer than these.
fn assert_takes(
    median: Duration,
    longest: Duration,
    workers: usize,
    (action, dead): (Action, usize),
) {
    let taken = |seed| takes(fleet(seed, workers, 0), &action, dead);
    let mut all: Vec<Duration> = (0..PHASES).map(taken).collect();
    all.sort_unstable();
    let took = (all[all.len() / 2], all[all.len() - 1]);
    assert!(took.0 <= median && took.1 <= longest, "{action}: {took:?} of {median:?}, {longest:?}");
}

/// Planner, standby and one more of six: the second standby has watched all of them.
#[test]
pub(crate) fn both_heads_and_one_more_of_six_die_together() {
    let death = (Action::CrashTogether(2, 1), 3);
    assert_takes(TIMEOUT + millis(2_000), TIMEOUT + millis(3_000), 6, death);
}

/// Nobody is left who watched all sessions. The others have looked at the planner, and at the other
/// two when it was silent.
#[test]
pub(crate) fn all_three_heads_of_eight_die_together() {
    let death = (Action::CrashTogether(3, 0), 3);
    assert_takes(TIMEOUT + WATCH + millis(1_500), TIMEOUT + WATCH * 2 + millis(1_500), 8, death);
}

/// The windows of those that were no heads are opened anew: a session timeout more.
#[test]
pub(crate) fn all_three_heads_and_one_more_of_eight_die_together() {
    let death = (Action::CrashTogether(3, 1), 4);
    assert_takes(TIMEOUT * 2 + WATCH, TIMEOUT * 2 + WATCH + millis(2_500), 8, death);
}

/// More than half of five, and the second standby lives: an outage is waited out, once.
#[test]
pub(crate) fn more_than_half_of_five_die_together_with_both_heads() {
    let death = (Action::CrashTogether(2, 1), 3);
    assert_takes(TIMEOUT * 2 + millis(2_000), TIMEOUT * 2 + millis(3_000), 5, death);
}

/// The one that is left to watch all cannot read them the first time after the others have died. It
/// does not wait for its next turn.
#[test]
pub(crate) fn a_reading_that_fails_once_costs_no_second_window() {
    for seed in 0..PHASES {
        let mut world = fleet(seed, 6, 0);
        let left = heads(&world)[2].clone();
        let lists = move |who: &WorkerId, call: &StoreCall| {
            *who == left && matches!(call, StoreCall::Sessions(Consistency::Eventual))
        };
        let failing = world.intercept(Fate::Refused, lists);
        let begun = world.now();
        dies(&mut world, &Action::CrashTogether(2, 1), 3);
        assert!(world.run_while(secs(5), |world| world.picked(failing) == 0).unwrap());
        world.lift(failing);
        let took = read_again(world).since(begun);
        assert!(took <= TIMEOUT + millis(3_000), "{took:?}");
    }
}

/// Three zones of three workers: one head in each, and one that is lost costs no more than its
/// planner alone.
#[test]
pub(crate) fn a_zone_of_three_of_nine_is_lost() {
    for seed in 0..PHASES {
        let world = fleet(seed, 9, 3);
        let mut zones: Vec<_> = heads(&world).iter().map(|head| zone_of(head, 3)).collect();
        zones.sort_unstable();
        assert_eq!(zones, [0, 1, 2], "one head in each zone");
        let planner = zone_of(&world.planner().unwrap(), 3);
        let took = takes(world, &Action::CrashZone(planner), 3);
        assert!(took <= TIMEOUT + millis(3_000), "the planner's zone is lost: {took:?}");
    }
}

/// Workers of the simulator are numbered, and run in the zones by turns.
fn zone_of(worker: &WorkerId, zones: usize) -> usize {
    let number: usize = worker.as_str().trim_start_matches('w').parse().unwrap();
    number % zones
}

/// A standby dies by itself. Whoever is near in the order of succession is told who stands by now.
#[test]
pub(crate) fn a_standby_is_replaced_and_the_others_know() {
    for seed in 0..3 {
        let mut world = fleet(seed, 6, 0);
        let standby = heads(&world)[1].clone();
        let at = world.held().iter().position(|(worker, _)| *worker == standby).unwrap();
        world.act_now(&Action::Crash(at)).unwrap();
        world.run_for(secs(15)).unwrap();
        let now = heads(&world);
        assert!(now.len() == 3 && !now.contains(&standby), "{now:?}");
        for (worker, _) in world.held() {
            let known: Vec<_> = told(&world, &worker).heads().map(|h| h.worker.clone()).collect();
            assert_eq!(known, now, "{worker} knows them");
        }
        world.finish().unwrap();
    }
}

/// More than half of eight are cut off for longer than a session timeout, their planner among them.
/// Some look at the planner alone; the second standby sees all, and takes it for the outage it is.
#[test]
pub(crate) fn most_of_the_fleet_is_cut_off_with_its_planner_and_nobody_is_fenced() {
    for seed in 0..6 {
        let mut world = fleet(seed, 8, 0);
        let heads = heads(&world);
        let (before, workers) = (world.acquires(), world.held());
        let others = (0..workers.len()).filter(|at| !heads.contains(&workers[*at].0)).take(3);
        let cut = (0..workers.len()).filter(|at| heads[..2].contains(&workers[*at].0));
        for at in cut.chain(others) {
            world.act_now(&Action::CutRequests(at, secs(10))).unwrap();
        }
        world.run_for(secs(30)).unwrap();
        assert_eq!(world.noticed("FencedOther"), 0, "an outage is no death");
        assert_eq!(world.acquires(), before, "nothing moves");
        world.finish().unwrap();
    }
}
