//! Stores with planted bugs: each must be found, by the case that names it.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::{
    conformance::{Capabilities, Change, StoreFactory, Suite},
    lease::{
        Acquire, Advance, Beat, Delete, DeleteDoc, DocName, Document, EndSession, Ending, Forget,
        Lease, LeaseKey, Progress, PutDoc, Release, Restart, Session, SessionId, Stamped, Write,
    },
    store::{Consistency, Cursor, LeaseStore, Page, StoreResult, Wakeups},
};
use kcl_memory::{MemoryServer, MemoryStore};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    RefusalsWithoutRow,
    DoubledBeatsCount,
    FencesIgnoreTheBeat,
    EpochIsNotCompared,
    IncarnationIsNotCompared,
    ProgressIsLost,
    OnlyTheFirstPage,
    DocumentsAreCut,
    OneNamespaceForAll,
    WakeUpsAreLost,
    WritesLandAfterTheAnswer,
    ReadThenWrite,
    ZonesAreLost,
    StreamsAreLost,
    RestartsCompareNoOwner,
    RestartsCompareNoEpoch,
    RestartsTakeNothingBack,
    RestartsKeepTheOwner,
    RestartsKeepTheProgress,
    RestartsKeepTheChildren,
    RestartsForgetTheParents,
    RestartsMakeRows,
}

#[derive(Debug)]
struct Buggy {
    inner: MemoryStore,
    bug: Bug,
}

impl Buggy {
    fn has(&self, bug: Bug) -> bool {
        self.bug == bug
    }

    /// The restart as this store understands it, if the row is `row`.
    fn bend(&self, restart: &mut Restart, row: &Lease) {
        match self.bug {
            Bug::RestartsCompareNoOwner => restart.seen_owner.clone_from(&row.owner),
            Bug::RestartsCompareNoEpoch => {
                restart.seen_epoch = row.epoch;
                restart.epoch.0 = restart.epoch.0.max(row.epoch.0 + 1);
            }
            Bug::RestartsTakeNothingBack if !restart.checkpoint.may_follow(&row.checkpoint) => {
                restart.checkpoint = row.checkpoint.clone();
            }
            _ => {}
        }
    }

    /// What this store makes of a row that a restart left as it should, if it was `row` before.
    fn spoil(&self, left: &mut Lease, row: Lease) {
        match self.bug {
            Bug::RestartsKeepTheOwner => left.owner = row.owner,
            Bug::RestartsKeepTheProgress => left.progress = row.progress,
            Bug::RestartsKeepTheChildren if !left.has_ended() => left.children = row.children,
            Bug::RestartsForgetTheParents => left.parents.clear(),
            _ => {}
        }
    }

    fn answer<R>(&self, answer: Write<R>) -> Write<R> {
        match answer {
            Write::Refused(_) if self.has(Bug::RefusalsWithoutRow) => Write::Refused(None),
            other => other,
        }
    }
}

#[async_trait]
impl LeaseStore for Buggy {
    fn application(&self) -> &str {
        self.inner.application()
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    async fn prepare(&self) -> StoreResult<()> {
        self.inner.prepare().await
    }

    async fn register(&self, mut session: Session) -> StoreResult<Stamped<Write<Session>>> {
        if self.has(Bug::ZonesAreLost) {
            session.zone = None;
        }
        if self.has(Bug::StreamsAreLost) {
            session.stream = None;
        }
        self.inner.register(session).await
    }

    async fn beat(&self, mut beat: Beat) -> StoreResult<Stamped<Write<Session>>> {
        let stored = self.inner.session(&beat.session, Consistency::Strong).await?;
        if self.has(Bug::DoubledBeatsCount) && stored.is_some_and(|row| row.beat == beat.number) {
            beat.number += 1;
        }
        self.inner.beat(beat).await
    }

    async fn end_session(&self, mut end: EndSession) -> StoreResult<Write<Session>> {
        let stored = self.inner.session(&end.session, Consistency::Strong).await?;
        if let (true, Ending::Fence { .. }, Some(row)) =
            (self.has(Bug::FencesIgnoreTheBeat), end.ending, stored)
        {
            end.ending = Ending::Fence { beat: row.beat };
        }
        self.inner.end_session(end).await
    }

    async fn forget(&self, forget: Forget) -> StoreResult<Write<Session>> {
        self.inner.forget(forget).await
    }

    async fn session(&self, id: &SessionId, how: Consistency) -> StoreResult<Option<Session>> {
        self.inner.session(id, how).await
    }

    async fn sessions(&self, from: Option<Cursor>, how: Consistency) -> StoreResult<Page<Session>> {
        self.inner.sessions(from, how).await
    }

    async fn wake(&self, id: &SessionId) -> StoreResult<()> {
        if self.has(Bug::WakeUpsAreLost) { Ok(()) } else { self.inner.wake(id).await }
    }

    async fn wakeups(&self, id: &SessionId) -> StoreResult<Option<Box<dyn Wakeups>>> {
        self.inner.wakeups(id).await
    }

    async fn create(&self, mut lease: Lease) -> StoreResult<Write<Lease>> {
        if self.has(Bug::ProgressIsLost) {
            lease.progress = Progress::NONE;
        }
        Ok(self.answer(self.inner.create(lease).await?))
    }

    async fn lease(&self, key: &LeaseKey) -> StoreResult<Option<Lease>> {
        self.inner.lease(key).await
    }

    async fn leases(&self, from: Option<Cursor>) -> StoreResult<Page<Lease>> {
        let mut page = self.inner.leases(from).await?;
        if self.has(Bug::OnlyTheFirstPage) {
            page.next = None;
        }
        Ok(page)
    }

    async fn acquire(&self, mut acquire: Acquire) -> StoreResult<Write<Lease>> {
        let seen = self.inner.lease(&acquire.key).await?;
        let as_seen = seen.as_ref().is_some_and(|row| row.epoch == acquire.seen_epoch);
        if self.has(Bug::ReadThenWrite) {
            tokio::task::yield_now().await;
        }
        let blind = self.has(Bug::EpochIsNotCompared) || (self.has(Bug::ReadThenWrite) && as_seen);
        if let (true, Some(row)) = (blind, self.inner.lease(&acquire.key).await?) {
            acquire.seen_epoch = row.epoch;
            acquire.seen_owner = row.owner;
            acquire.epoch.0 = acquire.epoch.0.max(row.epoch.0 + 1);
        }
        self.inner.acquire(acquire).await
    }

    async fn advance(&self, mut advance: Advance) -> StoreResult<Write<Lease>> {
        let stored = self.inner.lease(&advance.key).await?.and_then(|row| row.owner);
        if let (true, Some(owner)) = (self.has(Bug::IncarnationIsNotCompared), stored)
            && owner.worker == advance.owner.worker
        {
            advance.owner = owner;
        }
        self.inner.advance(advance).await
    }

    async fn release(&self, release: Release) -> StoreResult<Write<Lease>> {
        self.inner.release(release).await
    }

    async fn restart(&self, mut restart: Restart) -> StoreResult<Write<Lease>> {
        let Some(row) = self.inner.lease(&restart.key).await? else {
            if self.has(Bug::RestartsMakeRows) {
                let mut made = Lease::new(restart.key, restart.checkpoint);
                made.epoch = restart.epoch;
                return self.inner.create(made).await;
            }
            return self.inner.restart(restart).await;
        };
        self.bend(&mut restart, &row);
        let answer = self.inner.restart(restart).await?;
        let Write::Done(mut left) = answer else { return Ok(answer) };
        let right = left.clone();
        self.spoil(&mut left, row);
        if left != right {
            let gone = Delete::of_gone_stream(left.key.clone(), left.epoch);
            assert!(self.inner.delete(gone).await?.is_done());
            assert!(self.inner.create(left.clone()).await?.is_done());
        }
        Ok(Write::Done(left))
    }

    async fn delete(&self, delete: Delete) -> StoreResult<Write<Lease>> {
        self.inner.delete(delete).await
    }

    async fn doc(&self, name: &DocName) -> StoreResult<Option<Document>> {
        self.inner.doc(name).await
    }

    #[expect(clippy::disallowed_methods, reason = "the bug is a write nobody waits for")]
    async fn put_doc(&self, mut put: PutDoc) -> StoreResult<Write<Document>> {
        if self.has(Bug::DocumentsAreCut) {
            put.body.truncate(65_536);
        }
        if self.has(Bug::WritesLandAfterTheAnswer) {
            let stored = self.inner.doc(&put.name).await?;
            let answer = kcl_core::lease::rules::put_doc(stored.as_ref(), &put);
            let inner = self.inner.clone();
            tokio::spawn(async move {
                tokio::task::yield_now().await;
                inner.put_doc(put).await
            });
            return Ok(answer);
        }
        self.inner.put_doc(put).await
    }

    async fn docs(&self, from: Option<Cursor>) -> StoreResult<Page<Document>> {
        self.inner.docs(from).await
    }

    async fn delete_doc(&self, delete: DeleteDoc) -> StoreResult<Write<Document>> {
        self.inner.delete_doc(delete).await
    }
}

struct Factory(MemoryServer, Bug);

#[async_trait]
impl StoreFactory for Factory {
    fn name(&self) -> String {
        format!("memory with {:?}", self.1)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default().pushing()
    }

    async fn open(&self, application: &str) -> StoreResult<Arc<dyn LeaseStore>> {
        // The names of neighbours begin alike.
        let shared = &application["conformance-".len()..][..8];
        let name = if self.1 == Bug::OneNamespaceForAll { shared } else { application };
        Ok(Arc::new(Buggy { inner: self.0.store(name), bug: self.1 }))
    }
}

async fn is_caught(bug: Bug, case: &str) {
    let factory = Factory(MemoryServer::new().with_page_size(1_000), bug);
    let outcome = Suite::new(factory).only(case).run().await;
    let found = outcome.as_ref().is_err_and(|failed| failed.0.failures().any(|c| c.name == case));
    assert!(found, "{bug:?} was not found: {outcome:?}");
}

macro_rules! bugs {
    ($($test:ident: $bug:ident by $case:ident;)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            is_caught(Bug::$bug, stringify!($case)).await;
        })*
    };
}

bugs! {
    refusals_without_a_row_are_caught:
        RefusalsWithoutRow by a_lease_is_created_once_with_every_field;
    a_beat_counted_twice_is_caught:
        DoubledBeatsCount by a_beat_counts_only_forwards;
    a_fence_of_any_beat_is_caught:
        FencesIgnoreTheBeat by a_fence_needs_the_beat_that_was_watched;
    a_fence_and_a_beat_that_both_win_are_caught:
        FencesIgnoreTheBeat by a_fence_and_a_beat_never_both_win;
    an_acquire_without_comparison_is_caught:
        EpochIsNotCompared by an_acquire_needs_the_owner_and_epoch_it_saw;
    many_winners_are_caught:
        ReadThenWrite by one_of_many_acquires_wins;
    one_life_taken_for_another_is_caught:
        IncarnationIsNotCompared by two_lives_of_one_worker_are_two_owners;
    one_life_taken_for_another_is_caught_by_chance_too:
        IncarnationIsNotCompared by random_histories_answer_as_the_rules_do;
    a_lost_field_is_caught:
        ProgressIsLost by a_lease_is_created_once_with_every_field;
    a_lost_page_is_caught:
        OnlyTheFirstPage by leases_are_listed_past_a_page_and_a_megabyte;
    a_cut_document_is_caught:
        DocumentsAreCut by the_largest_document_is_kept;
    shared_namespaces_are_caught:
        OneNamespaceForAll by two_applications_do_not_see_each_other;
    lost_zones_are_caught:
        ZonesAreLost by a_new_session_is_put_once;
    lost_names_of_streams_are_caught:
        StreamsAreLost by a_new_session_is_put_once;
    a_restart_without_a_comparison_of_owners_is_caught:
        RestartsCompareNoOwner by a_restart_needs_the_owner_and_epoch_it_saw;
    a_restart_without_a_comparison_of_epochs_is_caught:
        RestartsCompareNoEpoch by a_restart_needs_the_owner_and_epoch_it_saw;
    a_restart_that_comes_late_and_is_done_again_is_caught:
        RestartsCompareNoEpoch by a_restart_refuses_what_was_sent_before_it;
    a_restart_that_comes_late_and_is_done_again_is_caught_by_chance_too:
        RestartsCompareNoEpoch by late_duplicates_change_nothing_they_must_not;
    a_restart_and_an_acquire_that_both_win_are_caught:
        RestartsCompareNoEpoch by concurrent_histories_have_an_order_that_explains_them;
    a_restart_that_takes_nothing_back_is_caught:
        RestartsTakeNothingBack by a_restart_takes_back_and_clears_what_was_known;
    a_restart_that_keeps_the_owner_is_caught:
        RestartsKeepTheOwner by a_restart_takes_back_and_clears_what_was_known;
    a_restart_that_keeps_the_owner_is_caught_by_chance_too:
        RestartsKeepTheOwner by random_histories_answer_as_the_rules_do;
    a_restart_that_keeps_the_progress_is_caught:
        RestartsKeepTheProgress by a_restart_takes_back_and_clears_what_was_known;
    a_restart_that_keeps_the_children_is_caught:
        RestartsKeepTheChildren by a_restart_at_the_end_of_a_shard_names_the_children;
    a_restart_that_forgets_the_parents_is_caught:
        RestartsForgetTheParents by a_restart_takes_back_and_clears_what_was_known;
    a_restart_that_makes_a_row_is_caught:
        RestartsMakeRows by a_restart_makes_no_row;
    lost_wake_ups_are_caught:
        WakeUpsAreLost by a_wake_up_raises_the_mailbox_and_nothing_else;
    writes_that_land_after_their_answer_are_caught:
        WritesLandAfterTheAnswer by concurrent_histories_have_an_order_that_explains_them;
}

#[tokio::test]
async fn a_name_no_case_has_fails() {
    let factory = Factory(MemoryServer::new(), Bug::WakeUpsAreLost);
    assert!(Suite::new(factory).only("no such case").run().await.is_err());
}

/// The bug is of no case that is run: only the judge is against it.
#[tokio::test]
async fn a_judge_that_objects_fails_the_case_with_its_words_and_the_history() {
    for case in [
        "random_histories_answer_as_the_rules_do",
        "late_duplicates_change_nothing_they_must_not",
        "concurrent_histories_have_an_order_that_explains_them",
        "dropped_calls_leave_the_others_right",
    ] {
        let factory = Factory(MemoryServer::new(), Bug::DocumentsAreCut);
        let suite = Suite::new(factory).only(case);
        let against = |row: &[Change]| match row {
            [] => Ok(()),
            [first, ..] => Err(format!("nobody may {}", first.call.name())),
        };
        let failed = suite.judged_by(against).run().await.unwrap_err().to_string();
        for words in ["the judge objects: nobody may ", "changes:", "Register("] {
            assert!(failed.contains(words), "{case}: no {words:?} in {failed}");
        }
    }
}
