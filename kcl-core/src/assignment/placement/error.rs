//! What can be wrong with placement rules.

use std::num::ParseIntError;

use super::Target;
use crate::{
    lease::{Document, InvalidName},
    stream::{HashRange, InvalidShardId},
};

/// Placement rules that make no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPlacement {
    /// Written by a later version.
    #[error(
        "the placement rules are of format {found}, this version knows format 1 only: update it"
    )]
    Format {
        /// The format they say.
        found: u64,
    },
    /// A rule for nothing, or for two things.
    #[error("placement rule {number} must name a shard or a range, and not both")]
    NotOneTarget {
        /// Which rule, counted from 1.
        number: usize,
    },
    /// A range that cannot be read.
    #[error(
        "{text:?} in placement rule {number} is no range: expected START-END, two hash keys in \
         decimal"
    )]
    Range {
        /// Which rule, counted from 1.
        number: usize,
        /// What it says.
        text: String,
        /// What is wrong with it.
        #[source]
        source: ParseIntError,
    },
    /// A range that ends before it starts.
    #[error("the placement range {range} ends before it starts: expected START-END")]
    RangeBackwards {
        /// The range.
        range: HashRange,
    },
    /// Two rules for the same target.
    #[error("there are two placement rules for {target}: only one could ever apply; remove one")]
    Duplicate {
        /// The target.
        target: Target,
    },
    /// Two ranges that overlap, and of which neither lies in the other.
    #[error(
        "the placement ranges {one} and {other} cross: make one lie within the other, and the \
         narrower one holds there, or move them apart"
    )]
    Crossing {
        /// The one that starts first.
        one: HashRange,
        /// The other.
        other: HashRange,
    },
    /// More rules than a document holds.
    #[error(
        "{rules} placement rules make {bytes} bytes, a document holds {}: use ranges in place of \
         single shards",
        Document::MAX_BODY
    )]
    TooLarge {
        /// How many rules there are.
        rules: usize,
        /// How large they are together.
        bytes: usize,
    },
    /// Not the document it should be.
    #[error("the placement rules cannot be read")]
    Malformed(#[from] serde_json::Error),
}

/// What the planner wrote down of what shards inherit, and makes no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidInherited {
    /// Written by a later version.
    #[error("it is of format {found}, this version knows format 1 only: update it")]
    Format {
        /// The format it says.
        found: u64,
    },
    /// Something is inherited from nothing, or from two things.
    #[error("what is inherited must come from a shard or a range, and not both")]
    NotOneOrigin,
    /// A range that cannot be read.
    #[error("{text:?} is no range: expected START-END, two hash keys in decimal")]
    Range {
        /// What it says.
        text: String,
        /// What is wrong with it.
        #[source]
        source: ParseIntError,
    },
    /// More than a document holds.
    #[error(
        "what {shards} shards inherit from shards that are gone makes {bytes} bytes, a document \
         holds {}: rows of ended leases are kept in its place; give these shards rules of their \
         own, by ranges, in place of the rules for their ancestors",
        Document::MAX_BODY
    )]
    TooLarge {
        /// How many shards inherit.
        shards: usize,
        /// How large that is.
        bytes: usize,
    },
    /// Not the document it should be.
    #[error("it is not what a planner writes of what shards inherit")]
    Malformed(#[from] serde_json::Error),
}

/// A text of `shard:worker` pairs that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMapping {
    /// No colon.
    #[error("{piece:?} in the shard mapping names no worker: expected shard:worker")]
    NoWorker {
        /// The piece.
        piece: String,
    },
    /// What stands before the colon is no shard.
    #[error("the piece {piece:?} of the shard mapping is wrong")]
    Shard {
        /// The piece.
        piece: String,
        /// What is wrong with it.
        #[source]
        source: InvalidShardId,
    },
    /// What stands behind the colon is no worker.
    #[error("the piece {piece:?} of the shard mapping is wrong")]
    Worker {
        /// The piece.
        piece: String,
        /// What is wrong with it.
        #[source]
        source: InvalidName,
    },
}
