//! Hash keys that no open shard covers.

use kcl_core::{
    lineage::gaps,
    stream::{HashRange, Shard},
};

/// The parts of the hash-key space that no open shard covers; `None` if the shards do not say what
/// they cover.
pub(super) fn holes(shards: &[Shard]) -> Option<Vec<HashRange>> {
    let open = shards.iter().filter(|shard| !shard.closed);
    let ranges: Option<Vec<HashRange>> = open.map(|shard| shard.range).collect();
    ranges.filter(|ranges| !ranges.is_empty()).map(gaps)
}

#[cfg(test)]
mod tests {
    use kcl_core::stream::HashKey;
    use proptest::prelude::*;

    use super::*;

    fn open(start: HashKey, end: HashKey) -> Shard {
        Shard::open("shardId-0".parse().unwrap(), HashRange::new(start, end))
    }

    proptest! {
        #[test]
        fn what_is_no_hole_is_covered(
            cuts in proptest::collection::btree_set(1..HashKey::MAX, 1..12),
            taken in any::<prop::sample::Index>(),
        ) {
            let starts: Vec<HashKey> = std::iter::once(0).chain(cuts).collect();
            let ends = starts[1..].iter().map(|start| start - 1).chain([HashKey::MAX]);
            let mut shards: Vec<Shard> =
                starts.iter().zip(ends).map(|(start, end)| open(*start, end)).collect();
            prop_assert_eq!(holes(&shards), Some(Vec::new()));
            let gone = shards.remove(taken.index(shards.len()));
            prop_assert_eq!(holes(&shards), Some(vec![gone.range.unwrap()]));
            let mut closed = gone.clone();
            closed.closed = true;
            shards.push(closed);
            prop_assert_eq!(holes(&shards), Some(vec![gone.range.unwrap()]), "it is closed");
        }
    }

    #[test]
    fn shards_without_hash_keys_have_no_holes() {
        assert_eq!(holes(&[Shard::new("shardId-0".parse().unwrap())]), None);
        assert_eq!(holes(&[]), None, "no stream has no shards: nothing is known");
    }
}
