//! The data of a record of the demo: `NUMBER SENT`, as text.

use std::str;

use super::facts::Millis;

/// The data of a record: its number, and when the producer sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Payload {
    /// Its number.
    pub(super) id: u64,
    /// When the producer made it. A record that was refused keeps its time.
    pub(super) sent: Millis,
}

impl Payload {
    /// The record's data.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        format!("{} {}", self.id, self.sent).into_bytes()
    }
}

impl TryFrom<&[u8]> for Payload {
    type Error = anyhow::Error;

    fn try_from(data: &[u8]) -> anyhow::Result<Self> {
        let parts = str::from_utf8(data)?.split_once(' ');
        let (id, sent) = parts.ok_or_else(|| anyhow::anyhow!("a record the demo did not make"))?;
        Ok(Self { id: id.parse()?, sent: sent.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_sent_reads_back(id: u64, sent: u64) {
            let payload = Payload { id, sent };
            prop_assert_eq!(Payload::try_from(&*payload.to_bytes()).unwrap(), payload);
        }

        #[test]
        fn anything_else_is_refused_without_a_panic(data: Vec<u8>) {
            let _ = Payload::try_from(&*data);
        }
    }
}
