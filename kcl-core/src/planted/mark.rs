//! Marks on branches that the simulated fleets must reach. The doc comment of each mark is its text
//! in `docs/PLANTED.md`, which a test compares.

use std::cell::Cell;

thread_local! {
    static REACHED: [Cell<u64>; Mark::ALL.len()] =
        const { [const { Cell::new(0) }; Mark::ALL.len()] };
}

impl Mark {
    /// Counts that this thread has reached the mark.
    pub fn reach(self) {
        REACHED.with(|reached| {
            if let Some(count) = reached.get(self as usize) {
                count.set(count.get() + 1);
            }
        });
    }

    /// The number of times that this thread has reached each mark since the last call.
    pub fn take_counts() -> Vec<(Self, u64)> {
        REACHED.with(|reached| {
            let counts = reached.iter().map(|count| count.replace(0));
            Self::ALL.iter().copied().zip(counts).collect()
        })
    }
}

by_rule! {
    /// A branch that the simulated fleets must reach, or the rule it stands for goes untested.
    enum Mark;

    /// An older session of the same worker id was ended by the newer one.
    "1.1" OlderReplaced,
    /// The row of an ended session was deleted.
    "1.1" SessionForgotten,
    /// The deadline of a session passed without an answered beat.
    "1.2" Lapsed,
    /// A beat was refused because a later attempt of it had been counted.
    "1.2" LaterBeatCounted,
    /// A lease was granted after the deadline, and nothing was started.
    "1.2" GrantedTooLate,
    /// A silent session was ended.
    "1.3" SilentFenced,
    /// The end of a session was refused: it had beaten after all.
    "1.3" FenceRefused,
    /// The planner or a standby read a suspect session between its regular readings.
    "1.3" SuspectLookedAt,
    /// A lease of an ended session was taken.
    "1.4" TakenFromEnded,
    /// A session acquired a lease again that it owned but did not run.
    "1.4" OwnRowTakenAnew,
    /// A session's absence was confirmed by a consistent read.
    "1.4" AbsenceConfirmed,
    /// A lease named a session that the listing lacks: the sessions were listed again.
    "1.4" ListedAgain,
    /// An answer for an abandoned plan arrived while the next plan was made.
    "1.4" AnswerToAGivenUpPlan,
    /// A checkpoint of a former owner was refused.
    "1.5" FencedCheckpointRefused,
    /// A checkpoint behind the stored one was refused.
    "1.5" OldCheckpointRefused,
    /// A planner found a document of a higher term, or learned of one.
    "1.6" Outranked,
    /// A document that was not newer than the one seen was ignored.
    "1.6" OldDocumentIgnored,
    /// A worker that owned the planner's lease without planning acquired it again.
    "1.6" OwnPlannerRowTaken,
    /// The standby took the planner's lease.
    "1.6" StandbyElected,
    /// The second standby took the planner's lease.
    "1.6" SecondElected,
    /// A worker that was neither planner nor standby took the planner's lease.
    "1.6" OtherElected,
    /// A release was sent again at a beat.
    "1.7" ReleaseRepeated,
    /// The successor was woken by a release.
    "1.7" SuccessorWoken,
    /// A takeover by force was ordered, after the owner had confirmed the order to release.
    "1.8" HandoffForcedByTimeout,
    /// A lease was taken by force from an owner that never confirmed the order.
    "1.8" DeafOwnerForced,
    /// The row of an overdue order was read after another order had replaced it.
    "1.8" LookOutlivedItsOrder,
    /// A batch did not end in time for a handover, and was cancelled.
    "1.8" BatchDroppedInTime,
    /// An acquire was granted that the plan had cancelled; nothing was started.
    "1.8" CancelledGrantReleased,
    /// A worker wanted the leases in the document of its former session.
    "1.8" FormerLeasesWanted,
    /// The end of a shard was written a second time, which counted as done.
    "1.9" EndRefusedAsDone,
    /// The owner of an ended shard took its child at once.
    "1.9" ChildWanted,
    /// The other parent of a merge had ended as well.
    "1.9" OtherParentEnded,
    /// The other parent of a merge had not ended, so the child was left to its owner.
    "1.9" OtherParentOpen,
    /// An acquire had an unknown outcome.
    "1.10" AcquireUnknown,
    /// A checkpoint had an unknown outcome.
    "1.10" CheckpointUnknown,
    /// No session was fenced because the watcher's own beats or reads were late.
    "1.11" WatcherUnwell,
    /// More than half of the sessions expired together, so the watcher waited for one more timeout.
    "1.11" MassExpiryWait,
    /// After that wait, all sessions that were still silent were fenced.
    "1.11" MassExpiryOver,
    /// A run went on with its lease after a lapse.
    "1.11" ResumedInPlace,
    /// A row that was read again after a lapse had another owner.
    "1.12" LostMeanwhile,
    /// A worker released a lease that it did not run, on the planner's order.
    "1.12" DropOrderFollowed,
    /// A lease had a live owner other than expected.
    "1.12" ConflictMet,
    /// The store went back in time.
    "1.13" StoreWentBack,
    /// An owner wrote its newer checkpoint again after the store went back in time.
    "1.13" WrittenForward,
    /// The row of an ended shard was acquired, and completed without a run.
    "1.13" EndedRowCompleted,
    /// An owner created a row again that the store had lost.
    "1.13" LostRowMade,
    /// The store lost a session, which released its leases for the worker's next session.
    "1.13" SessionLost,
    /// An older session of the same worker id was ended again: the store had lost its end.
    "1.13" OlderEndedAgain,
    /// The frozen start was written again to a store that may have lost it.
    "1.13" StartGivenBack,
    /// The last worker drained, without another worker to hand over to.
    "1.14" LeftAlone,
    /// The time for leaving was over, and every batch was cancelled.
    "1.14" GraceOut,
    /// A leaving planner released the planner's lease.
    "1.14" PlannerSteppedDown,
    /// A wake-up was sent to a worker.
    "1.15" Woken,
    /// A wake-up was sent again to a worker that had not confirmed its document.
    "1.15" DeafWokenAgain,
    /// A fenced session started again under a new incarnation.
    "1.16" Rejoined,
    /// A fenced session found a newer session of its worker id, and stopped.
    "1.16" RejoinGaveWay,
    /// A write of the stream's document was refused: another worker had written it first.
    "1.17" PassRefused,
    /// The store names a stream that was created later than the one described.
    "1.17" LaterLifeMet,
    /// A silent session that reads another stream was ended.
    "1.17" OtherReaderFenced,
    /// The application was changed to another stream.
    "1.17" StreamSwitched,
    /// A worker left because others read another stream.
    "1.17" OtherStreamRead,
    /// A lease of another stream, or of an earlier or later stream of the same name, was not taken.
    "1.17" ForeignLeasePassedOver,
    /// A change that was interrupted was taken over.
    "1.18" ChangeTakenOver,
    /// A run of a change found that another run has taken the turn.
    "1.18" TurnLost,
    /// A run of a change found that the store has lost its turn.
    "1.18" TurnLostByStore,
    /// A run of a change learned that the store went back in time since it took the turn.
    "1.18" ChangeWentBack,
    /// A rewrite was refused because a late write came first; the row was then examined again.
    "1.18" RestartRefused,
    /// A lease stayed with its owner although others had to move.
    "5" StayedAtHome,
    /// A child went to the worker that holds its parent.
    "5" JoinedParent,
    /// A parent that is neither in the rows nor in the list counted as ended.
    "6" ForgottenParentEnded,
    /// A missing child of an ended shard was made by the planner.
    "6" MissingChildMade,
    /// A shard without ancestors in the rows got a lease.
    "6" BeginningMade,
    /// An ended row was deleted.
    "6" EndedRowDeleted,
}
