//! What the parts of a coordinator say to one another. Who hears it, stands in `hear.rs`.

use super::{
    gather::gathers, handoff::signal as handoff, inbox::signal as inbox, member::signal as member,
    planner::signal as planner, succession::signal as succession, watch::signal as watch,
};

/// Something that one part has to say.
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
