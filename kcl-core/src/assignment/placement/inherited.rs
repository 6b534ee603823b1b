//! Which shards inherit a rule from ancestors whose rows were deleted: the document `inherited`,
//! which the planner alone writes.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{InvalidInherited, Target};
use crate::{
    lease::{Document, Epoch},
    stream::{ShardId, StreamKey},
};

/// The only format so far.
const FORMAT: u64 = 1;

/// Which shards follow the rule for another shard, or for a range, although no lease row leads from
/// one to the other any more.
///
/// An operator's rule for a shard holds for its descendants, too. The lease rows say which shard
/// descends from which, but they are deleted once their shards are past. So before it deletes a
/// row, the planner writes here which rule the shard's children follow because of it. It writes the
/// target of the rule, not its worker: if the operator changes or removes the rule, that counts for
/// all heirs; if the operator puts it back, they follow it again.
///
/// The document is [`crate::lease::DocName::inherited`], as JSON:
///
/// ```json
/// {"format": 1, "term": 7, "streams": [{"stream": {"name": "orders", "created": 5}, "from": [
///     {"shard": "shardId-000000000000", "to": ["shardId-000000000003"]},
///     {"range": "0-99", "to": ["shardId-000000000004"]}]}]}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    /// For each life of a stream, its heirs. A life without heirs has no entry.
    heirs: BTreeMap<StreamKey, Heirs>,
}

/// The heirs in one life of a stream: for each shard the target of the rule that it follows.
pub(super) type Heirs = BTreeMap<ShardId, Target>;

impl Inherited {
    /// Whether no shard inherits a rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heirs.is_empty()
    }

    /// Every shard that inherits a rule, with its stream and the target of that rule.
    pub fn iter(&self) -> impl Iterator<Item = (&StreamKey, &ShardId, &Target)> {
        self.heirs
            .iter()
            .flat_map(|(stream, heirs)| heirs.iter().map(move |(heir, from)| (stream, heir, from)))
    }

    /// The heirs in one life of a stream; `None` if there are none.
    pub(super) fn of(&self, stream: &StreamKey) -> Option<&Heirs> {
        self.heirs.get(stream)
    }

    /// Replaces the heirs in this life of a stream. Entries of the stream's former lives are
    /// dropped: the same names mean other shards now.
    pub fn replace(&mut self, stream: &StreamKey, heirs: BTreeMap<ShardId, Target>) {
        let is_former =
            |other: &StreamKey| other.name == stream.name && other.created < stream.created;
        self.heirs.retain(|other, _| other != stream && !is_former(other));
        if !heirs.is_empty() {
            self.heirs.insert(stream.clone(), heirs);
        }
    }

    /// Takes over the entries of `known` for shards that have none here.
    pub fn fill_in(&mut self, known: &Self) {
        for (stream, heir, from) in known.iter() {
            let heirs = self.heirs.entry(stream.clone()).or_default();
            heirs.entry(heir.clone()).or_insert_with(|| from.clone());
        }
    }

    /// The document as JSON, written by the planner of this term.
    ///
    /// # Errors
    /// When it is larger than [`Document::MAX_BODY`].
    pub fn encode(&self, term: Epoch) -> Result<Bytes, InvalidInherited> {
        let streams = self.heirs.iter().map(|(stream, heirs)| StreamForm::new(stream, heirs));
        let form = Form { format: FORMAT, term, streams: streams.collect() };
        let body = serde_json::to_vec(&form)?;
        if body.len() > Document::MAX_BODY {
            let shards = self.iter().count();
            return Err(InvalidInherited::TooLarge { shards, bytes: body.len() });
        }
        Ok(body.into())
    }

    /// Decodes what [`Self::encode`] returned, and the term. Unknown fields are ignored.
    ///
    /// # Errors
    /// When the body is no such document, or has a later format.
    pub fn decode(body: &[u8]) -> Result<(Epoch, Self), InvalidInherited> {
        let Header { format, .. } = serde_json::from_slice(body)?;
        if format != FORMAT {
            return Err(InvalidInherited::Format { found: format });
        }
        let form: Form = serde_json::from_slice(body)?;
        let mut heirs: BTreeMap<StreamKey, Heirs> = BTreeMap::new();
        for StreamForm { stream, from } in form.streams {
            let heirs = heirs.entry(stream).or_default();
            for origin in from {
                let target = origin.target()?;
                heirs.extend(origin.to.into_iter().map(|heir| (heir, target.clone())));
            }
        }
        heirs.retain(|_, heirs| !heirs.is_empty());
        Ok((form.term, Self { heirs }))
    }

    /// The term in a document whose other fields need not be readable; `None` if it has none.
    #[must_use]
    pub fn term_in(body: &[u8]) -> Option<Epoch> {
        serde_json::from_slice(body).ok().map(|Header { term, .. }| term)
    }
}

/// The fields that every format has.
#[derive(Deserialize)]
struct Header {
    format: u64,
    term: Epoch,
}

/// The form of the document in JSON.
#[derive(Serialize, Deserialize)]
struct Form {
    format: u64,
    term: Epoch,
    streams: Vec<StreamForm>,
}

/// The form of the heirs in one life of a stream.
#[derive(Serialize, Deserialize)]
struct StreamForm {
    stream: StreamKey,
    from: Vec<OriginForm>,
}

/// A target, and the shards that inherit from it. They stand together, since many shards inherit
/// from one target.
#[derive(Serialize, Deserialize)]
struct OriginForm {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shard: Option<ShardId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<String>,
    to: Vec<ShardId>,
}

impl StreamForm {
    fn new(stream: &StreamKey, heirs: &Heirs) -> Self {
        let mut by_target: BTreeMap<&Target, Vec<ShardId>> = BTreeMap::new();
        for (heir, from) in heirs {
            by_target.entry(from).or_default().push(heir.clone());
        }
        let origin = |(target, to): (&Target, Vec<ShardId>)| match target {
            Target::Shard(shard) => OriginForm { shard: Some(shard.clone()), range: None, to },
            Target::Range(range) => OriginForm { shard: None, range: Some(range.to_string()), to },
        };
        Self { stream: stream.clone(), from: by_target.into_iter().map(origin).collect() }
    }
}

impl OriginForm {
    /// The target in this form: exactly one of `shard` and `range` must be there.
    fn target(&self) -> Result<Target, InvalidInherited> {
        match (&self.shard, &self.range) {
            (Some(shard), None) => Ok(Target::Shard(shard.clone())),
            (None, Some(text)) => {
                let refused = |source| InvalidInherited::Range { text: text.clone(), source };
                text.parse().map(Target::Range).map_err(refused)
            }
            _ => Err(InvalidInherited::NotOneOrigin),
        }
    }
}
