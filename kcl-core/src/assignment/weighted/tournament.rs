//! Finding the worker with the least of all.

use super::loads::Loads;
use crate::assignment::draft::Draft;

/// The value that is compared first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Least {
    /// The least load, then the fewest leases.
    Loaded,
    /// The fewest leases, then the least load.
    Held,
}

/// Finds the worker with the least of all. It is a tournament: when a worker changes, only its
/// matches are played again.
#[derive(Debug)]
pub(super) struct MinTournament {
    by: Least,
    /// The workers in the order of ids.
    by_rank: Vec<usize>,
    /// In the first half the winner of each match, the final at 1; in the second half the workers.
    matches: Vec<Node>,
}

/// The standing of a worker in one number: the value compared first, the value compared second, and
/// the worker's place in the order of ids.
type Node = u128;

/// The standing of a worker without free seats.
const OUT: Node = Node::MAX;

impl MinTournament {
    pub(super) fn new(by: Least, draft: &Draft<'_>, loads: &Loads) -> Self {
        let mut by_rank: Vec<usize> = (0..draft.load.len()).collect();
        by_rank.sort_unstable_by_key(|worker| draft.rank[*worker]);
        let mut matches = vec![OUT; 2 * by_rank.len().next_power_of_two()];
        let first = matches.len() / 2;
        for (place, worker) in matches[first..].iter_mut().zip(&by_rank) {
            *place = node(by, *worker, draft, loads);
        }
        for at in (1..first).rev() {
            matches[at] = matches[2 * at].min(matches[2 * at + 1]);
        }
        Self { by, by_rank, matches }
    }

    /// Whether two workers have the same load and the same number of leases.
    pub(super) fn are_even(&self, a: usize, b: usize, draft: &Draft<'_>, loads: &Loads) -> bool {
        let above_rank = |worker: usize| node(self.by, worker, draft, loads) >> RANK_BITS;
        above_rank(a) == above_rank(b)
    }

    /// Takes note of a worker whose load or number of leases has changed.
    pub(super) fn note(&mut self, worker: usize, draft: &Draft<'_>, loads: &Loads) {
        self.replay(draft.rank[worker], node(self.by, worker, draft, loads));
    }

    /// The worker with free seats that has the least; those in `except` do not count.
    pub(super) fn least(
        &mut self,
        except: [Option<usize>; 2],
        draft: &Draft<'_>,
        loads: &Loads,
    ) -> Option<usize> {
        let except = except.into_iter().flatten();
        except.clone().for_each(|worker| self.replay(draft.rank[worker], OUT));
        let least = Some(self.matches[1]).filter(|least| *least != OUT);
        except.for_each(|worker| self.note(worker, draft, loads));
        least.and_then(|least| self.by_rank.get(rank(least)).copied())
    }

    /// Plays the matches of a worker again.
    fn replay(&mut self, rank: usize, node: Node) {
        let mut at = self.matches.len() / 2 + rank;
        self.matches[at] = node;
        while at > 1 {
            let winner = self.matches[at].min(self.matches[at ^ 1]);
            at /= 2;
            if self.matches[at] == winner {
                return;
            }
            self.matches[at] = winner;
        }
    }
}

/// The bits of a worker's place and of a number of leases: a view indexes both with 32 bits.
const RANK_BITS: u32 = u32::BITS;

/// The standing of a worker. The bits for the value compared first come first, so that comparing
/// two numbers compares the values in their order.
fn node(by: Least, worker: usize, draft: &Draft<'_>, loads: &Loads) -> Node {
    if draft.room(worker) == 0 {
        return OUT;
    }
    let load = u128::from(loads.get(worker));
    let (count, rank) = (draft.load[worker] as u128, draft.rank[worker] as u128);
    let what = match by {
        Least::Loaded => load << u32::BITS | count,
        Least::Held => count << u64::BITS | load,
    };
    what << RANK_BITS | rank
}

/// The place in the order of ids of the worker with this standing.
fn rank(node: Node) -> usize {
    usize::try_from(node & Node::from(u32::MAX)).unwrap_or(usize::MAX)
}
