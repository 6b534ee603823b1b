//! The sessions, as last seen: who counts as a worker, in which order of succession.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    env::Time,
    lease::{PlanVersion, Report, Session, SessionId, SessionState, WorkerId},
    stream::StreamName,
};

/// The sessions, as last seen.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    rows: BTreeMap<SessionId, Session>,
    /// Sessions in the order they were first seen, and when: the order of succession.
    order: Vec<(SessionId, Time)>,
    standby: Option<SessionId>,
    /// The stream that is planned for: who reads another one counts as no worker.
    reads: Option<StreamName>,
    /// What was last learnt of the planner's own session, since anything was forgotten.
    own: Option<(u64, Report, bool)>,
}

/// What a row newly seen means to the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum News {
    /// Nothing.
    #[default]
    None,
    /// A session joined: more may, so others are waited for.
    Joined,
    /// Leases changed, a session leaves or has ended: plan at once.
    Urgent,
}

impl Fleet {
    /// A fleet that reads this stream.
    pub(super) fn reading(stream: Option<StreamName>) -> Self {
        Self { reads: stream, ..Self::default() }
    }

    /// Learns from a row.
    pub(super) fn observe(&mut self, row: &Session, now: Time) -> News {
        let news = match self.rows.get(&row.id) {
            None if row.has_ended() => News::None,
            None => News::Joined,
            Some(old) if old.state != row.state => News::Urgent,
            Some(old) if row.beat < old.beat => return News::None,
            Some(old) => {
                let before = (old.report.changes, old.report.conflicts);
                let now = (row.report.changes, row.report.conflicts);
                if before == now || planted!(ChangesNotHeard) { News::None } else { News::Urgent }
            }
        };
        if !row.has_ended() && self.order.iter().all(|(id, _)| *id != row.id) {
            self.order.push((row.id.clone(), now));
        }
        let known_ended = self.rows.get(&row.id).is_some_and(Session::has_ended);
        if !known_ended || row.has_ended() {
            self.rows.insert(row.id.clone(), row.clone());
        }
        news
    }

    /// Whether there is anything to learn of the planner's own session.
    pub(super) fn is_news_of_own(&mut self, news: (u64, Report, bool)) -> bool {
        self.own.replace(news) != Some(news)
    }

    /// A session is known to have ended, whether or not its row was seen.
    pub(super) fn remove(&mut self, id: &SessionId) -> News {
        self.own = None;
        self.order.retain(|(known, _)| known != id);
        if self.standby.as_ref() == Some(id) {
            self.standby = None;
        }
        match self.rows.get(id) {
            Some(row) if !row.has_ended() => {
                self.rows.remove(id);
                News::Urgent
            }
            _ => News::None,
        }
    }

    /// Keeps only what a consistent listing showed that was asked for at `asked`, and what was
    /// first seen since.
    pub(super) fn replace(&mut self, listed: &[Session], asked: Time, now: Time) {
        self.own = None;
        let ids: BTreeSet<&SessionId> = listed.iter().map(|row| &row.id).collect();
        let newer: BTreeSet<&SessionId> =
            self.order.iter().filter(|(_, seen)| *seen >= asked).map(|(id, _)| id).collect();
        self.rows.retain(|id, _| ids.contains(id) || newer.contains(id));
        for row in listed {
            self.observe(row, now);
        }
        let rows = &self.rows;
        self.order.retain(|(id, _)| rows.get(id).is_some_and(|row| !row.has_ended()));
        if self.standby.as_ref().is_some_and(|id| !self.is_alive(id)) {
            self.standby = None;
        }
    }

    /// Forgets what was seen, but not the order of succession.
    pub(super) fn forget_rows(&mut self) {
        self.own = None;
        self.rows.clear();
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Session> {
        self.rows.values()
    }

    /// The sessions that count as workers: for each worker id its newest live one, unless that one
    /// is leaving.
    pub(super) fn members(&self) -> impl Iterator<Item = &Session> {
        let stays = |row: &Session| {
            row.state == SessionState::Live || planted!(LeavingStillCounts) && !row.has_ended()
        };
        let takes_part =
            |row: &Session| row.may_read(self.reads.as_ref()) || planted!(StrangersArePlannedFor);
        let members = self.rows.values().filter(move |row| stays(row) && takes_part(row));
        members.filter(|row| self.is_newest(row))
    }

    fn is_newest(&self, row: &Session) -> bool {
        let mut rivals = self.rows.values().filter(|other| {
            other.id.worker == row.id.worker && !other.has_ended() && other.id != row.id
        });
        rivals.all(|other| other.seniority() < row.seniority())
    }

    /// Whether the session beats, leaving or not.
    pub(super) fn is_alive(&self, id: &SessionId) -> bool {
        self.rows.get(id).is_some_and(|row| !row.has_ended())
    }

    /// The newest live session of a worker.
    pub(super) fn member_of(&self, worker: &WorkerId) -> Option<&Session> {
        self.members().find(|row| row.id.worker == *worker)
    }

    /// The newest document a session says that it has seen.
    pub(super) fn seen_by(&self, id: &SessionId) -> PlanVersion {
        self.rows.get(id).map_or(PlanVersion::NONE, |row| row.report.seen)
    }

    /// Names a standby: the present one while it lives and stays, else the next in order.
    pub(super) fn name_standby(&mut self, planner: &SessionId) -> Option<SessionId> {
        let stays = |id: &SessionId| id != planner && self.members().any(|row| row.id == *id);
        let present = self.standby.clone().filter(stays);
        let named =
            present.or_else(|| self.order.iter().map(|(id, _)| id).find(|id| stays(id)).cloned());
        let named = named.filter(|_| !planted!(NoStandby));
        self.standby.clone_from(&named);
        named
    }

    pub(super) const fn standby(&self) -> Option<&SessionId> {
        self.standby.as_ref()
    }

    /// A session's place in the order of succession: 0 the planner, 1 the standby, then 2, 3, ….
    pub(super) fn rank(&self, id: &SessionId, planner: &SessionId) -> u32 {
        if id == planner {
            return 0;
        }
        if self.standby.as_ref() == Some(id) {
            return 1;
        }
        let mut others = self
            .order
            .iter()
            .map(|(known, _)| known)
            .filter(|known| *known != planner && self.standby.as_ref() != Some(*known));
        let place = others.position(|known| known == id).unwrap_or(self.order.len());
        u32::try_from(place).unwrap_or(u32::MAX - 2) + 2
    }
}
