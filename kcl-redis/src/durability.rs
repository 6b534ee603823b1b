//! The number of replicas that must confirm a claim.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// The number of replicas for which a *claim* waits: a write that creates a lease, changes its
/// owner, ends or deletes it, or writes a document. Beats and checkpoints never wait, because the
/// next one replaces a lost one.
///
/// Replication is asynchronous, so that waiting only makes it unlikely that a failover loses the
/// write. Live workers write lost rows again when they see that the history of the server has
/// changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// A claim waits for one replica, if the server has one that keeps up. Each answer to a beat
    /// shows that (`INFO replication`). If none confirms in time, the store logs a warning and goes
    /// on.
    #[default]
    Auto,
    /// A claim waits for no replica.
    Primary,
    /// A claim waits for this many replicas. If fewer confirm in time, its outcome is unknown.
    Replicas(usize),
}

/// The replicas of the server, and the setting.
#[derive(Debug)]
pub(crate) struct Replicas {
    pub(crate) durability: Durability,
    /// The replica timeout.
    pub(crate) patience: Duration,
    /// The number of replicas that keep up, as the server last reported it.
    present: AtomicUsize,
}

impl Replicas {
    pub(crate) const fn new(durability: Durability, patience: Duration) -> Self {
        Self { durability, patience, present: AtomicUsize::new(0) }
    }

    /// The number of replicas that must confirm a claim.
    pub(crate) fn wanted(&self) -> usize {
        match self.durability {
            Durability::Auto => self.present.load(Ordering::Relaxed).min(1),
            Durability::Primary => 0,
            Durability::Replicas(count) => count,
        }
    }

    /// Notes the number of replicas that keep up.
    pub(crate) fn note(&self, present: usize) {
        self.present.store(present, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_waits_for_replicas_only_where_there_are_some() {
        let replicas = Replicas::new(Durability::Auto, Duration::from_millis(200));
        assert_eq!(replicas.wanted(), 0);
        replicas.note(2);
        assert_eq!(replicas.wanted(), 1);
        replicas.note(0);
        assert_eq!(replicas.wanted(), 0);
        assert_eq!(Replicas::new(Durability::Primary, Duration::ZERO).wanted(), 0);
        assert_eq!(Replicas::new(Durability::Replicas(2), Duration::ZERO).wanted(), 2);
    }
}
