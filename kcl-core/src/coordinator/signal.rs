//! What the parts of a coordinator say to one another. Who hears it, stands in `hear.rs`.

use super::{
    handoff::signal as handoff, member::signal as member, planner::signal as planner,
    succession::signal as succession, watch::signal as watch,
};

macro_rules! signals {
    ($($part:ident of $signal:ty;)+) => {
        /// Something that one part has to say.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(super) enum Signal {
            $($part($signal),)+
        }

        $(
            impl From<$signal> for Signal {
                fn from(signal: $signal) -> Self {
                    Self::$part(signal)
                }
            }
        )+
    };
}

signals! {
    Member of member::Signal;
    Handoff of handoff::Signal;
    Watch of watch::Signal;
    Succession of succession::Signal;
    Planner of planner::Signal;
}
