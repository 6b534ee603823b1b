//! The protocol of docs/PROTOCOL.md §1, searched: every order of every event in a small world.
//!
//! `make model` runs it. `kcl_core::lease::rules` decides what becomes of each write, the
//! coordinator's own decisions which lease may be taken, and `kcl_memory::sim::Judge` what of that
//! is wrong ([`verdicts`]); the rest of a worker is the steps in [`protocol`], [`tenure`] and
//! [`life`]. [`mutant`] takes one clause out at a time, and each time a violation is found.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "what goes wrong here fails the test; a search takes real time"
)]
#![allow(clippy::print_stdout, reason = "a search tells how many states there are")]

mod life;
mod mirror;
mod mutant;
mod properties;
mod protocol;
mod state;
mod streams;
mod tables;
mod tenure;
mod verdicts;
mod witness;
mod world;

use stateright::{Checker, HasDiscoveries, Model};

use self::{mutant::Mutant, protocol::Protocol, world::Bounds};

/// A bound, or what the environment says instead (`make model-deep`).
fn bound(name: &str, usual: u8) -> u8 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn nothing_is_violated_in_any_state_that_can_be_reached() {
    let bounds = Bounds {
        epochs: bound("KCL_MODEL_EPOCHS", 3),
        records: bound("KCL_MODEL_RECORDS", 2),
        lives: bound("KCL_MODEL_LIVES", 2),
    };
    let started = std::time::Instant::now();
    let checker = Protocol::new(bounds, Mutant::None)
        .mirrored()
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    println!(
        "{bounds:?}: {} states, {} transitions, depth {}, {:.0?}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        started.elapsed(),
    );
    checker.assert_properties();
}

/// Takes one clause out and expects the search to find what it was for.
fn dies(mutant: Mutant, by: &'static str) {
    let bounds = Bounds { epochs: 3, records: 2, lives: 2 };
    let checker = Protocol::new(bounds, mutant)
        .checker()
        .finish_when(HasDiscoveries::AllOf([by].into()))
        .spawn_bfs()
        .join();
    let Some(path) = checker.discovery(by) else {
        panic!("{mutant:?}: not \"{by}\", but {:?}", checker.discoveries().keys());
    };
    let steps = path.into_actions();
    println!(
        "{mutant:?}: \"{by}\" broken by {} steps, {} states: {steps:?}",
        steps.len(),
        checker.unique_state_count()
    );
}

macro_rules! mutants {
    ($($name:ident: $mutant:ident breaks $property:literal;)*) => {
        $(#[test]
        fn $name() {
            dies(Mutant::$mutant, $property);
        })*
    };
}

mutants! {
    a_checkpoint_that_may_go_back_is_caught:
        CheckpointsMayRegress breaks "no checkpoint regresses";
    a_store_that_does_not_compare_epochs_is_caught:
        EpochNotCompared breaks "no stale write is accepted";
    a_store_that_does_not_compare_incarnations_is_caught:
        IncarnationNotCompared breaks "only the holder writes";
    an_acquire_that_keeps_the_epoch_is_caught:
        EpochNotRaised breaks "epochs increase";
    a_release_that_is_taken_back_is_caught:
        ReleaseTakenBack breaks "one dispatcher per shard";
    a_release_believed_not_applied_is_caught:
        NotAppliedBelieved breaks "one dispatcher per shard";
    a_forced_order_without_its_epoch_is_caught:
        OrdersWithoutEpoch breaks "one dispatcher per shard";
    an_acquire_that_runs_although_revoked_is_caught:
        RevokedAcquireRuns breaks "one dispatcher per shard";
    a_run_that_starts_from_an_earlier_read_is_caught:
        StartsFromAnEarlierRead breaks
            "what was stored before an acquire is not delivered under it";
    a_fence_that_ignores_the_beat_is_caught:
        FenceIgnoresTheBeat breaks "one dispatcher per shard";
    validity_that_counts_from_the_answer_is_caught:
        ValidSinceTheAnswer breaks "one dispatcher per shard";
    an_ended_row_that_is_run_is_caught:
        EndedRowIsRun breaks "what has ended is not run";
    an_end_written_before_the_children_is_caught:
        EndBeforeChildren breaks "children are put before the end";
    children_taken_before_the_end_are_caught:
        ChildrenBeforeEnd breaks "children come after their parent's end";
}
