//! The contract of a stream's reader.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{Batch, Position, Shard, ShardId, SourceResult, StartAt, StreamDescription, StreamKey};

/// A stream to read: Kinesis, or the simulator's.
#[async_trait]
pub trait StreamSource: Debug + Send + Sync + 'static {
    /// What the stream is. Asked at the start, and before and after each listing of shards, so that
    /// a stream deleted and made again is noticed.
    ///
    /// # Errors
    /// [`super::SourceErrorKind::NoStream`] when it does not exist; any other kind.
    async fn describe(&self) -> SourceResult<StreamDescription>;

    /// Gets ready what readers need beyond the stream itself, such as a registered consumer. A
    /// worker calls it once, before it joins the others: it opens no reader before this has
    /// succeeded. Several processes may do it at once, and again. By default nothing is to be done.
    ///
    /// # Errors
    /// Any kind. A worker tries again, with pauses that grow, what
    /// [`super::SourceError::is_retryable`]; any other error ends it, with that error.
    ///
    /// # Cancel safety
    /// A worker that is told to leave drops the call: it may have taken effect or not.
    async fn prepare(&self) -> SourceResult<()> {
        Ok(())
    }

    /// Every shard the stream lists, closed ones included, from all pages.
    ///
    /// # Errors
    /// Any kind. A partial list is an error, never an answer.
    async fn shards(&self) -> SourceResult<Vec<Shard>>;

    /// Opens a reader of a shard of `stream`. Another stream, or another life of it, has shards of
    /// the same names: a source makes sure that `stream` is its own. Sends nothing yet if it need
    /// not.
    ///
    /// # Errors
    /// [`super::SourceErrorKind::OtherStream`] when `stream` is not the source's, as far as it
    /// knows; [`super::SourceErrorKind::NoShard`] when the stream has no such shard.
    async fn open(
        &self,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>>;
}

/// How many bytes the caller has room for: what it reserved before it asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteLimit(pub usize);

/// Reads one shard, in order.
///
/// A worker awaits [`Self::ready`], reserves [`Self::size_hint`] bytes, and asks for records
/// with [`Self::next`], over and over; then it calls [`Self::close`].
#[async_trait]
pub trait ShardReader: Debug + Send {
    /// How many bytes the next answer is expected to need, judged by recent answers.
    fn size_hint(&self) -> ByteLimit;

    /// Waits until [`Self::next`] is worth a call: something has arrived, the time of the next
    /// request has come, or about a poll interval has passed with nothing. Whoever calls it holds
    /// no room meanwhile: a shard at rest takes none from the others. By default it is always time.
    ///
    /// # Cancel safety
    /// Safe: nothing is taken from the shard by waiting.
    async fn ready(&mut self) {}

    /// The next piece of the shard. Waits while there is nothing, at most about a poll interval,
    /// and then returns an empty batch; after [`Self::ready`] it need not wait. Keeps to the
    /// service's rate limits by itself, renews expired iterators, and starts again after the last
    /// position it returned.
    ///
    /// The answer is meant to fit `room`, but at least one record is always returned if there is
    /// one, so it may be larger. With [`ReadEvent::End`] the reader is finished.
    ///
    /// # Errors
    /// Any kind; calling again continues where the reader stood.
    ///
    /// # Cancel safety
    /// Safe: a dropped call delivers nothing and loses nothing.
    async fn next(&mut self, room: ByteLimit) -> SourceResult<ReadEvent>;

    /// Gives back what the reader holds at the service, such as a subscription. A worker calls it
    /// once for each reader it was given, when it needs no more of it: the shard has ended, or
    /// reading starts over, or the lease goes, and then before another worker may have it. A call
    /// of `ready` or `next` that was under way is dropped before. By default there is nothing to
    /// give back.
    ///
    /// # Cancel safety
    /// A call that takes longer than 500 ms is dropped, and the reader with it: a release waits for
    /// it no longer than that. A reader is dropped without this call only if it panicked, or if the
    /// runtime it is read on ends.
    async fn close(self: Box<Self>) {}
}

/// What a reader found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReadEvent {
    /// Records.
    Batch(Batch),
    /// Records between these two positions are gone before they could be read: they were trimmed.
    /// `from` is the last position read, `to` the first still there; unknown ends are `None`.
    Lost {
        /// The last position that was read.
        from: Option<Position>,
        /// The first position that is still there.
        to: Option<Position>,
    },
    /// Reading gets nowhere: so many calls in a row brought neither a record nor a new position.
    /// The reader goes on, ever more slowly; this is told now and then while it lasts.
    Standstill {
        /// How many calls.
        calls: u32,
        /// What the service answers, in words.
        why: String,
    },
    /// The shard has ended: all of its records were returned.
    End {
        /// The shards that continue it; `None` where the server does not say, and they have to be
        /// listed.
        children: Option<Vec<Shard>>,
        /// Whether an answer showed that no record is left. `false` if the source only stopped
        /// answering with records, while the stream lists the shard as closed.
        proven: bool,
    },
}
