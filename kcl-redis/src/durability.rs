//! When a claim counts as safe.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

/// For how many replicas a write waits that must not be lost: a new lease, a change of its owner,
/// the end of a shard, a document. Beats and checkpoints never wait: the next one makes up for a
/// lost one.
///
/// Replication is asynchronous, and waiting does not make it anything else: it makes it unlikely
/// that a failover loses such a write. What is lost all the same is written anew by the workers
/// that live, once they see that the history of the server is another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// For one replica, if the server has any that keeps up (`INFO replication`, looked at with
    /// every beat). If none confirms in time, that is logged and work goes on.
    #[default]
    Auto,
    /// For none.
    Primary,
    /// For this many. If fewer confirm in time, the outcome is unknown.
    Replicas(usize),
}

/// What is known of the server's replicas, and what is wanted of them.
#[derive(Debug)]
pub(crate) struct Replicas {
    pub(crate) durability: Durability,
    /// How long a write waits for them.
    pub(crate) patience: Duration,
    /// How many keep up, as the server said last.
    present: AtomicUsize,
}

impl Replicas {
    pub(crate) const fn new(durability: Durability, patience: Duration) -> Self {
        Self { durability, patience, present: AtomicUsize::new(0) }
    }

    /// How many are to confirm a write.
    pub(crate) fn wanted(&self) -> usize {
        match self.durability {
            Durability::Auto => self.present.load(Ordering::Relaxed).min(1),
            Durability::Primary => 0,
            Durability::Replicas(count) => count,
        }
    }

    /// Notes how many keep up.
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
