//! Asking a child to do something, and hearing whether it has.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use kcl_core::env::{Clock, Time};
use tracing::warn;

use super::checkpoint::{Checkpoints, INVALID};
use crate::{
    child::{Child, Identity},
    protocol::{self, Action, Answer, Records, Sequence},
};

/// Why a child is of no use any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failed {
    #[error("the child {pid} did not answer {action} within {within:?} and was killed")]
    Silent { pid: u32, action: &'static str, within: Duration },
    #[error("the child {pid} did not do {action}: {how}")]
    Ended { pid: u32, action: &'static str, how: String },
    #[error("the child {pid} ended while it was asked nothing: {how}")]
    Gone { pid: u32, how: String },
    #[error("the child {pid} closed its output and does not do {action}: it was killed")]
    Mute { pid: u32, action: &'static str },
    #[error("the child {pid} was asked to do {action} and says that it did {other}: it was killed")]
    Other { pid: u32, action: &'static str, other: String },
}

/// How long a child may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    /// After this it has failed; `None` for never.
    pub(super) within: Option<Duration>,
    /// After this it is told of, again and again.
    pub(super) slow: Option<Duration>,
}

/// What a child is told to do it.
pub(super) enum Task<'a> {
    /// A message as it is.
    Line(&'a [u8]),
    /// Records.
    Records(Records<'a>),
}

/// How long the end of a child that has closed its output is waited for.
const ENDING: Duration = Duration::from_secs(2);

/// What is said of an action in a log: some of a name that a child may have made up.
const NAME: usize = 40;

/// A child, and what is known of what it says. Dropped in the midst of an action, the child is
/// killed: what it does is not to go on without its lease.
pub(super) struct Conversation {
    child: Child,
    identity: Identity,
    clock: Arc<dyn Clock>,
    /// Checkpoints that it asked for when it was not asked anything.
    early: VecDeque<Sequence>,
}

impl Conversation {
    pub(super) const fn new(child: Child, identity: Identity, clock: Arc<dyn Clock>) -> Self {
        Self { child, identity, clock, early: VecDeque::new() }
    }

    /// Has the child do something. If it fails, it is of no use any more.
    ///
    /// # Errors
    /// It did not do it in time, ended, or says that it did something else.
    ///
    /// # Cancel safety
    /// None: the child is in the midst of it, and to be dropped.
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

    /// What it said since its last answer cannot be the next one. Checkpoints wait: some clients
    /// ask for them from a thread of their own.
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

    async fn why_it_ended(&mut self, action: Action) -> Failed {
        let (pid, action) = (self.child.pid(), action.name());
        let clock = Arc::clone(&self.clock);
        tokio::select! {
            biased;
            how = self.child.ended() => Failed::Ended { pid, action, how },
            () = clock.sleep(ENDING) => Failed::Mute { pid, action },
        }
    }

    /// Looks whether the child lives that is not asked anything.
    ///
    /// # Errors
    /// It does not.
    pub(super) fn look(mut self) -> Result<Self, Failed> {
        match self.child.has_ended() {
            Some(how) => Err(Failed::Gone { pid: self.child.pid(), how }),
            None => Ok(self),
        }
    }

    /// Its input is over: it ends by itself within `grace`, or is killed.
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
