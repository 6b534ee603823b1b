//! The stream itself: its lives, its time and its mishaps.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use kcl_core::{
    env::WallTime,
    stream::{ShardId, SourceError, SourceErrorKind, SourceResult, StreamKey},
};

use super::{
    life::{Life, Refused, ShardHistory},
    options::{StreamCall, StreamFaults, StreamOp, StreamOptions},
    readers::Census,
};

/// A stream in memory: shards that take records, split, merge, trim and end. Clones share it.
///
/// Everything it does takes time from the clock and chance from the entropy of its options, so
/// that a run on paused time explores interleavings and can be repeated.
#[derive(Clone)]
pub struct MemoryStream(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) options: StreamOptions,
    pub(super) readers: Census,
    state: Mutex<State>,
}

pub(super) struct State {
    /// `None` while the stream is deleted.
    pub(super) life: Option<Life>,
    pub(super) retention: Duration,
    pub(super) faults: Option<StreamFaults>,
    /// Shards that are no more.
    pub(super) past: Vec<ShardHistory>,
    /// When the stream was last created.
    created: WallTime,
}

impl MemoryStream {
    /// A stream called `name` with `shards` shards, on the clock of this machine.
    #[must_use]
    pub fn new(name: &str, shards: u32) -> Self {
        Self::with(StreamOptions { shards, ..StreamOptions::new(name) })
    }

    /// A stream as `options` say.
    #[must_use]
    pub fn with(options: StreamOptions) -> Self {
        let state = State {
            life: None,
            retention: options.retention,
            faults: None,
            past: Vec::new(),
            created: WallTime::default(),
        };
        let shards = options.shards;
        let stream =
            Self(Arc::new(Inner { options, readers: Census::default(), state: Mutex::new(state) }));
        stream.create(shards);
        stream
    }

    /// Creates the stream anew with `shards` shards: another stream under the old name. Deletes it
    /// first if it is there.
    pub fn create(&self, shards: u32) {
        self.delete();
        let now = self.now();
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Two lives never have one creation time, however fast they follow.
        let created = now.max(WallTime::from_millis(state.created.as_millis() + 1));
        state.created = created;
        let key = StreamKey::new(&self.0.options.name, created);
        state.life = Some(Life::new(key, shards, self.0.options.reads_per_second));
    }

    pub(super) fn now(&self) -> WallTime {
        self.0.options.env.clock.wall()
    }

    /// The state, with everything expired that has to be.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        let now = self.now();
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (retention, remembers) = (state.retention, self.0.options.remembers);
        if let Some(life) = &mut state.life {
            let gone = life.expire(now, retention, remembers);
            if remembers {
                state.past.extend(gone);
            }
        }
        state
    }

    /// Takes the time of a call, and fails it if it has to.
    pub(super) async fn arrive(&self, op: StreamOp, shard: Option<&ShardId>) -> SourceResult<()> {
        let call = StreamCall { op, shard: shard.cloned() };
        let faults = self.state().faults.clone();
        let failure = faults.and_then(|decide| decide(&call));
        let env = &self.0.options.env;
        let most = u64::try_from(self.0.options.latency.as_micros()).unwrap_or(u64::MAX);
        if most > 0 {
            env.clock.sleep(Duration::from_micros(env.entropy.next_u64() % most)).await;
        }
        match failure {
            None => Ok(()),
            Some(kind) => {
                let subject = shard.map_or(self.0.options.name.as_str(), ShardId::as_str);
                Err(SourceError::new(kind, op.name(), subject)
                    .caused_by("a fault put there on purpose"))
            }
        }
    }

    pub(super) fn error(&self, op: &'static str, (kind, why): Refused) -> SourceError {
        SourceError::new(kind, op, self.0.options.name.as_str()).caused_by(why)
    }
}

impl State {
    /// The stream as it is, if it is there.
    pub(super) fn life(&mut self) -> Result<&mut Life, Refused> {
        let gone = || (SourceErrorKind::NoStream, "the stream was deleted".to_owned());
        self.life.as_mut().ok_or_else(gone)
    }
}

impl fmt::Debug for MemoryStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryStream").field(&self.0.options.name).finish()
    }
}
