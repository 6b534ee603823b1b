//! Asks the workers of a fleet to report with each beat while a user watches.
//!
//! Workers report once a minute by themselves. While a document says that somebody watches, they
//! report with each beat. An [`Onlooker`] writes that document every ten seconds. It also wakes the
//! workers whose reports are old, so that they read the document soon; and again ten seconds later,
//! because a wake-up may be lost. Without the right to write, the command still works: it shows
//! older reports, with their age.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use kcl_core::{
    env::{Clock, Time},
    lease::{
        DocName, PutDoc, Session, SessionId, Write,
        report::{Reports, Watch},
    },
    store::LeaseStore,
};

/// How many workers one reading wakes at most. Each wake-up costs a write.
const WOKEN_AT_ONCE: usize = 100;

/// A command that watches a fleet.
#[derive(Debug)]
pub(crate) struct Onlooker {
    store: Arc<dyn LeaseStore>,
    /// The name in the document: the command and its host.
    by: String,
    /// How long each call of the store may take.
    patience: Duration,
    /// When the document was written last; `None` if the last write failed.
    written_at: Option<Time>,
    /// The version of the document. `None`: not known yet; `Some(None)`: the document does not
    /// exist.
    stored: Option<Option<u64>>,
    /// When each session was woken last.
    woken: BTreeMap<SessionId, Time>,
}

impl Onlooker {
    /// An onlooker for this command. `patience` bounds each call of the store.
    pub(crate) fn new(store: Arc<dyn LeaseStore>, command: &str, patience: Duration) -> Self {
        let host = std::env::var("HOSTNAME").unwrap_or_default();
        let by = if host.is_empty() { command.to_owned() } else { format!("{command} on {host}") };
        let (written_at, stored, woken) = (None, None, BTreeMap::new());
        Self { store, by, patience, written_at, stored, woken }
    }

    /// Writes the document if it is due, and wakes workers whose reports are old. Call this after
    /// each reading. The answer tells whether the document is written; failures are no errors.
    ///
    /// # Cancel safety
    /// Safe: the next call writes what this one did not.
    pub(crate) async fn look_on(
        &mut self,
        sessions: &[Session],
        reports: &Reports,
        clock: &dyn Clock,
    ) -> bool {
        let now = clock.now();
        let is_written = |at: Time| now.since(at) < Watch::RENEWED_EVERY;
        if !self.written_at.is_some_and(is_written) {
            self.written_at = None;
            if self.write(clock).await {
                self.written_at = Some(now);
            }
        }
        if self.written_at.is_some() {
            self.wake(sessions, reports, clock).await;
        }
        self.written_at.is_some()
    }

    /// Writes the document. The answer is true, too, if the write was refused because another
    /// onlooker has just written it.
    async fn write(&mut self, clock: &dyn Clock) -> bool {
        let seen = match self.stored {
            Some(seen) => seen,
            None => match self.within(clock, self.store.doc(&DocName::watch())).await {
                Some(found) => found.map(|document| document.version),
                None => return false,
            },
        };
        let watch = Watch::new(&self.by, clock.wall());
        let put = PutDoc::new(DocName::watch(), seen, watch.encode());
        let written = self.within(clock, self.store.put_doc(put)).await;
        self.stored = match written {
            Some(Write::Done(document)) => Some(Some(document.version)),
            Some(Write::Refused(found)) => Some(found.map(|document| document.version)),
            None => None,
        };
        // A refusal with a document means that another onlooker was faster.
        matches!(self.stored, Some(Some(_)))
    }

    /// Wakes the workers whose reports are older than four heartbeat intervals, unless they were
    /// woken a moment ago. It ends at the first failure.
    async fn wake(&mut self, sessions: &[Session], reports: &Reports, clock: &dyn Clock) {
        let now = clock.now();
        self.woken.retain(|id, _| sessions.iter().any(|session| session.id == *id));
        let is_slow = |session: &Session| {
            let told = reports.workers.get(&session.id.worker);
            let age = told.filter(|told| !told.is_of_former_life).and_then(|told| told.age);
            age.is_none_or(|age| age > session.interval * 4)
        };
        let was_woken = |session: &Session| {
            let at = self.woken.get(&session.id);
            at.is_some_and(|at| now.since(*at) < Watch::RENEWED_EVERY)
        };
        let slow = sessions.iter().filter(|it| !it.has_ended() && is_slow(it) && !was_woken(it));
        let slow: Vec<SessionId> = slow.take(WOKEN_AT_ONCE).map(|it| it.id.clone()).collect();
        for id in slow {
            if self.within(clock, self.store.wake(&id)).await.is_none() {
                return;
            }
            self.woken.insert(id, now);
        }
    }

    /// The answer of a call; `None` if it fails or is late.
    async fn within<T, E>(
        &self,
        clock: &dyn Clock,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Option<T> {
        tokio::select! {
            answer = answer => answer.ok(),
            () = clock.sleep(self.patience) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use kcl_core::{
        lease::{Document, Incarnation, report::Reader},
        store::StoreResult,
    };
    use kcl_memory::{MemoryServer, virtual_env};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn session() -> Session {
        let id = SessionId::new("w1".parse().unwrap(), Incarnation::from_bits(7));
        Session::new(id, 1, 6 * SECOND, SECOND)
    }

    async fn version(store: &dyn LeaseStore) -> StoreResult<Option<u64>> {
        Ok(store.doc(&DocName::watch()).await?.map(|document| document.version))
    }

    #[tokio::test(start_paused = true)]
    async fn who_watches_says_so_every_ten_seconds_and_wakes_who_does_not_report() {
        let env = virtual_env(1);
        let server = MemoryServer::new();
        let store: Arc<dyn LeaseStore> = Arc::new(server.store("a"));
        assert!(store.register(session()).await.unwrap().value.is_done());
        let mut onlooker = Onlooker::new(Arc::clone(&store), "a test", SECOND);
        let mailbox = async || {
            store
                .session(&session().id, kcl_core::store::Consistency::Strong)
                .await
                .unwrap()
                .unwrap()
                .mailbox
        };
        let before = mailbox().await;
        let none = Reports::default();
        for _ in 0..5 {
            assert!(onlooker.look_on(&[session()], &none, &*env.clock).await);
            env.clock.sleep(SECOND).await;
        }
        assert_eq!(version(&*store).await.unwrap(), Some(1));
        assert_eq!(mailbox().await, before + 1, "once");
        env.clock.sleep(6 * SECOND).await;
        assert!(onlooker.look_on(&[session()], &none, &*env.clock).await);
        assert_eq!((version(&*store).await.unwrap(), mailbox().await), (Some(2), before + 2));
        // The worker's report is fresh now, so it is not woken again.
        let mut report = kcl_core::lease::report::WorkerReport::default();
        report.incarnation = Some(session().id.incarnation);
        let name = DocName::report(&session().id.worker);
        let document = Document::new(name, 1, report.encode());
        let told = Reader::new().read(&[document], &[session()], env.clock.now());
        env.clock.sleep(11 * SECOND).await;
        assert!(onlooker.look_on(&[session()], &told, &*env.clock).await);
        assert_eq!((version(&*store).await.unwrap(), mailbox().await), (Some(3), before + 2));
    }
}
