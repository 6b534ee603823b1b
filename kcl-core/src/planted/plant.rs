//! The bugs that can be planted. The doc comment of each is its text in `docs/PLANTED.md`, which a
//! test compares.
//!
//! Some clauses of the rules have no planted bug, because another clause prevents the harm without
//! them, so that no test could notice it:
//!
//! - *Incarnations are compared (5).* No epoch is given twice, so rows with equal epochs belong to
//!   one incarnation. `OwnerOnlyFencing` is planted instead, which compares no epoch either.
//! - *A grant after the deadline starts nothing (2).* The gate of a run checks the same deadline
//!   before each dispatch. The mark `GrantedTooLate` shows that the branch is taken.
//! - *The clock guard (2).* It covers the drift of two clocks over one session timeout, which is
//!   some milliseconds; in the simulated network a fence and the next acquire take longer.
//! - *A timer ends a silent session (3).* The heads read a suspect's row every 200 ms, and each
//!   read ends the sessions that are due; no bound is tight enough to show the missing timer.
//! - *The rows of ended sessions are kept while leases name them (1).* A missing row counts as
//!   ended, too. The rows are kept against late registrations, which `RegisteredTwice` covers.
//! - *One checkpoint under way (5).* The guard of `NoMonotoneGuard` refuses a late checkpoint.
//! - *A new session takes wanted leases from its former session's document, never orders (8).* An
//!   order names owner and epoch, and the compare-and-set refuses it if the row has changed
//!   (`AcquireComparesNothing`).
//! - *Ends are written forward (13).* The plan gives such a row back to its owner within about a
//!   second, and the owner remembers the end (`EndedRowRun`).
//! - *Nobody fences for a while after the store went back (13).* A fence names a beat number, and
//!   the owner counts the numbers and forgets none (`FenceWhateverTheBeat`).

use std::cell::Cell;

thread_local! {
    static PLANTED: Cell<Option<Plant>> = const { Cell::new(None) };
}

impl Plant {
    /// True if this bug is planted in this thread.
    #[must_use]
    pub fn is_in(self) -> bool {
        PLANTED.get() == Some(self)
    }

    /// Runs `work` with this bug, or with none, planted in this thread.
    pub fn during<T>(plant: Option<Self>, work: impl FnOnce() -> T) -> T {
        /// Restores the former bug, even if `work` panics.
        struct Weed(Option<Plant>);
        impl Drop for Weed {
            fn drop(&mut self) {
                PLANTED.set(self.0);
            }
        }
        let _weed = Weed(PLANTED.replace(plant));
        work()
    }
}

by_rule! {
    /// A bug that can be planted. The tests have to notice each.
    enum Plant;

    /// A registration overwrites an existing row.
    "1.1" RegisteredTwice,
    /// A worker joins without listing the sessions after it has registered.
    "1.1" JoinsWithoutListing,
    /// A session that finds a newer session of its worker id does not stop.
    "1.1" OlderDoesNotStop,
    /// Start numbers are ignored: a later session of a worker id may be ordered before an earlier
    /// one.
    "1.1" StartsNotCounted,
    /// The validity of a session is counted from the answer to a beat, not from its sending (W1).
    "1.2" ValidFromReply,
    /// The validity is counted from the newest attempt of a beat, not from the answered attempt.
    "1.2" ValidFromLastAttempt,
    /// An owner considers its session valid for twice the session timeout.
    "1.2" DeadlineNotKept,
    /// A refused beat whose row has a higher beat of the same live session is treated as a fence.
    "1.2" HigherBeatTakenForFence,
    /// A batch that was cancelled at the deadline counts as processed.
    "1.2" DroppedBatchSkipped,
    /// The end of a silent session does not compare the beat number.
    "1.3" FenceWhateverTheBeat,
    /// A session is ended after two heartbeat intervals, not after its session timeout.
    "1.3" FencedEarly,
    /// The watcher of all sessions does not read a suspect session between the regular readings.
    "1.3" SuspectNotWatched,
    /// An acquire compares neither owner nor epoch (W3).
    "1.4" AcquireComparesNothing,
    /// An acquire keeps the epoch of the row.
    "1.4" NoEpochBump,
    /// The new epoch is the row's epoch plus one, without the store's clock and memory of epochs.
    "1.4" EpochFromRowAlone,
    /// A lease is taken from a live owner that was not asked to release it.
    "1.4" TakenFromTheLiving,
    /// A session that an eventually consistent read does not show counts as ended.
    "1.4" AbsenceFromStaleRead,
    /// The planner treats a session as gone if an eventually consistent listing lacks it (W3).
    "1.4" AbsenceFromStaleListing,
    /// The planner treats a session as gone if a listing older than the leases lacks it.
    "1.4" AbsenceFromOlderListing,
    /// An answer for an abandoned plan is used for the next plan, or by the next planner.
    "1.4" AnswersOutliveTheirPlan,
    /// Processing starts from an earlier read of the row, not from the reply to the acquire.
    "1.4" StartedFromEarlierRead,
    /// A lease is run although its shard is known to have ended.
    "1.4" EndedRowRun,
    /// A checkpoint behind the stored one is accepted.
    "1.5" NoMonotoneGuard,
    /// The store does not compare the epoch: the owner of a lease may write under an old one.
    "1.5" EpochNotCompared,
    /// Only the worker's name is compared, neither incarnation nor epoch.
    "1.5" OwnerOnlyFencing,
    /// A restart compares neither owner nor epoch.
    "1.5" RestartComparesNothing,
    /// A restart needs no new epoch.
    "1.5" RestartKeepsTheEpoch,
    /// A restart leaves the lease to its owner.
    "1.5" RestartKeepsTheOwner,
    /// A checkpoint is written after every batch.
    "1.5" CheckpointAtEachBatch,
    /// Checkpoints are written at handover and at the end only.
    "1.5" CheckpointOnlyAtRelease,
    /// A write of a document does not compare its version.
    "1.6" DocumentComparesNothing,
    /// A worker compares the versions of documents without their terms.
    "1.6" TermNotCompared,
    /// A planner overwrites a document of a higher term.
    "1.6" HigherTermOverwritten,
    /// A worker that owns the planner's lease without planning leaves it so.
    "1.6" OwnPlannerRowLeft,
    /// No standby is named.
    "1.6" NoStandby,
    /// Planner and standby do not follow each other's beats.
    "1.6" PartnerNotFollowed,
    /// The first standby reads all sessions at any time, not midway between the planner's reads.
    "1.6" WatchersInPhase,
    /// The second standby does not watch the other sessions.
    "1.6" SecondDoesNotWatch,
    /// Workers that are neither planner nor standby never read the planner's session.
    "1.6" OthersNeverLook,
    /// A new planner forgets how long it has seen the other sessions silent.
    "1.6" WindowsOpenedAnew,
    /// The next workers in the order of succession do not get the names of the current standbys.
    "1.6" HeadsNotTold,
    /// Standbys are named without regard to their zones.
    "1.6" HeadsInOneZone,
    /// The planner is not notified of changed leases or of a worker's conflict.
    "1.6" ChangesNotHeard,
    /// Each worker that joins causes a plan of its own.
    "1.6" JoinsNotGathered,
    /// Every plan rewrites every document.
    "1.6" DocumentsAlwaysRewritten,
    /// A release does not carry the last checkpoint.
    "1.7" ReleasedWithoutCheckpoint,
    /// A lease is released before its run has stopped.
    "1.7" ReleasedWhileRunning,
    /// A lease goes on under the same epoch after its release was sent.
    "1.7" ReleaseTakenBack,
    /// A release whose outcome is unknown is not sent again.
    "1.7" ReleaseSentOnce,
    /// A successor does not read the row that it waits for at the fast pace.
    "1.7" SuccessorPollsSlowly,
    /// A worker that has confirmed a plan goes on with the leases that the plan takes from it.
    "1.8" GiveIgnored,
    /// A batch that does not end in time for a handover is not cancelled.
    "1.8" OverdueBatchKept,
    /// A takeover by force is ordered as soon as the owner has confirmed the order to release.
    "1.8" ForcedWithoutWaiting,
    /// A takeover by force is ordered because an earlier order was late.
    "1.8" ForcedForAnEarlierOrder,
    /// A worker does not get the planner's handover timeout, and uses its own.
    "1.8" PatienceNotTold,
    /// A handover is planned anew between its release and its acquire.
    "1.8" HandoverCalledOff,
    /// An order to take over by force is followed without comparing the row's owner and epoch.
    "1.8" ForcedWhateverTheEpoch,
    /// An acquire that was cancelled while in flight starts a run.
    "1.8" CancelledGrantRuns,
    /// The planner orders the release of a lease before its new owner has seen the assignment.
    "1.8" MovesNotStaged,
    /// The end of a shard is written before its children's rows.
    "1.9" EndBeforeChildren,
    /// The owner of an ended shard takes its child without reading the row of the other parent.
    "1.9" OtherParentNotRead,
    /// A parent without a row counts as ended to the owner of the other one (W6).
    "1.9" AbsentOtherParentEnded,
    /// The owner of an ended shard leaves the children to the planner.
    "1.9" ChildrenWaitForPlan,
    /// A worker that knows no plan yet takes children.
    "1.9" ChildrenTakenUntold,
    /// If the write of a shard's end is refused because it is already stored, the lease counts as
    /// lost.
    "1.9" EndTwiceIsLoss,
    /// An acquire of unknown outcome is not read back.
    "1.10" UnknownAcquireForgotten,
    /// A checkpoint of unknown outcome counts as the loss of the lease (W4).
    "1.10" UnknownCheckpointIsLoss,
    /// A watcher ends sessions although it was itself cut off from the store (W5).
    "1.11" OutageIsDeath,
    /// A worker that watches only planner and standbys treats the death of most of them as an
    /// outage.
    "1.11" OutageSeenInPart,
    /// A worker that watches only planner and standbys ends one of them while another is alive.
    "1.11" OneHeadIsEnough,
    /// If more than half of the sessions expire together, they are ended at once.
    "1.11" NoSecondWait,
    /// If more than half of the sessions expire together, they are never ended.
    "1.11" WaitsForEver,
    /// After an outage, owners release the leases that they still hold (W5).
    "1.11" LapsedStartsAnew,
    /// A worker does not try again to take a lease that the plan assigns to it.
    "1.12" NeverTriedAgain,
    /// A deadline that is changed is forgotten.
    "1.12" MovedDeadlineForgotten,
    /// The planner never audits.
    "1.12" NoAudit,
    /// A worker does not release a lease that it owns but does not run, on the planner's order.
    "1.12" DropOrderIgnored,
    /// A conflict is not reported to the planner.
    "1.12" ConflictNotTold,
    /// After a lapse, runs go on without reading their rows.
    "1.12" ResumedUnread,
    /// No worker notices that the store went back in time.
    "1.13" GenerationIgnored,
    /// After the store went back in time, owners do not write their newer checkpoints again.
    "1.13" NotWrittenForward,
    /// The owner leaves a row that the store has lost to the planner, which knows no checkpoint.
    "1.13" LostRowLeft,
    /// The clock for new epochs goes back when the store's clock does.
    "1.13" EpochsFollowTheClockBack,
    /// A worker does not take a lease again whose checkpoint was refused, though it is assigned to
    /// it.
    "1.13" TakenNotWantedAgain,
    /// A worker does not end its older session again after the store has lost that end.
    "1.13" RivalsComeBack,
    /// An order to release is followed once only, even if the store has lost the release.
    "1.13" OrdersFollowedOnce,
    /// A worker does not remember the frozen start of the application.
    "1.13" FrozenStartForgotten,
    /// A worker that knows the frozen start does not write it again to a store that has lost it.
    "1.13" StartNotGivenBack,
    /// A start is frozen at once although the store may just have lost an earlier one.
    "1.13" FreezesAtOnce,
    /// A plan is completed although the store went back in time meanwhile.
    "1.13" PlanOutlivesItsStore,
    /// A leaving session does not mark its row as leaving.
    "1.14" LeavingNotSaid,
    /// A leaving session stops reading before its leases have successors.
    "1.14" BreaksBeforeMake,
    /// A leaving session does not end its row, so the others wait for its timeout.
    "1.14" LeavesWithoutEnd,
    /// A leaving planner releases its lease before it has made a plan without itself.
    "1.14" PlannerLeavesFirst,
    /// A leaving session still counts as a worker.
    "1.14" LeavingStillCounts,
    /// No wake-up is ever sent.
    "1.15" WakeNeverSent,
    /// A wake-up is not noticed.
    "1.15" WakeNeverRead,
    /// A worker confirms that it has read its document only with its next regular beat.
    "1.15" EchoWaitsForBeat,
    /// A worker never stops reading its document at the fast pace.
    "1.15" EagerForEver,
    /// A fenced session keeps its runs.
    "1.16" FencedGoesOn,
    /// A fenced session ends the newer session of its worker id.
    "1.16" FencedComesBack,
    /// A fenced session registers again under its old incarnation.
    "1.16" SameIncarnationAgain,
    /// A worker runs assigned leases of any stream.
    "1.17" RunsWhateverItIsGiven,
    /// A worker that finds its stream in the store joins without writing the document again.
    "1.17" PassesWithoutPutting,
    /// Any refused write of the stream's document is treated as another worker's successful one.
    "1.17" RefusalTakenForPass,
    /// A worker registers without checking which stream the application reads.
    "1.17" RegistersWithoutPassing,
    /// The application is changed to another stream without checking which workers read the old
    /// one.
    "1.17" SwitchesWithoutLooking,
    /// After the store went back in time, no worker checks again that the application reads its
    /// stream.
    "1.17" PassesOnce,
    /// A planner assigns leases to workers of another stream.
    "1.17" StrangersArePlannedFor,
    /// A change of the application watches silent sessions for their timeout, but does not end
    /// them.
    "1.18" ProvenByWatching,
    /// A run that continues a change copies the rows again, which are half rewritten.
    "1.18" CopyMadeAnew,
    /// Rows are rewritten before their copy is complete.
    "1.18" RowsBeforeCopy,
    /// A change does not check before each write that it still has the turn.
    "1.18" TurnNotChecked,
    /// A change checks that it has the turn before it reads the row, not after.
    "1.18" TurnLookedAtFirst,
    /// A change does not write a row that already looks right.
    "1.18" RightRowsPassedOver,
    /// An undo does not write the rows that the change created.
    "1.18" MadeRowsNotUndone,
    /// A run does not notice that the store went back while it wrote.
    "1.18" ChangeIgnoresGeneration,
    /// The copy of the previous change is deleted, though the store may go back to that change.
    "1.18" FormerCopyDeleted,
    /// The copy of a change that the store has lost is used as the copy of the next change.
    "1.18" CopyByNumberAlone,
    /// A refused rewrite counts as done.
    "1.18" RefusedTakenForDone,
    /// The epoch of a rewrite is above that of the row it finds, but not above earlier ones.
    "1.18" EpochOfTheRowAlone,
    /// Every lease costs a call at every beat, as in the Java KCL.
    "1" BeatPerLease,
    /// The fair share is rounded down.
    "5" ShareRoundedDown,
    /// Ended leases count in the workers' shares.
    "5" EndedTakesSeat,
    /// The owner of a lease is not preferred for it.
    "5" OwnerNotPreferred,
    /// The owner of the parent is not preferred for its children.
    "5" ParentHolderNotPreferred,
    /// Ties are broken by the order of the input.
    "5" TiesByInputOrder,
    /// A planner that is woken does not read the rules.
    "5" WokenReadsNoRules,
    /// Any rule keeps every owner from taking children at once.
    "5" AnyRuleStopsChildren,
    /// Owners take children at once even if placement rules apply to them.
    "5" RuledChildrenTaken,
    /// Inherited rules apply to shards of the same names after the stream was made again.
    "5" RulesOutliveTheirStream,
    /// A lease that a rule requires at an absent worker goes to another worker.
    "5" RequireFailsOver,
    /// A lease returns at once to its preferred worker that has only just joined.
    "5" ReturnsAtOnce,
    /// Leases of live workers move although the fleet is frozen.
    "5" FrozenFleetMoves,
    /// A worker that the operator has drained gets leases like any other.
    "5" DrainedStillCounts,
    /// A lease that the operator has paused is given to workers.
    "5" PausedIsPlanned,
    /// Owners take children at once that the operator has paused.
    "5" PausedChildrenTaken,
    /// A lease that is marked for release stays at its owner unless another worker can take it.
    "5" LetGoNeedsATaker,
    /// A lease that was sent to a worker for a limited time stays there.
    "5" SentForEver,
    /// A lease goes back to the worker that made no progress on it.
    "5" AvoidIgnored,
    /// Any difference in load is worth a move.
    "5" NoTolerance,
    /// Leases that no worker gets are not listed in the plan.
    "5" UnseatedNotListed,
    /// A new failure is reported with the next minute's report only.
    "5" NewsWaitForTheMinute,
    /// Reports are written once a minute even if a program watches the fleet.
    "5" WatchersWaitForTheMinute,
    /// A planner overwrites the moves that the former planner has reported.
    "5" FormerMovesForgotten,
    /// A leaving planner collects its moves to report them later, when it has left.
    "5" LeaversMovesUntold,
    /// A child counts as runnable before its parents have ended.
    "6" ChildRunsEarly,
    /// A parent without a row counts as ended although the stream lists it (W6).
    "6" AbsentParentEnded,
    /// The planner does not make the missing row of an ended shard's child.
    "6" MissingChildLeft,
    /// A listed shard without row, and without ancestors in the rows, gets no row.
    "6" MissingBeginningLeft,
    /// Children start at the tip of their shards.
    "6" ChildrenAtLatest,
    /// The frozen start moves on with the stream's clock.
    "6" FrozenStartMovesOn,
    /// After shards are gone, the stream is listed for their children at the next audit only.
    "6" OrphansWaitForTheAudit,
    /// An ended row is deleted while the stream lists its shard.
    "6" EndedRowDeletedEarly,
    /// An ended row of a forgotten shard is never deleted.
    "6" EndedRowKept,
    /// A deletion of a row does not compare its state (W7).
    "6" DeleteComparesNothing,
    /// A batch that failed counts as processed.
    "7.3" FailedBatchSkipped,
    /// When the operator gives up one record, its whole batch is skipped.
    "7.3" GivenUpWithItsBatch,
    /// A record is given up although no dead-letter sink keeps it.
    "7.3" GivenUpUnkept,
    /// The end of a shard is written before the processor has acknowledged it.
    "7.4" EndNotAcknowledged,
    /// A handle accepts checkpoints after its lease is lost.
    "7.5" HandleOutlivesLease,
}
