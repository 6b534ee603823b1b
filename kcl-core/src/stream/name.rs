//! What a stream is called, in full.

use std::{fmt, str::FromStr, sync::Arc};

/// A stream's name, with where it lives if a name alone may mean several streams: `orders`, or
/// `123456789012:eu-west-1:orders`. It says nothing of the stream's life: a stream deleted and made
/// again keeps its name ([`super::StreamKey`] tells the two apart).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// The longest name, in bytes: 128 for the stream, the rest for where it lives.
    pub const MAX_LENGTH: usize = 256;

    /// The name in full.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StreamName {
    type Err = InvalidStreamName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':');
        if text.is_empty() || text.len() > Self::MAX_LENGTH || !text.bytes().all(allowed) {
            return Err(InvalidStreamName(text.chars().take(Self::MAX_LENGTH + 1).collect()));
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for StreamName {
    type Error = InvalidStreamName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<StreamName> for String {
    fn from(name: StreamName) -> Self {
        name.as_str().to_owned()
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no stream's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no stream name: expected 1 to 256 of the characters a-z A-Z 0-9 _ . : -")]
pub struct InvalidStreamName(String);
