//! What shards inherit from ancestors whose rows are gone: the planner's own document.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{InvalidInherited, Target};
use crate::{
    lease::{Document, Epoch},
    stream::{ShardId, StreamKey},
};

/// The one format there is.
const FORMAT: u64 = 1;

/// Which shards follow the rule for another shard, or for a range, although no row leads from the
/// one to the other any more.
///
/// An operator's rules hold for the descendants of the shards they name. What descends from what
/// stands in the rows of leases, and these are deleted once their shards are past. Before a row is
/// deleted, the planner writes down here which rule its shard's children follow by it: not what the
/// rule says, which is the operator's to change, but for what it is. So a rule that is changed or
/// taken back is so for all heirs, and one that is put back holds for them again.
///
/// As a document, [`crate::lease::DocName::inherited`]:
///
/// ```json
/// {"format": 1, "term": 7, "streams": [{"stream": {"name": "orders", "created": 5}, "from": [
///     {"shard": "shardId-000000000000", "to": ["shardId-000000000003"]},
///     {"range": "0-99", "to": ["shardId-000000000004"]}]}]}
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inherited {
    heirs: BTreeMap<StreamKey, Heirs>,
}

/// The shards of one life of a stream that inherit, and the target of the rule that each follows.
pub(super) type Heirs = BTreeMap<ShardId, Target>;

impl Inherited {
    /// Whether nothing is inherited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heirs.is_empty()
    }

    /// Every shard that inherits, and the target of the rule that it follows.
    pub fn iter(&self) -> impl Iterator<Item = (&StreamKey, &ShardId, &Target)> {
        self.heirs
            .iter()
            .flat_map(|(stream, heirs)| heirs.iter().map(move |(heir, from)| (stream, heir, from)))
    }

    /// The heirs of one life of a stream.
    pub(super) fn of(&self, stream: &StreamKey) -> Option<&Heirs> {
        self.heirs.get(stream)
    }

    /// The heirs of this life of a stream are these. What its former lives' shards inherited goes:
    /// the same names mean other shards now.
    pub fn replace(&mut self, stream: &StreamKey, heirs: BTreeMap<ShardId, Target>) {
        let is_former =
            |other: &StreamKey| other.name == stream.name && other.created < stream.created;
        self.heirs.retain(|other, _| other != stream && !is_former(other));
        if !heirs.is_empty() {
            self.heirs.insert(stream.clone(), heirs);
        }
    }

    /// Takes over what `known` says of shards of which nothing stands here.
    pub fn fill_in(&mut self, known: &Self) {
        for (stream, heir, from) in known.iter() {
            let heirs = self.heirs.entry(stream.clone()).or_default();
            heirs.entry(heir.clone()).or_insert_with(|| from.clone());
        }
    }

    /// As the body of a document, written by the planner of this term.
    ///
    /// # Errors
    /// When it is more than one document holds.
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

    /// Reads back what [`Self::encode`] gave, and the term. What later versions add is passed over.
    ///
    /// # Errors
    /// When the body is no such document, or is of a later format.
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

    /// The term in a document of which nothing else need make sense.
    #[must_use]
    pub fn term_in(body: &[u8]) -> Option<Epoch> {
        serde_json::from_slice(body).ok().map(|Header { term, .. }| term)
    }
}

/// What every format says.
#[derive(Deserialize)]
struct Header {
    format: u64,
    term: Epoch,
}

#[derive(Serialize, Deserialize)]
struct Form {
    format: u64,
    term: Epoch,
    streams: Vec<StreamForm>,
}

#[derive(Serialize, Deserialize)]
struct StreamForm {
    stream: StreamKey,
    from: Vec<OriginForm>,
}

/// What is inherited by which shards. Together, since many come of one.
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
