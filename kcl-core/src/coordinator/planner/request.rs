//! The requests and replies of the planner's parts, gathered.

use super::{
    catalogue::request as catalogue, janitor::request as janitor, loads::request as loads,
    moves::request as moves, publisher::request as publisher, telling::request as telling,
};
use crate::coordinator::{call::StoreOutcome, gather::gathers};

/// A request of one of the planner's parts, until the reply comes.
#[derive(Clone, Debug)]
pub(in crate::coordinator) enum Request {
    Catalogue(catalogue::Request),
    Moves(moves::Request),
    Publisher(publisher::Request),
    Janitor(janitor::Request),
    Loads(loads::Request),
    Telling(telling::Request),
}

/// A reply to one of the planner's parts.
pub(in crate::coordinator) enum Reply {
    Catalogue(catalogue::Reply),
    Moves(moves::Reply),
    Publisher(publisher::Reply),
    Janitor(janitor::Reply),
    Loads(loads::Reply),
    Telling(telling::Reply),
}

gathers! { Request:
    Catalogue of catalogue::Request;
    Moves of moves::Request;
    Publisher of publisher::Request;
    Janitor of janitor::Request;
    Loads of loads::Request;
    Telling of telling::Request;
}

impl Request {
    /// The reply to this request.
    pub(in crate::coordinator) fn answered(self, outcome: StoreOutcome) -> Reply {
        match self {
            Self::Catalogue(ask) => Reply::Catalogue(ask.answered(outcome)),
            Self::Moves(ask) => Reply::Moves(ask.answered(outcome)),
            Self::Publisher(ask) => Reply::Publisher(ask.answered(outcome)),
            Self::Janitor(ask) => Reply::Janitor(ask.answered(outcome)),
            Self::Loads(ask) => Reply::Loads(ask.answered(outcome)),
            Self::Telling(ask) => Reply::Telling(ask.answered(outcome)),
        }
    }
}
