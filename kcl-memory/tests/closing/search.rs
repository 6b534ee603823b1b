//! Searching the small world, breadth first: what is found is the shortest way to it.

use std::collections::BTreeMap;

use super::small::{Budget, Small, Step};

/// What a search came to.
#[derive(Debug)]
pub(crate) struct Searched {
    pub(crate) states: usize,
    /// What was broken, and the steps to it.
    pub(crate) broken: Option<(String, Vec<Step>)>,
}

/// Searches every state that can be reached.
pub(crate) fn search(budget: Budget) -> Searched {
    let first = Small::new(budget);
    // How each state was come by: the number of the state before, and the step.
    let mut ways: Vec<Option<(usize, Step)>> = vec![None];
    let mut known = BTreeMap::from([(first.sum(), 0_usize)]);
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
                if *known.entry(after.sum()).or_insert(new) == new {
                    ways.push(Some((number, step)));
                    next.push((new, after));
                }
            }
        }
        layer = next;
    }
    Searched { states: known.len(), broken: None }
}
