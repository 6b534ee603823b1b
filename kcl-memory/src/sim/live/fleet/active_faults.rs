//! What goes wrong at the moment, between whom, and until when.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kcl_core::{env::Rng, store::StoreErrorKind};
use tokio::time::Instant;

use crate::{
    faults::{Call, Fate, Mishaps, Outcome, Policy},
    sim::live::plan::Fault,
};

/// A call that gets no answer takes this long to fail: longer than anybody waits.
const NEVER_ANSWERED: Duration = Duration::from_secs(60);
/// A slow server takes up to so much longer for each way.
const SLOWER: Duration = Duration::from_millis(1_200);

/// What goes wrong at the moment. Clones share it.
#[derive(Clone, Debug, Default)]
pub(in crate::sim::live) struct ActiveFaults(Arc<Mutex<BTreeMap<(Fault, usize), Instant>>>);

impl ActiveFaults {
    /// From now on for `lasts`, `fault` happens to `on`.
    pub(super) fn begin(&self, fault: Fault, on: usize, lasts: Duration) {
        let until = Instant::now() + lasts;
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = faults.entry((fault, on)).or_insert(until);
        *end = until.max(*end);
    }

    /// How long `fault` still happens to `on`, if it does.
    pub(in crate::sim::live) fn left(&self, fault: Fault, on: usize) -> Option<Duration> {
        let faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = faults.get(&(fault, on))?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Whether `fault` happens to everybody.
    pub(in crate::sim::live) fn is(&self, fault: Fault) -> bool {
        self.left(fault, 0).is_some()
    }

    /// What becomes of the calls of worker `slot` on the lease store.
    pub(super) fn policy(&self, slot: usize, latency: Duration, seed: u64) -> Policy {
        let calm = Mishaps { latency, ..Mishaps::NONE }.policy(seed);
        let lateness = Duration::from_secs(6);
        let bad = Mishaps { latency, lateness, ..Mishaps::BAD_DAY }.policy(seed ^ 1);
        let rng = Mutex::new(Rng::new(seed ^ 2));
        let active_faults = self.clone();
        Arc::new(move |call: &Call| {
            let mut rng = rng.lock().unwrap_or_else(PoisonError::into_inner);
            let fate = if active_faults.is(Fault::StoreErrors) { bad(call) } else { calm(call) };
            active_faults.judge(fate, slot, &mut rng)
        })
    }

    fn judge(&self, mut fate: Fate, slot: usize, rng: &mut Rng) -> Fate {
        // No packet arrives in the moment it is sent.
        fate.before += Duration::from_millis(1);
        if self.is(Fault::StoreSlow) {
            fate.before += rng.span(SLOWER);
            fate.after += rng.span(SLOWER);
        }
        if self.is(Fault::StoreDown) || self.left(Fault::Cut, slot).is_some() {
            fate.outcome = Outcome::Refused(StoreErrorKind::Unavailable);
            // Either somebody says so, or nobody says anything.
            if rng.below(2) == 0 {
                fate.after = NEVER_ANSWERED;
            }
        } else if self.left(Fault::Deafen, slot).is_some() {
            fate.outcome = Outcome::ReplyLost;
            fate.after = NEVER_ANSWERED;
        }
        fate
    }
}
