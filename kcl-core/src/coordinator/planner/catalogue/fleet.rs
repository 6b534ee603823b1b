//! The sessions, as last seen: which of them count as workers, and the order of succession.
//!
//! A session is a *member* if it is the newest live one of its worker id, does not leave, and may
//! read the same stream. Only members get leases.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    coordinator::heads::{Candidate, Standbys},
    env::Time,
    lease::{Incarnation, PlanVersion, Report, Session, SessionId, SessionState, WorkerId},
    stream::StreamName,
};

/// The sessions, as last seen.
#[derive(Debug, Default)]
pub(in crate::coordinator::planner) struct Fleet {
    /// The newest known row of each session that was not removed.
    rows: BTreeMap<SessionId, Session>,
    /// The order of succession: sessions in the order in which they were first seen, and when.
    order: Vec<(SessionId, Time)>,
    standbys: Standbys,
    /// The stream that is planned for. A session that reads another stream counts as no worker.
    reads: Option<StreamName>,
    /// The last known beat number, report and leaving of the planner's own session; `None` after
    /// rows were forgotten.
    own: Option<(u64, Report, bool)>,
}

/// The effect of a session's new row on the plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::coordinator::planner) enum News {
    /// It changes nothing.
    #[default]
    None,
    /// A session joined: a plan is due after a pause, since others may join, too.
    Joined,
    /// Leases changed, or a session leaves or has ended: a plan is due at once.
    Urgent,
}

impl Fleet {
    /// A fleet that reads this stream; only its standbys are known.
    pub(in crate::coordinator::planner) fn reading(
        stream: Option<StreamName>,
        standbys: Standbys,
    ) -> Self {
        Self { reads: stream, standbys, ..Self::default() }
    }

    /// Learns from a session's row. A row with a lower beat is out of date; an end is final.
    pub(in crate::coordinator::planner) fn observe(&mut self, row: &Session, now: Time) -> News {
        let news = match self.rows.get(&row.id) {
            None if row.has_ended() => News::None,
            None => News::Joined,
            Some(old) if old.state != row.state => News::Urgent,
            Some(old) if row.beat < old.beat => return News::None,
            Some(old) => {
                if tells_of_changes(&old.report, &row.report) {
                    News::Urgent
                } else {
                    News::None
                }
            }
        };
        let known = self.rows.get(&row.id);
        // A session that is known to be live has its place already.
        let has_place = known.is_some_and(is_alive);
        let known_ended = known.is_some_and(Session::has_ended);
        if !row.has_ended() && !has_place && self.order.iter().all(|(id, _)| *id != row.id) {
            self.order.push((row.id.clone(), now));
        }
        if !known_ended || row.has_ended() {
            self.rows.insert(row.id.clone(), row.clone());
        }
        news
    }

    /// Whether the planner's own row has changed since the last call.
    pub(in crate::coordinator::planner) fn is_news_of_own(
        &mut self,
        news: (u64, Report, bool),
    ) -> bool {
        self.own.replace(news) != Some(news)
    }

    /// A session has ended, whether its row was seen or not.
    pub(in crate::coordinator::planner) fn remove(&mut self, id: &SessionId) -> News {
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

    /// Takes over a consistent listing, asked for at `asked`: sessions that it does not show are
    /// gone, unless they were first seen since.
    pub(in crate::coordinator::planner) fn replace(
        &mut self,
        listed: &[Session],
        asked: Time,
        now: Time,
    ) {
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

    /// Forgets the rows, but not the order of succession.
    pub(in crate::coordinator::planner) fn forget_rows(&mut self) {
        self.own = None;
        self.rows.clear();
    }

    pub(in crate::coordinator::planner) fn rows(&self) -> impl Iterator<Item = &Session> {
        self.rows.values()
    }

    /// The sessions that count as workers: of each worker id the newest live one, unless that one
    /// leaves.
    pub(in crate::coordinator::planner) fn members(&self) -> impl Iterator<Item = &Session> {
        self.rows.values().filter(|row| self.is_member(row))
    }

    /// Whether a session counts as a worker: see the module.
    fn is_member(&self, row: &Session) -> bool {
        stays(row) && self.takes_part(row) && self.is_newest(row)
    }

    /// Whether the session may read the stream that is planned for.
    fn takes_part(&self, row: &Session) -> bool {
        row.may_read(self.reads.as_ref()) || planted!(StrangersArePlannedFor)
    }

    /// Whether no other live session of the same worker id is newer.
    fn is_newest(&self, row: &Session) -> bool {
        let mut rivals =
            self.of_worker(&row.id.worker).filter(|other| is_alive(other) && other.id != row.id);
        rivals.all(|other| other.seniority() < row.seniority())
    }

    /// All sessions of a worker id.
    pub(in crate::coordinator::planner) fn of_worker<'a>(
        &'a self,
        worker: &'a WorkerId,
    ) -> impl Iterator<Item = &'a Session> {
        let first = SessionId::new(worker.clone(), Incarnation::from_bits(0));
        let rows = self.rows.range(first..).map(|(_, row)| row);
        rows.take_while(move |row| row.id.worker == *worker)
    }

    /// Whether the session has not ended. It may be leaving.
    pub(in crate::coordinator::planner) fn is_alive(&self, id: &SessionId) -> bool {
        self.rows.get(id).is_some_and(is_alive)
    }

    /// When each session was first seen.
    pub(in crate::coordinator::planner) fn first_seen(&self) -> BTreeMap<&SessionId, Time> {
        self.order.iter().map(|(id, at)| (id, *at)).collect()
    }

    /// The session that counts as this worker, if there is one.
    pub(in crate::coordinator::planner) fn member_of<'a>(
        &'a self,
        worker: &'a WorkerId,
    ) -> Option<&'a Session> {
        let mut lives = self.of_worker(worker);
        lives.find(|row| self.is_member(row))
    }

    /// The newest document that a session has confirmed.
    pub(in crate::coordinator::planner) fn seen_by(&self, id: &SessionId) -> PlanVersion {
        self.rows.get(id).map_or(PlanVersion::NONE, |row| row.report.seen)
    }

    /// The number of a session's last beat that was seen.
    pub(in crate::coordinator::planner) fn beat_of(&self, id: &SessionId) -> u64 {
        self.rows.get(id).map_or(0, |row| row.beat)
    }

    /// Names the standbys anew: the present ones while they stay, else the next in the order of
    /// succession, in zones of their own where that is possible.
    pub(in crate::coordinator::planner) fn name_standbys(&mut self, planner: &SessionId) {
        let zone = |id: &SessionId| self.rows.get(id).and_then(|row| row.zone.as_ref());
        let staying: BTreeSet<&SessionId> = self.members().map(|row| &row.id).collect();
        let candidates: Vec<Candidate<'_>> = self
            .order
            .iter()
            .map(|(id, _)| id)
            .filter(|id| *id != planner && staying.contains(id))
            .map(|id| Candidate { id, zone: zone(id) })
            .collect();
        self.standbys = named(self.standbys.chosen(zone(planner), &candidates));
    }

    pub(in crate::coordinator::planner) const fn standbys(&self) -> &Standbys {
        &self.standbys
    }

    /// Each session's place in the order of succession: 0 the planner, 1 and 2 the standbys, then
    /// 3, 4, …; a session that has none comes last.
    pub(in crate::coordinator::planner) fn ranks<'a>(
        &'a self,
        planner: &'a SessionId,
    ) -> impl Fn(&SessionId) -> u32 + 'a {
        let heads = [Some(planner), self.standbys.first.as_ref(), self.standbys.second.as_ref()];
        let others = self.order.iter().map(|(known, _)| known);
        let others = others.filter(|known| !heads.contains(&Some(known)));
        let first = heads.iter().enumerate().filter_map(|(place, head)| Some(((*head)?, place)));
        let places: BTreeMap<&SessionId, usize> =
            others.zip(heads.len()..).chain(first.rev()).collect();
        let last = heads.len() + self.order.len();
        move |id| u32::try_from(places.get(id).copied().unwrap_or(last)).unwrap_or(u32::MAX)
    }
}

const fn is_alive(row: &Session) -> bool {
    !row.has_ended()
}

/// Whether a session reports that its leases changed without a plan, or that it met an unexpected
/// owner.
fn tells_of_changes(before: &Report, now: &Report) -> bool {
    (before.changes, before.conflicts) != (now.changes, now.conflicts) && !planted!(ChangesNotHeard)
}

/// Whether a session counts for leases: it is live and does not leave.
fn stays(row: &Session) -> bool {
    row.state == SessionState::Live || planted!(LeavingStillCounts) && !row.has_ended()
}

/// The standbys that are named: those that were chosen.
fn named(chosen: Standbys) -> Standbys {
    if planted!(NoStandby) { Standbys::default() } else { chosen }
}
