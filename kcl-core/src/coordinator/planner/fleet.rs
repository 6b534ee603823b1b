//! The sessions, as last seen: who counts as a worker, in which order of succession.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    coordinator::heads::{Candidate, Standbys},
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
    standbys: Standbys,
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
    /// A fleet that reads this stream, of which nothing else is known but who stands by.
    pub(super) fn reading(stream: Option<StreamName>, standbys: Standbys) -> Self {
        Self { reads: stream, standbys, ..Self::default() }
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
        self.standbys = self.standbys.without(id);
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
        let standbys = self.standbys.clone();
        for gone in standbys.iter().filter(|id| !self.rows.get(id).is_some_and(is_alive)) {
            self.standbys = self.standbys.without(gone);
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
        self.rows.get(id).is_some_and(is_alive)
    }

    /// The newest live session of a worker.
    pub(super) fn member_of(&self, worker: &WorkerId) -> Option<&Session> {
        self.members().find(|row| row.id.worker == *worker)
    }

    /// The newest document a session says that it has seen.
    pub(super) fn seen_by(&self, id: &SessionId) -> PlanVersion {
        self.rows.get(id).map_or(PlanVersion::NONE, |row| row.report.seen)
    }

    /// Names those that stand by: the present ones while they live and stay, else the next in
    /// order; in different zones, as far as there are zones.
    pub(super) fn name_standbys(&mut self, planner: &SessionId) {
        let zone = |id: &SessionId| self.rows.get(id).and_then(|row| row.zone.as_ref());
        let staying: BTreeSet<&SessionId> = self.members().map(|row| &row.id).collect();
        let candidates: Vec<Candidate<'_>> = self
            .order
            .iter()
            .map(|(id, _)| id)
            .filter(|id| *id != planner && staying.contains(id))
            .map(|id| Candidate { id, zone: zone(id) })
            .collect();
        let chosen = self.standbys.chosen(zone(planner), &candidates);
        self.standbys = if planted!(NoStandby) { Standbys::default() } else { chosen };
    }

    pub(super) const fn standbys(&self) -> &Standbys {
        &self.standbys
    }

    /// A session's place in the order of succession: 0 the planner, 1 and 2 the standbys, then 3,
    /// 4, ….
    pub(super) fn rank(&self, id: &SessionId, planner: &SessionId) -> u32 {
        let heads = [Some(planner), self.standbys.first.as_ref(), self.standbys.second.as_ref()];
        let place = heads.iter().position(|head| *head == Some(id)).unwrap_or_else(|| {
            let others = self.order.iter().map(|(known, _)| known);
            let mut others = others.filter(|known| !heads.contains(&Some(known)));
            heads.len() + others.position(|known| known == id).unwrap_or(self.order.len())
        });
        u32::try_from(place).unwrap_or(u32::MAX)
    }
}

const fn is_alive(row: &Session) -> bool {
    !row.has_ended()
}
