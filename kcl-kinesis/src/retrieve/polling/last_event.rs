//! The last event of a shard: told when the stream's own list does not speak against it.
//!
//! Which answers are signs of the end, and when the list is asked, stands in [`crate::decode`].

use kcl_core::stream::{ReadEvent, SourceErrorKind, SourceResult};

use super::{Call, reader::PollingReader, standstill::Nothing};
use crate::{decode::Ending, service::Failure};

impl PollingReader {
    /// The last event of the shard, if it has ended.
    pub(super) async fn end(&mut self, ending: Ending) -> SourceResult<ReadEvent> {
        if let Ending::Named(children) = ending {
            self.calls.stream.add(&children);
            return Ok(ReadEvent::End { children: Some(children), proven: true });
        }
        let shard = &self.calls.shard;
        let mut listed = self.calls.stream.shards().await?;
        let closed = listed.iter().find(|listed| listed.id == *shard).map(|listed| listed.closed);
        let proven = matches!(ending, Ending::Said);
        match closed {
            Some(true) => {}
            // A shard that is forgotten has nothing left, as the answer says.
            None if proven => {}
            _ => return self.not_yet(closed.is_some()).await,
        }
        listed.retain(|listed| listed.parents.contains(shard));
        let children = Some(listed).filter(|children| !children.is_empty());
        Ok(ReadEvent::End { children, proven })
    }

    /// The answer has no next iterator, but the list does not show the shard closed.
    async fn not_yet(&mut self, is_listed: bool) -> SourceResult<ReadEvent> {
        self.end.ending = None;
        self.stood(Nothing::NoEnd);
        let what = if is_listed {
            "the answer has no next iterator, but the shard is listed as open"
        } else {
            "the answer has no next iterator and speaks of newer records, but the shard is not \
             listed"
        };
        let failure = Failure::new(SourceErrorKind::Unavailable, what);
        Err(self.calls.explain(Call::Records, failure).await)
    }
}
