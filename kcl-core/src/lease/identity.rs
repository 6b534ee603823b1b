//! The ids of workers, zones and sessions.

use std::{fmt, str::FromStr, sync::Arc};

/// A worker's name, unique among the workers of an application (`workerIdentifier` in the Java
/// KCL). A worker that restarts under its old name takes its old leases back.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WorkerId(Arc<str>);

impl WorkerId {
    /// The longest name, in bytes.
    pub const MAX_LENGTH: usize = 128;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The part of the infrastructure in which a worker runs, such as the availability zone
/// `eu-west-1a`. The workers of one zone may fail at once, so the planner and its standbys are
/// chosen from different zones.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(Arc<str>);

impl Zone {
    /// The longest name, in bytes.
    pub const MAX_LENGTH: usize = 64;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Implements parsing and display for a name that is part of keys in every store.
macro_rules! name {
    ($name:ident, $what:literal) => {
        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                check_name($what, text, Self::MAX_LENGTH)?;
                Ok(Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(WorkerId, "worker id");
name!(Zone, "zone");

/// Checks a name that is part of keys in every store: 1 to `max` bytes of `a-z A-Z 0-9 _ . : @ -`.
pub(super) fn check_name(what: &'static str, text: &str, max: usize) -> Result<(), InvalidName> {
    let allowed =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':' | b'@');
    if text.is_empty() || text.len() > max || !text.bytes().all(allowed) {
        return Err(InvalidName { what, shown: text.chars().take(max + 1).collect(), max });
    }
    Ok(())
}

/// The error of a text that is no valid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{shown:?} is no {what}: expected 1 to {max} of the characters a-z A-Z 0-9 _ . : @ -")]
pub struct InvalidName {
    what: &'static str,
    shown: String,
    max: usize,
}

/// Tells the sessions of one worker apart: 128 random bits, drawn at each registration. Shown as a
/// UUID.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Incarnation(u128);

impl Incarnation {
    /// The incarnation of these bits.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Self {
        Self(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0
    }
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let (a, b, c, d, e) = (&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]);
        write!(f, "{a}-{b}-{c}-{d}-{e}")
    }
}

impl fmt::Debug for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Incarnation {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = || InvalidName {
            what: "incarnation (a UUID)",
            shown: text.chars().take(40).collect(),
            max: 36,
        };
        let hex: String = text.chars().filter(|c| *c != '-').collect();
        if hex.len() != 32 || text.len() != 36 {
            return Err(refuse());
        }
        u128::from_str_radix(&hex, 16).map(Self).map_err(|_| refuse())
    }
}

impl TryFrom<String> for Incarnation {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Incarnation> for String {
    fn from(incarnation: Incarnation) -> Self {
        incarnation.to_string()
    }
}

/// The id of a session: worker id and incarnation. Every owner of a lease is a session.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct SessionId {
    /// The worker.
    #[serde(rename = "w")]
    pub worker: WorkerId,
    /// The incarnation of the worker.
    #[serde(rename = "i")]
    pub incarnation: Incarnation,
}

impl SessionId {
    /// The session of `worker` with this incarnation.
    #[must_use]
    pub const fn new(worker: WorkerId, incarnation: Incarnation) -> Self {
        Self { worker, incarnation }
    }

    /// The whole id as the text `worker#incarnation`, by which stores key rows. [`FromStr`] reads
    /// it. [`fmt::Display`] shortens the incarnation, for people.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}#{}", self.worker, self.incarnation)
    }
}

impl FromStr for SessionId {
    type Err = InvalidName;

    /// Reads a text of [`Self::key`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (worker, incarnation) = text.split_once('#').unwrap_or((text, ""));
        Ok(Self::new(worker.parse()?, incarnation.parse()?))
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{:08x}", self.worker, self.incarnation.bits() >> 96)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incarnation_reads_back_what_it_shows() {
        let shown = Incarnation::from_bits(0x0123_4567_89ab_cdef_0011_2233_4455_6677).to_string();
        assert_eq!(shown, "01234567-89ab-cdef-0011-223344556677");
        assert_eq!(shown.parse::<Incarnation>().unwrap().to_string(), shown);
        assert!("01234567".parse::<Incarnation>().is_err());
        assert!("+1234567-89ab-cdef-0011-22334455667".parse::<Incarnation>().is_err());
    }

    #[test]
    fn a_session_id_reads_back_its_key() {
        let id = SessionId::new("pod-7".parse().unwrap(), Incarnation::from_bits(7));
        assert_eq!(id.key().parse::<SessionId>().unwrap(), id);
        assert!(id.to_string().parse::<SessionId>().is_err(), "what people see is shortened");
        assert!("pod-7".parse::<SessionId>().is_err());
    }

    #[test]
    fn a_worker_id_refuses_what_would_break_a_key() {
        assert!("pod-7.orders".parse::<WorkerId>().is_ok());
        for bad in ["", "a/b", "a b", "a#b", "\n", &"x".repeat(129)] {
            assert!(bad.parse::<WorkerId>().is_err(), "{bad:?}");
        }
    }
}
