//! Reads from the store which records the operator gives up, while a shard of this worker is stuck.
//!
//! A run enters its failing batch on the [`StuckBoard`]. This task then reads the placement
//! document, which holds the operator's marks, and puts the given-up record on the board, where
//! the run finds it. The task needs no planner: it reads the document itself. It reads only while a
//! shard is stuck, and first after [`EVERY`], so that a batch that fails once costs no call.
//!
//! The task runs on the keeper's thread beside the keeper.

use std::{sync::Arc, time::Duration};

use crate::{
    env::{Clock, Env, WallTime},
    lease::LeaseKey,
    observe::{GivenUp, StuckBoard, WatchedStore},
    placing::{self, Stored},
    stream::Position,
};

/// The time from the first stuck shard to the first read of the document, and between two reads.
const EVERY: Duration = Duration::from_secs(2);

/// The task that looks for given-up records.
pub(super) struct Skipping {
    store: WatchedStore,
    clock: Arc<dyn Clock>,
    stuck: StuckBoard,
}

impl Skipping {
    pub(super) fn new(store: &WatchedStore, env: &Env, stuck: &StuckBoard) -> Self {
        Self { store: store.clone(), clock: Arc::clone(&env.clock), stuck: stuck.clone() }
    }

    /// Reads the document every [`EVERY`] while a shard is stuck. Never returns.
    pub(super) async fn work(self) {
        loop {
            self.stuck.any().await;
            self.clock.sleep(EVERY).await;
            if !self.stuck.is_any() {
                continue;
            }
            // If the read fails, the board keeps the marks of the last read.
            if let Ok(stored) = placing::read(&self.store).await {
                let now = self.clock.wall();
                self.stuck.say(|key, first, last| given_up(&stored, key, (first, last), now));
            }
        }
    }
}

/// The record from `first` to `last` of a lease that the operator gives up, if there is one.
fn given_up(
    stored: &Stored,
    key: &LeaseKey,
    (first, last): (&Position, &Position),
    now: WallTime,
) -> Option<GivenUp> {
    let marks = &stored.placement.as_ref()?.marks;
    let (at, said) = marks.gives_up(key, first.clone()..=last.clone(), now)?;
    Some(GivenUp { at: at.clone(), unkept: said.unkept })
}
