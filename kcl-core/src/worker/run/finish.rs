//! Ends a run: calls the processor's `stop` at the end of the shard, at a release and after a loss,
//! and sends skipped records to the dead-letter sink.

use std::{sync::Arc, time::Duration};

use super::{
    context::Run,
    deliver::{Delivered, Delivering, Flow},
};
use crate::{
    coordinator::RunNews,
    lease::Checkpoint,
    observe::WorkerEvent,
    processor::{RecordBatch, Stop},
    settings::OnStall,
    stream::Shard,
    worker::{catch::CatchPanic, listing::list_children},
};

/// The time that a processor has for `stop` after its lease is lost. The new owner does not wait.
const LOST_GRACE: Duration = Duration::from_secs(5);

impl Delivering<'_> {
    /// Calls the processor's `stop` with [`Stop::ShardEnd`] until it succeeds, and returns the
    /// children of the shard. The end of the shard is written only after this.
    ///
    /// # Errors
    /// [`Flow::Stop`] if the run has to stop before; [`Flow::Rewind`] if the processor has lost
    /// records that it had buffered.
    pub(super) async fn end(&mut self, children: Option<Vec<Shard>>) -> Result<Vec<Shard>, Flow> {
        while end_is_acknowledged() {
            if !self.run.gate.dispatchable().await || self.start().await == Flow::Stop {
                return Err(Flow::Stop);
            }
            let stopping = self.processor.stop(Stop::ShardEnd, &self.run.handle);
            let result = tokio::select! {
                biased;
                () = self.run.gate.must_drop() => continue,
                result = CatchPanic(stopping) => result,
            };
            let (error, rewind_needed) = match self.judge(result) {
                Delivered::Done => break,
                Delivered::Failed { error, rewind_needed } => (error, rewind_needed),
                Delivered::Dropped => continue,
            };
            let key = self.run.key.clone();
            self.shared().tell(WorkerEvent::ProcessorEndFailed { key, error });
            self.pause().await;
            if rewind_needed {
                self.failed_at = Some(Checkpoint::ShardEnd);
                return Err(Flow::Rewind);
            }
        }
        self.backoff.reset();
        if let Some(children) = children {
            return Ok(children);
        }
        self.ask_for_children().await
    }

    /// Lists the children of the shard, for a source that did not name them. Retries for ever.
    ///
    /// # Errors
    /// [`Flow::Stop`] if the run has to stop before.
    async fn ask_for_children(&mut self) -> Result<Vec<Shard>, Flow> {
        loop {
            let source = self.shared().sources.of_leases(&self.run.stream).cloned();
            let listed = match source {
                Ok(source) => list_children(&*source, &self.run.shard).await,
                Err(error) => Err(error),
            };
            match listed {
                Ok(children) => return Ok(children),
                Err(error) => {
                    let (key, error) = (self.run.key.clone(), error.to_string());
                    self.shared().tell(WorkerEvent::ChildrenUnknown { key, error });
                }
            }
            self.pause().await;
            if !self.run.gate.dispatchable().await {
                return Err(Flow::Stop);
            }
        }
    }

    /// Calls the processor's `stop` with [`Stop::Leaving`] before the lease is released, within the
    /// drain deadline. The processor may checkpoint in it.
    pub(super) async fn say_goodbye(&mut self) {
        let clock = Arc::clone(&self.shared().env.clock);
        let within = self.run.gate.drain_left();
        let stopping = self.processor.stop(Stop::Leaving { within }, &self.run.handle);
        let result = tokio::select! {
            biased;
            () = self.run.gate.must_drop() => return,
            result = CatchPanic(stopping) => result,
            () = clock.sleep(within) => return,
        };
        self.log_stop(result);
    }

    /// Calls the processor's `stop` with [`Stop::Lost`], for at most [`LOST_GRACE`].
    pub(super) async fn say_lost(&mut self) {
        let clock = Arc::clone(&self.shared().env.clock);
        let stopping = self.processor.stop(Stop::Lost, &self.run.handle);
        let result = tokio::select! {
            biased;
            result = CatchPanic(stopping) => result,
            () = clock.sleep(LOST_GRACE) => return,
        };
        self.log_stop(result);
    }

    /// Reports a failed `stop`. Nobody retries it: the lease goes away in any case.
    fn log_stop(&self, result: Result<Result<(), crate::processor::ProcessorError>, String>) {
        let error = match result {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(message) => format!("panicked: {message}"),
        };
        let key = self.run.key.clone();
        self.shared().tell(WorkerEvent::ProcessorStopFailed { key, error });
    }

    /// Sends a record that keeps failing to the dead-letter sink, until the sink has accepted it,
    /// and reports it as skipped. `batch` has one record. [`Flow::Stop`] if the run has to stop
    /// before: the record is then delivered again by the next owner.
    pub(super) async fn skip(&mut self, batch: &RecordBatch, error: &str) -> Flow {
        let Some(record) = batch.first() else { return Flow::Continue };
        if let Some(sink) = self.shared().dead_letter.clone() {
            while let Err(failure) = sink.send(record, &self.run.handle, error).await {
                let (key, error) = (self.run.key.clone(), failure.to_string());
                self.shared().tell(WorkerEvent::DeadLetterFailed { key, error });
                self.pause().await;
                if !self.run.gate.dispatchable().await {
                    return Flow::Stop;
                }
            }
        }
        self.shared().tell(WorkerEvent::RecordSkipped {
            key: self.run.key.clone(),
            at: record.position.clone(),
            error: error.to_owned(),
        });
        Flow::Continue
    }
}

impl Run {
    /// Reports a batch that has been running for `since`. With [`OnStall::HandOver`] it asks the
    /// keeper to give the lease to another worker.
    pub(super) fn report_stall(&self, since: Duration) {
        let key = self.key.clone();
        self.shared.tell(WorkerEvent::ProcessorStalled { key, since });
        if self.shared.delivery.on_stall == OnStall::HandOver {
            self.gate.report(&self.key, RunNews::Stalled);
        }
    }
}

/// True without the planted bug: the end of a shard waits for the processor's `stop` to succeed.
fn end_is_acknowledged() -> bool {
    !planted!(EndNotAcknowledged)
}
