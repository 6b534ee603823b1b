//! The sources of a worker, by the stream that each reads.

use std::sync::{Arc, OnceLock};

use super::{
    SourceError, SourceErrorKind, SourceResult, StreamDescription, StreamKey, StreamName,
    StreamSource,
};

/// The sources of a worker. Which stream a source reads it says itself, when it is described.
///
/// One source for now: a worker reads one stream.
#[derive(Debug)]
pub(crate) struct Sources {
    source: Arc<dyn StreamSource>,
    /// The stream's name, and its name in the keys of leases.
    reads: OnceLock<(StreamName, Arc<str>)>,
}

impl Sources {
    /// This one.
    pub(crate) fn one(source: Arc<dyn StreamSource>) -> Self {
        Self { source, reads: OnceLock::new() }
    }

    /// Every source.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<dyn StreamSource>> {
        std::iter::once(&self.source)
    }

    /// What the stream is.
    ///
    /// # Errors
    /// Those of the source; [`SourceErrorKind::OtherStream`] if it names another stream than it
    /// did: leases of the former must not be read from it.
    pub(crate) async fn describe(&self) -> SourceResult<StreamDescription> {
        let found = self.source.describe().await?;
        let named = || (found.name.clone(), found.key.name.clone());
        let (name, _) = self.reads.get_or_init(named);
        if *name == found.name {
            return Ok(found);
        }
        let error = SourceError::new(SourceErrorKind::OtherStream, "describe", name.as_str());
        Err(error.caused_by(format!("the source now says that it reads {}", found.name)))
    }

    /// The source of a stream.
    ///
    /// # Errors
    /// [`SourceErrorKind::OtherStream`] if none is known to read it.
    pub(crate) fn of(&self, stream: &StreamName) -> SourceResult<&Arc<dyn StreamSource>> {
        self.found(self.reads.get().is_some_and(|(name, _)| name == stream), stream.as_str())
    }

    /// The source of the stream that keys of leases name so.
    ///
    /// # Errors
    /// As of [`Self::of`].
    pub(crate) fn of_leases(&self, stream: &StreamKey) -> SourceResult<&Arc<dyn StreamSource>> {
        let is_known = self.reads.get().is_some_and(|(_, in_keys)| *in_keys == stream.name);
        self.found(is_known, &stream.name)
    }

    fn found(&self, is_known: bool, stream: &str) -> SourceResult<&Arc<dyn StreamSource>> {
        let error = || {
            let error = SourceError::new(SourceErrorKind::OtherStream, "open", stream);
            error.caused_by("no source of this worker reads it")
        };
        is_known.then_some(&self.source).ok_or_else(error)
    }
}
