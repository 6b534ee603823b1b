//! Finds the source of a stream among the sources of a worker.

use std::sync::{Arc, OnceLock};

use super::{
    SourceError, SourceErrorKind, SourceResult, StreamDescription, StreamKey, StreamName,
    StreamSource,
};

/// The sources of a worker, by stream. A source has no stream name until its first description.
///
/// Today a worker is built with exactly one source; the type allows for several.
#[derive(Debug)]
pub(crate) struct Sources {
    entries: Vec<Entry>,
}

/// A source with the name of its stream.
#[derive(Debug)]
struct Entry {
    source: Arc<dyn StreamSource>,
    /// The stream's full name, and its plain name in lease keys. Set by the first description, and
    /// never changed.
    reads: OnceLock<(StreamName, Arc<str>)>,
}

impl Sources {
    /// Makes the list. If several sources read one stream, the first of them is used.
    pub(crate) fn new(sources: impl IntoIterator<Item = Arc<dyn StreamSource>>) -> Self {
        let entry = |source| Entry { source, reads: OnceLock::new() };
        Self { entries: sources.into_iter().map(entry).collect() }
    }

    /// Every source.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<dyn StreamSource>> {
        self.entries.iter().map(|entry| &entry.source)
    }

    /// Describes a stream. `None` means the stream of the first source without a name; if all have
    /// one, of the first source.
    ///
    /// # Errors
    /// The error of the source; [`SourceErrorKind::OtherStream`] if no source reads the stream, or
    /// if its source now names another stream than at first: that source must not read the leases
    /// of the first.
    pub(crate) async fn describe(
        &self,
        stream: Option<&StreamName>,
    ) -> SourceResult<StreamDescription> {
        let entry = match stream {
            Some(stream) => self.entry(stream)?,
            None => self.unnamed()?,
        };
        let found = entry.source.describe().await?;
        let named = || (found.name.clone(), found.key.name.clone());
        let (name, _) = entry.reads.get_or_init(named);
        if *name == found.name {
            return Ok(found);
        }
        let error = SourceError::new(SourceErrorKind::OtherStream, "describe", name.as_str());
        Err(error.caused_by(format!("the source now says that it reads {}", found.name)))
    }

    /// The source of the stream with this full name.
    ///
    /// # Errors
    /// [`SourceErrorKind::OtherStream`] if no source has this name.
    pub(crate) fn of(&self, stream: &StreamName) -> SourceResult<&Arc<dyn StreamSource>> {
        self.entry(stream).map(|entry| &entry.source)
    }

    /// The source of the stream that lease keys name in this way. The life is not compared.
    ///
    /// # Errors
    /// The same as [`Self::of`].
    pub(crate) fn of_leases(&self, stream: &StreamKey) -> SourceResult<&Arc<dyn StreamSource>> {
        let found = self.find(|(_, in_keys)| *in_keys == stream.name);
        found.map(|entry| &entry.source).ok_or_else(|| unread(&stream.name))
    }

    fn entry(&self, stream: &StreamName) -> SourceResult<&Entry> {
        self.find(|(name, _)| name == stream).ok_or_else(|| unread(stream.as_str()))
    }

    fn find(&self, is_it: impl Fn(&(StreamName, Arc<str>)) -> bool) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.reads.get().is_some_and(&is_it))
    }

    fn unnamed(&self) -> SourceResult<&Entry> {
        let unnamed = self.entries.iter().find(|entry| entry.reads.get().is_none());
        unnamed.or_else(|| self.entries.first()).ok_or_else(|| unread("any stream"))
    }
}

fn unread(stream: &str) -> SourceError {
    let error = SourceError::new(SourceErrorKind::OtherStream, "open", stream);
    error.caused_by("no source of this worker reads it")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_trait::async_trait;

    use super::*;
    use crate::{
        env::WallTime,
        stream::{Shard, ShardId, ShardReader, StartAt},
    };

    /// A stream with this name.
    #[derive(Debug)]
    struct Named(&'static str);

    #[async_trait]
    impl StreamSource for Named {
        async fn describe(&self) -> SourceResult<StreamDescription> {
            let (name, key) = (self.0.parse().unwrap(), key(self.0));
            Ok(StreamDescription::new(name, key, Duration::from_hours(24), key_time()))
        }

        async fn shards(&self) -> SourceResult<Vec<Shard>> {
            Ok(Vec::new())
        }

        async fn open(
            &self,
            stream: &StreamKey,
            _: &ShardId,
            _: StartAt,
        ) -> SourceResult<Box<dyn ShardReader>> {
            Err(unread(&stream.name))
        }
    }

    fn key_time() -> WallTime {
        WallTime::from_millis(5)
    }

    fn key(stream: &str) -> StreamKey {
        StreamKey::new(stream, key_time())
    }

    fn is_unread<T>(found: SourceResult<T>) -> bool {
        found.is_err_and(|error| error.kind == SourceErrorKind::OtherStream)
    }

    #[tokio::test]
    async fn each_stream_is_found_at_its_source_once_that_has_said_what_it_reads() {
        let of = |stream| Arc::new(Named(stream)) as Arc<dyn StreamSource>;
        let sources = Sources::new([of("orders"), of("payments")]);
        let (orders, payments): (StreamName, StreamName) =
            ("orders".parse().unwrap(), "payments".parse().unwrap());
        assert!(is_unread(sources.of(&orders)) && is_unread(sources.of_leases(&key("orders"))));
        assert!(is_unread(sources.describe(Some(&payments)).await), "nobody has said so yet");
        assert_eq!(sources.describe(None).await.unwrap().name, orders);
        assert_eq!(sources.describe(None).await.unwrap().name, payments);
        for stream in [&orders, &payments] {
            assert_eq!(sources.describe(Some(stream)).await.unwrap().name, *stream);
            assert_eq!(sources.of(stream).unwrap().describe().await.unwrap().name, *stream);
            let by_leases = sources.of_leases(&key(stream.as_str())).unwrap();
            assert_eq!(by_leases.describe().await.unwrap().name, *stream);
        }
        assert!(is_unread(sources.of_leases(&key("refunds"))));
        assert_eq!(sources.all().count(), 2);
        assert_eq!(sources.describe(None).await.unwrap().name, orders, "the first of all");
    }
}
