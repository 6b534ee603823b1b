//! What a child says: messages, and whatever else it prints.

use serde::Deserialize;
use serde_json::Value;

/// A message of a child.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has done what it was asked.
    Status {
        /// The action that it has done.
        response_for: String,
    },
    /// It asks for a checkpoint.
    Checkpoint(Sequence),
}

/// Where a checkpoint is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sequence {
    /// As it was written; `None` for everything that was delivered.
    pub number: Option<String>,
    /// Within a record that was unpacked.
    pub sub: Option<u64>,
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A message.
    Answer(Answer),
    /// Nothing: clients put an empty line before each message.
    Blank,
    /// Something else, which is passed over; why it is no message.
    Noise(&'static str),
}

/// What may stand in a message. More may: it is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    action: Option<String>,
    response_for: Option<String>,
    sequence_number: Option<Value>,
    sub_sequence_number: Option<Value>,
}

/// Reads a line.
#[must_use]
pub fn hear(line: &[u8]) -> Heard {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Heard::Blank;
    }
    // What users print is seldom an object: it need not be read.
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

/// A number may stand without quotes.
fn as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

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
