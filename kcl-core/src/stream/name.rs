//! The full name of a stream.

use std::{fmt, str::FromStr, sync::Arc};

/// The full name of a stream: `orders`, or with account and region `123456789012:eu-west-1:orders`.
/// It has 1 to 256 of the characters `a-z A-Z 0-9 _ . : -`.
///
/// A stream that is deleted and created again keeps its name. A [`super::StreamKey`] differs
/// between the two.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamName(Arc<str>);

impl StreamName {
    /// The longest name, in bytes: 128 for the stream's own name, which is the limit of Kinesis,
    /// and the rest for account and region.
    pub const MAX_LENGTH: usize = 256;

    /// The full name as text.
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

/// The text is no valid [`StreamName`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no stream name: expected 1 to 256 of the characters a-z A-Z 0-9 _ . : -")]
pub struct InvalidStreamName(String);
