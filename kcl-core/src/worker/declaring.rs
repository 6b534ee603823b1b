//! Writes the placement rules that this worker declares to the store, and warns of rules that name
//! absent workers.
//!
//! - *Declare*: after the worker has joined, its rules go to the placement document, unless the
//!   operator's rules or another declaration prevail ([`Declaration::judge`]). The wait for the
//!   join keeps a worker that reads another stream from declaring rules for this application.
//! - *Warn*: if rules exist and none names this worker, it reports the workers that rules name and
//!   that do not live. A wrong worker id is the usual cause.
//!
//! The task runs on the keeper's thread beside the keeper; the keeper never waits for it.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
    time::Duration,
};

use tokio::sync::mpsc;

use crate::{
    assignment::placement::{Declaration, Fingerprint, PlacementRules, Verdict},
    env::{Clock, Time},
    lease::{Changing, DocName, Session, Streams, WorkerId},
    observe::{Seam, WatchedStore, WorkerEvent},
    placing::{self, NotPlaced},
    settings::Coordination,
    store::{Consistency, LeaseStore, LeaseStoreExt, StoreResult},
    stream::StreamDescription,
};

/// The remedy in the event about a declaration that does not prevail.
const REMEDY: &str = "kcl placement show tells what is in force; kcl placement adopt lets it count";

/// The pause after a failed attempt, and between two checks whether the worker has joined.
const AGAIN: Duration = Duration::from_millis(500);

/// The task that declares placement rules and warns of absent workers.
pub(super) struct Declaring {
    pub(super) worker: WorkerId,
    pub(super) store: WatchedStore,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) seam: Seam,
    pub(super) settings: Coordination,
    /// The stream that the worker reads; empty until its source has described it.
    pub(super) stream: Arc<OnceLock<StreamDescription>>,
    /// The newest rules of this worker: those of its builder, then those of `changes`.
    pub(super) declared: Option<Declaration>,
    /// Rules that replace `declared` while the worker runs
    /// ([`WorkerHandle::declare`](super::WorkerHandle::declare)).
    pub(super) changes: mpsc::UnboundedReceiver<Declaration>,
}

impl Declaring {
    /// Declares the first rules and every replacement, and warns once, a session timeout after the
    /// start. Never returns.
    pub(super) async fn work(mut self) {
        let mut former = None;
        let mut is_new = self.declared.is_some();
        let mut names = self.clock.now() + self.settings.session_timeout;
        loop {
            if let Some(declared) = self.declared.as_ref().filter(|_| is_new)
                && let Some(event) = self.declare(declared, former).await
            {
                self.seam.event(&event);
            }
            let clock = Arc::clone(&self.clock);
            is_new = tokio::select! {
                biased;
                Some(change) = self.changes.recv() => {
                    former = self.declared.as_ref().and_then(|it| self.of_stream(it).ok());
                    self.declared = Some(change);
                    true
                }
                () = clock.sleep_until(names) => {
                    names = Time::NEVER;
                    self.warn_of_absentees().await;
                    false
                }
            };
        }
    }

    /// Writes the declared rules to the store if they prevail, and retries until the store has
    /// answered. `former` is the fingerprint of the rules that these replace.
    ///
    /// Returns the event with the outcome; `None` if the same rules are already in force.
    async fn declare(
        &self,
        declared: &Declaration,
        former: Option<Fingerprint>,
    ) -> Option<WorkerEvent> {
        self.joined().await;
        let from = || declared.from().to_owned();
        let passed_over = |why: String| {
            Some(WorkerEvent::RulesPassedOver { from: declared.from().to_owned(), why })
        };
        let stream = self.stream.get().map(|of| Arc::clone(&of.key.name)).unwrap_or_default();
        let declared = match declared.for_stream(&stream) {
            Ok(declared) => declared,
            Err(problem) => return passed_over(problem.to_string()),
        };
        loop {
            let Ok(stored) = placing::read(&self.store).await else {
                self.clock.sleep(AGAIN).await;
                continue;
            };
            if let Some(problem) = &stored.problem {
                return passed_over(format!(
                    "the rules in the store make no sense: {problem}; kcl placement apply FILE"
                ));
            }
            let (there, at) = (stored.placement.as_ref(), self.clock.wall());
            let next = match declared.judge(there, former, &self.worker, at) {
                Ok(Verdict::Apply(next)) => next,
                Ok(Verdict::InForce) => return None,
                Ok(Verdict::Superseded) => {
                    let why = format!("others were declared since they were in force: {REMEDY}");
                    return passed_over(why);
                }
                Ok(Verdict::Overruled { by }) => {
                    return passed_over(format!("the rules were changed since by {by}: {REMEDY}"));
                }
                Err(problem) => return passed_over(problem.to_string()),
            };
            let rules = next.rules.rules().len();
            match placing::put(&self.store, &stored, &next).await {
                Ok(()) => return Some(WorkerEvent::RulesDeclared { from: from(), rules }),
                Err(NotPlaced::Invalid(problem)) => return passed_over(problem.to_string()),
                // The next turn reads the document again, which shows the outcome of the write.
                Err(_) => self.clock.sleep(AGAIN).await,
            }
        }
    }

    /// The fingerprint of the rules as this worker writes them for its own stream.
    fn of_stream(&self, declared: &Declaration) -> Result<Fingerprint, ()> {
        let stream = self.stream.get().ok_or(())?;
        declared.for_stream(&stream.key.name).map(|it| it.map()).map_err(drop)
    }

    /// Waits until the worker has joined: its session is registered, and the application, which is
    /// open, reads its stream.
    async fn joined(&self) {
        while !self.has_joined().await.unwrap_or(false) {
            self.clock.sleep(AGAIN).await;
        }
    }

    /// Reads the three facts of [`Self::joined`] once.
    async fn has_joined(&self) -> StoreResult<bool> {
        let Some(stream) = self.stream.get() else { return Ok(false) };
        let reads = self.store.doc(&DocName::streams()).await?;
        let reads = reads.and_then(|doc| Streams::decode(&doc.body).ok());
        if reads.as_ref().and_then(Streams::name) != Some(&stream.name) {
            return Ok(false);
        }
        if let Some(doc) = self.store.doc(&DocName::changing()).await?
            && !Changing::decode(&doc.body).is_ok_and(|changing| !changing.is_closed())
        {
            return Ok(false);
        }
        let sessions = self.store.all_sessions(Consistency::Eventual).await?;
        let is_mine = |row: &Session| {
            row.id.worker == self.worker
                && !row.has_ended()
                && row.stream.as_ref() == Some(&stream.name)
        };
        Ok(sessions.iter().any(is_mine))
    }

    /// Reports rules that name absent workers while none names this worker: somebody may have given
    /// this worker a wrong id. [`Self::work`] calls it one session timeout after the start, when
    /// the workers of a fleet that starts together have joined.
    async fn warn_of_absentees(&self) {
        let Ok(stored) = placing::read(&self.store).await else { return };
        let Some(rules) = stored.placement.map(|it| it.rules) else { return };
        if !is_unnamed(&self.worker, &rules) {
            return;
        }
        let Ok(before) = self.store.all_sessions(Consistency::Eventual).await else { return };
        self.clock.sleep(self.settings.session_timeout / 2).await;
        let Ok(after) = self.store.all_sessions(Consistency::Strong).await else { return };
        if let Some(event) = unnamed(&rules, &living(&before, &after)) {
            self.seam.event(&event);
        }
    }
}

/// True if rules exist and none names this worker.
fn is_unnamed(worker: &WorkerId, rules: &PlacementRules) -> bool {
    !rules.rules().is_empty() && rules.rules().iter().all(|rule| rule.worker != *worker)
}

/// The workers whose session moved its beat between two listings, or joined between them.
fn living(before: &[Session], after: &[Session]) -> BTreeSet<WorkerId> {
    let stands = |row: &Session| before.iter().any(|it| it.id == row.id && it.beat == row.beat);
    let lives = after.iter().filter(|row| !row.has_ended() && !stands(row));
    lives.map(|row| row.id.worker.clone()).collect()
}

/// The event for rules that name workers that do not live: the named workers that are absent, and
/// the living workers that no rule names. `None` if every named worker lives.
fn unnamed(rules: &PlacementRules, living: &BTreeSet<WorkerId>) -> Option<WorkerEvent> {
    let named: BTreeSet<WorkerId> = rules.rules().iter().map(|rule| rule.worker.clone()).collect();
    let absent: Vec<WorkerId> = named.difference(living).cloned().collect();
    let unnamed = living.difference(&named).cloned().collect();
    (!absent.is_empty()).then_some(WorkerEvent::WorkerNotNamed { absent, unnamed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assignment::placement::{Uncovered, shard_mapping},
        lease::{EndReason, Incarnation, SessionId, SessionState},
    };

    fn id(worker: &str) -> WorkerId {
        worker.parse().unwrap()
    }

    fn session(worker: &str, beat: u64) -> Session {
        let of = SessionId::new(id(worker), Incarnation::from_bits(1));
        let mut row = Session::new(of, 1, Duration::from_secs(6), Duration::from_secs(1));
        row.beat = beat;
        row
    }

    #[test]
    fn who_lives_is_who_beats_or_has_just_come() {
        let before = [session("silent", 3), session("beats", 3)];
        let mut ended = session("ended", 9);
        ended.state = SessionState::Ended(EndReason::Left);
        let after = [session("silent", 3), session("beats", 4), session("new", 0), ended];
        assert_eq!(living(&before, &after), BTreeSet::from([id("beats"), id("new")]));
    }

    #[test]
    fn a_worker_that_no_rule_names_tells_of_those_that_are_named_and_do_not_live() {
        let pairs = shard_mapping("s-0:worker-1,s-1:worker-2").unwrap();
        let rules = PlacementRules::new(pairs, Uncovered::Balance).unwrap();
        assert!(!is_unnamed(&id("worker-1"), &rules));
        assert!(is_unnamed(&id("worker-9"), &rules));
        assert!(!is_unnamed(&id("worker-9"), &PlacementRules::default()));
        let living = BTreeSet::from([id("worker-9"), id("worker-1")]);
        let (absent, unnamed) = (vec![id("worker-2")], vec![id("worker-9")]);
        let told = super::unnamed(&rules, &living);
        assert_eq!(told, Some(WorkerEvent::WorkerNotNamed { absent, unnamed }));
        let all = BTreeSet::from([id("worker-1"), id("worker-2"), id("worker-9")]);
        assert_eq!(super::unnamed(&rules, &all), None, "it is one more");
    }
}
