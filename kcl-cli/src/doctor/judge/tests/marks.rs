//! Tests of the findings about the operator's marks.

use super::world::World;
use crate::doctor::finding::{Kind, Severity};

#[test]
fn a_paused_shard_is_told_with_who_paused_it_and_how_it_is_resumed() {
    let mut world = World::of(2, 2);
    world.lease(1).owner = None;
    let key = world.lease(1).key.clone();
    world.rules(&format!(
        r#"{{"rules":[],"paused":[{{"lease":"{key}","by":"kcl leases pause on h","since":3}}]}}"#
    ));
    let finding = world.only();
    assert_eq!((finding.kind, finding.severity), (Kind::ShardsUnread, Severity::Warning));
    assert!(finding.because[0].contains("by kcl leases pause on h"), "{finding:?}");
    let resume = "kcl leases resume shardId-000000000001 --app indexer";
    assert_eq!(finding.remedies[0].command, resume);
}

#[test]
fn a_shard_that_is_required_of_a_drained_worker_is_told_with_both() {
    let mut world = World::of(2, 2);
    world.lease(1).owner = None;
    let worker = world.sessions[1].id.worker.to_string();
    world.rules(&format!(
        r#"{{"rules":[{{"shard":"shardId-000000000001","worker":"{worker}","mode":"require"}}],
        "drained":[{{"worker":"{worker}","by":"kcl workers drain on h","since":3}}]}}"#
    ));
    let finding = world.only();
    assert_eq!(finding.kind, Kind::ShardsUnread);
    assert!(finding.because[1].contains("is drained since"), "{finding:?}");
    let undrain = format!("kcl workers undrain {worker} --app indexer");
    assert_eq!(finding.remedies[0].command, undrain);
}
