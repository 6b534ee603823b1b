//! The messages that a worker sends, except `processRecords`. Every message ends with a line feed.

use super::json;

/// An action that a worker asks of a child. The child answers each with a `status` message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The first message: names the shard, and the checkpoint after which the child gets records.
    Initialize,
    /// The child processes the records of a batch.
    ProcessRecords,
    /// The worker lost or gave up the lease: the child's checkpoints are refused.
    LeaseLost,
    /// The child has got every record of the shard and should checkpoint its end.
    ShardEnded,
    /// The worker shuts down, or the lease moves: the child may checkpoint for the last time.
    ShutdownRequested,
}

impl Action {
    /// The action's name in messages, like `processRecords`.
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

    /// Whether the worker stores checkpoints that the child requests during this action. During the
    /// others it answers with `InvalidStateException`.
    #[must_use]
    pub const fn takes_checkpoints(self) -> bool {
        matches!(self, Self::ProcessRecords | Self::ShardEnded | Self::ShutdownRequested)
    }
}

/// The message of an action without arguments: `leaseLost`, `shardEnded` or `shutdownRequested`.
#[must_use]
pub fn control(action: Action) -> Vec<u8> {
    let mut line = begin(action.name());
    line.extend_from_slice(b"}\n");
    line
}

/// The first message. The child gets the records of `shard` after `sequence`, which is a sequence
/// number or a sentinel like `TRIM_HORIZON`. `sub` is the sub-sequence number; 0 with a sentinel.
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

/// The answer to a child's checkpoint request. `sequence` and `sub` repeat the request. `error` is
/// the name of a Java exception; `None` if the checkpoint was stored.
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

/// The beginning of a message, without the closing brace.
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
