//! The errors of placement rules.

use std::num::ParseIntError;

use super::Target;
use crate::{
    lease::{Document, InvalidName},
    stream::{HashRange, InvalidShardId},
};

/// Placement rules that cannot be decoded, or that contradict one another.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPlacement {
    /// A later version wrote them.
    #[error(
        "the placement rules are of format {found}, this version knows format 1 only: update it"
    )]
    Format {
        /// The format that they name.
        found: u64,
    },
    /// A rule names no target, or two.
    #[error("placement rule {number} must name a shard or a range, and not both")]
    NotOneTarget {
        /// The number of the rule, counted from 1.
        number: usize,
    },
    /// A rule has a range that cannot be parsed.
    #[error(
        "{text:?} in placement rule {number} is no range: expected START-END, two hash keys in \
         decimal"
    )]
    Range {
        /// The number of the rule, counted from 1.
        number: usize,
        /// The text of the range.
        text: String,
        /// The reason.
        #[source]
        source: ParseIntError,
    },
    /// A range ends before it starts.
    #[error("the placement range {range} ends before it starts: expected START-END")]
    RangeBackwards {
        /// The range.
        range: HashRange,
    },
    /// Two rules have the same target.
    #[error("there are two placement rules for {target}: only one could ever apply; remove one")]
    Duplicate {
        /// The target.
        target: Target,
    },
    /// Two ranges overlap, and neither lies within the other.
    #[error(
        "the placement ranges {one} and {other} cross: make one lie within the other, and the \
         narrower one holds there, or move them apart"
    )]
    Crossing {
        /// The range that starts first.
        one: HashRange,
        /// The other range.
        other: HashRange,
    },
    /// The rules make more than a document holds.
    #[error(
        "{rules} placement rules make {bytes} bytes, a document holds {}: use ranges in place of \
         single shards",
        Document::MAX_BODY
    )]
    TooLarge {
        /// How many rules there are.
        rules: usize,
        /// The size of the document, in bytes.
        bytes: usize,
    },
    /// It is no JSON or YAML of this form.
    #[error("the placement rules cannot be read")]
    Malformed(#[from] serde_json::Error),
}

/// A document `inherited` that cannot be decoded, or that is too large to be stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidInherited {
    /// A later version wrote it.
    #[error("it is of format {found}, this version knows format 1 only: update it")]
    Format {
        /// The format that it names.
        found: u64,
    },
    /// An entry names no origin, or two.
    #[error("what is inherited must come from a shard or a range, and not both")]
    NotOneOrigin,
    /// An entry has a range that cannot be parsed.
    #[error("{text:?} is no range: expected START-END, two hash keys in decimal")]
    Range {
        /// The text of the range.
        text: String,
        /// The reason.
        #[source]
        source: ParseIntError,
    },
    /// The entries make more than a document holds.
    #[error(
        "what {shards} shards inherit from shards that are gone makes {bytes} bytes, a document \
         holds {}: rows of ended leases are kept in its place; give these shards rules of their \
         own, by ranges, in place of the rules for their ancestors",
        Document::MAX_BODY
    )]
    TooLarge {
        /// How many shards inherit a rule.
        shards: usize,
        /// The size of the document, in bytes.
        bytes: usize,
    },
    /// It is no JSON of this form.
    #[error("it is not what a planner writes of what shards inherit")]
    Malformed(#[from] serde_json::Error),
}

/// A text of `shard:worker` pairs that cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMapping {
    /// A piece without a colon.
    #[error("{piece:?} in the shard mapping names no worker: expected shard:worker")]
    NoWorker {
        /// The piece, at most 300 characters of it.
        piece: String,
    },
    /// The text before the colon is no shard id.
    #[error("the piece {piece:?} of the shard mapping is wrong")]
    Shard {
        /// The piece, at most 300 characters of it.
        piece: String,
        /// The reason.
        #[source]
        source: InvalidShardId,
    },
    /// The text behind the colon is no worker id.
    #[error("the piece {piece:?} of the shard mapping is wrong")]
    Worker {
        /// The piece, at most 300 characters of it.
        piece: String,
        /// The reason.
        #[source]
        source: InvalidName,
    },
}
