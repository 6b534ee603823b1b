//! Tests of the findings from workers' reports: only fresh reports count, and a missing value is
//! never taken for zero.

use std::time::Duration;

use kcl_core::{
    assignment::Limits,
    env::WallTime,
    lease::{
        PlanVersion, StoreTime,
        report::{
            Denial, PlannerReport, ShardReport, Stuck, Trouble, TroubleKind, Unassigned,
            WorkerReport,
        },
    },
    stream::Position,
};

use super::world::{NOW, SECOND, World, id, key, shard};
use crate::doctor::finding::Kind;

/// The report about a shard that has failed for a time.
fn failing(kind: TroubleKind, since: Duration) -> ShardReport {
    let mut report = ShardReport::default();
    report.trouble = Some(Trouble::new(kind, Duration::ZERO, Some(since)));
    report
}

/// A fleet of two workers and four shards, in which worker 1 reports this about its first shard.
fn telling(shard: ShardReport) -> World {
    let mut world = World::of(2, 4);
    let mut report = WorkerReport::default();
    report.shards.insert(key(1), shard);
    world.tells(1, report);
    world
}

#[test]
fn a_shard_that_its_worker_cannot_read_is_told_by_kind_with_the_time_it_lasts() {
    let finding = telling(failing(TroubleKind::Denied, 40 * SECOND)).only();
    assert_eq!((finding.kind, finding.workers[0].as_str()), (Kind::ShardFails, "w1"));
    assert_eq!(finding.shards, [shard(1).to_string()]);
    assert_eq!(
        finding.says,
        "worker w1 tells of 1 shard that the worker may not read the stream, for 41.0 s by now: \
         shardId-000000000001"
    );
    let short = telling(failing(TroubleKind::BatchFailed, 20 * SECOND));
    assert_eq!(short.found(), [], "it may be over at the next try");
    let mut over = failing(TroubleKind::Denied, SECOND);
    over.trouble = Some(Trouble::new(TroubleKind::Denied, SECOND, None));
    assert_eq!(telling(over).found(), []);
}

#[test]
fn a_shard_that_is_stuck_on_one_record_has_a_remedy_where_a_dead_letter_keeps_it() {
    let at = |number: u128| Position::new(number.into(), 0);
    let remedy = |keeps, last| {
        let mut shard = failing(TroubleKind::BatchFailed, 40 * SECOND);
        shard.stuck = Some(Stuck::new(at(7), at(last)));
        let mut world = telling(shard.clone());
        let mut report = WorkerReport::default();
        report.keeps_skipped = keeps;
        report.shards.insert(key(1), shard);
        world.tells(1, report);
        world.only().remedies[0].command.clone()
    };
    let skip = remedy(Some(true), 7);
    assert!(skip.contains("leases skip shardId-000000000001 --record 7 "), "{skip}");
    for (keeps, last) in [(Some(true), 8), (Some(false), 7), (None, 7)] {
        assert!(remedy(keeps, last).contains("leases watch"));
    }
}

#[test]
fn why_a_reader_stalls_its_worker_tells() {
    let mut world = telling(failing(TroubleKind::BatchFailed, 40 * SECOND));
    world.unread(1, 100 * SECOND);
    let before = world.facts(0);
    world.progress.note(&before);
    let verdict = world.judged_at(60);
    let stalled = verdict.findings.iter().find(|it| it.kind == Kind::ReaderStalled).unwrap();
    assert_eq!(
        stalled.because,
        ["shardId-000000000001: worker w1 tells since 41.0 s that the processor fails a batch, \
          which is delivered again (told 1.0 s ago)"]
    );
}

#[test]
fn what_is_old_or_of_another_life_or_of_a_lease_that_moved_says_nothing() {
    let failing = || telling(failing(TroubleKind::Denied, 40 * SECOND));
    let mut old = failing();
    old.sessions[1].beat = 2_000;
    assert_eq!(old.found(), []);
    let mut moved = failing();
    moved.lease(1).owner = Some(id(0));
    moved.lease(0).owner = Some(id(1));
    assert_eq!(moved.found(), []);
    let mut again = failing();
    again.sessions[1].id.incarnation = kcl_core::lease::Incarnation::from_bits(99);
    for number in [1, 3] {
        let owner = again.sessions[1].id.clone();
        again.lease(number).owner = Some(owner);
    }
    assert_eq!(again.found(), []);
}

#[test]
fn what_was_denied_to_workers_lately_is_told() {
    let denied = |secs: u32| {
        let mut world = World::of(3, 3);
        for worker in [0, 2] {
            let mut report = WorkerReport::default();
            report.denial = Some(Denial::new("store:acquire", "denied", secs * SECOND, 4));
            world.tells(worker, report);
        }
        world
    };
    let finding = denied(59).only();
    assert_eq!(
        (finding.kind, finding.workers),
        (Kind::WorkerDenied, vec!["w0".into(), "w2".into()])
    );
    assert!(finding.says.contains("store:acquire was refused to 2 workers"), "{}", finding.says);
    assert!(finding.says.contains("60.0 s ago"), "{}", finding.says);
    assert_eq!(denied(700).found(), []);
}

#[test]
fn reads_that_are_throttled_beside_few_of_ones_own_are_read_by_others_too() {
    let of = |throttled, reads, bytes| {
        let mut shard = ShardReport::default();
        (shard.throttled, shard.reads) = (throttled, reads);
        shard.read_bytes_per_second = bytes;
        telling(shard).found()
    };
    assert_eq!(of(Some(9), Some(60), Some(1_000)), [Kind::ReadByOthers]);
    assert_eq!(of(Some(1), Some(60), Some(1_000)), [], "once is no habit");
    assert_eq!(of(Some(9), Some(290), Some(1_000)), [], "its own reads explain it");
    assert_eq!(of(Some(9), Some(60), Some(1_900_000)), [], "its own bytes explain it");
    assert_eq!(of(Some(9), None, Some(1_000)), [], "unknown is not zero");
}

#[test]
fn versions_and_settings_that_differ_are_told_but_for_those_of_one_worker() {
    let mut world = World::of(3, 3);
    for worker in 0..3_usize {
        let mut report = WorkerReport::default();
        report.version = Some("0.1.0".to_owned());
        let settings = [("balance", "even"), ("handoff_timeout", "30s"), ("max_leases", "7")];
        for (name, value) in settings {
            let value = if worker == 2 { format!("other {value}") } else { value.to_owned() };
            report.settings.insert(name.to_owned(), value);
        }
        if worker == 2 {
            report.version = Some("0.2.0".to_owned());
            report.settings.remove("balance");
        }
        world.tells(worker, report);
    }
    assert_eq!(world.found(), [Kind::VersionsDiffer, Kind::SettingsDiffer]);
    let verdict = world.judged();
    assert_eq!(
        verdict.findings[1].says,
        "workers differ in handoff_timeout: 30s (w0, w1), other 30s (w2)"
    );
}

#[test]
fn clocks_of_workers_that_are_off_are_told() {
    let mut world = World::of(2, 2);
    for (worker, off) in [(0, 2_000), (1, 61_000)] {
        let mut report = WorkerReport::default();
        report.clock = Some(WallTime::from_millis(NOW));
        report.store_clock = Some(StoreTime(NOW + off));
        world.tells(worker, report);
    }
    let finding = world.only();
    assert_eq!((finding.kind, finding.workers), (Kind::ClockOff, vec!["w1".to_owned()]));
    assert!(finding.says.contains("w1 61.0 s behind"), "{}", finding.says);
}

fn planner() -> PlannerReport {
    let mut plan = PlannerReport::new(id(0), PlanVersion::NONE);
    plan.balance = "even".to_owned();
    plan
}

#[test]
fn why_nobody_reads_a_shard_the_planner_tells() {
    let mut world = World::of(2, 4);
    world.lease(1).owner = None;
    let mut plan = planner();
    plan.unassigned = vec![Unassigned::new(key(1), "it is a holiday".to_owned())];
    world.plans(&plan);
    let finding = world.only();
    assert_eq!(finding.kind, Kind::ShardsUnread);
    assert_eq!(finding.because, ["the planner says: it is a holiday"]);
}

#[test]
fn the_planners_limits_count_and_not_those_of_this_command() {
    let mut world = World::of(2, 4);
    world.lease(1).owner = None;
    let mut plan = planner();
    let mut limits = Limits::default();
    limits.per_worker = Some(1);
    plan.limits = limits;
    world.plans(&plan);
    let unread = world.judged().findings.into_iter().find(|it| it.kind == Kind::ShardsUnread);
    assert_eq!(unread.unwrap().because, ["every worker that lives is at its limit"]);
}
