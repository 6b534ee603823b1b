//! The lines that a child writes to its standard output: messages, and other output.
//!
//! User code may print to the standard output, too. [`hear`] tells such lines ("noise") from
//! messages, and never fails: the Java daemon ignores such lines as well.

use serde::Deserialize;
use serde_json::Value;

/// A message that a child sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The child says that it has done an action.
    Status {
        /// The name of that action, as the child wrote it; not checked here.
        response_for: String,
    },
    /// The child requests a checkpoint.
    Checkpoint(Sequence),
}

/// The position of a checkpoint request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// The sequence number as the child wrote it, unchecked; `None` means every delivered record.
    pub number: Option<String>,
    /// The sub-sequence number, for a record of a KPL aggregate; `None` if the child gave none.
    pub sub: Option<u64>,
}

/// The meaning of one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The line is a message.
    Answer(Answer),
    /// The line is blank: clients put an empty line before each message.
    Blank,
    /// The line is other output, and is ignored. The text says why it is no message.
    Noise(&'static str),
}

/// The fields of a message that are read. All other fields are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    action: Option<String>,
    response_for: Option<String>,
    sequence_number: Option<Value>,
    sub_sequence_number: Option<Value>,
}

/// Reads one line, with or without the line feed.
#[must_use]
pub fn hear(line: &[u8]) -> Heard {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Heard::Blank;
    }
    // Output of user code is seldom a JSON object: most of it is recognised without a parser.
    if line.first() != Some(&b'{') {
        return Heard::Noise("no JSON object");
    }
    let Ok(written) = serde_json::from_slice::<Written>(line) else {
        return Heard::Noise("no message in JSON");
    };
    match (written.action.as_deref(), written.response_for) {
        (Some("status"), Some(response_for)) => Heard::Answer(Answer::Status { response_for }),
        (Some("status"), None) => Heard::Noise("a status without responseFor"),
        (Some("checkpoint"), _) => {
            let number = written.sequence_number.map(as_text);
            match written.sub_sequence_number.map(as_number) {
                None => Heard::Answer(Answer::Checkpoint(Sequence { number, sub: None })),
                Some(Some(sub)) => {
                    Heard::Answer(Answer::Checkpoint(Sequence { number, sub: Some(sub) }))
                }
                Some(None) => Heard::Noise("a checkpoint whose subSequenceNumber is none"),
            }
        }
        (Some(_), _) => Heard::Noise("an unknown action"),
        (None, _) => Heard::Noise("no action"),
    }
}

/// The sequence number of a request. A client may write it without quotes.
fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// The sub-sequence number of a request, with or without quotes; `None` if it is no number.
fn as_number(value: Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkpoint(number: Option<&str>, sub: Option<u64>) -> Heard {
        let number = number.map(str::to_owned);
        Heard::Answer(Answer::Checkpoint(Sequence { number, sub }))
    }

    #[test]
    fn messages_are_read_by_name() {
        let done = Heard::Answer(Answer::Status { response_for: "initialize".to_owned() });
        let cases: [(&str, Heard); 9] = [
            (r#"{"action":"status","responseFor":"initialize"}"#, done.clone()),
            (r#" {"responseFor":"initialize","more":[1],"action":"status"} "#, done),
            (
                r#"{"action": "checkpoint", "sequenceNumber": null, "subSequenceNumber": null}"#,
                checkpoint(None, None),
            ),
            // Node's client writes no sub-sequence number.
            (r#"{"action":"checkpoint","sequenceNumber":"49"}"#, checkpoint(Some("49"), None)),
            (
                r#"{"action":"checkpoint","sequenceNumber":"49","subSequenceNumber":3}"#,
                checkpoint(Some("49"), Some(3)),
            ),
            (
                r#"{"action":"checkpoint","sequenceNumber":49,"subSequenceNumber":"3"}"#,
                checkpoint(Some("49"), Some(3)),
            ),
            (r#"{"action":"checkpoint"}"#, checkpoint(None, None)),
            ("", Heard::Blank),
            ("\r", Heard::Blank),
        ];
        for (line, expected) in cases {
            assert_eq!(hear(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn everything_else_is_noise_and_no_reason_repeats_it() {
        let secret = "hunter2";
        for line in [
            "hunter2",
            "{hunter2",
            "[\"hunter2\"]",
            "{\"a\":\"hunter2\"}",
            "null",
            "17",
            "{\"action\":\"hunter2\"}",
            "{\"action\":7}",
            "{\"action\":\"status\"}",
            "{\"action\":\"checkpoint\",\"subSequenceNumber\":-1}",
            "\u{0}\u{1}",
            "{}{}",
        ] {
            let Heard::Noise(why) = hear(line.as_bytes()) else { panic!("{line} is noise") };
            assert!(!why.contains(secret), "{why}");
        }
        assert!(matches!(hear(&[0xff, 0xfe, b'{']), Heard::Noise(_)));
    }
}
