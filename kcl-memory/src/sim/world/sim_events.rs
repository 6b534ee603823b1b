//! What will happen, in the order of time.

use std::time::Duration;

use kcl_core::{
    coordinator::{CallId, RunEvent, StoreCall, StoreOutcome, StreamView},
    env::Time,
    lease::{WorkerId, report::WorkerReport},
};

use super::{commands::News, telling};
use crate::sim::{
    queue::EventQueue,
    stream::{Pages, ShardNo, StreamNo},
};

/// Something that will happen.
#[derive(Debug)]
pub(super) enum SimEvent {
    /// A step of the script.
    Step(usize),
    /// A worker starts, under this id, with the settings of the next deployment or not.
    Start {
        worker: WorkerId,
        changed: bool,
        reads: StreamNo,
    },
    /// A host's next replacement in a rolling deploy.
    Replace {
        host: usize,
    },
    /// Nothing fails any more.
    Calm,
    /// Everything has to be owned and run.
    Due,
    Timer {
        host: usize,
        number: u64,
    },
    /// A call reaches the store; the answer takes so long, if there is one.
    Arrive {
        host: usize,
        id: CallId,
        call: Box<StoreCall>,
        reply: Option<Duration>,
        stale: bool,
    },
    /// A call reaches the store once more.
    Again(Box<StoreCall>),
    Reply {
        host: usize,
        id: CallId,
        outcome: Box<StoreOutcome>,
    },
    /// What the stream is is answered.
    Described {
        host: usize,
        id: CallId,
    },
    /// A listing of the shards is answered.
    Shards {
        host: usize,
        id: CallId,
        /// As they were when it was asked for.
        then: Box<StreamView>,
        pages: Pages,
    },
    /// The store says that it pushes wake-ups.
    Pushes {
        host: usize,
    },
    /// The store pushes a wake-up.
    Woken {
        host: usize,
    },
    Run {
        host: usize,
        shard: ShardNo,
        ticket: u64,
    },
    /// A process that stood still goes on.
    Resume {
        host: usize,
    },
    /// A command of the operator's has news.
    Command {
        command: usize,
        news: Box<News>,
    },
    /// A run has news for its coordinator.
    News {
        host: usize,
        event: Box<RunEvent>,
    },
    /// What a host's report tells was measured.
    Measured {
        host: usize,
        report: Box<WorkerReport>,
    },
}

impl SimEvent {
    /// The host it happens to, for the digest.
    pub(super) fn whose(&self) -> u64 {
        let host = match self {
            Self::Replace { host }
            | Self::Timer { host, .. }
            | Self::Arrive { host, .. }
            | Self::Reply { host, .. }
            | Self::Described { host, .. }
            | Self::Shards { host, .. }
            | Self::Pushes { host }
            | Self::Woken { host }
            | Self::Run { host, .. }
            | Self::Resume { host }
            | Self::News { host, .. }
            | Self::Measured { host, .. } => *host,
            _ => 0,
        };
        u64::try_from(host).unwrap_or(u64::MAX)
    }

    /// A number for each kind, for the digest.
    pub(super) const fn code(&self) -> u64 {
        match self {
            Self::Step(_) => 1,
            Self::Start { .. } => 2,
            Self::Replace { .. } => 3,
            Self::Calm => 4,
            Self::Due => 5,
            Self::Timer { .. } => 6,
            Self::Arrive { .. } => 7,
            Self::Again(_) => 8,
            Self::Reply { .. } => 9,
            Self::Shards { .. } => 10,
            Self::Woken { .. } => 11,
            Self::Run { .. } => 12,
            Self::Resume { .. } => 13,
            Self::News { .. } => 14,
            Self::Pushes { .. } => 15,
            Self::Described { .. } => 0,
            Self::Command { .. } => 16,
            Self::Measured { .. } => 17,
        }
    }
}

/// What will happen in a run.
pub(super) type SimEvents = EventQueue<Time, SimEvent>;

impl SimEvents {
    /// When the last of what has been set off comes to its end: calls that are on their way, and
    /// processes that are to start, stop or go on.
    pub(super) fn last_trouble(&self) -> Option<Time> {
        let is_trouble = |event: &SimEvent| {
            if let SimEvent::Arrive { call, .. } | SimEvent::Again(call) = event {
                return !telling::is_told(call);
            }
            matches!(
                event,
                SimEvent::Start { .. }
                    | SimEvent::Replace { .. }
                    | SimEvent::Resume { .. }
                    | SimEvent::Command { .. }
            )
        };
        let trouble = self.iter().filter(|(_, event)| is_trouble(event));
        trouble.map(|(at, _)| at).max()
    }
}
