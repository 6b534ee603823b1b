//! Looking for the operator's word on records that shards are stuck on.
//!
//! Runs beside the keeper, on its thread, and asks nobody but the store: a stuck shard goes on also
//! where nobody plans. It reads the operator's document as long as a shard is stuck, and at no
//! other time: a batch that fails once costs nothing.

use std::{sync::Arc, time::Duration};

use crate::{
    env::{Clock, Env, WallTime},
    lease::LeaseKey,
    observe::{GivenUp, StuckBoard, WatchedStore},
    placing::{self, Stored},
    stream::Position,
};

/// How long a shard is stuck before it is looked, and how often it is looked then.
const EVERY: Duration = Duration::from_secs(2);

/// Looks for the operator's word on what is stuck.
pub(super) struct Skipping {
    store: WatchedStore,
    clock: Arc<dyn Clock>,
    stuck: StuckBoard,
}

impl Skipping {
    pub(super) fn new(store: &WatchedStore, env: &Env, stuck: &StuckBoard) -> Self {
        Self { store: store.clone(), clock: Arc::clone(&env.clock), stuck: stuck.clone() }
    }

    /// Does so for as long as it is polled.
    pub(super) async fn work(self) {
        loop {
            self.stuck.any().await;
            self.clock.sleep(EVERY).await;
            if !self.stuck.is_any() {
                continue;
            }
            // What was said holds where nothing can be read.
            if let Ok(stored) = placing::read(&self.store).await {
                let now = self.clock.wall();
                self.stuck.say(|key, first, last| given_up(&stored, key, (first, last), now));
            }
        }
    }
}

/// What the operator says of the records of a lease, from one to another.
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
