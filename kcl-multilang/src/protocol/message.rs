//! What a child is told, but for records.

use super::json;

/// What a child is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The first message: which shard, and from where.
    Initialize,
    /// Records.
    ProcessRecords,
    /// The lease is lost: no checkpoint is taken any more.
    LeaseLost,
    /// The shard has ended.
    ShardEnded,
    /// The worker leaves, or the lease moves; checkpoints are still taken.
    ShutdownRequested,
}

impl Action {
    /// Its name in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Initialize => "initialize",
            Self::ProcessRecords => "processRecords",
            Self::LeaseLost => "leaseLost",
            Self::ShardEnded => "shardEnded",
            Self::ShutdownRequested => "shutdownRequested",
        }
    }

    /// Whether the child may checkpoint meanwhile.
    #[must_use]
    pub const fn takes_checkpoints(self) -> bool {
        matches!(self, Self::ProcessRecords | Self::ShardEnded | Self::ShutdownRequested)
    }
}

/// A message without anything more.
#[must_use]
pub fn control(action: Action) -> Vec<u8> {
    let mut line = begin(action.name());
    line.extend_from_slice(b"}\n");
    line
}

/// The first message: from where the shard is read, which is a sequence number or a sentinel like
/// `TRIM_HORIZON`.
#[must_use]
pub fn initialize(shard: &str, sequence: &str, sub: u64) -> Vec<u8> {
    let mut line = begin(Action::Initialize.name());
    line.extend_from_slice(b",\"shardId\":");
    json::text(&mut line, shard);
    line.extend_from_slice(b",\"sequenceNumber\":");
    json::text(&mut line, sequence);
    line.extend_from_slice(b",\"subSequenceNumber\":");
    json::number(&mut line, sub);
    line.extend_from_slice(b"}\n");
    line
}

/// What became of a checkpoint that the child asked for: what it asked, as it was asked, and the
/// name of the error, if it failed.
#[must_use]
pub fn checkpoint_reply(
    sequence: Option<&str>,
    sub: Option<u64>,
    error: Option<&'static str>,
) -> Vec<u8> {
    let mut line = begin("checkpoint");
    line.extend_from_slice(b",\"sequenceNumber\":");
    json::optional(&mut line, sequence);
    line.extend_from_slice(b",\"subSequenceNumber\":");
    match sub {
        Some(sub) => json::number(&mut line, sub),
        None => line.extend_from_slice(b"null"),
    }
    line.extend_from_slice(b",\"error\":");
    json::optional(&mut line, error);
    line.extend_from_slice(b"}\n");
    line
}

fn begin(action: &str) -> Vec<u8> {
    let mut line = b"{\"action\":".to_vec();
    json::text(&mut line, action);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: Vec<u8>) -> String {
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn messages_are_those_of_the_java_daemon() {
        let first = initialize("shardId-000000000000", "TRIM_HORIZON", 0);
        let expected = "{\"action\":\"initialize\",\"shardId\":\"shardId-000000000000\",\
                        \"sequenceNumber\":\"TRIM_HORIZON\",\"subSequenceNumber\":0}\n";
        assert_eq!(text(first), expected);
        assert_eq!(text(control(Action::ShardEnded)), "{\"action\":\"shardEnded\"}\n");
        let taken = "{\"action\":\"checkpoint\",\"sequenceNumber\":\"49\",\
                     \"subSequenceNumber\":3,\"error\":null}\n";
        assert_eq!(text(checkpoint_reply(Some("49"), Some(3), None)), taken);
        let refused = "{\"action\":\"checkpoint\",\"sequenceNumber\":null,\
                       \"subSequenceNumber\":null,\"error\":\"ShutdownException\"}\n";
        assert_eq!(text(checkpoint_reply(None, None, Some("ShutdownException"))), refused);
    }
}
