//! Which two sessions are the standbys: they watch all sessions beside the planner, and follow it
//! in this order. Each runs in a zone of its own, as far as the workers name zones. Pure.

use std::collections::BTreeSet;

use crate::lease::{SessionId, Zone};

/// The two standbys. `None` where the fleet is too small, or while the planner is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Standbys {
    /// The session that follows the planner; it reads all sessions at the opposite phase.
    pub(super) first: Option<SessionId>,
    /// The session that follows the first standby.
    pub(super) second: Option<SessionId>,
}

/// A session that may become a standby.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate<'a> {
    pub(super) id: &'a SessionId,
    pub(super) zone: Option<&'a Zone>,
}

impl Standbys {
    pub(super) fn iter(&self) -> impl Iterator<Item = &SessionId> {
        self.first.iter().chain(&self.second)
    }

    pub(super) fn contains(&self, id: &SessionId) -> bool {
        self.iter().any(|standby| standby == id)
    }

    /// The standbys without this session; the second takes the place of the first.
    pub(super) fn without(&self, id: &SessionId) -> Self {
        let mut rest = self.iter().filter(|standby| *standby != id).cloned();
        Self { first: rest.next(), second: rest.next() }
    }

    /// The standbys from now on, out of `candidates`, which are in the order of succession. A
    /// present standby stays while its zone is no worse than another's; the second moves up before
    /// a new one comes. A zone without another head is preferred to an unknown zone, and that to a
    /// zone with another head.
    pub(super) fn chosen(&self, planner: Option<&Zone>, candidates: &[Candidate<'_>]) -> Self {
        let mut taken: BTreeSet<&Zone> = planner.into_iter().collect();
        let mut left = candidates.to_vec();
        // The sort is stable: equal candidates keep the order of succession.
        left.sort_by_key(|candidate| !self.contains(candidate.id));
        left.sort_by_key(|candidate| self.first.as_ref() != Some(candidate.id));
        let mut next = || {
            let danger = |(_, candidate): &(usize, &Candidate<'_>)| {
                let zone = candidate.zone;
                danger_of(zone, zone.is_some_and(|zone| taken.contains(zone)))
            };
            let best = left.iter().enumerate().min_by_key(danger);
            let at = best.map(|(at, _)| at)?;
            let chosen = left.remove(at);
            taken.extend(chosen.zone);
            Some(chosen.id.clone())
        };
        let (first, second) = (next(), next());
        Self { first, second }
    }
}

/// The danger that a head in this zone fails together with another head, from 0 (least). A worker
/// that names no zone may be in any zone.
fn danger_of(zone: Option<&Zone>, is_taken: bool) -> u8 {
    match zone {
        _ if planted!(HeadsInOneZone) => 0,
        Some(_) if !is_taken => 0,
        None => 1,
        Some(_) => 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::lease::Incarnation;

    fn session(number: usize) -> SessionId {
        let bits = u128::try_from(number).unwrap() + 1;
        SessionId::new(format!("w{number}").parse().unwrap(), Incarnation::from_bits(bits))
    }

    fn zone(number: u8) -> Option<Zone> {
        (number > 0).then(|| format!("zone-{number}").parse().unwrap())
    }

    fn choose(
        present: &Standbys,
        planner: Option<&Zone>,
        fleet: &[(SessionId, Option<Zone>)],
    ) -> Standbys {
        let candidates = fleet.iter().map(|(id, zone)| Candidate { id, zone: zone.as_ref() });
        present.chosen(planner, &candidates.collect::<Vec<_>>())
    }

    /// A planner's zone, and sessions with theirs.
    fn fleets() -> impl Strategy<Value = (Option<Zone>, Vec<(SessionId, Option<Zone>)>)> {
        (0_u8..4, proptest::collection::vec(0_u8..4, 0..7)).prop_map(|(planner, zones)| {
            let fleet = zones.into_iter().enumerate().map(|(at, of)| (session(at), zone(of)));
            (zone(planner), fleet.collect())
        })
    }

    proptest! {
        #[test]
        fn two_stand_by_if_there_are_two_and_nothing_changes_by_itself(
            (planner, fleet) in fleets(),
        ) {
            let chosen = choose(&Standbys::default(), planner.as_ref(), &fleet);
            prop_assert_eq!(chosen.iter().count(), fleet.len().min(2));
            prop_assert!(chosen.first.is_none() || chosen.first != chosen.second);
            prop_assert_eq!(choose(&chosen, planner.as_ref(), &fleet), chosen);
        }

        #[test]
        fn no_zone_has_two_heads_while_another_has_none((planner, fleet) in fleets()) {
            let chosen = choose(&Standbys::default(), planner.as_ref(), &fleet);
            let zone_of = |id: &SessionId| {
                fleet.iter().find(|(other, _)| other == id).and_then(|(_, zone)| zone.clone())
            };
            let mut of_heads: Vec<Zone> = chosen.iter().filter_map(zone_of).collect();
            of_heads.extend(planner);
            let distinct: BTreeSet<&Zone> = of_heads.iter().collect();
            let is_free = |zone: &Option<Zone>| {
                zone.as_ref().is_some_and(|zone| !distinct.contains(zone))
            };
            if distinct.len() < of_heads.len() {
                prop_assert!(!fleet.iter().any(|(_, zone)| is_free(zone)));
            }
        }

        #[test]
        fn without_zones_who_stands_by_goes_on(
            count in 2_usize..7, first in 0_usize..7, second in 0_usize..7,
        ) {
            prop_assume!(first != second && first < count && second < count);
            let fleet: Vec<_> = (0..count).map(|at| (session(at), None)).collect();
            let present =
                Standbys { first: Some(session(first)), second: Some(session(second)) };
            prop_assert_eq!(choose(&present, None, &fleet), present);
        }
    }

    #[test]
    fn the_second_takes_the_place_of_the_first() {
        let fleet: Vec<_> = (0..4).map(|at| (session(at), None)).collect();
        let present = Standbys { first: Some(session(9)), second: Some(session(3)) };
        let chosen = choose(&present, None, &fleet);
        assert_eq!(chosen, Standbys { first: Some(session(3)), second: Some(session(0)) });
    }
}
