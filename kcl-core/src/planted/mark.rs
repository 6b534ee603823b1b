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
    /// A session's deadline passed without an answered beat.
    "1.2" Lapsed,
    /// A beat was refused because a later attempt of it had been counted.
    "1.2" LaterBeatCounted,
    /// A lease was granted after the deadline, and nothing was started.
    "1.2" GrantedTooLate,
    /// A silent session was ended.
    "1.3" SilentFenced,
    /// The end of a session was refused: it had beaten after all.
    "1.3" FenceRefused,
    /// Planner or standby looked at a suspect beside their regular readings.
    "1.3" SuspectLookedAt,
    /// A lease of an ended session was taken.
    "1.4" TakenFromEnded,
    /// A lease that was this session's and not running was taken anew.
    "1.4" OwnRowTakenAnew,
    /// A session's absence was confirmed by a consistent read.
    "1.4" AbsenceConfirmed,
    /// A lease names a session that the listing lacks: the sessions were listed again.
    "1.4" ListedAgain,
    /// An answer to a plan that was given up came while the next was made.
    "1.4" AnswerToAGivenUpPlan,
    /// A checkpoint of a former holder was refused.
    "1.5" FencedCheckpointRefused,
    /// A checkpoint behind the stored one was refused.
    "1.5" OldCheckpointRefused,
    /// A planner met a document of a higher term, or heard of one.
    "1.6" Outranked,
    /// A document that was not newer than the one seen was ignored.
    "1.6" OldDocumentIgnored,
    /// A worker found the planner's lease its own, without planning, and took it anew.
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
    /// A lease was ordered to be taken by force.
    "1.8" HandoffForcedByTimeout,
    /// An owner was forced that never said that it saw the order.
    "1.8" DeafOwnerForced,
    /// The row of an overdue order was read when another order stood in its place.
    "1.8" LookOutlivedItsOrder,
    /// A batch did not end in time for a handover, and was dropped.
    "1.8" BatchDroppedInTime,
    /// An acquire was granted that the plan had cancelled; nothing was started.
    "1.8" CancelledGrantReleased,
    /// The document of a former life was taken for wishes.
    "1.8" FormerWishesTaken,
    /// The end of a shard was written a second time: done.
    "1.9" EndRefusedAsDone,
    /// The owner of an ended shard took its child at once.
    "1.9" ChildWished,
    /// The other parent of a merge had ended too.
    "1.9" OtherParentEnded,
    /// The other parent of a merge had not ended: its owner was left the child.
    "1.9" OtherParentOpen,
    /// An acquire had an unknown outcome.
    "1.10" AcquireUnknown,
    /// A checkpoint had an unknown outcome.
    "1.10" CheckpointUnknown,
    /// Nobody was fenced because the watcher itself was not well.
    "1.11" WatcherUnwell,
    /// So many sessions fell due at once that one more timeout was waited.
    "1.11" MassExpiryWait,
    /// After that wait all who were still due were fenced.
    "1.11" MassExpiryOver,
    /// A lease that had lapsed went on in place.
    "1.11" ResumedInPlace,
    /// A row that was read again after a lapse was another's.
    "1.12" LostMeanwhile,
    /// A lease that was not run here was released on the planner's order.
    "1.12" DropOrderFollowed,
    /// A live session was met that was not expected to hold a lease.
    "1.12" ConflictMet,
    /// The store went back in time.
    "1.13" StoreWentBack,
    /// A checkpoint was written forward after the store went back.
    "1.13" WrittenForward,
    /// An ended shard's row was acquired, and completed without being run.
    "1.13" EndedRowCompleted,
    /// A row that the store lost was made anew by its owner.
    "1.13" LostRowMade,
    /// The store lost a session: what it held was given back, for its next life to take up.
    "1.13" SessionLost,
    /// An older session of the same worker id was ended again: the store had lost its end.
    "1.13" OlderEndedAgain,
    /// The frozen start was given back to a store that may have lost it.
    "1.13" StartGivenBack,
    /// The last worker drained: nobody was there to hand over to.
    "1.14" LeftAlone,
    /// Grace was out: every batch was dropped.
    "1.14" GraceOut,
    /// The planner's lease was given back by a planner that leaves.
    "1.14" PlannerSteppedDown,
    /// A worker was woken.
    "1.15" Woken,
    /// A worker that had not said that it saw its document was woken again.
    "1.15" DeafWokenAgain,
    /// A fenced session started again under a new incarnation.
    "1.16" Rejoined,
    /// A fenced session found a newer one of its id, and stopped.
    "1.16" RejoinGaveWay,
    /// What was put was refused: somebody had passed, or changed the stream, first.
    "1.17" PassRefused,
    /// The store names a later life of the stream than was described.
    "1.17" LaterLifeMet,
    /// A silent session that reads another stream was ended.
    "1.17" OtherReaderFenced,
    /// The application was changed to another stream.
    "1.17" StreamSwitched,
    /// A worker left because others read another stream.
    "1.17" OtherStreamRead,
    /// A lease of another stream, or of another life of it, was not taken.
    "1.17" ForeignLeasePassedOver,
    /// A change that was broken off was taken over.
    "1.18" ChangeTakenOver,
    /// A run found that another has taken its turn.
    "1.18" TurnLost,
    /// A run found that the store has lost its turn.
    "1.18" TurnLostByStore,
    /// A run was told that the store went back since its turn was taken.
    "1.18" ChangeWentBack,
    /// A rewrite was refused: something late had come first. It is judged anew.
    "1.18" RestartRefused,
    /// A lease stayed with its owner although others had to move.
    "5" StayedAtHome,
    /// A child went to the worker that holds its parent.
    "5" JoinedParent,
    /// A parent that is neither in the rows nor in the list counted as ended.
    "6" ForgottenParentEnded,
    /// A missing child of an ended shard was made by the planner.
    "6" MissingChildMade,
    /// A shard that nothing leads to got a lease.
    "6" BeginningMade,
    /// An ended row was deleted.
    "6" EndedRowDeleted,
}
