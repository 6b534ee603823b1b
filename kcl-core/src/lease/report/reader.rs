//! Reads the reports of a fleet, and computes their age without comparing clocks.

use std::{collections::BTreeMap, time::Duration};

use super::{
    STALE_AFTER, moves::Moves, planner::PlannerReport, watch::Watch, worker::WorkerReport,
};
use crate::{
    env::Time,
    lease::{DocName, Document, Session, SessionId, WorkerId},
};

/// A report with its age.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told<T> {
    /// The report.
    pub value: T,
    /// The highest possible age; `None` if unknown.
    pub age: Option<Duration>,
    /// Whether the session that wrote it has ended, or is not in the list of sessions.
    pub is_of_former_life: bool,
}

impl<T> Told<T> {
    /// True if the report describes the present: its age is known and at most [`STALE_AFTER`], and
    /// its session lives.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        !self.is_of_former_life && self.age.is_some_and(|age| age <= STALE_AFTER)
    }

    /// The report, if it describes the present.
    #[must_use]
    pub fn fresh(&self) -> Option<&T> {
        self.is_fresh().then_some(&self.value)
    }
}

/// All reports of a fleet. A worker without a report has an older release, has just started, or
/// cannot write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reports {
    /// The report of each worker.
    pub workers: BTreeMap<WorkerId, Told<WorkerReport>>,
    /// The report of the planner; `None` if there is none.
    pub planner: Option<Told<PlannerReport>>,
    /// The last moves; `None` if there is no such document.
    pub moves: Option<Moves>,
    /// The last request for frequent reports; `None` if there is none.
    pub watch: Option<Watch>,
    /// The reports that this version cannot read.
    pub unreadable: Vec<DocName>,
}

impl Reports {
    /// The report of a worker, if it describes the present.
    #[must_use]
    pub fn of(&self, worker: &WorkerId) -> Option<&WorkerReport> {
        self.workers.get(worker)?.fresh()
    }

    /// The report of the planner, if it describes the present.
    #[must_use]
    pub fn plan(&self) -> Option<&PlannerReport> {
        self.planner.as_ref()?.fresh()
    }
}

/// Reads the reports again and again, and computes the age of each from its former reads.
///
/// It compares no two clocks, and takes the smaller of two upper bounds:
///
/// - *By beats*: a report names the last beat of its worker, and the worker's row names the present
///   one. The heartbeat intervals between the two, and the time since this reader saw the row's
///   beat change, bound the age: a live worker may beat more often than its interval says, but
///   not less often.
/// - *By versions*: the time since the last read that found another version of the document.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// The time of the last read.
    looked: Option<Time>,
    /// The reports of the last read.
    documents: BTreeMap<DocName, Seen>,
    /// The beat of each session, and the time of the first read that found it.
    beats: BTreeMap<SessionId, (u64, Time)>,
}

/// The reads of one document.
#[derive(Clone, Copy, Debug)]
struct Seen {
    version: u64,
    /// The last read that found another version, or no document.
    before: Option<Time>,
    /// The last read.
    last: Time,
}

impl Reader {
    /// A reader without former reads.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The names of all reports of a fleet with these workers.
    pub fn names<'w>(
        workers: impl IntoIterator<Item = &'w WorkerId>,
    ) -> impl Iterator<Item = DocName> {
        let of_all = [DocName::planner_report(), DocName::moves(), DocName::watch()];
        of_all.into_iter().chain(workers.into_iter().map(DocName::report))
    }

    /// Decodes documents that the caller read at `now`, and computes their ages. `sessions` is a
    /// list that the caller read after them. Ignores documents that are no reports. The caller
    /// passes all reports each time: a missing one counts as deleted.
    pub fn read<'d>(
        &mut self,
        documents: impl IntoIterator<Item = &'d Document>,
        sessions: &[Session],
        now: Time,
    ) -> Reports {
        self.note_beats(sessions, now);
        let mut reports = Reports::default();
        let told = documents.into_iter().filter(|it| it.name.is_told());
        let told: Vec<(&Document, Seen)> = told.map(|it| (it, self.note(it, now))).collect();
        for (document, seen) in &told {
            if self.take(document, seen, sessions, now, &mut reports).is_none() {
                reports.unreadable.push(document.name.clone());
            }
        }
        self.documents = told.into_iter().map(|(it, seen)| (it.name.clone(), seen)).collect();
        self.looked = Some(now);
        reports
    }

    /// Notes the beat of each session, and keeps the time of the first read that found it.
    fn note_beats(&mut self, sessions: &[Session], now: Time) {
        let before = std::mem::take(&mut self.beats);
        for session in sessions {
            let stands = before.get(&session.id).filter(|(beat, _)| *beat == session.beat);
            let since = stands.map_or(now, |(_, since)| *since);
            self.beats.insert(session.id.clone(), (session.beat, since));
        }
    }

    /// Compares a document with the last read of it.
    fn note(&self, document: &Document, now: Time) -> Seen {
        let before = match self.documents.get(&document.name) {
            Some(seen) if seen.version == document.version => seen.before,
            Some(seen) => Some(seen.last),
            None => self.looked,
        };
        Seen { version: document.version, before, last: now }
    }

    /// Decodes a document into `reports`; `None` if this version cannot read it.
    fn take<'a>(
        &'a self,
        document: &Document,
        seen: &'a Seen,
        sessions: &'a [Session],
        now: Time,
        reports: &mut Reports,
    ) -> Option<()> {
        let name = &document.name;
        let told =
            |teller: Option<&'a Session>, beat| Age { reader: self, seen, teller, beat, now };
        if *name == DocName::planner_report() {
            let value = PlannerReport::decode(&document.body)?;
            let teller = sessions.iter().find(|row| row.id == value.planner);
            let beat = Some(value.beat);
            reports.planner = Some(told(teller, beat).of(value));
        } else if *name == DocName::moves() {
            reports.moves = Some(Moves::decode(&document.body)?);
        } else if *name == DocName::watch() {
            reports.watch = Some(Watch::decode(&document.body)?);
        } else {
            let worker = name.reporter()?;
            let value = WorkerReport::decode(&document.body)?;
            let is_teller = |row: &&Session| match value.incarnation {
                Some(incarnation) => row.id.worker == worker && row.id.incarnation == incarnation,
                // Reports of older releases name no incarnation.
                None => row.id.worker == worker && !row.has_ended(),
            };
            let beat = value.incarnation.map(|_| value.beat);
            let told = told(sessions.iter().find(is_teller), beat).of(value);
            reports.workers.insert(worker, told);
        }
        Some(())
    }
}

/// The facts from which the age of a report is computed.
struct Age<'a> {
    reader: &'a Reader,
    seen: &'a Seen,
    /// The row of the session that wrote the report.
    teller: Option<&'a Session>,
    /// The beat that the report names.
    beat: Option<u64>,
    now: Time,
}

impl Age<'_> {
    fn of<T>(&self, value: T) -> Told<T> {
        let is_of_former_life = self.teller.is_none_or(Session::has_ended);
        Told { value, age: self.known(), is_of_former_life }
    }

    /// The smaller of the two bounds of [`Reader`].
    fn known(&self) -> Option<Duration> {
        let by_sight = self.seen.before.map(|before| self.now.since(before));
        let by_beats = self.teller.zip(self.beat).and_then(|(row, beat)| {
            let (_, since) = self.reader.beats.get(&row.id)?;
            let beats = u32::try_from(row.beat.saturating_sub(beat)).unwrap_or(u32::MAX);
            // One more interval: for the way of the report to the store, and for a beat under way.
            let until_beat = row.interval.saturating_mul(beats.saturating_add(1));
            Some(until_beat + self.now.since(*since))
        });
        by_sight.into_iter().chain(by_beats).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::{EndReason, Incarnation, PlanVersion, SessionState};

    fn session(beat: u64) -> Session {
        let id = SessionId::new("w1".parse().unwrap(), Incarnation::from_bits(7));
        let mut row = Session::new(id, 1, Duration::from_secs(6), Duration::from_millis(1_500));
        row.beat = beat;
        row
    }

    fn report(version: u64, beat: u64) -> Document {
        let mut report = WorkerReport::default();
        (report.incarnation, report.beat) = (Some(Incarnation::from_bits(7)), beat);
        Document::new(DocName::report(&session(0).id.worker), version, report.encode())
    }

    fn told(reports: &Reports) -> &Told<WorkerReport> {
        reports.workers.values().next().unwrap()
    }

    fn secs(secs: u64) -> Time {
        Time::from_millis(secs * 1_000)
    }

    #[test]
    fn a_report_is_as_old_as_the_beats_since_it_at_the_most() {
        let mut reader = Reader::new();
        let reports = reader.read(&[report(3, 100)], &[session(104)], secs(10));
        assert_eq!(told(&reports).age, Some(Duration::from_millis(7_500)));
        assert!(told(&reports).is_fresh());
        // Its worker sends no beats.
        let reports = reader.read(&[report(3, 100)], &[session(104)], secs(160));
        assert_eq!(told(&reports).age, Some(Duration::from_millis(157_500)));
        assert!(!told(&reports).is_fresh() && reports.of(&session(0).id.worker).is_none());
        // A worker that beats more often than required: the time since the read before is the
        // better limit of the age.
        let reports = reader.read(&[report(4, 100)], &[session(104_000)], secs(165));
        assert_eq!(told(&reports).age, Some(Duration::from_secs(5)));
    }

    #[test]
    fn what_a_life_told_that_is_over_is_of_the_past() {
        let mut ended = session(100);
        ended.state = SessionState::Ended(EndReason::Left);
        for sessions in [vec![], vec![ended]] {
            let reports = Reader::new().read(&[report(3, 100)], &sessions, secs(10));
            assert!(told(&reports).is_of_former_life && !told(&reports).is_fresh());
        }
    }

    #[test]
    fn the_age_of_what_an_older_build_tells_is_known_once_it_was_seen_to_change() {
        let older = |version| {
            let name = DocName::report(&session(0).id.worker);
            Document::new(name, version, r#"{"l":{}}"#.into())
        };
        let mut reader = Reader::new();
        let reports = reader.read(&[older(1)], &[session(4)], secs(10));
        assert_eq!((told(&reports).age, told(&reports).is_fresh()), (None, false));
        let reports = reader.read(&[older(2)], &[session(9)], secs(15));
        assert_eq!(told(&reports).age, Some(Duration::from_secs(5)));
    }

    #[test]
    fn the_planners_own_the_moves_and_the_watch_are_read_and_the_rest_is_not() {
        let planner = PlannerReport::new(session(0).id, PlanVersion::NONE);
        let documents = [
            Document::new(DocName::planner_report(), 1, planner.encode()),
            Document::new(DocName::moves(), 1, Moves::default().encode()),
            Document::new(DocName::watch(), 1, "no sense".into()),
            Document::new(DocName::placement(), 1, "no sense".into()),
        ];
        let reports = Reader::new().read(&documents, &[session(1)], secs(0));
        assert_eq!(reports.plan(), Some(&planner));
        assert_eq!(reports.moves, Some(Moves::default()));
        assert_eq!((reports.watch, reports.unreadable), (None, vec![DocName::watch()]));
        assert!(reports.workers.is_empty());
    }
}
