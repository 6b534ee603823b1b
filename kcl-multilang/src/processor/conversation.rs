//! Asks a child to do an action, serves its checkpoint requests meanwhile, and waits for its
//! `status` message.
//!
//! A child does one action at a time. [`Conversation::ask`] takes care of the order: a `status`
//! that arrived before the action was asked is ignored with a warning; a checkpoint request that
//! arrived early is served during the action.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use kcl_core::env::{Clock, Time};
use tracing::warn;

use super::checkpoint::{Checkpoints, INVALID};
use crate::{
    child::{Child, Identity},
    protocol::{self, Action, Answer, Records, Sequence},
};

/// Why a child cannot be used any more. The process was killed, or has ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failed {
    /// The child did not finish the action within its deadline.
    #[error("the child {pid} did not answer {action} within {within:?} and was killed")]
    Silent { pid: u32, action: &'static str, within: Duration },
    /// The child ended during the action.
    #[error("the child {pid} did not do {action}: {how}")]
    Ended { pid: u32, action: &'static str, how: String },
    /// The child ended between two actions.
    #[error("the child {pid} ended while it was asked nothing: {how}")]
    Gone { pid: u32, how: String },
    /// The child closed its standard input or output during the action, and runs on.
    #[error("the child {pid} closed its output and does not do {action}: it was killed")]
    Mute { pid: u32, action: &'static str },
    /// The child's `status` names another action.
    #[error("the child {pid} was asked to do {action} and says that it did {other}: it was killed")]
    Other { pid: u32, action: &'static str, other: String },
}

/// How long a child may take for an action.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    /// The child has failed after this time; `None` lets it take any time.
    pub(super) within: Option<Duration>,
    /// The worker logs a warning after this time, and each time that it passes again; `None` never.
    pub(super) slow: Option<Duration>,
}

/// The message that asks a child for an action.
pub(super) enum Task<'a> {
    /// A whole message, with its line feed.
    Line(&'a [u8]),
    /// The message `processRecords`, which is written in pieces.
    Records(Records<'a>),
}

/// How long the worker waits for the end of a child that has closed its standard input or output,
/// so that the error can name the exit code.
const ENDING: Duration = Duration::from_secs(2);

/// The characters of an action's name that an error shows: the child may have made it up.
const NAME: usize = 40;

/// A child, and its requests that wait. A dropped conversation kills the child: it must not go on
/// with an action without its lease.
pub(super) struct Conversation {
    child: Child,
    identity: Identity,
    clock: Arc<dyn Clock>,
    /// The checkpoint requests that the child sent between two actions, oldest first.
    early: VecDeque<Sequence>,
}

impl Conversation {
    /// A conversation with a child that was just started.
    pub(super) const fn new(child: Child, identity: Identity, clock: Arc<dyn Clock>) -> Self {
        Self { child, identity, clock, early: VecDeque::new() }
    }

    /// Has the child do an action, and waits until it says that it has. `checkpoints` stores the
    /// checkpoints that it requests; `None` refuses them.
    ///
    /// # Errors
    /// The child did not finish in time, ended, or named another action. Drop the conversation.
    ///
    /// # Cancel safety
    /// None: the child is in the middle of the action. Drop the conversation, which kills it.
    pub(super) async fn ask(
        &mut self,
        action: Action,
        task: Task<'_>,
        checkpoints: Option<&Checkpoints<'_>>,
        deadline: Deadline,
    ) -> Result<(), Failed> {
        self.hear_early();
        let clock = Arc::clone(&self.clock);
        let (pid, shard) = (self.child.pid(), self.identity.shard.clone());
        let begun = clock.now();
        let until = deadline.within.map_or(Time::NEVER, |within| begun + within);
        let mut doing = std::pin::pin!(self.talk(action, task, checkpoints));
        let mut slow = deadline.slow.map_or(Time::NEVER, |slow| begun + slow);
        loop {
            tokio::select! {
                biased;
                done = &mut doing => return done,
                () = clock.sleep_until(until) => {
                    let within = deadline.within.unwrap_or_default();
                    return Err(Failed::Silent { pid, action: action.name(), within });
                }
                () = clock.sleep_until(slow) => {
                    let since = clock.now().since(begun);
                    warn!(%shard, pid, action = action.name(), ?since, "kcl.child.slow");
                    slow = slow + deadline.slow.unwrap_or_default();
                }
            }
        }
    }

    /// Receives the messages that the child sent between two actions: none of them answers the next
    /// one. Checkpoint requests are kept: some clients send them from a thread of their own.
    fn hear_early(&mut self) {
        while let Some(answer) = self.child.answered() {
            match answer {
                Answer::Checkpoint(at) => self.early.push_back(at),
                Answer::Status { .. } => {
                    let (shard, pid) = (&self.identity.shard, self.child.pid());
                    warn!(%shard, pid, why = "it was asked nothing", "kcl.child.stray");
                }
            }
        }
    }

    /// Sends a task, then serves checkpoint requests until the child's `status` arrives.
    async fn talk(
        &mut self,
        action: Action,
        task: Task<'_>,
        checkpoints: Option<&Checkpoints<'_>>,
    ) -> Result<(), Failed> {
        if self.tell(task).await.is_err() {
            return Err(self.why_it_ended(action).await);
        }
        loop {
            let at = match self.early.pop_front() {
                Some(at) => at,
                None => match self.child.answer().await {
                    Some(Answer::Checkpoint(at)) => at,
                    Some(Answer::Status { response_for }) if response_for == action.name() => {
                        return Ok(());
                    }
                    Some(Answer::Status { response_for }) => {
                        let (pid, action) = (self.child.pid(), action.name());
                        let other = response_for.chars().take(NAME).collect();
                        return Err(Failed::Other { pid, action, other });
                    }
                    None => return Err(self.why_it_ended(action).await),
                },
            };
            let error = match checkpoints {
                Some(checkpoints) => checkpoints.take(&at).await.err(),
                None => Some(INVALID),
            };
            let reply = protocol::checkpoint_reply(at.number.as_deref(), at.sub, error);
            if self.child.write(&reply).await.is_err() {
                return Err(self.why_it_ended(action).await);
            }
        }
    }

    /// Writes the message of a task.
    async fn tell(&mut self, task: Task<'_>) -> std::io::Result<()> {
        match task {
            Task::Line(line) => self.child.write(line).await,
            Task::Records(mut records) => {
                let mut piece = Vec::new();
                loop {
                    piece.clear();
                    let more = records.write_piece(&mut piece);
                    self.child.write(&piece).await?;
                    if !more {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The error for a child that reads or writes no more.
    async fn why_it_ended(&mut self, action: Action) -> Failed {
        let (pid, action) = (self.child.pid(), action.name());
        let clock = Arc::clone(&self.clock);
        tokio::select! {
            biased;
            how = self.child.ended() => Failed::Ended { pid, action, how },
            () = clock.sleep(ENDING) => Failed::Mute { pid, action },
        }
    }

    /// Checks, between two actions, that the child lives.
    ///
    /// # Errors
    /// The child has ended.
    pub(super) fn look(mut self) -> Result<Self, Failed> {
        match self.child.has_ended() {
            Some(how) => Err(Failed::Gone { pid: self.child.pid(), how }),
            None => Ok(self),
        }
    }

    /// Closes the child's standard input. The child ends by itself within `grace`, or is killed.
    pub(super) async fn end(mut self, grace: Duration) {
        self.child.close();
        let clock = Arc::clone(&self.clock);
        tokio::select! {
            biased;
            _ = self.child.ended() => {}
            () = clock.sleep(grace) => {
                let (shard, pid) = (&self.identity.shard, self.child.pid());
                warn!(%shard, pid, ?grace, "kcl.child.killed");
            }
        }
    }
}
