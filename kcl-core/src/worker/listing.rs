//! Lists the shards of a stream, and refuses an answer that proves nothing.
//!
//! Kinesis answers a listing from a view that may be seconds old, and a stream that is deleted and
//! created again has the same name. An empty list, a list of two lives, and a list that is older
//! than the end of a shard are therefore [`SourceErrorKind::Unavailable`], which callers retry.

use crate::{
    coordinator::StreamView,
    stream::{Shard, ShardId, SourceError, SourceErrorKind, SourceResult, StreamSource},
};

/// Every shard that the stream lists.
///
/// # Errors
/// Any error of the source; [`SourceErrorKind::Unavailable`] for an empty list: every stream has
/// shards, so the stream is not ready yet.
pub(super) async fn shards(source: &dyn StreamSource) -> SourceResult<Vec<Shard>> {
    let shards = source.shards().await?;
    if shards.is_empty() {
        let error = SourceError::new(SourceErrorKind::Unavailable, "ListShards", "the stream");
        return Err(error.caused_by("it lists no shards: it may be in the making"));
    }
    Ok(shards)
}

/// Describes the stream and lists its shards, all of one life: it describes the stream again after
/// the listing and compares.
///
/// # Errors
/// Any error of [`shards`]; [`SourceErrorKind::Unavailable`] if the stream was deleted and created
/// again meanwhile: the shards of both lives have the same names.
pub(crate) async fn list(source: &dyn StreamSource) -> SourceResult<StreamView> {
    let description = source.describe().await?;
    let shards = shards(source).await?;
    let after = source.describe().await?.key;
    if after != description.key {
        let why = format!("it was made again meanwhile, as {after}");
        let subject = description.key.to_string();
        let error = SourceError::new(SourceErrorKind::Unavailable, "ListShards", subject);
        return Err(error.caused_by(why));
    }
    Ok(StreamView { description, shards })
}

/// The children of `parent`, which has ended; empty if the stream lists none.
///
/// # Errors
/// Any error of [`shards`]; [`SourceErrorKind::Unavailable`] if the list is older than the end of
/// the parent: it names no child and shows the parent as open.
pub(super) async fn list_children(
    source: &dyn StreamSource,
    parent: &ShardId,
) -> SourceResult<Vec<Shard>> {
    let mut shards = shards(source).await?;
    let is_open = shards.iter().any(|shard| shard.id == *parent && !shard.closed);
    shards.retain(|shard| shard.parents.contains(parent));
    if is_open && shards.is_empty() {
        let why = "the list does not know yet that the shard has ended";
        let error = SourceError::new(SourceErrorKind::Unavailable, "ListShards", parent.as_str());
        return Err(error.caused_by(why));
    }
    Ok(shards)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::{
        env::WallTime,
        stream::{Shard, ShardId, ShardReader, StartAt, StreamDescription, StreamKey},
    };

    /// A stream that lists these shards. During each of the next `left` listings it is deleted and
    /// created again.
    #[derive(Debug)]
    struct Lists {
        shards: Vec<Shard>,
        lives: AtomicU64,
        left: AtomicU64,
    }

    impl Lists {
        fn of(shards: Vec<Shard>) -> Self {
            Self { shards, lives: AtomicU64::new(1), left: AtomicU64::new(0) }
        }
    }

    #[async_trait::async_trait]
    impl StreamSource for Lists {
        async fn describe(&self) -> SourceResult<StreamDescription> {
            let created = WallTime::from_millis(self.lives.load(Ordering::Relaxed));
            let (name, key) = ("orders".parse().unwrap(), StreamKey::new("orders", created));
            let retention = std::time::Duration::from_hours(24);
            Ok(StreamDescription::new(name, key, retention, created))
        }

        async fn shards(&self) -> SourceResult<Vec<Shard>> {
            if self.left.load(Ordering::Relaxed) > 0 {
                self.left.fetch_sub(1, Ordering::Relaxed);
                self.lives.fetch_add(1, Ordering::Relaxed);
            }
            Ok(self.shards.clone())
        }

        async fn open(
            &self,
            _: &StreamKey,
            _: &ShardId,
            _: StartAt,
        ) -> SourceResult<Box<dyn ShardReader>> {
            Err(SourceError::new(SourceErrorKind::NoShard, "open", "any"))
        }
    }

    fn shard(id: &str, closed: bool) -> Shard {
        let mut shard = Shard::open(id.parse().unwrap(), crate::stream::HashRange::ALL);
        shard.closed = closed;
        shard
    }

    #[tokio::test]
    async fn that_nothing_continues_a_shard_is_believed_of_a_list_that_knows_of_its_end() {
        let parent: ShardId = "shard-0".parse().unwrap();
        let mut child = shard("shard-1", false);
        child.parents = vec![parent.clone()];
        let known = [
            (vec![], None),
            (vec![shard("shard-0", false)], None),
            (vec![shard("shard-0", true)], Some(0)),
            // The shard is no longer listed, and neither are its children.
            (vec![shard("shard-7", false)], Some(0)),
            (vec![shard("shard-0", false), child.clone()], Some(1)),
            (vec![child], Some(1)),
        ];
        for (listed, expected) in known {
            let found = list_children(&Lists::of(listed.clone()), &parent).await;
            assert_eq!(found.ok().map(|children| children.len()), expected, "{listed:?}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_is_made_again_meanwhile_is_not_listed() {
        let mut source = Lists::of(vec![shard("shard-0", false)]);
        *source.left.get_mut() = 1;
        let error = list(&source).await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Unavailable);
        let why = error.source.map(|source| source.to_string());
        assert_eq!(why.as_deref(), Some("it was made again meanwhile, as orders/2"));
        assert_eq!(list(&source).await.unwrap().description.key.created, WallTime::from_millis(2));
    }

    #[tokio::test]
    async fn a_list_of_nothing_is_no_list() {
        let error = list(&Lists::of(Vec::new())).await.unwrap_err();
        assert_eq!(error.kind, SourceErrorKind::Unavailable);
    }
}
