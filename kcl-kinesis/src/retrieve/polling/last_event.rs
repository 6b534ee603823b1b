//! Reporting the end of a shard, after checking the list of shards where needed.
//!
//! [`crate::decode`] describes which answers show the end, and when the list is needed.

use kcl_core::stream::{ReadEvent, SourceErrorKind, SourceResult};

use super::{Call, reader::PollingReader, standstill::Nothing};
use crate::{decode::Ending, service::Failure};

impl PollingReader {
    /// Returns the last event of the shard, or an error if the list shows that it has not ended.
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
            // A shard that is no longer listed has no records left, as the answer says.
            None if proven => {}
            _ => return self.not_yet(closed.is_some()).await,
        }
        listed.retain(|listed| listed.parents.contains(shard));
        let children = Some(listed).filter(|children| !children.is_empty());
        Ok(ReadEvent::End { children, proven })
    }

    /// Returns the error for an answer without next iterator while the list does not show the shard
    /// as closed. The next call of `next` starts again.
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
