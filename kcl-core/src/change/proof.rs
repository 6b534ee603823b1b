//! The proof that no worker is live: each session that existed when the application was closed is
//! seen to have ended.
//!
//! To watch a session is no proof: a beat under way may revive it. So a session that is silent for
//! a session timeout is ended, on condition that it has not beaten since; the store then refuses a
//! late beat. Sessions that come later find the application closed.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    coordinator::{StoreCall, StoreReply},
    env::Time,
    lease::{EndSession, Ending, Session, SessionId, Write},
    store::Consistency,
};

/// How often the sessions are listed in a session timeout.
const LOOKS: u32 = 12;

/// The sessions that are not known to have ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    /// When the sessions were first listed.
    since: Option<Time>,
    /// The largest session timeout among the rows: every session is given that time.
    timeout: Duration,
    /// The sessions that have not ended.
    open: BTreeMap<SessionId, Window>,
    /// When the sessions are listed next.
    look_at: Time,
}

/// The time for which a session has shown the same beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    /// The newest beat that was seen.
    beat: u64,
    /// When that beat was first seen.
    since: Time,
    /// Whether the beat ever changed while it was watched.
    moved: bool,
}

/// The next step of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Make this call, and hand in its reply with [`Proof::learn`].
    Ask(Box<StoreCall>),
    /// Wait until this time.
    Wait(Time),
    /// Every session has ended.
    NobodyLives,
    /// These workers still beat.
    Alive(Vec<String>),
}

impl Proof {
    /// Knows nothing: the sessions are to be listed, after the application was closed.
    pub(super) const fn new() -> Self {
        Self { since: None, timeout: Duration::ZERO, open: BTreeMap::new(), look_at: Time::ZERO }
    }

    /// The next step, at `now`.
    pub(super) fn next(&self, now: Time) -> Next {
        let Some(since) = self.since else { return self.list() };
        if self.open.is_empty() {
            return Next::NobodyLives;
        }
        let late = |window: &Window| window.moved && window.since > since + self.timeout;
        if self.open.values().any(late) {
            let moved = self.open.iter().filter(|(_, window)| window.moved);
            return Next::Alive(moved.map(|(id, _)| id.worker.to_string()).collect());
        }
        let due = |window: &Window| now >= window.since + self.timeout;
        if let Some((id, window)) = self.open.iter().find(|(_, window)| due(window)) {
            if !silence_is_no_proof() {
                return Next::NobodyLives;
            }
            let ending = Ending::Fence { beat: window.beat };
            return Next::Ask(Box::new(StoreCall::EndSession(EndSession::new(id.clone(), ending))));
        }
        if now < self.look_at { Next::Wait(self.look_at) } else { self.list() }
    }

    /// The listing of all sessions. It is consistent, since an absent session counts as ended.
    fn list(&self) -> Next {
        Next::Ask(Box::new(StoreCall::Sessions(Consistency::Strong)))
    }

    /// Takes an answer that came at `now`.
    pub(super) fn learn(&mut self, now: Time, reply: &StoreReply) {
        match reply {
            StoreReply::Sessions(rows) if self.since.is_none() => self.begin(now, rows),
            StoreReply::Sessions(rows) => {
                for (id, window) in std::mem::take(&mut self.open) {
                    // A session's row is deleted only after the session has ended.
                    if let Some(row) = rows.iter().find(|row| row.id == id) {
                        self.see(now, row, Some(window));
                    }
                }
                self.look_at = now + self.timeout / LOOKS;
            }
            StoreReply::SessionWrite(Write::Done(row) | Write::Refused(Some(row))) => {
                if let Some(window) = self.open.remove(&row.id) {
                    self.see(now, row, Some(window));
                }
            }
            // The next listing shows the state.
            _ => self.look_at = now,
        }
    }

    /// Takes the first listing: every live session of it has to end.
    fn begin(&mut self, now: Time, rows: &[Session]) {
        self.since = Some(now);
        self.timeout = rows.iter().map(|row| row.timeout).max().unwrap_or_default();
        self.look_at = now + self.timeout / LOOKS;
        for row in rows {
            self.see(now, row, None);
        }
    }

    /// Takes a row: a session that has ended is forgotten, a new beat starts a new window.
    fn see(&mut self, now: Time, row: &Session, known: Option<Window>) {
        if row.has_ended() {
            return;
        }
        let fresh = Window { beat: row.beat, since: now, moved: known.is_some() };
        let window = known.filter(|window| window.beat == row.beat).unwrap_or(fresh);
        self.open.insert(row.id.clone(), window);
    }
}

/// Whether a silent session has to be ended before it counts as dead.
fn silence_is_no_proof() -> bool {
    !planted!(ProvenByWatching)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::{EndReason, Incarnation, SessionState};

    const T: Duration = Duration::from_secs(6);

    fn session(name: &str, beat: u64) -> Session {
        let id = SessionId::new(name.parse().unwrap(), Incarnation::from_bits(7));
        let mut row = Session::new(id, 1, T, T / 4);
        row.beat = beat;
        row
    }

    fn ended(name: &str, beat: u64) -> Session {
        let mut row = session(name, beat);
        row.state = SessionState::Ended(EndReason::Fenced);
        row
    }

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    fn listed(proof: &mut Proof, millis: u64, rows: &[Session]) {
        proof.learn(at(millis), &StoreReply::Sessions(rows.to_vec()));
    }

    fn fenced(next: Next) -> Option<(String, u64)> {
        let Next::Ask(call) = next else { return None };
        let StoreCall::EndSession(EndSession { session, ending, .. }) = *call else { return None };
        let Ending::Fence { beat } = ending else { return None };
        Some((session.worker.to_string(), beat))
    }

    #[test]
    fn a_silent_session_is_ended_and_seen_to_have_ended() {
        let mut proof = Proof::new();
        assert!(matches!(proof.next(at(0)), Next::Ask(_)), "the sessions are listed first");
        listed(&mut proof, 100, &[session("w1", 4), ended("w2", 9)]);
        assert!(matches!(proof.next(at(200)), Next::Wait(_)));
        listed(&mut proof, 6_000, &[session("w1", 4)]);
        assert_eq!(fenced(proof.next(at(6_099))), None);
        assert_eq!(fenced(proof.next(at(6_100))), Some(("w1".into(), 4)));
        proof.learn(at(6_150), &StoreReply::SessionWrite(Write::Done(ended("w1", 4))));
        assert_eq!(proof.next(at(6_151)), Next::NobodyLives);
    }

    #[test]
    fn a_late_beat_revives_a_session_for_another_timeout_and_no_longer() {
        let mut proof = Proof::new();
        listed(&mut proof, 0, &[session("w1", 4)]);
        let refused = StoreReply::SessionWrite(Write::Refused(Some(session("w1", 5))));
        proof.learn(at(6_000), &refused);
        assert!(fenced(proof.next(at(11_999))).is_none());
        listed(&mut proof, 11_999, &[session("w1", 5)]);
        assert_eq!(fenced(proof.next(at(12_000))), Some(("w1".into(), 5)));
    }

    #[test]
    fn only_who_still_beats_a_timeout_later_is_named() {
        let mut proof = Proof::new();
        listed(&mut proof, 0, &[session("w1", 4), session("w2", 1), session("w3", 1)]);
        listed(&mut proof, 3_000, &[session("w1", 5), session("w2", 2), session("w3", 1)]);
        assert!(!matches!(proof.next(at(3_000)), Next::Alive(_)));
        // One of the two leaves in time.
        let still = [session("w1", 6), ended("w2", 2), session("w3", 1)];
        listed(&mut proof, 6_500, &still);
        assert_eq!(proof.next(at(6_500)), Next::Alive(vec!["w1".into()]));
    }

    #[test]
    fn nobody_at_all_is_believed_only_of_a_listing() {
        let mut proof = Proof::new();
        listed(&mut proof, 0, &[]);
        assert_eq!(proof.next(at(0)), Next::NobodyLives);
    }
}
