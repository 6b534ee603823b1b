//! The deadlines of all parts: one set, in the order of time. The next wake-up of the coordinator
//! is the first of them.
//!
//! - A part with one deadline sets it after each event, whether it changed or not. So none can be
//!   forgotten.
//! - `handoff` and `watch` have deadlines for hundreds of leases and sessions. They set those of
//!   the entries that were touched, which [`super::noted::Noted`] knows.
//!
//! What is due is done in the order of [`Due`], not in the order of time: part by part, and within
//! a part by the name of the lease or session. So a run is the same whichever deadline came first.

use std::collections::{BTreeMap, BTreeSet};

use super::{handoff::due as handoff, watch::due as watch};
use crate::env::Time;

/// A deadline: the part that is due, and its lease or session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Member,
    Handoff(handoff::Due),
    Watch(watch::Due),
    Succession,
    Planner,
    Inbox,
    Reporting,
    /// The next description of a stream is to be asked for.
    Describe,
    Leaving,
}

/// The deadlines of the parts that have one each.
const FEW: [Due; 7] = [
    Due::Member,
    Due::Succession,
    Due::Planner,
    Due::Inbox,
    Due::Reporting,
    Due::Describe,
    Due::Leaving,
];

impl Due {
    /// Its place in [`FEW`], if it has one.
    const fn place(&self) -> Option<usize> {
        Some(match self {
            Self::Member => 0,
            Self::Succession => 1,
            Self::Planner => 2,
            Self::Inbox => 3,
            Self::Reporting => 4,
            Self::Describe => 5,
            Self::Leaving => 6,
            Self::Handoff(_) | Self::Watch(_) => return None,
        })
    }
}

/// The deadlines of all parts: see the module.
#[derive(Debug)]
pub(super) struct Deadlines {
    /// The deadlines of [`FEW`], by place; [`Time::NEVER`] where there is none.
    few: [Time; FEW.len()],
    /// The deadlines of leases and sessions.
    at: BTreeMap<Due, Time>,
    /// The same deadlines in the order of time.
    order: BTreeSet<(Time, Due)>,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { few: [Time::NEVER; FEW.len()], at: BTreeMap::new(), order: BTreeSet::new() }
    }
}

impl Deadlines {
    /// Sets a deadline, or moves it; [`Time::NEVER`] clears it.
    pub(super) fn set(&mut self, due: Due, at: Time) {
        if let Some(place) = due.place() {
            self.few[place] = at;
            return;
        }
        let before = self.at.get(&due).copied().unwrap_or(Time::NEVER);
        if before == at {
            return;
        }
        if before != Time::NEVER {
            self.order.remove(&(before, due.clone()));
        }
        if at == Time::NEVER {
            self.at.remove(&due);
            return;
        }
        self.at.insert(due.clone(), at);
        if takes_its_place(before) {
            self.order.insert((at, due));
        }
    }

    /// The first deadline; [`Time::NEVER`] if there is none.
    pub(super) fn first(&self) -> Time {
        let first = self.order.first().map_or(Time::NEVER, |(at, _)| *at);
        self.few.iter().fold(first, |first, at| first.min(*at))
    }

    /// The deadlines of one part that have come at `by`, in the order of [`Due`].
    fn due_by<T: Clone + Ord>(
        &self,
        by: Time,
        of_part: impl Fn(&Due) -> Option<&T>,
    ) -> BTreeSet<T> {
        let due = self.order.iter().take_while(|(at, _)| *at <= by);
        due.filter_map(|(_, due)| of_part(due)).cloned().collect()
    }

    /// The deadlines of leases that have come at `by`.
    pub(super) fn of_leases(&self, by: Time) -> BTreeSet<handoff::Due> {
        self.due_by(by, |due| if let Due::Handoff(due) = due { Some(due) } else { None })
    }

    /// The deadlines of sessions that have come at `by`.
    pub(super) fn of_sessions(&self, by: Time) -> BTreeSet<watch::Due> {
        self.due_by(by, |due| if let Due::Watch(due) = due { Some(due) } else { None })
    }

    /// Clears all deadlines: they belonged to a session that is over.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// A deadline in which this set differs from `all`, which are the parts' own; [`Time::NEVER`]
    /// counts as none.
    #[cfg(any(test, debug_assertions))]
    pub(super) fn differs_from(&self, all: impl IntoIterator<Item = (Due, Time)>) -> Option<Due> {
        let all = all.into_iter().filter(|(_, at)| *at != Time::NEVER);
        let (few, all): (BTreeMap<Due, Time>, BTreeMap<Due, Time>) =
            all.partition(|(due, _)| due.place().is_some());
        let is_other = |due: &&Due| all.get(*due) != self.at.get(*due);
        let order: BTreeSet<(Time, Due)> = all.iter().map(|(due, at)| (*at, due.clone())).collect();
        let unordered = order.symmetric_difference(&self.order).map(|(_, due)| due);
        let other = all.keys().chain(self.at.keys()).find(is_other).or_else(|| unordered.last());
        let mut known = FEW.iter().zip(self.few);
        let other_few = known.find(|(due, at)| few.get(*due).unwrap_or(&Time::NEVER) != at);
        other.or_else(|| other_few.map(|(due, _)| due)).cloned()
    }
}

/// Whether a deadline that is moved takes its new place in the order of time.
fn takes_its_place(before: Time) -> bool {
    before == Time::NEVER || !planted!(MovedDeadlineForgotten)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Some of the deadlines, by number.
    fn due(number: u8) -> Due {
        let key = |number| format!("orders/5/shardId-00000000000{number}").parse().unwrap();
        match number {
            0 => Due::Member,
            1 => Due::Watch(watch::Due::List),
            2 => Due::Leaving,
            3 | 4 => Due::Handoff(handoff::Due::WantedLease(key(number))),
            _ => Due::Handoff(handoff::Due::Checkpoint(key(number))),
        }
    }

    proptest! {
        #[test]
        fn however_deadlines_are_set_moved_and_cleared_the_first_is_the_least(
            sets in proptest::collection::vec((0_u8..8, 0_u64..6), 0..60),
        ) {
            let mut deadlines = Deadlines::default();
            let mut model: BTreeMap<Due, Time> = BTreeMap::new();
            for (number, at) in sets {
                let at = if at == 5 { Time::NEVER } else { Time::from_millis(at) };
                deadlines.set(due(number), at);
                model.insert(due(number), at);
                let least = model.values().min().copied().unwrap_or(Time::NEVER);
                prop_assert_eq!(deadlines.first(), least);
                prop_assert_eq!(deadlines.differs_from(model.clone()), None);
                let by = Time::from_millis(2);
                let leases = model.iter().filter_map(|(due, at)| match due {
                    Due::Handoff(due) if *at <= by => Some(due.clone()),
                    _ => None,
                });
                prop_assert_eq!(deadlines.of_leases(by), leases.collect::<BTreeSet<_>>());
            }
        }
    }

    #[test]
    fn each_of_the_few_has_its_own_place() {
        let places: Vec<_> = FEW.iter().map(Due::place).collect();
        assert_eq!(places, (0..FEW.len()).map(Some).collect::<Vec<_>>());
    }

    #[test]
    fn one_that_is_missing_or_too_many_is_found() {
        let mut deadlines = Deadlines::default();
        deadlines.set(due(0), Time::from_millis(1));
        let all = |number: u8, at| [(due(0), Time::from_millis(1)), (due(number), at)];
        assert_eq!(deadlines.differs_from(all(3, Time::NEVER)), None);
        assert_eq!(deadlines.differs_from(all(3, Time::from_millis(1))), Some(due(3)));
        assert_eq!(deadlines.differs_from(all(0, Time::from_millis(2))), Some(due(0)));
        assert_eq!(deadlines.differs_from([]), Some(due(0)));
    }
}
