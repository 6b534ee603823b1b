//! Tests of the findings about lag, about records that expire, and about several readings.

use kcl_core::env::WallTime;

use super::world::{HOUR, NOW, SECOND, World, key, shard};
use crate::doctor::{
    facts::{Known, Lag},
    finding::{Kind, Severity},
};

#[test]
fn unread_records_are_told_from_half_of_the_retention_on() {
    let kind = |age| {
        let mut world = World::of(2, 2);
        world.unread(1, age);
        world.found()
    };
    assert_eq!(kind(299 * SECOND), []);
    assert_eq!(kind(300 * SECOND), [Kind::LagHigh]);
    assert_eq!(kind(12 * HOUR - SECOND), [Kind::LagHigh]);
    assert_eq!(kind(12 * HOUR), [Kind::RecordsExpire]);
}

#[test]
fn what_was_trimmed_unread_is_told() {
    let mut world = World::of(2, 2);
    let since = WallTime::from_millis(NOW - 1_000);
    world.lags.insert(key(0), Lag::Unread { since, lost: true });
    let finding = world.only();
    assert_eq!((finding.kind, finding.shards), (Kind::RecordsExpired, vec![shard(0).to_string()]));
}

#[test]
fn an_old_checkpoint_is_a_finding_only_if_nobody_knows_what_stands_behind_it() {
    let mut world = World::of(2, 2);
    let old = WallTime::from_millis(NOW - 20 * 3_600_000);
    world.lease(1).progress.arrival = Some(old);
    assert_eq!(world.found(), [], "it was asked, and is caught up");
    world.lags.remove(&key(1));
    let finding = world.only();
    assert_eq!((finding.kind, finding.severity), (Kind::RecordsExpire, Severity::Warning));
    assert!(finding.says.contains("is not known"), "{finding:?}");
}

#[test]
fn a_lag_that_grows_needs_two_looks_and_one_that_shrinks_is_none() {
    let judged = |then: u64, now: u64| {
        let mut world = World::of(2, 2);
        world.unread(1, u32::try_from(then).unwrap() * SECOND);
        let before = world.facts(0);
        world.progress.note(&before);
        world.unread(1, u32::try_from(now).unwrap() * SECOND);
        let facts = world.facts(10);
        world.progress.note(&facts);
        let verdict = world.judged_at(10);
        (
            world.progress.trend(&key(1)),
            verdict.findings.iter().map(|it| it.kind).collect::<Vec<_>>(),
        )
    };
    assert_eq!(judged(20, 30), (Some(1_000), vec![Kind::LagGrows]));
    assert_eq!(judged(30, 20), (Some(-1_000), vec![]));
    assert_eq!(judged(30, 30), (Some(0), vec![]));
    let mut once = World::of(2, 2);
    once.unread(1, 200 * SECOND);
    let facts = once.facts(0);
    once.progress.note(&facts);
    assert_eq!(once.progress.trend(&key(1)), None);
    assert_eq!(once.found(), []);
}

#[test]
fn how_lag_grows_is_told_of_the_last_minute_and_not_of_all_that_was_seen() {
    let mut world = World::of(2, 2);
    for (seconds, age) in [(0, 20), (30, 50), (60, 80), (90, 80), (120, 80), (150, 80)] {
        world.unread(1, age * SECOND);
        let facts = world.facts(seconds);
        world.progress.note(&facts);
    }
    assert_eq!(world.progress.trend(&key(1)), Some(0), "it grew once, and stands since");
    // The store was read again, and the stream was not: the lag has its former time.
    let (mut again, read) = (world.facts(151), world.facts(150).at);
    if let Known::Read { at, .. } = &mut again.lags {
        *at = read;
    }
    world.progress.note(&again);
    assert_eq!(world.progress.trend(&key(1)), Some(0));
}

#[test]
fn a_reader_is_stalled_if_its_checkpoint_stands_while_it_lives_and_records_wait() {
    let mut world = World::of(2, 2);
    world.unread(1, 40 * SECOND);
    let before = world.facts(0);
    world.progress.note(&before);
    world.unread(1, 75 * SECOND);
    let facts = world.facts(35);
    world.progress.note(&facts);
    let verdict = world.judged_at(35);
    let kinds: Vec<_> = verdict.findings.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [Kind::ReaderStalled]);
    assert_eq!(verdict.findings[0].workers, ["w1"]);
    world.lease(1).checkpoint = kcl_core::lease::Checkpoint::AtTimestamp(WallTime::from_millis(1));
    let facts = world.facts(36);
    world.progress.note(&facts);
    let kinds: Vec<_> = world.judged_at(36).findings.iter().map(|it| it.kind).collect();
    assert!(!kinds.contains(&Kind::ReaderStalled), "it moves: {kinds:?}");
}

#[test]
fn a_lag_that_could_not_be_read_is_not_zero() {
    let mut world = World::of(2, 2);
    world.lags.insert(key(1), Lag::Unknown("denied".to_owned()));
    let verdict = world.judged();
    assert_eq!((verdict.exit_code(), verdict.unknown.len()), (2, 1), "{verdict:#?}");
    assert!(verdict.unknown[0].what.contains("shardId-000000000001"));
    world.change = Box::new(|facts| facts.lags = Known::Failed("denied".to_owned()));
    assert_eq!(world.judged().word(), "unknown");
}
