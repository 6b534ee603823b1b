//! What a worker writes into the log about its part in the fleet. Each event has a name of its own,
//! which is its message; `docs/EVENTS.md` lists them all.

use tracing::{debug, error, info, warn};

use crate::coordinator::{Notice, StoreCall};

/// How a start that is in force is changed.
const TO_START_ANEW: &str = "kcl leases reset --to …, with every worker stopped";

/// How many of the leases that nobody may take are named.
const NAMED: usize = 10;

/// Writes a notice of the coordinator into the log.
pub(super) fn log(notice: &Notice) {
    match notice {
        Notice::Registered(session) => info!(%session, "kcl.session.registered"),
        Notice::Fenced(session, reason) => {
            error!(%session, ?reason, "kcl.session.fenced");
        }
        Notice::Lapsed => warn!("kcl.session.lapsed"),
        Notice::Revived(leases) => info!(leases, "kcl.session.revived"),
        Notice::FencedOther(session) => warn!(%session, "kcl.session.ended_dead"),
        Notice::DuplicateWorkerId(session) => error!(%session, "kcl.session.duplicate"),
        Notice::StreamTrouble(kind) => warn!(%kind, "kcl.stream.trouble"),
        Notice::StreamRemade => warn!("kcl.stream.remade"),
        Notice::StreamDiffers { reads, wanted } => {
            let reads = reads.as_ref().map(tracing::field::display);
            warn!(reads, %wanted, "kcl.stream.differs");
        }
        Notice::StartDiffers { start, wanted } => {
            let in_force = start.by.map(|by| by.to_string()).unwrap_or_default();
            let (stream, remedy) = (&start.of, TO_START_ANEW);
            warn!(%stream, in_force, %wanted, remedy, "kcl.start.differs");
        }
        Notice::Closed(by) => warn!(by, "kcl.application.closed"),
        Notice::Reopened => info!("kcl.application.reopened"),
        Notice::Unreadable(document, problem) => {
            error!(%document, problem, "kcl.document.unreadable");
        }
        Notice::StoreWentBack => error!("kcl.store.went_back"),
        Notice::Hole(what) => error!(what, "kcl.lineage.hole"),
        Notice::Lineage(what) => warn!(what, "kcl.lineage.unclear"),
        lease_or_plan => log_lease(lease_or_plan),
    }
}

fn log_lease(notice: &Notice) {
    match notice {
        Notice::Gained(lease, epoch) => info!(%lease, %epoch, "kcl.lease.gained"),
        Notice::Lost(lease, epoch, reason) => {
            info!(%lease, %epoch, reason = reason.as_str(), "kcl.lease.lost");
        }
        Notice::Ended(lease, epoch) => info!(%lease, %epoch, "kcl.shard.ended"),
        Notice::Stalled(lease, epoch) => warn!(%lease, %epoch, "kcl.lease.stalled"),
        Notice::NotOfMyStream(lease) => warn!(%lease, "kcl.lease.not_of_my_stream"),
        Notice::Conflict(lease, session) => warn!(%lease, %session, "kcl.lease.conflict"),
        Notice::Planning(term) => info!(%term, "kcl.planner.started"),
        Notice::StoppedPlanning(term) => info!(%term, "kcl.planner.stopped"),
        Notice::Planned { moves, unassigned } => {
            info!(moves, unassigned = unassigned.len(), "kcl.plan.published");
            if let Some((_, reason)) = unassigned.first() {
                let some: Vec<&str> =
                    unassigned.iter().take(NAMED).map(|(lease, _)| lease.as_str()).collect();
                let which = some.join(", ");
                warn!(leases = unassigned.len(), which, reason, "kcl.lease.unassignable");
            }
        }
        Notice::Forced { key, from, overlap } => {
            warn!(lease = %key, %from, overlap, "kcl.lease.forced");
        }
        Notice::BadRules(problem) => error!(problem, "kcl.rules.refused"),
        other => info!(?other, "kcl.coordination"),
    }
}

/// Writes what is about to be asked of the store into the log, where a reader of the log wants to
/// know the moment.
pub(super) fn log_call(call: &StoreCall) {
    if let StoreCall::Release(release) = call {
        debug!(lease = %release.key, epoch = %release.epoch, "kcl.lease.releasing");
    }
}
