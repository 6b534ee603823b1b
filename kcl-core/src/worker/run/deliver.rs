//! Handing batches to the processor, one at a time, looking at the gate before each.

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
    /// Everything of the shard is processed; its children, if the source said.
    Ended(Option<Vec<Shard>>),
    /// The keeper wants the run to stop.
    Stopping,
    /// Everything since the last checkpoint has to come again.
    Rewinding,
    /// Whoever reads the shard is gone, and has not said that it ended.
    Unread,
}

/// How a run goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Flow {
    /// With the next step.
    Continue,
    /// With everything since the last checkpoint, read anew.
    Rewind,
    /// It does not: the keeper wants the run to stop.
    Stop,
}

/// Delivers the records of one lease.
pub(super) struct Delivering<'a> {
    pub(super) run: &'a Run,
    pub(super) processor: Box<dyn RecordProcessor>,
    /// Who says how far this shard is processed.
    progress: ProgressMode,
    started: bool,
    pub(super) backoff: Backoff,
    /// Where the processor last forgot what it had: at the first record of a batch, or at the end.
    pub(super) failed_at: Option<Checkpoint>,
    rewind: Rewind,
    pub(super) sticking: Sticking,
}

/// What became of one delivery.
pub(super) enum Delivered {
    Done,
    Failed {
        error: String,
        /// A panic took with it what the processor had been given since its last checkpoint.
        rewind_needed: bool,
    },
    /// The batch was dropped; its records come again, should the run go on.
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

    /// Delivers what is fetched, until the shard ends or the run has to stop.
    pub(super) async fn work(&mut self, mut fetched: mpsc::Receiver<Fetched>) -> Exit {
        // Without waiting for records: a processor may have to get ready.
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

    /// Delivers an answer of the stream, or as much as can be: a processor that forgot what it had
    /// gets no more of it.
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

    /// Delivers a batch in parts that are not too large.
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

    /// Delivers a batch until it is processed, skipped by the policy, or forgotten.
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
                        // Who is never dropped cannot be interrupted for a record of it, either.
                        hangs = !shared.delivery.finish_batch;
                    }
                }
            }
        };
        // Before anybody hears of it: the report that says what fails says on which records, too.
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

    /// How long ago the last record of a batch arrived at the stream.
    fn lag_of(&self, batch: &RecordBatch) -> Option<Duration> {
        let arrival = batch.last()?.arrival?;
        Some(self.shared().env.clock.wall().since(arrival))
    }

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
                // What the panic left behind is not trusted.
                let rewind_needed = self.make_anew();
                Delivered::Failed { error: format!("panicked: {message}"), rewind_needed }
            }
        }
    }

    /// Makes the processor anew. Whether it forgot what the former one had been given.
    fn make_anew(&mut self) -> bool {
        self.processor = self.shared().factory.create(&self.run.handle);
        self.started = false;
        self.progress == ProgressMode::Manual
    }

    /// A batch was processed: pauses are short again, unless it only came again before the one that
    /// failed, as it does each time.
    fn recover(&mut self, batch: &RecordBatch) {
        let last = batch.last_position().map(|last| Checkpoint::After(last.clone()));
        let is_past = |failed: &Checkpoint| last.is_some_and(|last| last.may_follow(failed));
        if self.failed_at.as_ref().is_none_or(is_past) {
            self.failed_at = None;
            self.backoff.reset();
        }
    }

    /// Goes back to the last checkpoint: where to read from.
    pub(super) fn go_back(&mut self) -> Option<StartAt> {
        // A lease that started behind a checkpoint has that one until it takes another.
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

    /// A delivery failed: what the policy says.
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
        // A smaller part is another one: to find a record in a thousand takes ten halvings, and
        // must not take ten times the longest pause.
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

    /// Waits before the next attempt; less if the keeper wants something.
    pub(super) async fn pause(&mut self) {
        pause(self.run, &mut self.backoff).await;
    }

    /// Starts the processor, once.
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
                // It had been given nothing yet that it could have forgotten.
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

    /// Records were trimmed before they could be read.
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

    /// Reads no more, until the keeper wants the lease back or the operator gives up a record of
    /// the batch that fails.
    async fn park_on(&mut self, batch: &RecordBatch, error: &str) -> Flow {
        tokio::select! {
            biased;
            flow = hold_stopped_shard(self.run, error.to_owned()) => flow,
            () = self.sticking.given_up_of(batch) => Flow::Continue,
        }
    }

    fn note_progress(&self, batch: &RecordBatch) {
        let Some(last) = batch.last() else { return };
        if self.progress == ProgressMode::Automatic {
            let lag = self.lag_of(batch);
            // For planners of older builds: the report of loads says more.
            let rate = self.shared().loads.of(&self.run.key).bytes_per_second.unwrap_or(0);
            let progress = Progress { arrival: last.arrival, lag, rate };
            let checkpoint = Checkpoint::After(last.position.clone());
            let news = RunNews::Progress { checkpoint, progress, flush: false };
            self.run.gate.report(&self.run.key, news);
        }
    }
}

/// Reads no more, but keeps the lease until the keeper wants it back.
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

/// Waits before the next attempt; less if the keeper wants something.
async fn pause(run: &Run, backoff: &mut Backoff) {
    let pause = backoff.next();
    tokio::select! {
        biased;
        () = run.gate.changed(run.gate.state()) => {}
        () = run.shared.env.clock.sleep(pause) => {}
    }
}

/// Whether a batch that was dropped is delivered again.
fn dropped_comes_again() -> bool {
    !planted!(DroppedBatchSkipped)
}

/// Whether a batch that failed is delivered again.
fn failed_comes_again() -> bool {
    !planted!(FailedBatchSkipped)
}
