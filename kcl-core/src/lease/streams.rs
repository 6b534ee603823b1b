//! Which stream an application reads.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    env::WallTime,
    stream::{StreamDescription, StreamName},
};

/// What the document [`super::DocName::streams`] says. It is never deleted, so that its version
/// only grows; each change of it is a compare-and-set on the version that was read.
///
/// A list, so that an application may read several streams one day. As long as it may not, a
/// document that names none or several is one that this version cannot read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Streams {
    streams: Vec<NamedStream>,
    /// What later versions add: kept by whoever rewrites the document.
    #[serde(flatten)]
    more: Map<String, Value>,
}

/// A stream that the application reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct NamedStream {
    name: StreamName,
    /// When it was created: tells a stream from one that was deleted and made again under its name.
    life: WallTime,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Streams {
    /// That the application reads this stream.
    #[must_use]
    pub fn of(description: &StreamDescription) -> Self {
        let (name, life) = (description.name.clone(), description.key.created);
        let stream = NamedStream { name, life, more: Map::new() };
        Self { streams: vec![stream], more: Map::new() }
    }

    /// The stream's name; `None` in no document that [`Self::decode`] accepts.
    #[must_use]
    pub fn name(&self) -> Option<&StreamName> {
        self.streams.first().map(|stream| &stream.name)
    }

    /// The creation time of the stream called `name`, if the application reads it.
    #[must_use]
    pub fn life_of(&self, name: &StreamName) -> Option<WallTime> {
        self.streams.iter().find(|stream| stream.name == *name).map(|stream| stream.life)
    }

    /// The same of a stream that has been made again since, at `life`.
    #[must_use]
    pub fn at_life(mut self, name: &StreamName, life: WallTime) -> Self {
        for stream in self.streams.iter_mut().filter(|stream| stream.name == *name) {
            stream.life = life;
        }
        self
    }

    /// The document's text.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        // Serialising plain structs with string keys into memory cannot fail.
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    /// Reads a document.
    ///
    /// # Errors
    /// What makes no sense in it, in words. It may have been written by a later version: it is not
    /// to be overwritten.
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
