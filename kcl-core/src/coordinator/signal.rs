//! The signals by which the parts of a coordinator notify one another. `hear.rs` lists which parts
//! react to which signal.

use super::{
    gather::gathers, handoff::signal as handoff, inbox::signal as inbox, member::signal as member,
    planner::signal as planner, succession::signal as succession, watch::signal as watch,
};

/// A signal of one part to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Member(member::Signal),
    Handoff(handoff::Signal),
    Watch(watch::Signal),
    Succession(succession::Signal),
    Planner(planner::Signal),
    Inbox(inbox::Signal),
}

gathers! { Signal:
    Member of member::Signal;
    Handoff of handoff::Signal;
    Watch of watch::Signal;
    Succession of succession::Signal;
    Planner of planner::Signal;
    Inbox of inbox::Signal;
}
