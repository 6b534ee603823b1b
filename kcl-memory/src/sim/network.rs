//! The way to the store and back: latency, loss, lateness, repetition.

use std::time::Duration;

use kcl_core::env::Rng;

/// How calls travel. Chances are per thousand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Each way takes at least this long.
    pub least: Duration,
    /// And at most this much longer, usually.
    pub spread: Duration,
    /// The chance that a request is lost.
    pub lost_request: u64,
    /// The chance that an answer is lost: the call was applied, the caller does not know.
    pub lost_reply: u64,
    /// The chance that a request arrives only after the caller gave up.
    pub late: u64,
    /// The chance that a request is applied once more, later.
    pub repeated: u64,
    /// The chance that an eventually consistent read is stale.
    pub stale: u64,
    /// How old a stale answer is, at least.
    pub staleness: Duration,
    /// How much longer than usual the service takes to list the shards, at most.
    pub listing: Duration,
    /// How long a caller waits for an answer.
    pub deadline: Duration,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            least: Duration::from_millis(2),
            spread: Duration::from_millis(10),
            lost_request: 0,
            lost_reply: 0,
            late: 0,
            repeated: 0,
            stale: 0,
            staleness: Duration::ZERO,
            listing: Duration::ZERO,
            deadline: Duration::from_secs(2),
        }
    }
}

/// What becomes of one call.
#[derive(Clone, Debug)]
pub(super) struct Trip {
    /// How long after its sending it is applied; `None`: never.
    pub(super) applied: Option<Duration>,
    /// How long after its sending it is applied a second time.
    pub(super) again: Option<Duration>,
    /// How long the answer takes; `None`: it is lost.
    pub(super) reply: Option<Duration>,
    pub(super) stale: bool,
    /// The request arrives only after the caller gave up.
    pub(super) late: bool,
}

impl Network {
    pub(super) fn from_rng(rng: &mut Rng) -> Self {
        let mut network = Self::default();
        if rng.below(2) == 0 {
            network.spread = Duration::from_millis(rng.below(120));
        }
        let chances = [
            &mut network.lost_request,
            &mut network.lost_reply,
            &mut network.late,
            &mut network.repeated,
            &mut network.stale,
        ];
        for chance in chances {
            if rng.below(3) == 0 {
                *chance = rng.below(40);
            }
        }
        if rng.below(3) == 0 {
            network.listing = Duration::from_millis(rng.below(3_000));
        }
        network
    }

    pub(super) fn trip(&self, rng: &mut Rng) -> Trip {
        let there = self.least + rng.span(self.spread);
        let back = self.least + rng.span(self.spread);
        let hit = |chance: u64, rng: &mut Rng| chance > 0 && rng.below(1_000) < chance;
        let lost = hit(self.lost_request, rng);
        let late = hit(self.late, rng);
        let applied = if late { self.deadline + rng.span(Duration::from_secs(8)) } else { there };
        Trip {
            applied: (!lost).then_some(applied),
            again: hit(self.repeated, rng).then(|| there + rng.span(Duration::from_secs(6))),
            reply: (!hit(self.lost_reply, rng)).then_some(back),
            stale: hit(self.stale, rng),
            late,
        }
    }
}
