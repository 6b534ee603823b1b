//! Reading one shard.

use std::sync::Arc;

use async_trait::async_trait;
use kcl_core::{
    env::Time,
    stream::{
        Batch, ByteLimit, ReadEvent, Shard, ShardId, ShardReader, SourceResult, StartAt, StreamKey,
    },
};
use tokio::sync::Notify;

use super::{
    life::{Life, Refused, no_shard},
    log::{Found, Place},
    memory::MemoryStream,
    options::StreamOp,
    readers::Counted,
};

/// The smallest answer a reader expects, in bytes.
const LEAST_EXPECTED: usize = 4 * 1024;

/// Reads one shard of one life of a stream.
#[derive(Debug)]
pub(super) struct MemoryReader {
    stream: MemoryStream,
    life: StreamKey,
    shard: ShardId,
    place: Place,
    expects: usize,
    /// Whether the read under way has its token: waiting for data costs no second one.
    charged: bool,
    /// Whether a poll interval was waited for in vain: the next read waits no more.
    waited: bool,
    counted: Counted,
}

/// What one look at the shard says.
enum Look {
    Event(ReadEvent),
    /// The shard's read limit is met until then.
    Busy(Time),
    /// Nothing there yet; the bell rings when that may have changed.
    Nothing,
}

impl MemoryReader {
    pub(super) fn open(
        stream: &MemoryStream,
        life: &mut Life,
        shard: &ShardId,
        at: StartAt,
    ) -> Result<Self, Refused> {
        let place = life.log_mut(shard)?.place(at);
        Ok(Self {
            stream: stream.clone(),
            life: life.key.clone(),
            shard: shard.clone(),
            place,
            expects: LEAST_EXPECTED,
            charged: false,
            waited: false,
            counted: stream.0.readers.open(),
        })
    }

    /// Works on this reader's life of the stream, if that is still the present one.
    fn with_life<T>(&self, work: impl FnOnce(&mut Life) -> Result<T, Refused>) -> SourceResult<T> {
        let mut state = self.stream.state();
        let done = state.life().and_then(|life| {
            if life.key == self.life { work(life) } else { Err(no_shard(&self.shard)) }
        });
        done.map_err(|why| self.stream.error(StreamOp::Read.name(), why))
    }

    /// What rings when this reader should look again.
    fn bell(&self) -> SourceResult<Arc<Notify>> {
        self.with_life(|life| Ok(life.log_mut(&self.shard)?.bell.clone()))
    }

    /// Looks at the shard; the place moves on past what is found.
    fn look(&mut self, room: ByteLimit) -> SourceResult<Look> {
        let stream = self.stream.clone();
        let options = &stream.0.options;
        let (now, wall) = (options.env.clock.now(), stream.now());
        let (mut charged, mut place) = (self.charged, self.place.clone());
        let look = self.with_life(|life| {
            let log = life.log_mut(&self.shard)?;
            if !charged && let Some(Err(free_at)) = log.bucket.as_mut().map(|b| b.take(now)) {
                return Ok(Look::Busy(free_at));
            }
            charged = true;
            Ok(match log.read(&mut place, room.0, options.batch_limit, wall) {
                Found::Nothing => Look::Nothing,
                Found::Batch(batch) => Look::Event(ReadEvent::Batch(batch)),
                Found::Lost { from, to } => Look::Event(ReadEvent::Lost { from, to }),
                Found::End => {
                    let children = log.children.clone();
                    let told = options.reports_children.then(|| shards_of(life, &children));
                    Look::Event(ReadEvent::End { children: told, proven: true })
                }
            })
        })?;
        (self.charged, self.place) = (charged, place);
        Ok(look)
    }

    /// When a read is worth while: `None` as long as there is nothing.
    fn due(&self) -> SourceResult<Option<Time>> {
        let now = self.stream.0.options.env.clock.now();
        self.with_life(|life| {
            let log = life.log_mut(&self.shard)?;
            let free_at =
                log.bucket.as_ref().filter(|_| !self.charged).map_or(now, |b| b.free_at(now));
            Ok(log.has_news(&self.place).then_some(free_at))
        })
    }
}

fn shards_of(life: &Life, ids: &[ShardId]) -> Vec<Shard> {
    ids.iter().filter_map(|id| life.shards.get(id)).map(|log| log.shard.clone()).collect()
}

/// An answer of a shard that has nothing to give yet.
fn nothing() -> ReadEvent {
    let mut batch = Batch::default();
    batch.millis_behind = Some(0);
    batch.at_tip = true;
    ReadEvent::Batch(batch)
}

#[async_trait]
impl ShardReader for MemoryReader {
    fn size_hint(&self) -> ByteLimit {
        ByteLimit(self.expects)
    }

    /// A failure is left to the read.
    async fn ready(&mut self) {
        let clock = self.stream.0.options.env.clock.clone();
        let deadline = clock.now() + self.stream.0.options.poll_interval;
        loop {
            let Ok(bell) = self.bell() else { return };
            let mut rung = std::pin::pin!(bell.notified());
            rung.as_mut().enable();
            let Ok(due) = self.due() else { return };
            if due.is_some_and(|due| due <= clock.now()) {
                return;
            }
            tokio::select! {
                biased;
                () = rung => {}
                () = clock.sleep_until(due.unwrap_or(deadline)) => {
                    if due.is_none() {
                        self.waited = true;
                        return;
                    }
                }
            }
        }
    }

    async fn next(&mut self, room: ByteLimit) -> SourceResult<ReadEvent> {
        self.stream.arrive(StreamOp::Read, Some(&self.shard)).await?;
        let options = &self.stream.0.options;
        let clock = options.env.clock.clone();
        let deadline = clock.now() + options.poll_interval;
        loop {
            // Listening starts before looking, so that no ring between the two is missed.
            let bell = self.bell()?;
            let mut rung = std::pin::pin!(bell.notified());
            rung.as_mut().enable();
            match self.look(room)? {
                Look::Busy(until) => clock.sleep_until(until).await,
                Look::Nothing if self.waited => {
                    (self.charged, self.waited) = (false, false);
                    return Ok(nothing());
                }
                Look::Nothing => {
                    tokio::select! {
                        biased;
                        () = rung => {}
                        () = clock.sleep_until(deadline) => {
                            self.charged = false;
                            return Ok(nothing());
                        }
                    }
                }
                Look::Event(event) => {
                    (self.charged, self.waited) = (false, false);
                    if let ReadEvent::Batch(batch) = &event {
                        self.expects = batch.weight().max(LEAST_EXPECTED);
                    }
                    return Ok(event);
                }
            }
        }
    }
    async fn close(self: Box<Self>) {
        // Whether that is heard of makes no difference.
        let _ = self.stream.arrive(StreamOp::Close, Some(&self.shard)).await;
        self.counted.close();
    }
}
