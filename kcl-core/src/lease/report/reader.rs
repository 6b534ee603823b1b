//! What a fleet tells, as whoever looks at it reads it, and how old that is.

use std::{collections::BTreeMap, time::Duration};

use super::{
    STALE_AFTER, moves::Moves, planner::PlannerReport, watch::Watch, worker::WorkerReport,
};
use crate::{
    env::Time,
    lease::{DocName, Document, Session, SessionId, WorkerId},
};

/// Something that was told, and how old it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told<T> {
    /// What.
    pub value: T,
    /// How long ago it was told, at the most; `None` if that is not known.
    pub age: Option<Duration>,
    /// Whether the life of the worker that told it is over, or is not among the sessions.
    pub is_of_former_life: bool,
}

impl<T> Told<T> {
    /// Whether it says something of the present: it is known to be young enough, and whoever told
    /// it is in that life still.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        !self.is_of_former_life && self.age.is_some_and(|age| age <= STALE_AFTER)
    }

    /// What was told, if it says something of the present.
    #[must_use]
    pub fn fresh(&self) -> Option<&T> {
        self.is_fresh().then_some(&self.value)
    }
}

/// What a fleet tells. What is not there is unknown: a worker without a report is one of an older
/// build, or has just started, or cannot write.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reports {
    /// Of each worker.
    pub workers: BTreeMap<WorkerId, Told<WorkerReport>>,
    /// Of the planner.
    pub planner: Option<Told<PlannerReport>>,
    /// The last moves.
    pub moves: Option<Moves>,
    /// Whether somebody watches, as it was written last.
    pub watch: Option<Watch>,
    /// Documents that make no sense to this version.
    pub unreadable: Vec<DocName>,
}

impl Reports {
    /// What a worker tells of the present.
    #[must_use]
    pub fn of(&self, worker: &WorkerId) -> Option<&WorkerReport> {
        self.workers.get(worker)?.fresh()
    }

    /// What the planner tells of the present.
    #[must_use]
    pub fn plan(&self) -> Option<&PlannerReport> {
        self.planner.as_ref()?.fresh()
    }
}

/// Reads reports, again and again. What it saw before tells it how old they are.
///
/// No two clocks are compared. A report says which beat was the last one of its worker, and the
/// worker's row which one is: the beats between, and the time since that row's beat moved, are the
/// report's age at the most, since a worker may beat more often than it has to, never less often
/// and live. A look at which the report was still the one before is another bound.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// When it looked last.
    looked: Option<Time>,
    documents: BTreeMap<DocName, Seen>,
    beats: BTreeMap<SessionId, (u64, Time)>,
}

/// What was seen of a document.
#[derive(Clone, Copy, Debug)]
struct Seen {
    version: u64,
    /// When another version, or none, was seen last.
    before: Option<Time>,
    /// When it was seen last.
    last: Time,
}

impl Reader {
    /// A reader that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The documents to be read: those of these workers, and those of the whole.
    pub fn names<'w>(
        workers: impl IntoIterator<Item = &'w WorkerId>,
    ) -> impl Iterator<Item = DocName> {
        let of_all = [DocName::planner_report(), DocName::moves(), DocName::watch()];
        of_all.into_iter().chain(workers.into_iter().map(DocName::report))
    }

    /// Reads documents that were read at `now`, beside the sessions that were listed after them.
    /// Others than reports are passed over; all that there are have to be given each time.
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

    fn note_beats(&mut self, sessions: &[Session], now: Time) {
        let before = std::mem::take(&mut self.beats);
        for session in sessions {
            let stands = before.get(&session.id).filter(|(beat, _)| *beat == session.beat);
            let since = stands.map_or(now, |(_, since)| *since);
            self.beats.insert(session.id.clone(), (session.beat, since));
        }
    }

    fn note(&self, document: &Document, now: Time) -> Seen {
        let before = match self.documents.get(&document.name) {
            Some(seen) if seen.version == document.version => seen.before,
            Some(seen) => Some(seen.last),
            None => self.looked,
        };
        Seen { version: document.version, before, last: now }
    }

    /// Takes in what a document says; `None` if it makes no sense.
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
                // Builds before this document did not say.
                None => row.id.worker == worker && !row.has_ended(),
            };
            let beat = value.incarnation.map(|_| value.beat);
            let told = told(sessions.iter().find(is_teller), beat).of(value);
            reports.workers.insert(worker, told);
        }
        Some(())
    }
}

/// What the age of a report follows from.
struct Age<'a> {
    reader: &'a Reader,
    seen: &'a Seen,
    teller: Option<&'a Session>,
    beat: Option<u64>,
    now: Time,
}

impl Age<'_> {
    fn of<T>(&self, value: T) -> Told<T> {
        let is_of_former_life = self.teller.is_none_or(Session::has_ended);
        Told { value, age: self.known(), is_of_former_life }
    }

    fn known(&self) -> Option<Duration> {
        let by_sight = self.seen.before.map(|before| self.now.since(before));
        let by_beats = self.teller.zip(self.beat).and_then(|(row, beat)| {
            let (_, since) = self.reader.beats.get(&row.id)?;
            let beats = u32::try_from(row.beat.saturating_sub(beat)).unwrap_or(u32::MAX);
            // Half a beat for its way to the store, and all of one that is under way.
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
        // Its worker is silent.
        let reports = reader.read(&[report(3, 100)], &[session(104)], secs(160));
        assert_eq!(told(&reports).age, Some(Duration::from_millis(157_500)));
        assert!(!told(&reports).is_fresh() && reports.of(&session(0).id.worker).is_none());
        // One that beats more often than it has to: the look before tells more.
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
