//! Writes a record as one line of JSON, for `kcl consume`, `kcl peek` and dead letters.

use std::{io, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use kcl_core::{
    lease::Epoch,
    stream::{KplMark, Record},
};
use serde::Serialize;

use crate::times::rfc3339;

/// How records are written.
#[derive(Clone, Debug)]
pub(crate) struct Format {
    /// The stream's name.
    pub(crate) stream: Arc<str>,
    /// Whether data that is UTF-8 is written as text in `data`, and other data in `data_base64`.
    /// Otherwise `data` holds base64 for every record.
    pub(crate) text: bool,
}

/// A record as it is written.
#[derive(Serialize)]
struct Line<'a> {
    stream: &'a str,
    shard: &'a str,
    sequence_number: &'a str,
    sub_sequence_number: u64,
    partition_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_base64: Option<&'a str>,
    arrival: Option<String>,
    /// The epoch of the lease under which a worker read it; absent without a lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kpl: Option<&'static str>,
}

/// What the KPL decoding found out about a record; `None` for a plain one.
fn mark(kpl: KplMark) -> Option<&'static str> {
    match kpl {
        KplMark::Plain => None,
        KplMark::Aggregated => Some("aggregated"),
        KplMark::OutsideShard => Some("outside-shard"),
        KplMark::Malformed => Some("malformed"),
        _ => Some("unknown"),
    }
}

impl Format {
    /// Appends the line of a record to `lines`.
    ///
    /// # Errors
    /// Writing to memory does not fail, and every record can be written as JSON.
    pub(crate) fn append(
        &self,
        lines: &mut Vec<u8>,
        shard: &str,
        epoch: Option<Epoch>,
        record: &Record,
    ) -> io::Result<()> {
        let text = self.text.then(|| std::str::from_utf8(&record.data).ok()).flatten();
        let encoded = text.is_none().then(|| STANDARD.encode(&record.data));
        let line = Line {
            stream: &self.stream,
            shard,
            sequence_number: record.position.sequence.as_str(),
            sub_sequence_number: record.position.sub,
            partition_key: record.partition_key.as_deref(),
            data: if self.text { text } else { encoded.as_deref() },
            data_base64: if self.text { encoded.as_deref() } else { None },
            arrival: record.arrival.map(rfc3339),
            epoch: epoch.map(|epoch| epoch.0),
            kpl: mark(record.kpl),
        };
        serde_json::to_writer(&mut *lines, &line)?;
        lines.push(b'\n');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kcl_core::{
        env::WallTime,
        stream::{Position, SequenceNumber},
    };

    use super::*;

    fn line(text: bool, data: &'static [u8]) -> serde_json::Value {
        let format = Format { stream: "orders".into(), text };
        let position = Position::new(SequenceNumber::from(49_u128), 3);
        let record = Record::new(position, Some("customer-7".into()), Bytes::from_static(data));
        let record = record.arrived(WallTime::from_millis(1_769_850_000_007));
        let mut lines = Vec::new();
        format.append(&mut lines, "shardId-000000000001", Some(Epoch(8)), &record).unwrap();
        assert_eq!(lines.pop(), Some(b'\n'));
        serde_json::from_slice(&lines).unwrap()
    }

    #[test]
    fn a_record_is_one_object_with_its_place_in_the_stream() {
        let expected = serde_json::json!({
            "stream": "orders", "shard": "shardId-000000000001", "sequence_number": "49",
            "sub_sequence_number": 3, "partition_key": "customer-7", "data": "YmVsbMO8",
            "arrival": "2026-01-31T09:00:00.007Z", "epoch": 8,
        });
        assert_eq!(line(false, "bellü".as_bytes()), expected);
    }

    #[test]
    fn what_unpacking_found_out_is_written() {
        let format = Format { stream: "orders".into(), text: false };
        let written = [KplMark::Aggregated, KplMark::OutsideShard, KplMark::Malformed].map(|kpl| {
            let position = SequenceNumber::from(49_u128).into();
            let mut record = Record::new(position, Some("customer-7".into()), Bytes::new());
            record.kpl = kpl;
            let mut line = Vec::new();
            format.append(&mut line, "shardId-000000000001", Some(Epoch(8)), &record).unwrap();
            serde_json::from_slice::<serde_json::Value>(&line).unwrap()["kpl"].clone()
        });
        assert_eq!(written, ["aggregated", "outside-shard", "malformed"]);
    }

    #[test]
    fn a_record_without_a_key_has_null_and_no_empty_key() {
        let format = Format { stream: "orders".into(), text: false };
        let record = Record::new(SequenceNumber::from(49_u128).into(), None, Bytes::new());
        let mut line = Vec::new();
        format.append(&mut line, "shardId-000000000001", Some(Epoch(8)), &record).unwrap();
        let line: serde_json::Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(line.get("partition_key"), Some(&serde_json::Value::Null));
    }

    #[test]
    fn text_is_written_as_it_is_and_everything_else_in_base64() {
        let text = line(true, "\"bellü\"\n".as_bytes());
        assert_eq!((&text["data"], text.get("data_base64")), (&"\"bellü\"\n".into(), None));
        let bytes = line(true, &[0xff, 0x00]);
        assert_eq!((bytes.get("data"), &bytes["data_base64"]), (None, &"/wA=".into()));
    }
}
