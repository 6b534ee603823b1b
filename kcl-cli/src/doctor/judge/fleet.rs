//! Tells of each session and worker whether it lives, by the beats that readings saw.
//!
//! A single reading shows rows, not time. So "is silent" needs a beat that did not move for longer
//! than one and a half heartbeat intervals, and "is dead" a silence longer than the session's
//! timeout. Everything else is `Unseen` or `Unknown`, and no judge may take it for absence.

use std::{fmt, time::Duration};

use kcl_core::lease::{Session, SessionId, SessionState, WorkerId};

use crate::{
    doctor::facts::{Facts, Sessions},
    times::{millis, span},
};

/// Whether a session or a worker lives. The order counts: of several sessions of one worker, the
/// smallest presence is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Presence {
    /// Its beat moves.
    Beats,
    /// Its beat moves, and its session is leaving: it hands its leases over.
    Leaves,
    /// It was not watched for long enough to see its beat move.
    Unseen,
    /// Its beat did not move for the first span; the second span is its session's timeout.
    Silent(Duration, Duration),
    /// Its session has ended. The text is the state in the row, for example `FENCED`.
    Over(&'static str),
    /// The store has no session row of it.
    Absent,
    /// The sessions were not read, or a row that cannot be decoded may be this one.
    Unknown,
}

impl Presence {
    /// Whether it is known to live.
    pub(crate) const fn is_there(self) -> bool {
        matches!(self, Self::Beats | Self::Leaves)
    }

    /// Whether it is known to be silent, ended or absent. A silent worker may still live.
    pub(crate) const fn is_missed(self) -> bool {
        matches!(self, Self::Silent(..) | Self::Over(_) | Self::Absent)
    }

    /// Whether its session has ended, or its silence is longer than the session's timeout, so that
    /// the planner may fence it.
    pub(crate) fn is_dead(self) -> bool {
        match self {
            Self::Silent(age, timeout) => age > timeout,
            Self::Over(_) | Self::Absent => true,
            _ => false,
        }
    }
}

impl fmt::Display for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Beats => f.write_str("lives"),
            Self::Leaves => f.write_str("is leaving"),
            Self::Unseen => f.write_str("was not looked at for long enough to tell"),
            Self::Silent(age, timeout) if age <= timeout => write!(
                f,
                "is silent for {} (its session lasts {}: that is no proof of death)",
                span(millis(*age)),
                span(millis(*timeout))
            ),
            Self::Silent(age, timeout) => write!(
                f,
                "is silent for {}, longer than its session of {}",
                span(millis(*age)),
                span(millis(*timeout))
            ),
            Self::Over(how) => write!(f, "is not there: its last session is over ({how})"),
            Self::Absent => f.write_str("is not there: it has no session in the store"),
            Self::Unknown => f.write_str("may be there: the sessions are not known"),
        }
    }
}

/// The sessions of one reading, with their beats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet<'f> {
    sessions: Option<&'f Sessions>,
}

impl<'f> Fleet<'f> {
    /// The fleet of a reading; unknown if the reading lacks the sessions.
    pub(crate) fn of(facts: &'f Facts) -> Self {
        Self { sessions: facts.sessions.get() }
    }

    /// A fleet whose sessions are unknown.
    pub(crate) const fn unknown() -> Self {
        Self { sessions: None }
    }

    /// Whether the sessions are known.
    pub(crate) const fn is_known(&self) -> bool {
        self.sessions.is_some()
    }

    /// Every session that has not ended.
    pub(crate) fn open(&self) -> impl Iterator<Item = &'f Session> + use<'f> {
        let rows = self.sessions.into_iter().flat_map(|sessions| &sessions.rows);
        rows.filter(|session| !session.has_ended())
    }

    /// The sessions whose beats move.
    pub(crate) fn live(&self) -> impl Iterator<Item = &'f Session> + use<'f> {
        let fleet = *self;
        self.open().filter(move |session| fleet.presence(session).is_there())
    }

    /// Whether this session lives.
    pub(crate) fn of_session(&self, id: &SessionId) -> Presence {
        let Some(sessions) = self.sessions else { return Presence::Unknown };
        let row = sessions.rows.iter().find(|session| session.id == *id);
        // A row that cannot be decoded may be the one that is missing.
        let absent =
            if sessions.unreadable.is_empty() { Presence::Absent } else { Presence::Unknown };
        row.map_or(absent, |session| self.presence(session))
    }

    /// Whether this worker lives: the best presence among all its sessions.
    pub(crate) fn of_worker(&self, id: &WorkerId) -> Presence {
        let Some(sessions) = self.sessions else { return Presence::Unknown };
        let lives = sessions.rows.iter().filter(|session| session.id.worker == *id);
        lives.map(|session| self.presence(session)).min().unwrap_or(Presence::Absent)
    }

    /// The presence of a session, by its row and its beats.
    fn presence(&self, session: &Session) -> Presence {
        let Some(sessions) = self.sessions else { return Presence::Unknown };
        if session.has_ended() {
            return Presence::Over(session.state.as_str());
        }
        let patience = session.interval + session.interval / 2;
        match sessions.beats.age(&session.id) {
            Some(age) if age > patience => Presence::Silent(age, session.timeout),
            _ if !sessions.beats.lives(session) => Presence::Unseen,
            _ if session.state == SessionState::Leaving => Presence::Leaves,
            _ => Presence::Beats,
        }
    }
}
