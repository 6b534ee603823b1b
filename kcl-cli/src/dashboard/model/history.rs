//! Compares the leases of successive readings: which of them changed hands, and for how long nobody
//! read the shard in between.

use std::collections::{BTreeMap, VecDeque};

use kcl_core::{
    env::WallTime,
    lease::{Lease, LeaseKey, SessionId},
};

use crate::doctor::judge::{Fleet, Presence};

/// The reason of a move whose former owner lives.
pub(super) const HANDED_OVER: &str = "it was handed over";

/// How many moves the history keeps.
const MOVES: usize = 500;

/// A lease that changed hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) lease: LeaseKey,
    /// The owner before; `None` if no reading saw one.
    pub(super) from: Option<SessionId>,
    /// The owner now.
    pub(super) to: SessionId,
    /// The epoch of the lease after the move.
    pub(super) epoch: u64,
    /// The time of the reading that saw the new owner.
    pub(super) at: WallTime,
    /// The reason, as far as the sessions show it.
    pub(super) why: &'static str,
    /// For how many milliseconds readings saw no live owner; `None` if each reading saw one.
    pub(super) unread: Option<u64>,
}

/// What the readings so far showed.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// The leases of the last reading.
    leases: BTreeMap<LeaseKey, Seen>,
    /// The last [`MOVES`] moves with their numbers; the newest is last.
    pub(super) moves: VecDeque<(u64, Move)>,
    /// The number of the newest move.
    counted: u64,
    /// Whether there was a reading. In the first one every owner is new, and nothing has moved.
    has_looked: bool,
    /// When the last move was seen; `None` if none was.
    pub(super) changed: Option<WallTime>,
}

/// What the last reading showed of one lease.
#[derive(Debug)]
struct Seen {
    /// The owner, or the last one.
    holder: Option<SessionId>,
    /// Since when readings see no live owner; `None` if there is one, or the shard has ended.
    unread: Option<WallTime>,
}

impl History {
    /// Adds a reading whose leases and sessions are both known.
    pub(crate) fn note(&mut self, rows: &[Lease], fleet: Fleet<'_>, now: WallTime) {
        let mut before = std::mem::take(&mut self.leases);
        for row in rows.iter().filter(|row| !row.key.is_role()) {
            let was = before.remove(&row.key);
            self.look_at(row, was.as_ref(), fleet, now);
            let is_missed = |owner| fleet.of_session(owner).is_missed();
            let is_unread = row.owner.as_ref().is_none_or(is_missed) && !row.has_ended();
            let since = was.as_ref().and_then(|seen| seen.unread).or(Some(now));
            let holder = row.owner.clone().or_else(|| was.and_then(|seen| seen.holder));
            let seen = Seen { holder, unread: since.filter(|_| is_unread) };
            self.leases.insert(row.key.clone(), seen);
        }
        self.has_looked = true;
    }

    /// Notes a move if the owner of the row differs from the last owner that was seen.
    fn look_at(&mut self, row: &Lease, was: Option<&Seen>, fleet: Fleet<'_>, now: WallTime) {
        let from = was.and_then(|seen| seen.holder.as_ref());
        let Some(to) = row.owner.as_ref().filter(|owner| self.has_looked && from != Some(*owner))
        else {
            return;
        };
        let why = match (from.map(|from| fleet.of_session(from)), was) {
            (None, None) => "its lease is new",
            (None, Some(_)) => "nobody held it",
            (Some(Presence::Over("FENCED") | Presence::Silent(..)), _) => "its worker died",
            (Some(Presence::Over("REPLACED")), _) => "its worker started anew",
            (Some(Presence::Over(_) | Presence::Leaves), _) => "its worker left",
            (Some(Presence::Absent), _) => "its worker is gone",
            (Some(_), _) => HANDED_OVER,
        };
        let unread = was.and_then(|seen| seen.unread);
        self.push(Move {
            lease: row.key.clone(),
            from: from.cloned(),
            to: to.clone(),
            epoch: row.epoch.0,
            at: now,
            why,
            unread: unread.map(|since| now.as_millis().saturating_sub(since.as_millis())),
        });
    }

    /// Adds a move, and drops the oldest beyond [`MOVES`].
    fn push(&mut self, it: Move) {
        self.changed = Some(it.at);
        self.counted += 1;
        self.moves.push_back((self.counted, it));
        if self.moves.len() > MOVES {
            self.moves.pop_front();
        }
    }

    /// Since when readings see no live owner of the lease; `None` if there is one.
    pub(super) fn unread_since(&self, key: &LeaseKey) -> Option<WallTime> {
        self.leases.get(key)?.unread
    }

    /// How many moves were seen in the last `millis` milliseconds before `now`.
    pub(super) fn moves_within(&self, millis: u64, now: WallTime) -> usize {
        let recent =
            |it: &&(u64, Move)| now.as_millis().saturating_sub(it.1.at.as_millis()) < millis;
        self.moves.iter().rev().take_while(recent).count()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kcl_core::lease::{Checkpoint, Incarnation};

    use super::*;
    use crate::{
        beats::Beats,
        doctor::facts::{Facts, Known, Sessions},
    };

    fn id(worker: &str) -> SessionId {
        SessionId::new(worker.parse().unwrap(), Incarnation::from_bits(7))
    }

    fn row(owner: Option<&str>, epoch: u64) -> Lease {
        let mut row = Lease::new("orders/7/shardId-1".parse().unwrap(), Checkpoint::TrimHorizon);
        row.owner = owner.map(id);
        row.epoch = kcl_core::lease::Epoch(epoch);
        row
    }

    /// Adds a reading in which these workers live.
    fn look(history: &mut History, there: &[&str], rows: &[Lease], at: u64) {
        let session = |worker: &&str| {
            let second = Duration::from_secs(1);
            let mut session = kcl_core::lease::Session::new(id(worker), 1, 6 * second, second);
            session.beat = at;
            session
        };
        let rows_of_sessions: Vec<_> = there.iter().map(session).collect();
        let mut beats = Beats::default();
        let before = |mut it: kcl_core::lease::Session| {
            it.beat += 1;
            it
        };
        let former: Vec<_> = rows_of_sessions.iter().cloned().map(before).collect();
        beats.note(&former, kcl_core::env::Time::from_millis(at));
        beats.note(&rows_of_sessions, kcl_core::env::Time::from_millis(at + 1));
        let sessions = Sessions { rows: rows_of_sessions, unreadable: Vec::new(), beats };
        let facts = Facts::of_sessions(Known::of(Ok(sessions), kcl_core::env::Time::ZERO));
        history.note(rows, Fleet::of(&facts), WallTime::from_millis(at));
    }

    #[test]
    fn a_lease_that_changed_hands_is_told_once_with_how_long_nobody_read_it() {
        let mut history = History::default();
        look(&mut history, &["a", "b"], &[row(Some("a"), 1)], 1_000);
        look(&mut history, &["b"], &[row(Some("a"), 1)], 2_000);
        look(&mut history, &["b"], &[row(None, 1)], 3_000);
        assert!(history.moves.is_empty(), "what was there at first did not move");
        let unread = history.unread_since(&"orders/7/shardId-1".parse().unwrap());
        assert_eq!(unread, Some(WallTime::from_millis(2_000)));
        look(&mut history, &["b"], &[row(Some("b"), 2)], 5_000);
        look(&mut history, &["b"], &[row(Some("b"), 2)], 6_000);
        let told: Vec<_> = history.moves.iter().map(|(_, it)| it.clone()).collect();
        let [it] = &told[..] else { panic!("one move: {told:?}") };
        assert_eq!((it.from.clone(), it.to.clone()), (Some(id("a")), id("b")));
        assert_eq!((it.why, it.unread), ("its worker is gone", Some(3_000)));
        assert_eq!(history.moves_within(2_000, WallTime::from_millis(6_000)), 1);
        assert_eq!(history.moves_within(1_000, WallTime::from_millis(6_000)), 0);
    }

    #[test]
    fn a_handover_between_two_looks_was_read_all_the_time_as_far_as_is_known() {
        let mut history = History::default();
        look(&mut history, &["a", "b"], &[row(Some("a"), 1)], 1_000);
        look(&mut history, &["a", "b"], &[row(Some("b"), 2)], 2_000);
        let (_, it) = &history.moves[0];
        assert_eq!((it.why, it.unread), ("it was handed over", None));
        look(&mut history, &["a", "b"], &[row(Some("b"), 3)], 3_000);
        assert_eq!(history.moves.len(), 1, "who takes its own lease again moves nothing");
    }
}
