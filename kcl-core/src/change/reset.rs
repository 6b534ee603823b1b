//! The change that starts reading again from another position: for all shards, or for one.
//!
//! Pure: rows, documents and shards come in, a [`Target`] goes out.

mod all;
mod one;
mod place;
mod preview;

use std::sync::Arc;

pub use place::{InvalidPlace, Place};
pub use preview::{Move, Reach, moves};

use super::{
    design::{Design, Found, Unfit},
    target::Target,
};
use crate::{lease::Lease, settings::InitialPosition};

/// Starts reading again from another position.
///
/// ```
/// use kcl_core::change::{Design, Place, Reset};
///
/// let reset = Reset::one("shardId-000000000000", Place::TrimHorizon).and_descendants();
/// assert_eq!(
///     reset.what(),
///     "reset --lease shardId-000000000000 --to trim-horizon --with-descendants"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reset {
    /// All shards, as a first start of the application at this position would.
    All(InitialPosition),
    /// One shard.
    #[non_exhaustive]
    One {
        /// The shard's id, or the whole key of its lease.
        lease: Arc<str>,
        /// The position in the shard.
        to: Place,
        /// Whether the shard's descendants are read again, too, each from its trim horizon.
        with_descendants: bool,
    },
}

impl Reset {
    /// A reset of one shard, named by its id or by the whole key of its lease. Its descendants keep
    /// their checkpoints.
    #[must_use]
    pub fn one(lease: &str, to: Place) -> Self {
        Self::One { lease: lease.into(), to, with_descendants: false }
    }

    /// The same reset; for one shard its descendants are read again, too, each from its trim
    /// horizon.
    #[must_use]
    pub fn and_descendants(self) -> Self {
        match self {
            Self::One { lease, to, .. } => Self::One { lease, to, with_descendants: true },
            all @ Self::All(_) => all,
        }
    }
}

impl Design for Reset {
    fn what(&self) -> String {
        match self {
            Self::All(to) => format!("reset --to {}", Place::from(*to)),
            Self::One { lease, to, with_descendants } => {
                let descendants = if *with_descendants { " --with-descendants" } else { "" };
                format!("reset --lease {lease} --to {to}{descendants}")
            }
        }
    }

    fn plan(&self, found: &Found<'_>) -> Result<Target, Unfit> {
        let mine = of_this_stream(found)?;
        match self {
            Self::All(to) => all::plan(found, &mine, *to),
            Self::One { lease, to, with_descendants } => {
                one::plan(found, &mine, lease, to, *with_descendants)
            }
        }
    }
}

/// The rows of the stream's shards, in its present life.
fn of_this_stream<'a>(found: &Found<'a>) -> Result<Vec<&'a Lease>, Unfit> {
    let key = &found.stream.description.key;
    let shards = found.rows.iter().filter_map(|row| Some((row.key.stream()?, row)));
    let (of_name, others): (Vec<_>, Vec<_>) = shards.partition(|(of, _)| of.name == key.name);
    if let Some((other, _)) = others.first()
        && of_name.is_empty()
    {
        return Err(Unfit::OtherStream { here: other.name.clone(), asked: key.name.clone() });
    }
    let mine: Vec<&Lease> =
        of_name.into_iter().filter(|(of, _)| of == key).map(|(_, row)| row).collect();
    if mine.is_empty() {
        return Err(Unfit::Empty { stream: key.clone() });
    }
    Ok(mine)
}

#[cfg(test)]
mod tests;
