//! The traits that a stream source implements.

use std::fmt::Debug;

use async_trait::async_trait;

use super::{Batch, Position, Shard, ShardId, SourceResult, StartAt, StreamDescription, StreamKey};

/// Describes one stream, lists its shards, and opens readers. `kcl-kinesis` implements it for
/// Kinesis, `kcl-memory` for a stream in memory.
#[async_trait]
pub trait StreamSource: Debug + Send + Sync + 'static {
    /// Describes the stream. A worker calls it at the start, and before and after each listing of
    /// shards, to notice a stream that was deleted and created again.
    ///
    /// # Errors
    /// [`super::SourceErrorKind::NoStream`] if the stream does not exist; any other kind.
    async fn describe(&self) -> SourceResult<StreamDescription>;

    /// Creates what the readers need beside the stream, such as a registered consumer. A worker
    /// calls it before it joins the fleet, and opens no reader before it has succeeded. Idempotent;
    /// several processes may call it at once. The default does nothing.
    ///
    /// # Errors
    /// Any kind. A worker calls again after [`super::SourceError::is_retryable`] errors, with
    /// growing pauses. Any other error ends the worker.
    ///
    /// # Cancel safety
    /// A worker that is asked to leave drops the call, which may or may not take effect.
    async fn prepare(&self) -> SourceResult<()> {
        Ok(())
    }

    /// Lists all shards of the stream, closed ones included, from all pages.
    ///
    /// # Errors
    /// Any kind. If one page fails, the whole call fails; it never returns a partial list.
    async fn shards(&self) -> SourceResult<Vec<Shard>>;

    /// Opens a reader of one shard that starts at `at`. The source checks that `stream` is its own,
    /// because another life of the stream has shards with the same ids. It need not call the
    /// service yet.
    ///
    /// # Errors
    /// [`super::SourceErrorKind::OtherStream`] if the source knows that `stream` is not its own;
    /// [`super::SourceErrorKind::NoShard`] if the stream has no such shard; any other kind.
    async fn open(
        &self,
        stream: &StreamKey,
        shard: &ShardId,
        at: StartAt,
    ) -> SourceResult<Box<dyn ShardReader>>;
}

/// The bytes of the byte budget that the caller reserved for one answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteLimit(pub usize);

/// Reads one shard, in the shard's order.
///
/// A worker awaits [`Self::ready`], reserves [`Self::size_hint`] bytes, and asks for records
/// with [`Self::next`], over and over; then it calls [`Self::close`].
#[async_trait]
pub trait ShardReader: Debug + Send {
    /// How many bytes the next answer will probably take, estimated from recent answers. The worker
    /// reserves them before it calls [`Self::next`].
    fn size_hint(&self) -> ByteLimit;

    /// Waits until a call of [`Self::next`] makes sense: records have arrived, the time of the next
    /// request has come, or about a poll interval has passed without records. The worker reserves
    /// no bytes while it waits, so that an idle shard takes none from the others. The default
    /// returns at once.
    ///
    /// # Cancel safety
    /// Safe: the wait takes no record from the shard.
    async fn ready(&mut self) {}

    /// Returns the next event of the shard. Without new records it waits for about one poll
    /// interval at most, and then returns an empty batch; after [`Self::ready`] it need not wait.
    /// The reader keeps the rate limits of the service, renews expired iterators, and continues
    /// after the last position that it returned.
    ///
    /// The records should weigh at most `room` bytes. A single record may weigh more: the reader
    /// returns at least one record if there is one. After [`ReadEvent::End`] the worker does not
    /// call again.
    ///
    /// # Errors
    /// Any kind. The next call continues at the same place.
    ///
    /// # Cancel safety
    /// Safe: a dropped call loses no record; the next call returns what it would have returned.
    async fn next(&mut self, room: ByteLimit) -> SourceResult<ReadEvent>;

    /// Ends what the reader holds at the service, such as a subscription. A worker calls it once
    /// for each reader: when the shard has ended, when reading starts again from a checkpoint, or
    /// when the lease goes. In the last case it calls before it releases the lease. It drops a
    /// running call of `ready` or `next` first. The default does nothing.
    ///
    /// # Cancel safety
    /// A worker drops a call that takes longer than 500 ms, because a release waits for it. It
    /// drops a reader without this call only if the reader panicked or the runtime ends.
    async fn close(self: Box<Self>) {}
}

/// The answer of one [`ShardReader::next`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReadEvent {
    /// Records, or an empty batch.
    Batch(Batch),
    /// The stream trimmed records between two positions before the reader could read them.
    Lost {
        /// The last position that the reader returned; `None` if it returned none.
        from: Option<Position>,
        /// The first position that the stream still has; `None` if unknown.
        to: Option<Position>,
    },
    /// A number of successive calls brought neither a record nor a new position. The reader
    /// continues with growing pauses and repeats this event from time to time.
    Standstill {
        /// The number of calls without progress.
        calls: u32,
        /// The answer of the service, in words.
        why: String,
    },
    /// The shard has ended and the reader has returned all of its records.
    End {
        /// The child shards. `None` if the service does not say; the worker then lists the shards.
        children: Option<Vec<Shard>>,
        /// Whether an answer of the service proves that no record is left. `false` if the service
        /// only returned no more records while the stream lists the shard as closed.
        proven: bool,
    },
}
