//! The copy: the content of each row and document before the change, and the content that it should
//! get.
//!
//! It is one JSON text, cut into documents of a size that every store takes. Each attempt writes
//! parts under names of its own. Then it puts the document `copy:N`, the head, which names the
//! parts, if there is none yet. So a change has one copy, which is complete from the moment its
//! head exists and is never rewritten.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::target::{DocChange, RowChange, Spot, Target};
use crate::lease::{
    CheckpointRecord, DocName, Document, InvalidCheckpoint, InvalidLeaseRecord, InvalidName,
    LeaseRecord,
};
use crate::stream::ShardId;

/// The largest size of a part, in bytes.
const PART: usize = Document::MAX_BODY - 10_000;

/// The rows and documents of an application before a change, and the content that they should get.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Copy {
    /// The number of the change that the copy was made for.
    pub change: u64,
    /// The change in the words of its command.
    pub what: String,
    /// The content of rows and documents before and after the change.
    pub target: Target,
    /// The documents that the change does not touch.
    pub others: Vec<Document>,
}

/// The document `copy:N`: which documents are the copy of change N.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    /// The turn that wrote the parts.
    pub(super) turn: String,
    /// The turn that began the change. The number alone does not name it: after the store lost a
    /// change, the number is given again.
    #[serde(default)]
    pub(super) begun: String,
    /// How many parts there are.
    pub(super) parts: usize,
    /// The length of the text, in bytes.
    pub(super) bytes: usize,
}

impl Head {
    pub(super) fn encode(&self) -> Bytes {
        serde_json::to_vec(self).unwrap_or_default().into()
    }

    pub(super) fn decode(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }

    /// Whether the copy belongs to the change that the turn `begun` began. Without such a turn
    /// (older builds) any does.
    pub(super) fn is_of(&self, begun: &str) -> bool {
        begun.is_empty() || self.begun == begun || planted!(CopyByNumberAlone)
    }

    /// The names of the parts, in order.
    pub(super) fn names(&self, change: u64) -> impl Iterator<Item = DocName> + '_ {
        (0..self.parts).map(move |part| DocName::copy_part(change, &self.turn, part))
    }
}

impl Copy {
    /// Cuts the copy into parts. The head that names them, and their contents.
    pub(super) fn parts(&self, turn: &str, begun: &str) -> (Head, Vec<Bytes>) {
        // Serialising plain structs with string keys into memory cannot fail.
        let text: Bytes = serde_json::to_vec(&Text::of(self)).unwrap_or_default().into();
        let cuts = (0..text.len()).step_by(PART);
        let parts: Vec<Bytes> =
            cuts.map(|from| text.slice(from..text.len().min(from + PART))).collect();
        let (turn, begun) = (turn.to_owned(), begun.to_owned());
        (Head { turn, begun, parts: parts.len(), bytes: text.len() }, parts)
    }

    /// Joins the parts again.
    ///
    /// # Errors
    /// When parts are missing, or the text is no copy.
    pub(super) fn read(head: &Head, parts: &[Bytes]) -> Result<Self, InvalidCopy> {
        let text = parts.concat();
        if parts.len() != head.parts || text.len() != head.bytes {
            return Err(InvalidCopy::Incomplete { bytes: text.len(), expected: head.bytes });
        }
        serde_json::from_slice::<Text>(&text)?.read()
    }
}

/// A stored copy that cannot be decoded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCopy {
    /// Parts are missing.
    #[error("it has {bytes} bytes instead of {expected}")]
    Incomplete {
        /// How many bytes there are.
        bytes: usize,
        /// How many bytes there should be.
        expected: usize,
    },
    /// It is no JSON of this form.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// A lease in it cannot be decoded.
    #[error(transparent)]
    Lease(#[from] InvalidLeaseRecord),
    /// A checkpoint in it cannot be decoded.
    #[error(transparent)]
    Checkpoint(#[from] InvalidCheckpoint),
    /// A document in it has a name that no document has.
    #[error(transparent)]
    Name(#[from] InvalidName),
}

/// The form of the copy in JSON.
#[derive(Debug, Serialize, Deserialize)]
struct Text {
    change: u64,
    what: String,
    rows: Vec<RowText>,
    docs: Vec<DocText>,
    others: Vec<OtherText>,
}

/// A [`RowChange`] in the copy.
#[derive(Debug, Serialize, Deserialize)]
struct RowText {
    /// The row as it was; for a lease without one, the row that the lineage would make.
    row: LeaseRecord,
    /// Whether there was a row.
    found: bool,
    /// The checkpoint that the row should get.
    to: CheckpointRecord,
    /// The children that the row should get with the end of its shard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    children: Vec<ShardId>,
}

/// A [`DocChange`] in the copy.
#[derive(Debug, Serialize, Deserialize)]
struct DocText {
    name: String,
    from: Body,
    to: Body,
}

/// A document in the copy that the change does not touch.
#[derive(Debug, Serialize, Deserialize)]
struct OtherText {
    name: String,
    body: Body,
}

/// The content of a document: as text, if it is UTF-8.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Body {
    Text(String),
    Bytes(Vec<u8>),
}

impl Body {
    fn of(bytes: &Bytes) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes(bytes.to_vec()),
        }
    }

    fn read(self) -> Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Bytes(bytes) => bytes.into(),
        }
    }
}

impl Text {
    fn of(copy: &Copy) -> Self {
        let row = |it: &RowChange| RowText {
            row: LeaseRecord::of(&it.row),
            found: it.found,
            to: CheckpointRecord::of(&it.to.checkpoint),
            children: it.to.children.clone(),
        };
        let name = |name: &DocName| name.as_str().to_owned();
        let doc = |it: &DocChange| DocText {
            name: name(&it.name),
            from: Body::of(&it.from),
            to: Body::of(&it.to),
        };
        let other = |it: &Document| OtherText { name: name(&it.name), body: Body::of(&it.body) };
        Self {
            change: copy.change,
            what: copy.what.clone(),
            rows: copy.target.rows.iter().map(row).collect(),
            docs: copy.target.docs.iter().map(doc).collect(),
            others: copy.others.iter().map(other).collect(),
        }
    }

    fn read(self) -> Result<Copy, InvalidCopy> {
        let mut target = Target::default();
        for it in self.rows {
            let to = Spot { checkpoint: it.to.read()?, children: it.children };
            target.rows.push(RowChange { row: it.row.read()?, found: it.found, to });
        }
        for it in self.docs {
            let name = it.name.parse()?;
            target.docs.push(DocChange { name, from: it.from.read(), to: it.to.read() });
        }
        let mut others = Vec::new();
        for it in self.others {
            others.push(Document::new(it.name.parse()?, 0, it.body.read()));
        }
        Ok(Copy { change: self.change, what: self.what, target, others })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::{Checkpoint, Epoch, Lease};
    use crate::stream::{Position, SequenceNumber};

    fn copy(rows: u64) -> Copy {
        let row = |n: u64| {
            let at = Checkpoint::After(Position::new(SequenceNumber::from(u128::from(n) + 1), 3));
            let key = format!("orders/7/shardId-{n:012}").parse().unwrap();
            let mut row = Lease::new(key, at).of_shard(vec!["p".parse().unwrap()], None);
            row.epoch = Epoch(1_769_850_000_000 + n);
            let mut change = RowChange::moved(&row, Spot::at(Checkpoint::TrimHorizon));
            if n == 1 {
                change.found = false;
                change.to =
                    Spot { checkpoint: Checkpoint::ShardEnd, children: vec!["c".parse().unwrap()] };
            }
            change
        };
        let doc = |name: &str, body: &'static [u8]| {
            Document::new(name.parse().unwrap(), 0, Bytes::from_static(body))
        };
        let start = DocChange {
            name: "start:orders:7".parse().unwrap(),
            from: Bytes::from_static(br#"{"at":5}"#),
            to: Bytes::from_static(br#"{"at":null}"#),
        };
        Copy {
            change: 3,
            what: "reset --to trim-horizon".to_owned(),
            target: Target { rows: (0..rows).map(row).collect(), docs: vec![start] },
            others: vec![doc("placement", b"\xff no text"), doc("assignment:w1", b"{}")],
        }
    }

    #[test]
    fn a_copy_of_any_size_reads_back_from_parts_that_every_store_takes() {
        for (rows, at_least) in [(0, 1), (2, 1), (4_000, 3)] {
            let (head, parts) = copy(rows).parts("t1", "t0");
            assert!(parts.len() >= at_least, "{} parts", parts.len());
            assert!(parts.iter().all(|part| part.len() <= Document::MAX_BODY));
            let head = Head::decode(&head.encode()).unwrap();
            assert_eq!(head.names(3).count(), parts.len());
            assert_eq!(Copy::read(&head, &parts).unwrap(), copy(rows));
        }
    }

    #[test]
    fn a_part_that_is_missing_or_cut_is_noticed() {
        let (head, mut parts) = copy(4_000).parts("t1", "t0");
        let last = parts.pop().unwrap();
        assert!(Copy::read(&head, &parts).is_err());
        parts.push(last.slice(1..));
        assert!(Copy::read(&head, &parts).is_err());
    }
}
