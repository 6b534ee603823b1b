//! A ready policy: mishaps drawn from a seed.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kcl_core::{env::Rng, store::StoreErrorKind};

use super::{Call, CallKind, Fate, Outcome, Policy};

/// How often what goes wrong. All chances are in thousandths of the calls; the rest is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mishaps {
    /// Each way of a call takes up to this long.
    pub latency: Duration,
    /// Late and duplicated writes land up to this much later.
    pub lateness: Duration,
    /// Calls refused as unavailable.
    pub unavailable: u16,
    /// Calls refused as throttled.
    pub throttled: u16,
    /// Calls whose answer is lost.
    pub reply_lost: u16,
    /// Writes that land after their caller was told that the outcome is unknown.
    pub late: u16,
    /// Writes that land twice.
    pub duplicated: u16,
    /// Eventually consistent reads that show the past.
    pub stale: u16,
}

impl Mishaps {
    /// Nothing goes wrong, at once.
    pub const NONE: Self = Self {
        latency: Duration::ZERO,
        lateness: Duration::ZERO,
        unavailable: 0,
        throttled: 0,
        reply_lost: 0,
        late: 0,
        duplicated: 0,
        stale: 0,
    };

    /// A bad day: of a hundred calls about fifteen go wrong, in every way.
    pub const BAD_DAY: Self = Self {
        latency: Duration::from_millis(20),
        lateness: Duration::from_millis(500),
        unavailable: 20,
        throttled: 20,
        reply_lost: 40,
        late: 40,
        duplicated: 30,
        stale: 100,
    };

    /// The policy that draws from `seed`.
    #[must_use]
    pub fn policy(self, seed: u64) -> Policy {
        let rng = Mutex::new(Rng::new(seed));
        Arc::new(move |call| {
            let mut rng = rng.lock().unwrap_or_else(PoisonError::into_inner);
            self.draw(call, &mut rng)
        })
    }

    fn draw(&self, call: &Call, rng: &mut Rng) -> Fate {
        let writes = call.kind == CallKind::Write;
        let lateness = rng.span(self.lateness);
        let chances = [
            (self.unavailable, Outcome::Refused(StoreErrorKind::Unavailable)),
            (self.throttled, Outcome::Refused(StoreErrorKind::Throttled)),
            (self.reply_lost, Outcome::ReplyLost),
            (if writes { self.late } else { 0 }, Outcome::Late(lateness)),
            (if writes { self.duplicated } else { 0 }, Outcome::Duplicated(lateness)),
            (if call.kind == CallKind::EventualRead { self.stale } else { 0 }, Outcome::Stale),
        ];
        let mut drawn = rng.below(1_000);
        let mut outcome = Outcome::Served;
        for (chance, candidate) in chances {
            if drawn < u64::from(chance) {
                outcome = candidate;
                break;
            }
            drawn -= u64::from(chance);
        }
        Fate::of(outcome).slowly(rng.span(self.latency), rng.span(self.latency))
    }
}
