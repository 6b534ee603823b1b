//! A fleet: several consumer processes of one application.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    sync::{Arc, MutexGuard},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use kcl_core::{
    coordinator::Assignment,
    lease::{Checkpoint, DocName, Lease, LeaseKey, WorkerId},
    store::{LeaseStore, LeaseStoreExt, StoreResult},
};
use kcl_dynamo::DynamoStore;
use tempfile::TempDir;

use super::{History, Launch, Process, Signal, wall_millis, watcher::Watcher};
use crate::dynamo;

/// How long a test waits for any fact.
const PATIENCE: Duration = Duration::from_secs(60);

/// Milliseconds between two readings of the lease rows.
const LOOK: u64 = 40;

/// The lines of each worker's log that an error shows.
const SHOWN: usize = 25;

/// Several consumers of one application. They are killed when this is dropped.
#[derive(Debug)]
pub struct Fleet {
    /// How consumers are started.
    pub launch: Launch,
    /// The store from which the test reads the leases.
    store: Arc<dyn LeaseStore>,
    /// The last process of each worker.
    processes: BTreeMap<String, Process>,
    /// How many processes were started.
    lives: usize,
    watcher: Watcher,
    /// Has the output and the log of each process.
    folder: TempDir,
}

impl Fleet {
    /// A fleet without processes, whose leases are in DynamoDB.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn new(launch: Launch) -> Result<Self> {
        let store = DynamoStore::builder(&launch.application);
        let store = launch.table.iter().fold(store, |store, table| store.table(table));
        let store = store.client_config(dynamo::config(&launch.dynamodb)).build()?;
        Self::watched_in(launch, Arc::new(store))
    }

    /// A fleet without processes, whose leases the test reads from this store.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn watched_in(launch: Launch, store: Arc<dyn LeaseStore>) -> Result<Self> {
        Ok(Self {
            launch,
            store,
            processes: BTreeMap::new(),
            lives: 0,
            watcher: Watcher::start()?,
            folder: TempDir::with_prefix("kcl-fleet-")?,
        })
    }

    /// The store from which the test reads the leases.
    #[must_use]
    pub fn store(&self) -> &dyn LeaseStore {
        &*self.store
    }

    /// Starts a consumer.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn start(&mut self, worker: &str) -> Result<()> {
        let command = self.launch.consumer(worker);
        self.start_command(worker, command)
    }

    /// Starts a consumer for each of these workers, without a wait in between.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn start_all(&mut self, workers: &[&str]) -> Result<()> {
        workers.iter().try_for_each(|worker| self.start(worker))
    }

    /// Starts a consumer with a given command. A process of the same worker that still runs is
    /// killed.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn start_command(&mut self, worker: &str, mut command: Command) -> Result<()> {
        self.lives += 1;
        let path = |kind: &str| self.folder.path().join(format!("{}.{worker}.{kind}", self.lives));
        let (output, log) = (path("out"), path("log"));
        let process = Process::start(&mut command, &output, &log)?;
        self.watcher.watch(worker, self.lives, &output, &log)?;
        self.processes.insert(worker.to_owned(), process);
        Ok(())
    }

    /// The last process of a worker.
    ///
    /// # Errors
    /// The worker was never started.
    pub fn process(&mut self, worker: &str) -> Result<&mut Process> {
        self.processes.get_mut(worker).with_context(|| format!("nobody started {worker}"))
    }

    /// Sends a signal to a worker. Returns the time, in milliseconds since 1970.
    ///
    /// # Errors
    /// The process has ended.
    pub fn signal(&mut self, worker: &str, signal: Signal) -> Result<f64> {
        if signal == Signal::STOP {
            self.watcher.stands_still();
        }
        let at = wall_millis();
        self.process(worker)?.signal(signal).with_context(|| worker.to_owned())?;
        Ok(at)
    }

    /// Waits until a worker's process has ended.
    ///
    /// # Errors
    /// The process does not end within a minute.
    pub async fn gone(&mut self, worker: &str) -> Result<ExitStatus> {
        let until = wall_millis() + PATIENCE.as_millis() as f64;
        while wall_millis() < until {
            if let Some(status) = self.process(worker)?.ended()? {
                return Ok(status);
            }
            pause(10).await;
        }
        bail!("{worker} does not end:\n{}", self.watcher.caught_up().log_of(worker))
    }

    /// Sends SIGTERM to a worker, and waits until its process has ended.
    ///
    /// # Errors
    /// The process does not end within a minute, or its exit code is not 0.
    pub async fn leave(&mut self, worker: &str) -> Result<()> {
        self.signal(worker, Signal::TERM)?;
        let status = self.gone(worker).await?;
        ensure!(status.success(), "{worker} ended with {status}");
        Ok(())
    }

    /// The workers whose process has ended, or that never held a lease.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn lost(&mut self) -> Result<Vec<String>> {
        let mut lost = Vec::new();
        let history = self.watcher.caught_up();
        for (worker, process) in &mut self.processes {
            let gained = history.events("kcl.lease.gained").any(|line| *line.worker == **worker);
            if process.ended()?.is_some() || !gained {
                lost.push(worker.clone());
            }
        }
        Ok(lost)
    }

    /// Copies the logs of all processes into a folder, because the fleet's own folder is deleted
    /// when this is dropped. `1.a.log` is the log of the first process, of worker `a`.
    ///
    /// # Errors
    /// The operating system reports an error.
    pub fn keep_logs(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let mut kept = Vec::new();
        for entry in std::fs::read_dir(self.folder.path())? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|it| it == "log") {
                let to = folder.join(entry.file_name());
                std::fs::copy(entry.path(), &to)?;
                kept.push(to);
            }
        }
        kept.sort_unstable();
        Ok(kept)
    }

    /// Everything that the consumers wrote, up to a few milliseconds ago.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.watcher.history()
    }

    /// Everything that the consumers wrote until now.
    pub fn caught_up(&self) -> MutexGuard<'_, History> {
        self.watcher.caught_up()
    }

    /// The leases of the shards in the store; empty if the store fails, or has no table yet.
    pub async fn leases(&self) -> Vec<Lease> {
        // Callers that wait for a fact read again after a failure.
        let notebook = self.watcher.notebook();
        let begun = notebook.begin();
        let leases = rows(self.store.as_ref()).await.unwrap_or_default();
        notebook.saw(begun, leases.clone());
        leases
    }

    /// Reads the lease rows again and again from now on, so that the oracle can judge them, too.
    #[expect(clippy::disallowed_methods, reason = "a test may spawn")]
    pub fn keep_looking(&self) {
        let (store, notebook) = (Arc::clone(&self.store), self.watcher.notebook());
        tokio::spawn(async move {
            while !notebook.is_over() {
                let begun = notebook.begin();
                // A test may stop the server: then there is no reading.
                if let Ok(leases) = rows(store.as_ref()).await {
                    notebook.saw(begun, leases);
                }
                pause(LOOK).await;
            }
        });
    }

    /// How many records a worker has delivered behind the checkpoints in the store.
    pub async fn uncheckpointed(&self, worker: &str) -> usize {
        let leases = self.leases().await;
        let checkpoints: BTreeMap<_, _> = leases
            .into_iter()
            .filter_map(|lease| Some((lease.key.shard()?.to_string(), lease.checkpoint)))
            .collect();
        let history = self.caught_up();
        let of_worker = history.deliveries.iter().filter(|record| &*record.worker == worker);
        let after = of_worker.filter(|record| match checkpoints.get(&*record.shard) {
            Some(Checkpoint::After(at)) => at.sequence.as_str() < &*record.sequence,
            Some(Checkpoint::ShardEnd) => false,
            _ => true,
        });
        after.count()
    }

    /// Waits for a planner, and returns its worker id.
    ///
    /// # Errors
    /// No worker holds the lease `@planner` for a minute.
    pub async fn planner(&self) -> Result<String> {
        let until = wall_millis() + PATIENCE.as_millis() as f64;
        while wall_millis() < until {
            let lease = self.store.lease(&LeaseKey::planner()).await.ok().flatten();
            if let Some(owner) = lease.and_then(|lease| lease.owner) {
                return Ok(owner.worker.to_string());
            }
            pause(20).await;
        }
        bail!("nobody plans")
    }

    /// Waits for the first standby, and returns its worker id.
    ///
    /// # Errors
    /// The planner names no standby for a minute.
    pub async fn standby(&self) -> Result<String> {
        self.heads(2).await?.into_iter().nth(1).context("nobody stands by")
    }

    /// Waits for the planner and its standbys, `least` workers at least, and returns them in their
    /// order.
    ///
    /// # Errors
    /// The planner does not name enough of them for a minute.
    pub async fn heads(&self, least: usize) -> Result<Vec<String>> {
        let until = wall_millis() + PATIENCE.as_millis() as f64;
        while wall_millis() < until {
            let planner: WorkerId = self.planner().await?.parse()?;
            let document = self.store.doc(&DocName::assignment(&planner)).await.ok().flatten();
            let told = document.and_then(|document| Assignment::decode(&document.body));
            let heads = told.iter().flat_map(Assignment::heads);
            let heads: Vec<String> = heads.map(|head| head.worker.to_string()).collect();
            if heads.len() >= least && heads.first().is_some_and(|head| *head == *planner.as_str())
            {
                return Ok(heads);
            }
            pause(20).await;
        }
        bail!("nobody is named to follow the planner")
    }

    /// Waits until the history is as `wanted`. `what` names the fact, for the error.
    ///
    /// # Errors
    /// The history is not as wanted within a minute. The error shows leases and logs.
    pub async fn until(&self, what: &str, mut wanted: impl FnMut(&History) -> bool) -> Result<()> {
        let until = wall_millis() + PATIENCE.as_millis() as f64;
        while wall_millis() < until {
            if wanted(&self.history()) {
                return Ok(());
            }
            pause(10).await;
        }
        Err(self.missed(what).await)
    }

    /// Waits until this many different records were delivered.
    ///
    /// # Errors
    /// Fewer are delivered within a minute.
    pub async fn until_delivered(&self, records: usize) -> Result<()> {
        self.until(&format!("{records} records"), |history| {
            history.deliveries.len() >= records && history.distinct() >= records
        })
        .await
    }

    /// Waits until the leases are as `wanted`. An empty list never counts: it may mean that the
    /// store failed.
    ///
    /// # Errors
    /// The leases are not as wanted within a minute.
    pub async fn until_leases(
        &self,
        what: &str,
        mut wanted: impl FnMut(&[Lease]) -> bool,
    ) -> Result<()> {
        let until = wall_millis() + PATIENCE.as_millis() as f64;
        while wall_millis() < until {
            if is_seen(&self.leases().await, &mut wanted) {
                return Ok(());
            }
            pause(30).await;
        }
        Err(self.missed(what).await)
    }

    /// Waits until the workers hold these numbers of leases, the largest first.
    ///
    /// # Errors
    /// The workers do not hold these numbers of leases within a minute.
    pub async fn until_shared(&self, wanted: &[usize]) -> Result<()> {
        self.until_leases(&format!("{wanted:?}"), |leases| {
            let mut shares: Vec<_> = shares(leases).into_values().collect();
            shares.sort_unstable_by(|a, b| b.cmp(a));
            shares == wanted
        })
        .await
    }

    /// The error of a wait that was too long, with the leases and the ends of the logs.
    async fn missed(&self, what: &str) -> anyhow::Error {
        let leases = self.leases().await;
        let mut shown = format!("not reached within a minute: {what}\n{:?}\n", shares(&leases));
        let history = self.watcher.caught_up();
        for worker in self.processes.keys() {
            let log = history.log_of(worker);
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(SHOWN)..];
            shown.push_str(&format!("--- {worker}\n{}\n", last.join("\n")));
        }
        anyhow::Error::msg(shown)
    }
}

/// Whether there are leases, and they are as wanted. Of an empty list every condition on all leases
/// would be true.
fn is_seen(leases: &[Lease], wanted: impl FnOnce(&[Lease]) -> bool) -> bool {
    !leases.is_empty() && wanted(leases)
}

/// The leases of the shards.
async fn rows(store: &dyn LeaseStore) -> StoreResult<Vec<Lease>> {
    let leases = store.all_leases().await?;
    Ok(leases.into_iter().filter(|lease| !lease.key.is_role()).collect())
}

/// How many leases each worker holds.
#[must_use]
pub fn shares(leases: &[Lease]) -> BTreeMap<String, usize> {
    let mut shares = BTreeMap::new();
    for owner in leases.iter().filter_map(|lease| lease.owner.as_ref()) {
        *shares.entry(owner.worker.to_string()).or_default() += 1;
    }
    shares
}

#[expect(clippy::disallowed_methods, reason = "processes keep to the machine's clock")]
async fn pause(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_leases_that_are_not_seen_nothing_is_true() {
        let all_owned = |leases: &[Lease]| leases.iter().all(|lease| lease.owner.is_some());
        assert!(!is_seen(&[], all_owned));
        let free = Lease::new("orders/1/shardId-1".parse().unwrap(), Checkpoint::TrimHorizon);
        assert!(is_seen(&[free], |leases| leases.len() == 1));
    }
}
