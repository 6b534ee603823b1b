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

    /// A register writes over the row that is there.
    "1.1" RegisteredTwice,
    /// A worker joins without listing the sessions after it has registered.
    "1.1" JoinsWithoutListing,
    /// A session that finds a newer one of its worker id does not stop.
    "1.1" OlderDoesNotStop,
    /// Start numbers do not count: a later session of a worker id may come before an earlier one.
    "1.1" StartsNotCounted,
    /// Validity counts from the answer to a beat, not from its sending (W1).
    "1.2" ValidFromReply,
    /// Validity counts from the newest attempt of a beat, not from the one that was answered.
    "1.2" ValidFromLastAttempt,
    /// An owner believes in its session for twice the session timeout.
    "1.2" DeadlineNotKept,
    /// A refusal that shows a higher beat of my own live session is taken for a fence.
    "1.2" HigherBeatTakenForFence,
    /// A batch that was dropped at the deadline counts as processed.
    "1.2" DroppedBatchSkipped,
    /// A session is ended whatever its beat is meanwhile.
    "1.3" FenceWhateverTheBeat,
    /// A session is ended after two heartbeat intervals, not after its own session timeout.
    "1.3" FencedEarly,
    /// Who watches all sessions does not look at a suspect beside the regular readings.
    "1.3" SuspectNotWatched,
    /// An acquire compares neither owner nor epoch (W3).
    "1.4" AcquireComparesNothing,
    /// An acquire keeps the epoch of the row.
    "1.4" NoEpochBump,
    /// The new epoch is the row's and one, whatever the store's clock and memory say.
    "1.4" EpochFromRowAlone,
    /// A lease is taken from a live owner that was not told.
    "1.4" TakenFromTheLiving,
    /// A session that an eventually consistent read does not show counts as ended.
    "1.4" AbsenceFromStaleRead,
    /// The planner believes an eventually consistent listing that a session is gone (W3).
    "1.4" AbsenceFromStaleListing,
    /// The planner believes a listing older than the leases that a session is gone.
    "1.4" AbsenceFromOlderListing,
    /// An answer to a plan that was given up counts for the next, or for the next planner.
    "1.4" AnswersOutliveTheirPlan,
    /// Processing starts from what was known of the row before, not from the acquire's reply.
    "1.4" StartedFromEarlierRead,
    /// A row is run although its shard is known to have ended.
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
    /// A document is written whatever its version is meanwhile.
    "1.6" DocumentComparesNothing,
    /// A worker compares the versions of documents without their terms.
    "1.6" TermNotCompared,
    /// A planner writes over the document of a higher term.
    "1.6" HigherTermOverwritten,
    /// Who finds the planner's lease its own without planning leaves it so.
    "1.6" OwnPlannerRowLeft,
    /// No standby is named.
    "1.6" NoStandby,
    /// Planner and standby do not follow each other's beats.
    "1.6" PartnerNotFollowed,
    /// The first standby reads all sessions at any phase, and not opposite to the planner's.
    "1.6" WatchersInPhase,
    /// The second standby does not watch the other sessions.
    "1.6" SecondDoesNotWatch,
    /// Workers that are neither planner nor standby never look at the planner.
    "1.6" OthersNeverLook,
    /// A new planner forgets what it has seen of the others' silence.
    "1.6" WindowsOpenedAnew,
    /// Those near in the order of succession are not told who stands by now.
    "1.6" HeadsNotTold,
    /// Standbys are named whatever zones they run in.
    "1.6" HeadsInOneZone,
    /// The planner does not hear that leases have changed, or that a worker met a conflict.
    "1.6" ChangesNotHeard,
    /// Each worker that joins is planned for by itself.
    "1.6" JoinsNotGathered,
    /// Every plan rewrites every document.
    "1.6" DocumentsAlwaysRewritten,
    /// A release does not carry the last checkpoint.
    "1.7" ReleasedWithoutCheckpoint,
    /// A lease is released before its run has stopped.
    "1.7" ReleasedWhileRunning,
    /// A lease whose release was sent goes on under the same epoch.
    "1.7" ReleaseTakenBack,
    /// A release whose outcome is unknown is not sent again.
    "1.7" ReleaseSentOnce,
    /// A successor looks at the row it waits for no faster than at any other.
    "1.7" SuccessorPollsSlowly,
    /// A worker that has said that it saw the plan goes on with what that revokes.
    "1.8" GiveIgnored,
    /// A batch that does not end in time for a handover is not dropped.
    "1.8" OverdueBatchKept,
    /// A lease is ordered to be taken by force as soon as its owner knows that it is to give it.
    "1.8" ForcedWithoutWaiting,
    /// A lease is ordered to be taken by force for an earlier order's lateness.
    "1.8" ForcedForAnEarlierOrder,
    /// A worker is not told how long the planner waits, and takes its own time to give a lease.
    "1.8" PatienceNotTold,
    /// A handover is planned anew between its release and its acquire.
    "1.8" HandoverCalledOff,
    /// An order to take by force is followed whatever owner and epoch the row shows.
    "1.8" ForcedWhateverTheEpoch,
    /// An acquire that was cancelled while under way starts a run.
    "1.8" CancelledGrantRuns,
    /// The planner orders the release of a lease before its new owner has seen the assignment.
    "1.8" MovesNotStaged,
    /// The end of a shard is written before its children's rows.
    "1.9" EndBeforeChildren,
    /// The owner of an ended shard takes its child without a look at the other parent.
    "1.9" OtherParentNotRead,
    /// A parent without a row counts as ended to the owner of the other one (W6).
    "1.9" AbsentOtherParentEnded,
    /// The owner of an ended shard leaves the children to the planner.
    "1.9" ChildrenWaitForPlan,
    /// A worker that has not heard of a plan takes children all the same.
    "1.9" ChildrenTakenUntold,
    /// A refusal of the end that shows that the shard has ended is taken for a loss.
    "1.9" EndTwiceIsLoss,
    /// An acquire of unknown outcome is not read back.
    "1.10" UnknownAcquireForgotten,
    /// A checkpoint of unknown outcome is taken for a loss (W4).
    "1.10" UnknownCheckpointIsLoss,
    /// A watcher ends sessions although it was itself cut off (W5).
    "1.11" OutageIsDeath,
    /// Who looks at planner and standbys alone takes the death of most of them for an outage.
    "1.11" OutageSeenInPart,
    /// Who looks at planner and standbys alone ends one of them while another lives.
    "1.11" OneHeadIsEnough,
    /// More than half of the fleet falling due at once is ended at once.
    "1.11" NoSecondWait,
    /// More than half of the fleet falling due at once is never ended.
    "1.11" WaitsForEver,
    /// Owners give up after an outage what they still hold (W5).
    "1.11" LapsedStartsAnew,
    /// A worker does not try again to take what it should hold.
    "1.12" NeverTriedAgain,
    /// A deadline that is moved is forgotten.
    "1.12" MovedDeadlineForgotten,
    /// The planner never audits.
    "1.12" NoAudit,
    /// A lease of mine that I do not run is not released on the planner's order.
    "1.12" DropOrderIgnored,
    /// A conflict is not told to the planner.
    "1.12" ConflictNotTold,
    /// After a lapse runs go on without a look at their rows.
    "1.12" ResumedUnread,
    /// Nobody notices that the store went back in time.
    "1.13" GenerationIgnored,
    /// After the store went back, checkpoints are not written forward.
    "1.13" NotWrittenForward,
    /// A row that the store lost is left to the planner, which knows no checkpoint.
    "1.13" LostRowLeft,
    /// The clock that epochs are taken from goes back with the store's.
    "1.13" EpochsFollowTheClockBack,
    /// A lease whose checkpoint is refused is left to the planner, though the plan gives it to me.
    "1.13" TakenNotWishedAgain,
    /// A worker does not end its older session, whose end the store has lost.
    "1.13" RivalsComeBack,
    /// An order to release is followed once, also if the store has lost that.
    "1.13" OrdersFollowedOnce,
    /// The frozen start is not remembered for a store that lost it.
    "1.13" FrozenStartForgotten,
    /// Who knows the frozen start does not give it back to a store that lost it.
    "1.13" StartNotGivenBack,
    /// A start is frozen at once although the store may just have lost another.
    "1.13" FreezesAtOnce,
    /// A plan is made to its end although the store went back meanwhile.
    "1.13" PlanOutlivesItsStore,
    /// A session that leaves does not say so.
    "1.14" LeavingNotSaid,
    /// A session that leaves stops reading before successors are found.
    "1.14" BreaksBeforeMake,
    /// A session that leaves does not end its row: the others wait for its timeout.
    "1.14" LeavesWithoutEnd,
    /// A planner that leaves gives its lease back before it has planned without itself.
    "1.14" PlannerLeavesFirst,
    /// A session that leaves still counts as a worker.
    "1.14" LeavingStillCounts,
    /// Nobody is ever woken.
    "1.15" WakeNeverSent,
    /// A raised mailbox is not noticed.
    "1.15" WakeNeverRead,
    /// A worker that has read its document tells so with its next regular beat.
    "1.15" EchoWaitsForBeat,
    /// A worker reads its document at the fast pace for ever.
    "1.15" EagerForEver,
    /// A fenced session keeps what it runs.
    "1.16" FencedGoesOn,
    /// A fenced session drives out the newer one of its worker id.
    "1.16" FencedComesBack,
    /// A fenced session registers again under its old incarnation.
    "1.16" SameIncarnationAgain,
    /// A worker runs leases of whatever stream it is given.
    "1.17" RunsWhateverItIsGiven,
    /// Who finds its stream named in the store joins without putting that again.
    "1.17" PassesWithoutPutting,
    /// Any refusal of what was put is taken for somebody else's pass.
    "1.17" RefusalTakenForPass,
    /// Which stream the application reads is not asked for.
    "1.17" RegistersWithoutPassing,
    /// The application is changed to another stream without a look at who reads it.
    "1.17" SwitchesWithoutLooking,
    /// When the store went back, nobody makes sure again that the application reads its stream.
    "1.17" PassesOnce,
    /// A planner counts on workers of another stream.
    "1.17" StrangersArePlannedFor,
    /// Silent sessions are watched for their timeout and not ended.
    "1.18" ProvenByWatching,
    /// A run that goes on with a change copies anew what an earlier one has half rewritten.
    "1.18" CopyMadeAnew,
    /// Rows are rewritten before their copy is there to be found.
    "1.18" RowsBeforeCopy,
    /// Whose turn it is, is not looked at before each write.
    "1.18" TurnNotChecked,
    /// Whose turn it is, is looked at before the row is read, not after.
    "1.18" TurnLookedAtFirst,
    /// A row that looks right is not written.
    "1.18" RightRowsPassedOver,
    /// Who takes a change back does not write the rows that it made.
    "1.18" MadeRowsNotUndone,
    /// A run does not notice that the store went back while it wrote.
    "1.18" ChangeIgnoresGeneration,
    /// The copy of the change before is deleted, as if the store could not go back to it.
    "1.18" FormerCopyDeleted,
    /// The copy of a change that the store has lost is taken for that of the next one.
    "1.18" CopyByNumberAlone,
    /// A rewrite that was refused is not judged anew.
    "1.18" RefusedTakenForDone,
    /// A rewrite is above the epoch of the row it finds, and not above those of its past.
    "1.18" EpochOfTheRowAlone,
    /// Every lease costs a call at every beat, as in the Java KCL.
    "1" BeatPerLease,
    /// The fair share is rounded down.
    "5" ShareRoundedDown,
    /// Ended leases take seats.
    "5" EndedTakesSeat,
    /// Who holds a lease is not preferred for it.
    "5" OwnerNotPreferred,
    /// Who holds the parent is not preferred for its children.
    "5" ParentHolderNotPreferred,
    /// Ties are broken by the order of the input.
    "5" TiesByInputOrder,
    /// A planner that is woken does not read the rules.
    "5" WokenReadsNoRules,
    /// Any rule keeps every owner from taking children at once.
    "5" AnyRuleStopsChildren,
    /// Owners take children at once whatever rules touch them.
    "5" RuledChildrenTaken,
    /// Inherited rules apply to shards of the same names after the stream was made again.
    "5" RulesOutliveTheirStream,
    /// A lease that a rule requires at a worker that is gone goes elsewhere.
    "5" RequireFailsOver,
    /// A lease returns at once to a worker that it prefers and that has only just come.
    "5" ReturnsAtOnce,
    /// Leases that live workers hold move although the fleet is frozen.
    "5" FrozenFleetMoves,
    /// A worker that the operator has drained gets leases like any other.
    "5" DrainedStillCounts,
    /// A lease that the operator has paused is given to workers.
    "5" PausedIsPlanned,
    /// Owners take children at once that the operator has paused.
    "5" PausedChildrenTaken,
    /// What is to be let go of stays where it is unless another worker can take it.
    "5" LetGoNeedsATaker,
    /// A lease that was sent to a worker for a while stays sent.
    "5" SentForEver,
    /// A lease goes back to the worker that made no progress on it.
    "5" AvoidIgnored,
    /// Any difference in load is worth a move.
    "5" NoTolerance,
    /// Leases without a seat are passed over in silence.
    "5" UnseatedNotListed,
    /// What begins to fail is told with the next minute's report only.
    "5" NewsWaitForTheMinute,
    /// Reports come once a minute whoever watches.
    "5" WatchersWaitForTheMinute,
    /// A planner writes its moves over those that the planner before had told.
    "5" FormerMovesForgotten,
    /// A planner that leaves gathers its moves to tell them later, when it is gone.
    "5" LeaversMovesUntold,
    /// A child counts as runnable before its parents have ended.
    "6" ChildRunsEarly,
    /// A parent without a row counts as ended although the stream lists it (W6).
    "6" AbsentParentEnded,
    /// The planner does not make the missing row of an ended shard's child.
    "6" MissingChildLeft,
    /// A listed shard without a row that nothing leads to gets none.
    "6" MissingBeginningLeft,
    /// Children start at the tip of the stream.
    "6" ChildrenAtLatest,
    /// The frozen start moves on with the stream's clock.
    "6" FrozenStartMovesOn,
    /// What comes of shards that are gone is looked for at the next audit only.
    "6" OrphansWaitForTheAudit,
    /// An ended row is deleted while the stream lists its shard.
    "6" EndedRowDeletedEarly,
    /// An ended row of a forgotten shard is never deleted.
    "6" EndedRowKept,
    /// A row is deleted whatever became of it (W7).
    "6" DeleteComparesNothing,
    /// A batch that failed counts as processed.
    "7.3" FailedBatchSkipped,
    /// A batch is given up with the record that the operator names.
    "7.3" GivenUpWithItsBatch,
    /// A record is given up although no dead letter keeps it.
    "7.3" GivenUpUnkept,
    /// The end of a shard is written before the processor has acknowledged it.
    "7.4" EndNotAcknowledged,
    /// A handle takes checkpoints after its lease is lost.
    "7.5" HandleOutlivesLease,
}
