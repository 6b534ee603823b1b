//! The queue of events: both simulators take from it what happens next.

use std::{cmp::Reverse, collections::BinaryHeap};

/// Events in the order of their times. Events of the same time come in the order in which they were
/// put, so that equal runs have equal orders.
#[derive(Debug)]
pub(super) struct EventQueue<T, E> {
    /// For each event its time, its number, and its place in `slots`. Numbers are unique, so no two
    /// entries are equal to the heap.
    heap: BinaryHeap<Reverse<(T, u64, usize)>>,
    /// The events, at the places that the heap names.
    slots: Vec<Option<E>>,
    /// Places in `slots` that have no event.
    free: Vec<usize>,
    /// How many events were ever put: the number of the newest.
    sequence: u64,
}

impl<T: Ord, E> Default for EventQueue<T, E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), slots: Vec::new(), free: Vec::new(), sequence: 0 }
    }
}

impl<T: Copy + Ord, E> EventQueue<T, E> {
    /// Puts an event into the queue. The caller ensures that `at` is not in the past.
    pub(super) fn put(&mut self, at: T, event: E) {
        self.sequence += 1;
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot] = Some(event);
                slot
            }
            None => {
                self.slots.push(Some(event));
                self.slots.len() - 1
            }
        };
        self.heap.push(Reverse((at, self.sequence, slot)));
    }

    /// The time of the next event; `None` if there is none.
    #[cfg(feature = "simulation")]
    pub(super) fn next_at(&self) -> Option<T> {
        self.heap.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the next event, unless its time is after `end`.
    pub(super) fn pop(&mut self, end: T) -> Option<(T, E)> {
        let Reverse((at, _, slot)) = *self.heap.peek()?;
        if at > end {
            return None;
        }
        self.heap.pop();
        self.free.push(slot);
        Some((at, self.slots[slot].take()?))
    }

    /// All events with their times, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (T, &E)> {
        self.heap
            .iter()
            .filter_map(|Reverse((at, _, slot))| Some((*at, self.slots[*slot].as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_first_comes_first_and_of_one_time_what_was_put_first() {
        let mut queue = EventQueue::default();
        for (at, event) in [(3, 'd'), (1, 'a'), (2, 'b'), (2, 'c')] {
            queue.put(at, event);
        }
        assert_eq!((queue.next_at(), queue.pop(0)), (Some(1), None));
        assert_eq!(queue.pop(1), Some((1, 'a')));
        // A place that is free again changes nothing of the order.
        queue.put(2, 'e');
        assert_eq!(queue.iter().count(), 4);
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop(9)).collect();
        assert_eq!(rest, [(2, 'b'), (2, 'c'), (2, 'e'), (3, 'd')]);
        assert_eq!(queue.next_at(), None);
    }
}
