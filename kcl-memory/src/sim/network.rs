//! The network between workers and the lease store: latency, lost, late and repeated calls.
//!
//! The coordinator under test sees only an answer or a timeout. What the store applied is another
//! matter: [`Trip`] says both for one call.

use std::time::Duration;

use kcl_core::env::Rng;

/// How calls travel. Chances are per thousand calls, `0..=1_000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// The least time that each way of a call takes.
    pub least: Duration,
    /// How much longer a way takes at most: each draws from zero to this. Faults may add to it.
    pub spread: Duration,
    /// The chance that a request never reaches the store.
    pub lost_request: u64,
    /// The chance that an answer is lost: the store applied the call, and the caller does not know.
    pub lost_reply: u64,
    /// The chance that a request reaches the store only after the caller gave up, up to eight
    /// seconds later.
    pub late: u64,
    /// The chance that a request is applied a second time, up to six seconds later.
    pub repeated: u64,
    /// The chance that an eventually consistent read is answered with old rows.
    pub stale: u64,
    /// How old the rows of a stale answer are, at least; a quarter of a second if this is less.
    pub staleness: Duration,
    /// How much longer than usual the stream takes to list its shards, at most.
    pub listing: Duration,
    /// How long a caller waits for an answer before it gives up.
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
    /// How long after it was sent the store applies it; `None`: never.
    pub(super) applied: Option<Duration>,
    /// How long after it was sent the store applies it a second time; `None`: it does not.
    pub(super) again: Option<Duration>,
    /// How long the answer takes after the store applied the call; `None`: it is lost.
    pub(super) reply: Option<Duration>,
    /// The answer has old rows, if the call is an eventually consistent read.
    pub(super) stale: bool,
    /// The request reaches the store only after the caller gave up.
    pub(super) late: bool,
}

impl Network {
    /// A network drawn from a seed: about a third of the kinds of faults, each in at most 4 % of
    /// calls.
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

    /// Draws what becomes of one call.
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
