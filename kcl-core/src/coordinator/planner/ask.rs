//! What the planner's parts ask the store for, and what they are answered, as one.

use super::{
    catalogue::ask as catalogue, janitor::ask as janitor, loads::ask as loads, moves::ask as moves,
    publisher::ask as publisher, telling::ask as telling,
};
use crate::coordinator::{call::StoreOutcome, gather::gathers};

/// What was asked for, until the answer comes.
#[derive(Clone, Debug)]
pub(in crate::coordinator) enum Ask {
    Catalogue(catalogue::Ask),
    Moves(moves::Ask),
    Publisher(publisher::Ask),
    Janitor(janitor::Ask),
    Loads(loads::Ask),
    Telling(telling::Ask),
}

/// What came back.
pub(in crate::coordinator) enum Answer {
    Catalogue(catalogue::Answer),
    Moves(moves::Answer),
    Publisher(publisher::Answer),
    Janitor(janitor::Answer),
    Loads(loads::Answer),
    Telling(telling::Answer),
}

gathers! { Ask:
    Catalogue of catalogue::Ask;
    Moves of moves::Ask;
    Publisher of publisher::Ask;
    Janitor of janitor::Ask;
    Loads of loads::Ask;
    Telling of telling::Ask;
}

impl Ask {
    /// The answer to it.
    pub(in crate::coordinator) fn answered(self, outcome: StoreOutcome) -> Answer {
        match self {
            Self::Catalogue(ask) => Answer::Catalogue(ask.answered(outcome)),
            Self::Moves(ask) => Answer::Moves(ask.answered(outcome)),
            Self::Publisher(ask) => Answer::Publisher(ask.answered(outcome)),
            Self::Janitor(ask) => Answer::Janitor(ask.answered(outcome)),
            Self::Loads(ask) => Answer::Loads(ask.answered(outcome)),
            Self::Telling(ask) => Answer::Telling(ask.answered(outcome)),
        }
    }
}
