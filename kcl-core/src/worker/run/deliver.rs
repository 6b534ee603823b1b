//! Delivers batches to the processor, one at a time, and checks the gate before each.
//!
//! [`Delivering`] takes what the fetcher has read and calls the processor until the batch is
//! processed, its failing record is skipped, or the run has to stop:
//!
//! - The gate drops a batch that runs. Its records are delivered again when the gate opens.
//! - A failed batch is delivered again as [`RetryState`] says.
//! - After a panic or [`Forgotten`] the processor is created again. A processor with checkpoints of
//!   its own has then lost its buffer, and the run goes back to the last checkpoint ([`Rewind`]).
//!
//! Invariant: no batch is delivered before all records before it are processed or skipped.

use std::{sync::Arc, time::Duration};

use super::{
    backoff::Backoff,
    context::{Run, Shared},
    fetch::Fetched,
    retry::RetryState,
    rewind::{Piece, Rewind},
    sticking::Sticking,
};
use crate::{
    coordinator::RunNews,
    lease::{Checkpoint, Progress},
    observe::{BatchEnd, BatchInWork, WorkerEvent},
    processor::{Forgotten, RecordBatch, RecordProcessor},
    settings::{OnRecordsLost, ProgressMode},
    stream::{Batch, Position, Shard, StartAt},
    worker::{catch::CatchPanic, gate::GateState},
};
use tokio::sync::mpsc;

/// Why delivery ended.
pub(super) enum Exit {
    /// Every record of the shard is processed. Holds the children; `None` if the source did not
    /// name them.
    Ended(Option<Vec<Shard>>),
    /// The gate is draining or dropped.
    Stopping,
    /// The run must read again from the last checkpoint.
    Rewinding,
    /// The fetcher ended before the shard did, by a panic or with its runtime.
    Unread,
}

/// The next step of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Flow {
    /// Go on.
    Continue,
    /// Read again from the last checkpoint.
    Rewind,
    /// End the run: the gate is draining or dropped.
    Stop,
}

/// Delivers the records of one lease.
pub(super) struct Delivering<'a> {
    pub(super) run: &'a Run,
    pub(super) processor: Box<dyn RecordProcessor>,
    /// Who reports progress: the worker, the processor by checkpoints, or the processor's
    /// transaction.
    progress: ProgressMode,
    /// Whether `start` of the present processor has succeeded.
    started: bool,
    pub(super) backoff: Backoff,
    /// The place of the last failure that caused a rewind: the first record of its batch, or the
    /// end of the shard. Batches before it do not reset the backoff.
    pub(super) failed_at: Option<Checkpoint>,
    /// The retry state that survives a rewind.
    rewind: Rewind,
    pub(super) sticking: Sticking,
}

/// The outcome of one call of the processor.
pub(super) enum Delivered {
    Done,
    Failed {
        error: String,
        /// The processor was created again and has lost the records since its last checkpoint.
        rewind_needed: bool,
    },
    /// The call was dropped. Its records are delivered again if the run goes on.
    Dropped,
}

impl<'a> Delivering<'a> {
    pub(super) fn new(run: &'a Run) -> Self {
        let delivery = &run.shared.delivery;
        let entropy = &*run.shared.env.entropy;
        let processor = run.shared.factory.create(&run.handle);
        Self {
            run,
            progress: delivery.progress.for_lease(processor.progress()),
            processor,
            started: false,
            backoff: Backoff::new(delivery.retry_pause, delivery.retry_pause_max, entropy),
            failed_at: None,
            rewind: Rewind::default(),
            sticking: Sticking::of(run),
        }
    }

    pub(super) fn shared(&self) -> &'a Arc<Shared> {
        &self.run.shared
    }

    /// Delivers what the fetcher reads, until the shard ends or the run has to stop or to rewind.
    pub(super) async fn work(&mut self, mut fetched: mpsc::Receiver<Fetched>) -> Exit {
        // Before the first records arrive: a processor's `start` may take time.
        if !self.run.gate.dispatchable().await || self.start().await == Flow::Stop {
            return Exit::Stopping;
        }
        loop {
            let state = self.run.gate.state();
            if matches!(state, GateState::Draining | GateState::Dropped) {
                return Exit::Stopping;
            }
            let next = tokio::select! {
                biased;
                () = self.run.gate.changed(state) => continue,
                next = fetched.recv() => next,
            };
            let flow = match next {
                Some(Fetched::Batch(batch, room)) => {
                    let flow = self.deliver_all(batch).await;
                    drop(room);
                    flow
                }
                Some(Fetched::Lost { from, to }) => self.on_lost(from, to).await,
                Some(Fetched::End(children)) => return Exit::Ended(children),
                // The fetcher ends only after the end of the shard, by a panic, or with its
                // runtime.
                None => return Exit::Unread,
            };
            match flow {
                Flow::Continue => {}
                Flow::Rewind => return Exit::Rewinding,
                Flow::Stop => return Exit::Stopping,
            }
        }
    }

    /// Delivers one answer of the stream. Stops early if the run has to stop or to rewind.
    async fn deliver_all(&mut self, batch: Batch) -> Flow {
        let millis_behind = batch.millis_behind;
        let fence = self.run.handle.fence().clone();
        let all = RecordBatch::new(batch.records, self.run.shard.clone(), fence, millis_behind);
        for piece in self.rewind.pieces(all) {
            let flow = match piece {
                Piece::New(batch) => self.deliver_cut(batch).await,
                Piece::Interrupted(retry) => self.deliver(retry).await,
            };
            if flow != Flow::Continue {
                return flow;
            }
        }
        Flow::Continue
    }

    /// Delivers a batch in parts of at most `max_batch` records.
    async fn deliver_cut(&mut self, batch: RecordBatch) -> Flow {
        let mut rest = batch;
        loop {
            let (now, later) = rest.split_at(self.shared().delivery.max_batch);
            let retry = RetryState::new(self.shared().delivery.on_failure, now);
            let flow = self.deliver(retry).await;
            if flow != Flow::Continue || later.is_empty() {
                return flow;
            }
            rest = later;
        }
    }

    /// Delivers a batch until each of its parts is processed or skipped, or the run has to stop or
    /// to rewind.
    async fn deliver(&mut self, mut retry: RetryState) -> Flow {
        while let Some(batch) = retry.next() {
            if !self.run.gate.dispatchable().await || self.start().await == Flow::Stop {
                return Flow::Stop;
            }
            match self.deliver_once(&batch).await {
                Delivered::Done => {
                    retry.on_done();
                    self.recover(&batch);
                    self.sticking.passed(&batch);
                    self.note_progress(&batch);
                }
                Delivered::Dropped if !dropped_comes_again() => retry.on_done(),
                Delivered::Dropped => {
                    self.sticking.isolate(&mut retry);
                }
                Delivered::Failed { .. } if !failed_comes_again() => retry.on_done(),
                Delivered::Failed { error, rewind_needed } => {
                    let flow = self.on_failed(&mut retry, &batch, error).await;
                    if flow == Flow::Continue && rewind_needed {
                        let first = batch.first().map(|first| first.position.clone());
                        self.failed_at = first.map(Checkpoint::After);
                        self.rewind.interrupt(retry, &batch);
                        return Flow::Rewind;
                    }
                    if flow != Flow::Continue {
                        return flow;
                    }
                }
            }
        }
        Flow::Continue
    }

    /// Calls the processor once. Drops the call if the gate demands it, or if the operator gives up
    /// a record of a batch that hangs.
    async fn deliver_once(&mut self, batch: &RecordBatch) -> Delivered {
        let gate = &self.run.gate;
        let shared = Arc::clone(self.shared());
        if let (Some(first), Some(last)) = (batch.first(), batch.last()) {
            gate.note_delivered(&first.position, &last.position);
        }
        let in_work = BatchInWork::begin(&shared.seam, &self.run.about, batch);
        let begun = shared.env.clock.now();
        let result = {
            let mut work = CatchPanic(self.processor.process(batch.clone(), &self.run.handle));
            let mut hangs = false;
            loop {
                tokio::select! {
                    biased;
                    () = gate.must_drop() => return Delivered::Dropped,
                    result = &mut work => break result,
                    () = self.sticking.given_up_of(batch), if hangs => {
                        return match self.sticking.fails_by_hanging(batch) {
                            Some(error) => Delivered::Failed { error, rewind_needed: false },
                            None => Delivered::Dropped,
                        };
                    }
                    () = shared.env.clock.sleep(shared.delivery.watchdog) => {
                        self.sticking.stick(batch);
                        self.run.report_stall(shared.env.clock.now().since(begun));
                        // With `finish_batch` no batch is dropped, not even for a given-up record.
                        hangs = !shared.delivery.finish_batch;
                    }
                }
            }
        };
        // Before the event of the failure, so that the report with the failure names the records.
        if !matches!(result, Ok(Ok(()))) {
            self.sticking.stick(batch);
        }
        match &result {
            Ok(Ok(())) => in_work.end(BatchEnd::Done, self.lag_of(batch)),
            Ok(Err(error)) => in_work.end(BatchEnd::Failed(&error.to_string()), None),
            Err(message) => in_work.end(BatchEnd::Panicked(message), None),
        }
        self.judge(result)
    }

    /// The time since the last record of a batch arrived at the stream.
    fn lag_of(&self, batch: &RecordBatch) -> Option<Duration> {
        let arrival = batch.last()?.arrival?;
        Some(self.shared().env.clock.wall().since(arrival))
    }

    /// Turns the result of a call into its outcome. Creates the processor again after a panic or
    /// [`Forgotten`].
    pub(super) fn judge(
        &mut self,
        result: Result<Result<(), crate::processor::ProcessorError>, String>,
    ) -> Delivered {
        match result {
            Ok(Ok(())) => Delivered::Done,
            Ok(Err(error)) => {
                let rewind_needed = error.is::<Forgotten>() && self.make_anew();
                Delivered::Failed { error: error.to_string(), rewind_needed }
            }
            Err(message) => {
                let key = self.run.key.clone();
                self.shared()
                    .tell(WorkerEvent::ProcessorPanicked { key, message: message.clone() });
                // The panic may have left the processor half changed.
                let rewind_needed = self.make_anew();
                Delivered::Failed { error: format!("panicked: {message}"), rewind_needed }
            }
        }
    }

    /// Creates the processor again. True if the run has to rewind: a processor with checkpoints of
    /// its own may have buffered records that it has not checkpointed.
    fn make_anew(&mut self) -> bool {
        self.processor = self.shared().factory.create(&self.run.handle);
        self.started = false;
        self.progress == ProgressMode::Manual
    }

    /// Resets the backoff after a batch was processed. After a rewind, batches before the failed
    /// one do not count: they succeed each time, and the pause before the failing one must grow.
    fn recover(&mut self, batch: &RecordBatch) {
        let last = batch.last_position().map(|last| Checkpoint::After(last.clone()));
        let is_past = |failed: &Checkpoint| last.is_some_and(|last| last.may_follow(failed));
        if self.failed_at.as_ref().is_none_or(is_past) {
            self.failed_at = None;
            self.backoff.reset();
        }
    }

    /// Goes back to the last checkpoint, and returns the place to read from.
    pub(super) fn go_back(&mut self) -> Option<StartAt> {
        // Without a checkpoint under this lease, the checkpoint of the row is the last one.
        let behind = matches!(self.run.start, Checkpoint::After(_)).then(|| self.run.start.start());
        let to = match self.run.gate.go_back() {
            Some(StartAt::At(first)) => behind.flatten().or(Some(StartAt::At(first))),
            Some(checkpoint) => Some(checkpoint),
            None => self.run.start.start(),
        };
        self.rewind.start_over(to.as_ref());
        let key = self.run.key.clone();
        self.shared().tell(WorkerEvent::RunRewound { key, to: to.clone() });
        to
    }

    /// Applies the failure policy and the operator's marks after a failed delivery: stops the
    /// shard, skips the record, or pauses before the next attempt.
    async fn on_failed(
        &mut self,
        retry: &mut RetryState,
        batch: &RecordBatch,
        error: String,
    ) -> Flow {
        let attempt = retry.on_failed();
        let key = self.run.key.clone();
        let (records, error_told) = (batch.len(), error.clone());
        let failed = WorkerEvent::BatchFailed { key, attempt, records, error: error_told };
        self.shared().tell(failed);
        if retry.is_out()
            && !self.sticking.lets_go(batch)
            && self.park_on(batch, &error).await == Flow::Stop
        {
            return Flow::Stop;
        }
        let given_up = || self.sticking.lets_go(batch).then(|| batch.clone());
        if let Some(record) = retry.to_skip().or_else(given_up) {
            let flow = self.skip(&record, &error).await;
            retry.on_done();
            if flow == Flow::Continue {
                self.sticking.passed(&record);
                self.rewind.skip(&record);
                self.note_progress(&record);
            }
            return flow;
        }
        if self.sticking.isolate(retry) {
            self.backoff.reset();
            return Flow::Continue;
        }
        // A smaller part starts with a short pause again: finding one record in a thousand takes
        // ten halvings, which must not cost ten times the longest pause.
        if retry.next().is_some_and(|part| part.len() < batch.len()) {
            self.backoff.reset();
        }
        tokio::select! {
            biased;
            () = self.sticking.said_other() => {}
            () = pause(self.run, &mut self.backoff) => {}
        }
        self.sticking.isolate(retry);
        Flow::Continue
    }

    /// Waits for the backoff pause, or until the gate changes.
    pub(super) async fn pause(&mut self) {
        pause(self.run, &mut self.backoff).await;
    }

    /// Calls the processor's `start` until it has succeeded once. `Flow::Stop` if the run has to
    /// stop before.
    pub(super) async fn start(&mut self) -> Flow {
        while !self.started {
            let starting = CatchPanic(self.processor.start(&self.run.handle));
            let result = tokio::select! {
                biased;
                () = self.run.gate.must_drop() => None,
                result = starting => Some(result),
            };
            match result.map(|result| self.judge(result)) {
                Some(Delivered::Done) => self.started = true,
                // No rewind: this processor has not been given any record yet.
                Some(Delivered::Failed { error, .. }) => {
                    let key = self.run.key.clone();
                    self.shared().tell(WorkerEvent::ProcessorStartFailed { key, error });
                    self.pause().await;
                }
                _ => {}
            }
            if !self.started && !self.run.gate.dispatchable().await {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// Reports records that the stream has trimmed before they were read, and stops the shard if
    /// the settings say so.
    async fn on_lost(&mut self, from: Option<Position>, to: Option<Position>) -> Flow {
        let key = self.run.key.clone();
        self.shared().tell(WorkerEvent::RecordsLost { key, from, to });
        match self.shared().delivery.on_records_lost {
            OnRecordsLost::Continue => Flow::Continue,
            OnRecordsLost::StopShard => {
                hold_stopped_shard(self.run, "records were lost".to_owned()).await
            }
        }
    }

    /// Stops the shard on a failing batch, until the gate drains or drops the run (`Flow::Stop`) or
    /// the operator gives up a record of the batch (`Flow::Continue`).
    async fn park_on(&mut self, batch: &RecordBatch, error: &str) -> Flow {
        tokio::select! {
            biased;
            flow = hold_stopped_shard(self.run, error.to_owned()) => flow,
            () = self.sticking.given_up_of(batch) => Flow::Continue,
        }
    }

    /// Reports a batch as processed. Only in automatic mode: else the processor checkpoints itself.
    fn note_progress(&self, batch: &RecordBatch) {
        let Some(last) = batch.last() else { return };
        if self.progress == ProgressMode::Automatic {
            let lag = self.lag_of(batch);
            // Only planners of older releases read this rate; newer ones read the load report.
            let rate = self.shared().loads.of(&self.run.key).bytes_per_second.unwrap_or(0);
            let progress = Progress { arrival: last.arrival, lag, rate };
            let checkpoint = Checkpoint::After(last.position.clone());
            let news = RunNews::Progress { checkpoint, progress, flush: false };
            self.run.gate.report(&self.run.key, news);
        }
    }
}

/// Delivers nothing more, but keeps the lease until the gate drains or drops the run. Another
/// worker would fail on the same records.
async fn hold_stopped_shard(run: &Run, reason: String) -> Flow {
    let key = run.key.clone();
    run.shared.tell(WorkerEvent::ShardStopped { key, reason });
    loop {
        let state = run.gate.state();
        if matches!(state, GateState::Draining | GateState::Dropped) {
            return Flow::Stop;
        }
        run.gate.changed(state).await;
    }
}

/// Waits for the backoff pause, or until the gate changes.
async fn pause(run: &Run, backoff: &mut Backoff) {
    let pause = backoff.next();
    tokio::select! {
        biased;
        () = run.gate.changed(run.gate.state()) => {}
        () = run.shared.env.clock.sleep(pause) => {}
    }
}

/// True without the planted bug: a dropped batch is delivered again.
fn dropped_comes_again() -> bool {
    !planted!(DroppedBatchSkipped)
}

/// True without the planted bug: a failed batch is delivered again.
fn failed_comes_again() -> bool {
    !planted!(FailedBatchSkipped)
}
