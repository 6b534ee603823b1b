//! The end of a shard.
//!
//! Kinesis ends a shard with an answer that has no next iterator and names the children. The Java
//! KCL trusts one only with the other and reads again otherwise. Servers that never name children
//! (ferrokinesis, kinesalite) would keep it reading for ever, so the lack of them is settled by the
//! stream's own list: a shard that it shows closed, or no longer at all, has ended, and whoever
//! names it as a parent continues it. A shard that it shows open has not ended: that answer is an
//! error, and reading goes on. Children beside a next iterator mean nothing; the records come
//! first.

use aws_sdk_kinesis::types::ChildShard;
use kcl_core::stream::{ReadEvent, Shard, SourceErrorKind, SourceResult};

use super::{Call, reader::PollingReader};
use crate::{
    convert::{self, Nonsense},
    service::Failure,
};

impl PollingReader {
    /// The last event of the shard, after its last answer.
    pub(super) async fn end(&mut self) -> SourceResult<ReadEvent> {
        let named = self.ended.as_deref().unwrap_or_default();
        match complete(named) {
            Ok(Some(children)) => {
                self.calls.stream.book.add(&children);
                Ok(ReadEvent::End { children: Some(children) })
            }
            Ok(None) => self.end_by_list().await,
            Err(nonsense) => {
                Err(self.calls.explain(Call::Records, Failure::corrupt(nonsense)).await)
            }
        }
    }

    async fn end_by_list(&mut self) -> SourceResult<ReadEvent> {
        let shard = &self.calls.shard;
        let mut listed = self.calls.stream.shards().await?;
        if listed.iter().any(|listed| listed.id == *shard && !listed.closed) {
            self.ended = None;
            let failure = Failure::new(
                SourceErrorKind::Unavailable,
                "the answer has no next iterator, but the shard is listed as open",
            );
            return Err(self.calls.explain(Call::Records, failure).await);
        }
        listed.retain(|listed| listed.parents.contains(shard));
        Ok(ReadEvent::End { children: Some(listed).filter(|children| !children.is_empty()) })
    }
}

/// The children, if there are any and each says whose it is.
fn complete(named: &[ChildShard]) -> Result<Option<Vec<Shard>>, Nonsense> {
    if named.is_empty() || named.iter().any(|child| child.parent_shards.is_empty()) {
        return Ok(None);
    }
    named.iter().cloned().map(convert::child).collect::<Result<_, _>>().map(Some)
}
