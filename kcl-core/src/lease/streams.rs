//! The document that names the stream of an application.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    env::WallTime,
    stream::{StreamDescription, StreamName},
};

/// The content of the document [`super::DocName::streams`]. Nobody ever deletes the document, so
/// that its version only grows; each change is a compare-and-set on the version that was read.
///
/// It holds a list, so that a later version may read several streams. This version accepts only a
/// document with exactly one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    streams: Vec<NamedStream>,
    /// Fields that later versions add. A version that does not know them keeps them.
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// A stream that the application reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct NamedStream {
    name: StreamName,
    /// The creation time, which distinguishes the lives of a stream of one name.
    life: WallTime,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Streams {
    /// Names this stream, in its present life.
    #[must_use]
    pub fn of(description: &StreamDescription) -> Self {
        let (name, life) = (description.name.clone(), description.key.created);
        let stream = NamedStream { name, life, more: Map::new() };
        Self { streams: vec![stream], more: Map::new() }
    }

    /// The name of the first stream. Every document that [`Self::decode`] accepts has one.
    #[must_use]
    pub fn name(&self) -> Option<&StreamName> {
        self.streams.first().map(|stream| &stream.name)
    }

    /// The creation time of the stream `name`; `None` if the document does not name it.
    #[must_use]
    pub fn life_of(&self, name: &StreamName) -> Option<WallTime> {
        self.streams.iter().find(|stream| stream.name == *name).map(|stream| stream.life)
    }

    /// Sets the creation time of the stream `name`, after it was created again.
    #[must_use]
    pub fn at_life(mut self, name: &StreamName, life: WallTime) -> Self {
        for stream in self.streams.iter_mut().filter(|stream| stream.name == *name) {
            stream.life = life;
        }
        self
    }

    /// The content as JSON.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        // Serialising plain structs with string keys into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Reads the content from JSON.
    ///
    /// # Errors
    /// The text is not such a document, or does not name exactly one stream; in words. A later
    /// version may have written it: the caller does not overwrite it.
    pub fn decode(body: &[u8]) -> Result<Self, String> {
        let streams: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        match streams.streams.len() {
            1 => Ok(streams),
            many => Err(format!("it names {many} streams, and this version reads one")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::stream::StreamKey;

    fn orders(life: u64) -> StreamDescription {
        let key = StreamKey::new("orders", WallTime::from_millis(life));
        let name = "1:eu-west-1:orders".parse().unwrap();
        StreamDescription::new(name, key, Duration::from_hours(24), WallTime::from_millis(9))
    }

    #[test]
    fn a_stream_is_known_by_its_name_in_full_whatever_its_life() {
        let streams = Streams::decode(&Streams::of(&orders(5)).encode()).unwrap();
        let name = orders(5).name;
        assert_eq!(streams.name(), Some(&name));
        assert_eq!(streams.life_of(&name), Some(WallTime::from_millis(5)));
        assert_eq!(streams.life_of(&"2:eu-west-1:orders".parse().unwrap()), None);
        let later = streams.at_life(&name, WallTime::from_millis(6));
        assert_eq!(later, Streams::of(&orders(6)));
    }

    #[test]
    fn what_a_later_version_adds_is_kept() {
        let text = br#"{"streams":[{"name":"a","life":1,"state":"active"}],"since":3}"#;
        let streams = Streams::decode(text).unwrap();
        let read: Value = serde_json::from_slice(&streams.encode()).unwrap();
        assert_eq!(read, serde_json::from_slice::<Value>(text).unwrap());
    }

    #[test]
    fn several_streams_are_for_a_later_version() {
        let several = r#"{"streams":[{"name":"a","life":1},{"name":"b","life":1}]}"#;
        for odd in ["", "{}", r#"{"streams":[]}"#, several] {
            assert!(Streams::decode(odd.as_bytes()).is_err(), "{odd}");
        }
    }
}
