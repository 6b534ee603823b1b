//! Writes a batch as the message `processRecords`, in pieces of about 64 KiB.
//!
//! A batch of 10 MB is 13 MB in base64. The worker never holds the whole message: it writes a
//! piece, waits until the child's pipe has taken it, and makes the next one.

use base64::{Engine, engine::general_purpose::STANDARD};
use kcl_core::stream::Record;

use super::{Action, json};

/// The bytes after which a piece is complete. A piece may be longer by one record's fields and one
/// encoded part.
const PIECE: usize = 64 * 1024;

/// The bytes of data that are encoded at once. A multiple of three: base64 makes four characters
/// of three bytes, so that the encoded parts join without padding between them.
const ENCODED: usize = 36 * 1024;

/// The message `processRecords`, partly written.
///
/// ```
/// use kcl_multilang::protocol::Records;
///
/// let mut line = Vec::new();
/// let mut message = Records::new(&[], Some(0));
/// while message.write_piece(&mut line) {}
/// let expected = r#"{"action":"processRecords","records":[],"millisBehindLatest":0}"#;
/// assert_eq!(String::from_utf8(line).unwrap().trim_end(), expected);
/// ```
#[derive(Debug)]
pub struct Records<'a> {
    /// The records that are not begun.
    left: std::slice::Iter<'a, Record>,
    current: Option<Current<'a>>,
    millis_behind: Option<u64>,
    state: State,
}

/// The record whose data is partly written.
#[derive(Debug)]
struct Current<'a> {
    record: &'a Record,
    /// The bytes of its data that are written.
    written: usize,
}

/// How far the message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is written.
    Begin,
    /// No record is begun: the next one gets no comma before it.
    First,
    /// A record is begun: the next one gets a comma before it.
    Further,
    /// The whole message is written.
    Done,
}

impl<'a> Records<'a> {
    /// The message for `records`. `millis_behind` is how far their batch is behind the newest
    /// record of the shard, in milliseconds; `None`, written as `null`, if the source does not say.
    #[must_use]
    pub fn new(records: &'a [Record], millis_behind: Option<u64>) -> Self {
        Self { left: records.iter(), current: None, millis_behind, state: State::Begin }
    }

    /// Appends the next piece to `out`. Returns whether another piece follows.
    pub fn write_piece(&mut self, out: &mut Vec<u8>) -> bool {
        let begin = out.len();
        while out.len() - begin < PIECE {
            if self.state == State::Done {
                return false;
            }
            self.step(out);
        }
        self.state != State::Done
    }

    /// Appends the smallest part: the beginning, a part of a record, or the end.
    fn step(&mut self, out: &mut Vec<u8>) {
        if self.state == State::Begin {
            out.extend_from_slice(b"{\"action\":");
            json::text(out, Action::ProcessRecords.name());
            out.extend_from_slice(b",\"records\":[");
            self.state = State::First;
        } else if let Some(current) = self.current.take() {
            self.current = current.go_on(out);
        } else if let Some(record) = self.left.next() {
            if self.state == State::Further {
                out.push(b',');
            }
            self.state = State::Further;
            out.extend_from_slice(b"{\"data\":\"");
            self.current = Some(Current { record, written: 0 });
        } else {
            out.extend_from_slice(b"],\"millisBehindLatest\":");
            match self.millis_behind {
                Some(millis) => json::number(out, millis),
                None => out.extend_from_slice(b"null"),
            }
            out.extend_from_slice(b"}\n");
            self.state = State::Done;
        }
    }
}

impl Current<'_> {
    /// Appends the next part of the data, and after the last part all other fields. Returns the
    /// record if some of its data is not written.
    fn go_on(self, out: &mut Vec<u8>) -> Option<Self> {
        let data = self.record.data.get(self.written..).unwrap_or_default();
        let (now, later) = data.split_at(data.len().min(ENCODED));
        encode(out, now);
        if !later.is_empty() {
            return Some(Self { written: self.written + now.len(), ..self });
        }
        out.push(b'"');
        let Record { partition_key, position, arrival, .. } = self.record;
        out.extend_from_slice(b",\"partitionKey\":");
        json::optional(out, partition_key.as_deref());
        out.extend_from_slice(b",\"sequenceNumber\":");
        json::text(out, position.sequence.as_str());
        out.extend_from_slice(b",\"approximateArrivalTimestamp\":");
        // Clients compute with this number: an unknown time is 0, because null would crash them.
        json::number(out, arrival.map_or(0, |at| at.as_millis()));
        out.extend_from_slice(b",\"subSequenceNumber\":");
        json::number(out, position.sub);
        out.extend_from_slice(b",\"action\":\"record\"}");
        None
    }
}

/// Appends `data` in base64.
fn encode(out: &mut Vec<u8>, data: &[u8]) {
    let begin = out.len();
    // Four characters for each three bytes, padding included.
    out.resize(begin + data.len().div_ceil(3) * 4, 0);
    let room = out.get_mut(begin..).unwrap_or_default();
    // The encoder fails only if the space is too small, and it is not.
    let written = STANDARD.encode_slice(data, room).unwrap_or_default();
    out.truncate(begin + written);
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use kcl_core::{
        env::WallTime,
        stream::{Position, Record},
    };
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn record(key: Option<&str>, data: Vec<u8>, sub: u64) -> Record {
        let position = Position::new(49_u128.into(), sub);
        let record = Record::new(position, key.map(str::to_owned), Bytes::from(data));
        record.arrived(WallTime::from_millis(1_769_850_000_007))
    }

    /// The whole message, and the size of its largest piece.
    fn whole(records: &[Record], behind: Option<u64>) -> (Vec<u8>, usize) {
        let (mut message, mut largest) = (Vec::new(), 0);
        let mut pieces = Records::new(records, behind);
        loop {
            let mut piece = Vec::new();
            let more = pieces.write_piece(&mut piece);
            largest = largest.max(piece.len());
            message.extend(piece);
            if !more {
                return (message, largest);
            }
        }
    }

    #[test]
    fn a_record_is_as_the_java_daemon_writes_it() {
        let (message, _) = whole(&[record(Some("k\"é"), b"hello".to_vec(), 2)], Some(17));
        let expected = "{\"action\":\"processRecords\",\"records\":[{\"data\":\"aGVsbG8=\",\
            \"partitionKey\":\"k\\\"\\u00e9\",\"sequenceNumber\":\"49\",\
            \"approximateArrivalTimestamp\":1769850000007,\"subSequenceNumber\":2,\
            \"action\":\"record\"}],\"millisBehindLatest\":17}\n";
        assert_eq!(String::from_utf8(message).unwrap(), expected);
    }

    #[test]
    fn every_field_is_there_even_where_nothing_is_known() {
        let unknown = Record::new(Position::new(49_u128.into(), 0), None, Bytes::new());
        let (message, _) = whole(&[unknown], None);
        let expected = json!({"action": "processRecords", "millisBehindLatest": null, "records": [
            {"action": "record", "data": "", "partitionKey": null, "sequenceNumber": "49",
             "approximateArrivalTimestamp": 0, "subSequenceNumber": 0}]});
        assert_eq!(serde_json::from_slice::<Value>(&message).unwrap(), expected);
        let (empty, _) = whole(&[], Some(0));
        let expected = json!({"action": "processRecords", "records": [], "millisBehindLatest": 0});
        assert_eq!(serde_json::from_slice::<Value>(&empty).unwrap(), expected);
    }

    #[test]
    fn a_large_record_is_written_in_small_pieces() {
        let (message, largest) = whole(&[record(None, vec![7; 10_000_000], 0)], None);
        assert!(message.len() > 13_000_000 && largest < 2 * PIECE, "{largest}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn pieces_join_to_what_was_meant(
            all in proptest::collection::vec((any::<Option<String>>(), 0_usize..80_000), 0..8),
        ) {
            let fill = |length: usize| (0..=250).cycle().take(length).collect::<Vec<u8>>();
            let records: Vec<Record> =
                all.iter().map(|(key, length)| record(key.as_deref(), fill(*length), 0)).collect();
            let (message, _) = whole(&records, Some(1));
            prop_assert!(message.is_ascii());
            let message: Value = serde_json::from_slice(&message).unwrap();
            let read = message["records"].as_array().unwrap();
            prop_assert_eq!(read.len(), records.len());
            for (read, record) in read.iter().zip(&records) {
                let data = STANDARD.decode(read["data"].as_str().unwrap()).unwrap();
                prop_assert_eq!(&data[..], &record.data[..]);
                prop_assert_eq!(read["partitionKey"].as_str(), record.partition_key.as_deref());
            }
        }
    }
}
