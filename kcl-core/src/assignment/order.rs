//! Orders of leases that do not depend on the order of the input.

use std::{
    cmp::{Ordering, Reverse},
    iter,
    time::Duration,
};

use super::{LeaseView, View};

/// The greatest lag first, then the order of keys. An unknown lag counts as the greatest: such a
/// lease may have waited longest.
pub(super) fn most_lagging_first(view: &View, a: usize, b: usize) -> Ordering {
    let rank = |lease: &LeaseView| Reverse(lease.lag.unwrap_or(Duration::MAX));
    let (a, b) = (&view.leases[a], &view.leases[b]);
    rank(a).cmp(&rank(b)).then_with(|| a.key.cmp(&b.key))
}

/// Sorts items by the keys of their leases.
///
/// The keys of one stream differ only near their ends, so comparing whole keys is most of the cost
/// of a large plan. Here the common beginning of all keys is found once, and the eight bytes behind
/// it are compared.
pub(super) fn by_key<T: Copy>(view: &View, items: &mut [T], lease: impl Fn(&T) -> usize) {
    /// Up to this many items the usual sort is faster.
    const FEW: usize = 64;
    let key = |item: &T| view.leases[lease(item)].key.as_str().as_bytes();
    if items.len() <= FEW {
        items.sort_unstable_by(|a, b| key(a).cmp(key(b)));
    } else if !items.is_sorted_by(|a, b| key(a) <= key(b)) {
        let keys: Vec<&[u8]> = items.iter().map(key).collect();
        let mut tagged: Vec<Tagged> = (0..items.len()).map(|at| (0, at)).collect();
        sort_from(&keys, &mut tagged, 0);
        let sorted: Vec<T> = tagged.into_iter().map(|(_, at)| items[at]).collect();
        items.copy_from_slice(&sorted);
    }
}

/// Eight bytes of a key as a number, and the key's index.
type Tagged = (u64, usize);

/// Sorts keys that have their first `from` bytes in common.
fn sort_from(keys: &[&[u8]], tagged: &mut [Tagged], from: usize) {
    let rest = |at: usize| keys[at].get(from..).unwrap_or(&[]);
    let (Some(first), true) = (tagged.first(), tagged.len() > 1) else { return };
    let mut shared = rest(first.1);
    for (_, at) in tagged.iter() {
        let rest = rest(*at);
        if !rest.starts_with(shared) {
            let alike = shared.iter().zip(rest).take_while(|(a, b)| a == b).count();
            shared = &shared[..alike];
        }
    }
    for (tag, at) in tagged.iter_mut() {
        *tag = eight_bytes(&rest(*at)[shared.len()..]);
    }
    tagged.sort_unstable();
    let next = from + shared.len() + size_of::<u64>();
    for run in tagged.chunk_by_mut(|a, b| a.0 == b.0) {
        let is_over = run.iter().all(|(_, at)| keys[*at].len() <= next);
        if !is_over {
            sort_from(keys, run, next);
        }
    }
}

/// The first eight bytes as a number of the same order. Keys contain no zero bytes, so shorter keys
/// come first.
fn eight_bytes(text: &[u8]) -> u64 {
    let bytes = text.iter().copied().chain(iter::repeat(0)).take(size_of::<u64>());
    bytes.fold(0, |number, byte| number << u8::BITS | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lease::LeaseKey;

    proptest! {
        #[test]
        fn keys_are_sorted_as_text_is(texts in prop::collection::btree_set("[ab]{1,14}", 0..200)) {
            let key = |text: &String| format!("{text}/1/s").parse::<LeaseKey>().unwrap();
            let by_length = |text: &&String| (text.len(), (*text).clone());
            let mut texts: Vec<&String> = texts.iter().collect();
            texts.sort_by_key(by_length);
            let leases = texts.into_iter().map(key).map(LeaseView::new).collect();
            let view = View::new(leases, Vec::new());
            let mut sorted: Vec<usize> = (0..view.leases.len()).collect();
            by_key(&view, &mut sorted, |lease| *lease);
            prop_assert!(sorted.is_sorted_by_key(|lease| &view.leases[*lease].key));
        }
    }
}
