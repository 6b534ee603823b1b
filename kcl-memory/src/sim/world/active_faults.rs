//! What troubles everybody for a while: the store, the stream, the way to them.

use std::time::Duration;

use kcl_core::{coordinator::StoreCall, env::Time, store::StoreErrorKind};

use crate::sim::Network;

/// So many of a thousand, until then.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FaultWindow {
    pub(super) until: Time,
    pub(super) chance: u64,
}

impl FaultWindow {
    fn at(self, now: Time) -> u64 {
        if now < self.until { self.chance } else { 0 }
    }
}

/// What troubles everybody for a while.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ActiveFaults {
    pub(super) outage_until: Time,
    pub(super) replies_cut_until: Time,
    pub(super) stream_out_until: Time,
    pub(super) slow: (Time, Duration),
    pub(super) throttle: FaultWindow,
    pub(super) refused: FaultWindow,
    pub(super) lost_reply: FaultWindow,
    pub(super) late: FaultWindow,
    pub(super) repeated: FaultWindow,
    /// Nothing fails any more.
    pub(super) calm: bool,
}

impl ActiveFaults {
    /// The network as it is now.
    pub(super) fn network(&self, usual: &Network, now: Time) -> Network {
        if self.calm {
            let (least, spread, deadline) = (usual.least, usual.spread, usual.deadline);
            return Network { least, spread, deadline, ..Network::default() };
        }
        Network {
            lost_reply: usual.lost_reply.max(self.lost_reply.at(now)),
            late: usual.late.max(self.late.at(now)),
            repeated: usual.repeated.max(self.repeated.at(now)),
            ..*usual
        }
    }

    /// How much longer a call takes now.
    pub(super) fn delay(&self, now: Time) -> Duration {
        if now < self.slow.0 { self.slow.1 } else { Duration::ZERO }
    }

    /// Of a thousand calls like this one, how many the store refuses now, for which reasons.
    pub(super) fn refusals(&self, call: &StoreCall, now: Time) -> [(u64, StoreErrorKind); 2] {
        let throttled = if is_read(call) { 0 } else { self.throttle.at(now) };
        [
            (throttled, StoreErrorKind::Throttled),
            (self.refused.at(now), StoreErrorKind::Unavailable),
        ]
    }
}

const fn is_read(call: &StoreCall) -> bool {
    matches!(
        call,
        StoreCall::Session(..)
            | StoreCall::Sessions(_)
            | StoreCall::Lease(_)
            | StoreCall::Leases
            | StoreCall::Doc(_)
            | StoreCall::Docs
    )
}
