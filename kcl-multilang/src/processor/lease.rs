//! The processor of one lease. It has one child, from the child's first message to its last.
//!
//! | call of the worker | messages to the child |
//! |---|---|
//! | `start` | `initialize`, after the child was started |
//! | `process` | `processRecords`; none for an empty batch, unless the options ask for it |
//! | `stop`, at the end of the shard | `shardEnded` |
//! | `stop`, when the lease moves or the worker shuts down | `shutdownRequested`, `leaseLost` |
//! | `stop`, for other reasons | `leaseLost` |
//!
//! A child that fails loses the records that it got since its last checkpoint. Its processor ends
//! with it: the worker makes another one, which begins behind that checkpoint.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use kcl_core::{
    processor::{Forgotten, LeaseHandle, ProcessorError, RecordBatch, RecordProcessor, Stop},
    settings::ProgressMode,
};

use super::{
    checkpoint::Checkpoints,
    conversation::{Conversation, Deadline, Failed, Task},
    shared::Shared,
};
use crate::{
    child::{Child, Identity},
    protocol::{self, Action, Records},
};

/// The part of the time to leave that is kept for `leaseLost`; at most a quarter of that time.
const LAST_MESSAGE: Duration = Duration::from_millis(500);

/// How long a child may take for `leaseLost`, if the worker lost the lease without warning.
const LOST: Duration = Duration::from_secs(4);

/// The processor of one lease.
pub(super) struct ChildProcessor {
    shared: Arc<Shared>,
    /// `None` before the start, during a call, and after the child failed or a call was dropped.
    conversation: Option<Conversation>,
}

impl ChildProcessor {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, conversation: None }
    }

    /// The lease as the child's environment names it.
    fn identity(&self, lease: &LeaseHandle) -> Identity {
        let stream = lease.key().stream().map(|stream| stream.name.to_string());
        Identity {
            application: Arc::clone(&self.shared.application),
            worker: lease.owner().worker.to_string(),
            stream: stream.unwrap_or_default(),
            shard: lease.shard().clone(),
            epoch: lease.fence().epoch.0,
        }
    }

    /// Starts the child of a lease. It got no message yet.
    fn start_child(&self, lease: &LeaseHandle) -> Result<Conversation, ProcessorError> {
        let Shared { executable, options, children, env, .. } = &*self.shared;
        let identity = self.identity(lease);
        let child = Child::start(executable, &identity, children, options.transcript.as_ref(), env);
        let child = child.map_err(|error| format!("{executable} cannot be started: {error}"))?;
        Ok(Conversation::new(child, identity, Arc::clone(&env.clock)))
    }

    /// Stores the checkpoints of an action under a lease.
    fn checkpoints<'a>(&'a self, lease: &'a LeaseHandle, action: Action) -> Checkpoints<'a> {
        Checkpoints {
            lease,
            at_end: action == Action::ShardEnded,
            trouble: &self.shared.trouble,
            patience: self.shared.options.checkpoint,
            clock: &self.shared.env.clock,
        }
    }

    /// Has a child do an action. Returns the conversation only if the child has done it; otherwise
    /// it is dropped here, which kills the child.
    async fn ask(
        &self,
        mut conversation: Conversation,
        action: Action,
        task: Task<'_>,
        lease: &LeaseHandle,
        deadline: Deadline,
    ) -> Result<Conversation, Failed> {
        let checkpoints = self.checkpoints(lease, action);
        let checkpoints = action.takes_checkpoints().then_some(&checkpoints);
        conversation.ask(action, task, checkpoints, deadline).await?;
        Ok(conversation)
    }

    /// How long a child may take for an action while the worker holds the lease.
    fn deadline(&self, action: Action) -> Deadline {
        // The worker itself warns of a batch that takes long.
        let slow = self.shared.options.slow.filter(|_| action != Action::ProcessRecords);
        Deadline { within: self.shared.options.timeout, slow }
    }

    /// Ends a child that has done everything, in a task: the processor does not wait for it.
    fn let_go(&self, conversation: Conversation) {
        let ending = conversation.end(self.shared.options.ending);
        drop(self.shared.env.spawner.spawn("kcl-child-end", Box::pin(ending)));
    }

    /// Sends `leaseLost`, and ends the child.
    async fn tell_lost(
        &self,
        conversation: Conversation,
        lease: &LeaseHandle,
        within: Duration,
    ) -> Result<(), Failed> {
        let line = protocol::control(Action::LeaseLost);
        let deadline = Deadline { within: Some(within), slow: None };
        let told = self.ask(conversation, Action::LeaseLost, Task::Line(&line), lease, deadline);
        self.let_go(told.await?);
        Ok(())
    }

    /// Gives the child up when the worker shuts down or the lease moves: `shutdownRequested` lets
    /// it checkpoint once more, `leaseLost` follows. Both together take `within` at most.
    async fn leave(
        &self,
        conversation: Conversation,
        lease: &LeaseHandle,
        within: Duration,
    ) -> Result<(), Failed> {
        let clock = &self.shared.env.clock;
        let until = clock.now() + within;
        let kept = LAST_MESSAGE.min(within / 4);
        let line = protocol::control(Action::ShutdownRequested);
        let deadline = Deadline { within: Some(within - kept), slow: None };
        let asked =
            self.ask(conversation, Action::ShutdownRequested, Task::Line(&line), lease, deadline);
        let conversation = asked.await?;
        let left = until.since(clock.now());
        self.tell_lost(conversation, lease, left - left / 4).await
    }
}

/// The error after which the worker delivers the records behind the last checkpoint again.
fn forgotten(failed: &Failed) -> ProcessorError {
    Forgotten(failed.to_string()).into()
}

#[async_trait]
impl RecordProcessor for ChildProcessor {
    fn progress(&self) -> Option<ProgressMode> {
        Some(ProgressMode::Manual)
    }

    async fn start(&mut self, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        let conversation = self.start_child(lease)?;
        let (sequence, sub) = begins_at(lease);
        let line = protocol::initialize(lease.shard().as_str(), &sequence, sub);
        let (action, deadline) = (Action::Initialize, self.deadline(Action::Initialize));
        let asked = self.ask(conversation, action, Task::Line(&line), lease, deadline).await;
        self.conversation = Some(asked.map_err(|failed| failed.to_string())?);
        Ok(())
    }

    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        let Some(conversation) = self.conversation.take() else {
            return Err(Forgotten("its child was killed in the midst of a batch".into()).into());
        };
        if batch.is_empty() && !self.shared.options.empty_batches {
            self.conversation = Some(conversation.look().map_err(|failed| forgotten(&failed))?);
            return Ok(());
        }
        let records = Task::Records(Records::new(&batch, batch.millis_behind()));
        let (action, deadline) = (Action::ProcessRecords, self.deadline(Action::ProcessRecords));
        let asked = self.ask(conversation, action, records, lease, deadline).await;
        self.conversation = Some(asked.map_err(|failed| forgotten(&failed))?);
        Ok(())
    }

    async fn stop(&mut self, reason: Stop, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        let Some(conversation) = self.conversation.take() else {
            let killed = || Forgotten("its child was killed at the end of the shard".into());
            return if reason == Stop::ShardEnd { Err(killed().into()) } else { Ok(()) };
        };
        match reason {
            Stop::ShardEnd => {
                let line = protocol::control(Action::ShardEnded);
                let (action, deadline) = (Action::ShardEnded, self.deadline(Action::ShardEnded));
                let asked = self.ask(conversation, action, Task::Line(&line), lease, deadline);
                self.let_go(asked.await.map_err(|failed| forgotten(&failed))?);
            }
            Stop::Leaving { within } => self.leave(conversation, lease, within).await?,
            _ => self.tell_lost(conversation, lease, LOST).await?,
        }
        Ok(())
    }
}

/// The checkpoint after which a child gets records, as the Java daemon writes it in `initialize`:
/// a sequence number or a sentinel, and the sub-sequence number.
fn begins_at(lease: &LeaseHandle) -> (String, u64) {
    use kcl_core::lease::Checkpoint;
    match lease.resumes_at() {
        Checkpoint::After(at) => (at.sequence.as_str().to_owned(), at.sub),
        Checkpoint::Latest => ("LATEST".to_owned(), 0),
        Checkpoint::AtTimestamp(_) => ("AT_TIMESTAMP".to_owned(), 0),
        Checkpoint::ShardEnd => ("SHARD_END".to_owned(), 0),
        _ => ("TRIM_HORIZON".to_owned(), 0),
    }
}
