//! The rules of a restart: its preconditions, its resulting row, and the commands that it outdates.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::{
    env::WallTime,
    lease::{Checkpoint, Epoch, Incarnation, LeaseKey, Progress, SessionId},
    stream::{HashRange, Position, ShardId},
};

/// Two sessions of one worker, and one of another worker.
fn owner() -> impl Strategy<Value = SessionId> {
    let id = |(worker, life): (&str, u128)| {
        SessionId::new(worker.parse().unwrap(), Incarnation::from_bits(life))
    };
    prop::sample::select(vec![("a", 1), ("a", 2), ("b", 1)]).prop_map(id)
}

fn epoch() -> impl Strategy<Value = Epoch> {
    (1_u64..4).prop_map(Epoch)
}

fn checkpoint() -> impl Strategy<Value = Checkpoint> {
    prop_oneof![
        Just(Checkpoint::TrimHorizon),
        Just(Checkpoint::Latest),
        Just(Checkpoint::AtTimestamp(WallTime::from_millis(7))),
        (0_u128..4, 0_u64..2).prop_map(|(n, sub)| Checkpoint::After(Position::new(n.into(), sub))),
        Just(Checkpoint::ShardEnd),
    ]
}

fn shards() -> impl Strategy<Value = Vec<ShardId>> {
    let shard = (0_u8..3).prop_map(|n| format!("shardId-{n}").parse().unwrap());
    prop::collection::vec(shard, 0..3)
}

prop_compose! {
    /// Any row, also one that the worker never writes.
    fn row()(
        owner_and_more in (prop::option::of(owner()), prop::option::of(owner()), any::<bool>()),
        epoch in epoch(),
        checkpoint in checkpoint(),
        rate in 0_u64..2,
        parents in shards(),
        children in shards(),
    ) -> Lease {
        let (owner, successor, avoided) = owner_and_more;
        let mut row = Lease::new(LeaseKey::planner(), checkpoint);
        row.parents = parents;
        row.range = Some(HashRange::ALL);
        row.progress = Progress { rate, lag: Some(Duration::from_secs(1)), ..Progress::NONE };
        row.children = children;
        row.avoid = successor.clone().filter(|_| avoided).map(|id| id.worker);
        (row.owner, row.successor, row.epoch) = (owner, successor, epoch);
        row
    }
}

prop_compose! {
    /// A restart by a worker that has read any row.
    fn restart_of_anything()(
        seen in row(),
        epoch in epoch(),
        checkpoint in checkpoint(),
        children in shards(),
    ) -> Restart {
        Restart::new(&seen, epoch, checkpoint).with_children(children)
    }
}

/// A row, a restart of it that succeeds, and the resulting row.
fn restarted() -> impl Strategy<Value = (Lease, Restart, Lease)> {
    (row(), 1_u64..3, checkpoint(), shards()).prop_map(|(row, above, checkpoint, children)| {
        let epoch = Epoch(row.epoch.0 + above);
        let command = Restart::new(&row, epoch, checkpoint).with_children(children);
        let left = restart(Some(&row), &command).done().unwrap();
        (row, command, left)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_restart_demands_owner_and_epoch_as_seen_and_a_higher_epoch(
        row in row(),
        command in restart_of_anything(),
    ) {
        let demanded = row.owner == command.seen_owner
            && row.epoch == command.seen_epoch
            && command.epoch > row.epoch;
        match restart(Some(&row), &command) {
            Write::Done(_) => prop_assert!(demanded),
            Write::Refused(shown) => {
                prop_assert!(!demanded);
                prop_assert_eq!(shown, Some(row));
            }
        }
        prop_assert_eq!(restart(None, &command), Write::Refused(None));
    }

    #[test]
    fn a_restart_leaves_the_place_in_the_lineage_and_nothing_else(
        (row, command, left) in restarted()
    ) {
        let children =
            if command.checkpoint == Checkpoint::ShardEnd { command.children } else { Vec::new() };
        let expected = Lease {
            key: row.key,
            owner: None,
            epoch: command.epoch,
            checkpoint: command.checkpoint,
            progress: Progress::NONE,
            parents: row.parents,
            children,
            range: row.range,
            successor: None,
            avoid: None,
        };
        prop_assert_eq!(left, expected);
    }

    #[test]
    fn what_was_sent_before_a_restart_is_refused_after_it(
        (before, command, left) in restarted(),
        sender in owner(),
        checkpoint in checkpoint(),
        further in 0_u64..3,
    ) {
        let key = before.key.clone();
        let owner = before.owner.clone().unwrap_or_else(|| sender.clone());
        let advance_to = Advance::new(key.clone(), owner.clone(), before.epoch, checkpoint.clone());
        prop_assert!(!advance(Some(&left), &advance_to).is_done());
        let gives = Release::new(key.clone(), owner, before.epoch);
        prop_assert!(!release(Some(&left), &gives).is_done());
        let gives = gives.at(checkpoint.clone(), Progress::NONE);
        prop_assert!(!release(Some(&left), &gives).is_done());
        let takes = Acquire::new(&before, sender, Epoch(command.epoch.0 + further));
        prop_assert!(!acquire(Some(&left), &takes).is_done());
        for deletes in [
            Delete::ended(key.clone(), before.epoch),
            Delete::of_gone_stream(key, before.epoch),
        ] {
            prop_assert!(!delete(Some(&left), &deletes).is_done());
        }
        prop_assert!(!create(Some(&left), &before).is_done());
        let other = Restart::new(&before, Epoch(command.epoch.0 + further), checkpoint);
        prop_assert!(!restart(Some(&left), &other).is_done());
        prop_assert!(!restart(Some(&left), &command).is_done());
    }
}
