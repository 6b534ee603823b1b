//! Runs the conformance suite on a store, with its history judged by the invariants of simulated
//! fleets.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use kcl_core::{
    conformance::{Capabilities, Change, Failed, Row, StoreFactory, Suite},
    env::Env,
    store::{LeaseStore, StoreResult},
};
use kcl_memory::{Faulty, faults::Mishaps, sim::judge_row};

/// Runs the suite, judges the history of each row, and prints how long each case took (`cargo test
/// -- --nocapture`).
///
/// # Errors
/// A case failed.
///
/// # Panics
/// Fewer than 50 changes of a kind of row were judged: they would prove nothing.
#[expect(clippy::print_stdout, reason = "cargo test shows it on request only")]
pub async fn conforms(suite: Suite) -> Result<(), Failed> {
    let judged = Arc::new(Judged::default());
    let counts = judged.clone();
    let judge = move |row: &[Change]| {
        counts.count(row);
        judge_row(row).map_err(|broken| broken.to_string())
    };
    let report = suite.judged_by(judge).run().await?;
    println!("{report}{judged}");
    assert!(judged.is_enough(), "too little was judged: {judged}");
    Ok(())
}

/// Counts of what was judged.
#[derive(Debug, Default)]
struct Judged {
    /// The rows, each with its whole history.
    histories: AtomicU64,
    /// The changes, by kind of row.
    sessions: AtomicU64,
    leases: AtomicU64,
    documents: AtomicU64,
}

impl Judged {
    /// Counts the history of one row.
    fn count(&self, changes: &[Change]) {
        self.histories.fetch_add(1, Ordering::Relaxed);
        let Some(row) = changes.first().and_then(|change| change.after.as_ref()) else { return };
        let kind = match row {
            Row::Session(_) => &self.sessions,
            Row::Lease(_) => &self.leases,
            _ => &self.documents,
        };
        kind.fetch_add(changes.len() as u64, Ordering::Relaxed);
    }

    /// Whether enough changes of every kind of row were judged.
    fn is_enough(&self) -> bool {
        [&self.sessions, &self.leases, &self.documents]
            .into_iter()
            .all(|changes| changes.load(Ordering::Relaxed) >= 50)
    }
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        write!(
            f,
            "judged: {} histories, {} changes of sessions, {} of leases, {} of documents",
            of(&self.histories),
            of(&self.sessions),
            of(&self.leases),
            of(&self.documents)
        )
    }
}

/// The stores of another factory, each client behind a network that loses, delays and fails calls.
#[derive(Debug)]
pub struct BadNetwork<F> {
    factory: F,
    mishaps: Mishaps,
    seed: AtomicU64,
}

impl<F> BadNetwork<F> {
    /// Puts `mishaps` before the clients of `factory`, drawn from `seed`.
    pub fn before(factory: F, mishaps: Mishaps, seed: u64) -> Self {
        // Each client has a seed of its own.
        Self { factory, mishaps, seed: AtomicU64::new(seed << 32) }
    }
}

#[async_trait]
impl<F: StoreFactory> StoreFactory for BadNetwork<F> {
    fn name(&self) -> String {
        format!("{} behind a bad network", self.factory.name())
    }

    fn capabilities(&self) -> Capabilities {
        self.factory.capabilities().unreliable()
    }

    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        let policy = self.mishaps.policy(self.seed.fetch_add(1, Ordering::Relaxed));
        let store = self.factory.open(application).await?;
        Ok(Arc::new(Faulty::new(store, Env::system(), policy)))
    }
}
