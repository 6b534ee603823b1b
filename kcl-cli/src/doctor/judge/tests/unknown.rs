//! Tests of readings in which sources fail: the other sources are judged, and a missing answer is
//! never taken for an empty one.

use proptest::prelude::*;

use super::world::{HOUR, SECOND, World};
use crate::doctor::{
    facts::{Facts, Known},
    finding::Kind,
};

/// For each source a change that makes it fail.
const SOURCES: [fn(&mut Facts); 6] = [
    |facts| facts.sessions = Known::Failed("slow".to_owned()),
    |facts| facts.leases = Known::Failed("slow".to_owned()),
    |facts| facts.documents = Known::Failed("slow".to_owned()),
    |facts| facts.stream = Known::Failed("denied".to_owned()),
    |facts| facts.shards = Known::Failed("denied".to_owned()),
    |facts| facts.lags = Known::Failed("denied".to_owned()),
];

fn without(mut world: World, sources: &[bool]) -> World {
    let gone: Vec<_> = SOURCES.into_iter().zip(sources).filter(|(_, gone)| **gone).collect();
    let gone: Vec<fn(&mut Facts)> = gone.into_iter().map(|(source, _)| source).collect();
    world.change = Box::new(move |facts| gone.iter().for_each(|source| source(facts)));
    world
}

proptest! {
    #[test]
    fn a_healthy_fleet_that_is_half_seen_is_unknown_and_never_sick(
        workers in 1..5_usize,
        shards in 1..12_usize,
        gone in proptest::collection::vec(any::<bool>(), 6),
    ) {
        let verdict = without(World::of(workers, shards), &gone).judged();
        prop_assert_eq!(verdict.findings.len(), 0, "{:#?}", verdict);
        let missing = gone.iter().filter(|gone| **gone).count();
        prop_assert_eq!(verdict.unknown.len(), missing);
        prop_assert_eq!(verdict.exit_code(), if missing == 0 { 0 } else { 2 });
        prop_assert_eq!(verdict.counts.read.is_none(), gone[0] || gone[1]);
    }

    #[test]
    fn the_less_is_seen_the_less_is_found(
        silent in proptest::collection::vec(prop::option::of(0..20_u32), 3),
        free in proptest::collection::vec(any::<bool>(), 6),
        late in proptest::collection::vec(0..24_u32, 6),
        gone in proptest::collection::vec(any::<bool>(), 6),
    ) {
        let world = || {
            let mut world = World::of(3, 6);
            for (worker, span) in silent.iter().enumerate() {
                if let Some(span) = span {
                    world.silence(worker, *span * SECOND);
                }
            }
            for (number, (free, late)) in free.iter().zip(&late).enumerate() {
                if *free {
                    world.lease(number).owner = None;
                }
                world.unread(number, *late * HOUR);
            }
            world
        };
        let all = world().judged();
        let some = without(world(), &gone).judged();
        for finding in &some.findings {
            // With fewer sources a finding may be milder, but not of a new kind. The exception is
            // high lag: it is measured without an owner, and with more sources another finding
            // explains it.
            let known = all.findings.iter().any(|it| it.kind == finding.kind);
            prop_assert!(known || finding.kind == Kind::LagHigh, "{:#?}", finding);
        }
    }
}

#[test]
fn a_dead_fleet_is_told_although_the_stream_is_denied() {
    let mut world = World::of(2, 2);
    world.silence(0, 9 * SECOND);
    world.silence(1, 9 * SECOND);
    let verdict = without(world, &[false, false, false, true, true, true]).judged();
    assert_eq!((verdict.findings[0].kind, verdict.exit_code()), (Kind::NoWorker, 1));
    assert_eq!(verdict.unknown.len(), 3);
}

#[test]
fn without_sessions_nobody_is_dead() {
    let mut world = World::of(2, 2);
    world.end(0);
    world.end(1);
    let verdict = without(world, &[true, false, false, false, false, false]).judged();
    assert_eq!(verdict.findings, []);
}
