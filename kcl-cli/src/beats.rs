//! Tells which workers live, by the beats in their session rows.
//!
//! A session row says `LIVE` until somebody ends the session, so a single reading proves nothing. A
//! worker lives if its beat number moved between two readings. It is silent if the number stood for
//! longer than one and a half of its heartbeat intervals.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::{
    env::{Clock, Time},
    lease::{Session, SessionId},
    store::{Consistency, LeaseStore, LeaseStoreExt},
};

/// The interval between two readings while a command waits for beats.
pub(crate) const POLL: Duration = Duration::from_millis(300);

/// What the readings so far showed of the beat of each session. Times are those of this machine, so
/// that the clocks of workers and store do not matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Beats(BTreeMap<SessionId, Seen>);

/// What the readings showed of one session.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The beat number of the last reading.
    beat: u64,
    /// The first reading that showed this number.
    first: Time,
    /// The last reading.
    last: Time,
    /// Whether the number ever moved between two readings.
    moved: bool,
}

impl Beats {
    /// Adds a reading of all sessions. Sessions that it lacks are forgotten.
    pub(crate) fn note(&mut self, sessions: &[Session], now: Time) {
        self.0.retain(|id, _| sessions.iter().any(|session| session.id == *id));
        for session in sessions {
            let fresh = Seen { beat: session.beat, first: now, last: now, moved: false };
            let seen = self.0.entry(session.id.clone()).or_insert(fresh);
            if seen.beat == session.beat {
                seen.last = now;
            } else {
                *seen = Seen { moved: true, ..fresh };
            }
        }
    }

    /// Whether it is known of every session that has not ended whether its beat moves.
    pub(crate) fn is_settled(&self, sessions: &[Session]) -> bool {
        let known = |session: &Session| {
            let seen = self.0.get(&session.id);
            // A beat needs time to reach the store: half an interval more.
            let patience = session.interval + session.interval / 2;
            seen.is_some_and(|seen| seen.moved || seen.last.since(seen.first) > patience)
        };
        sessions.iter().all(|session| session.has_ended() || known(session))
    }

    /// Whether the session has not ended and its beat moved in some reading. A worker that has
    /// fallen silent since counts, too: see [`Beats::age`].
    pub(crate) fn lives(&self, session: &Session) -> bool {
        !session.has_ended() && self.0.get(&session.id).is_some_and(|seen| seen.moved)
    }

    /// For how long the beat is known to have stood still; `None` after a single reading.
    pub(crate) fn age(&self, id: &SessionId) -> Option<Duration> {
        let seen = self.0.get(id)?;
        (seen.moved || seen.last > seen.first).then(|| seen.last.since(seen.first))
    }
}

/// All session rows, ended ones included.
///
/// # Errors
/// The store fails.
pub(crate) async fn sessions(store: &dyn LeaseStore) -> anyhow::Result<Vec<Session>> {
    Ok(store.all_sessions(Consistency::Strong).await?)
}

/// Reads the sessions until it is known of each whether its beat moves.
///
/// # Errors
/// The store fails.
pub(crate) async fn settled(
    store: &dyn LeaseStore,
    clock: &dyn Clock,
) -> anyhow::Result<(Vec<Session>, Beats)> {
    let mut beats = Beats::default();
    loop {
        let sessions = sessions(store).await?;
        beats.note(&sessions, clock.now());
        if beats.is_settled(&sessions) {
            return Ok((sessions, beats));
        }
        clock.sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(beat: u64) -> Session {
        let id = SessionId::new("w1".parse().unwrap(), kcl_core::lease::Incarnation::from_bits(7));
        let mut session = Session::new(id, 1, Duration::from_secs(6), Duration::from_millis(1_500));
        session.beat = beat;
        session
    }

    #[test]
    fn a_beat_that_moved_is_alive_and_one_that_stands_grows_old() {
        let mut beats = Beats::default();
        let at = Time::from_millis;
        beats.note(&[session(4)], at(1_000));
        assert_eq!(beats.age(&session(4).id), None);
        beats.note(&[session(4)], at(2_000));
        assert_eq!(beats.age(&session(4).id), Some(Duration::from_secs(1)));
        assert!(!beats.is_settled(&[session(4)]));
        beats.note(&[session(5)], at(3_000));
        assert_eq!(beats.age(&session(5).id), Some(Duration::ZERO));
        assert!(beats.is_settled(&[session(5)]));
        beats.note(&[session(5)], at(9_000));
        assert_eq!(beats.age(&session(5).id), Some(Duration::from_secs(6)));
    }

    #[test]
    fn a_session_that_never_beats_is_waited_for_no_longer_than_a_beat_may_take() {
        let mut beats = Beats::default();
        beats.note(&[session(4)], Time::from_millis(0));
        beats.note(&[session(4)], Time::from_millis(2_251));
        assert!(beats.is_settled(&[session(4)]));
    }
}
