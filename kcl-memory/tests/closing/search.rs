//! Searching the small world, breadth first: what is found is the shortest way to it.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
};

use super::small::{Budget, Small, Step};

/// What a search came to.
#[derive(Debug)]
pub(crate) struct Searched {
    pub(crate) states: usize,
    /// What was broken, and the steps to it.
    pub(crate) broken: Option<(String, Vec<Step>)>,
}

/// Tells states apart: two 64-bit sums over what they are written as.
#[derive(Default)]
struct Sum(u64, u64);

impl fmt::Write for Sum {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let (words, rest) = text.as_bytes().as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.add(u64::from(*byte));
        }
        Ok(())
    }
}

impl Sum {
    const fn add(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        self.1 = self.1.rotate_left(5).wrapping_add(word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

fn sum(small: &Small) -> (u64, u64) {
    let mut sum = Sum(0xcbf2_9ce4_8422_2325, 0);
    small.print(&mut sum);
    let _ = sum.write_str("");
    (sum.0, sum.1)
}

/// Searches every state that can be reached.
pub(crate) fn search(budget: Budget) -> Searched {
    let first = Small::new(budget);
    // How each state was come by: the number of the state before, and the step.
    let mut ways: Vec<Option<(usize, Step)>> = vec![None];
    let mut known = BTreeMap::from([(sum(&first), 0_usize)]);
    let mut layer = vec![(0_usize, first)];
    while !layer.is_empty() {
        let mut next = Vec::new();
        for (number, state) in layer {
            for step in state.steps() {
                let mut after = state.clone();
                if let Err(what) = after.take(&step) {
                    let mut steps = vec![step];
                    let mut at = number;
                    while let Some((before, step)) = &ways[at] {
                        steps.push(step.clone());
                        at = *before;
                    }
                    steps.reverse();
                    return Searched { states: known.len(), broken: Some((what, steps)) };
                }
                let new = ways.len();
                if *known.entry(sum(&after)).or_insert(new) == new {
                    ways.push(Some((number, step)));
                    next.push((new, after));
                }
            }
        }
        layer = next;
    }
    Searched { states: known.len(), broken: None }
}
