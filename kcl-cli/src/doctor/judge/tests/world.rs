//! Makes the facts of a healthy fleet, its stream and its leases, which a test then breaks.

use std::{collections::BTreeMap, time::Duration};

use clap::{CommandFactory, Parser};
use kcl_core::{
    assignment::{Limits, placement::Placement},
    env::{Time, WallTime},
    lease::{
        Checkpoint, DocName, Document, EndReason, Epoch, Incarnation, Lease, LeaseKey, Session,
        SessionId, SessionState, Streams,
        report::{PlannerReport, Reader, WorkerReport},
    },
    store::Listing,
    stream::{HashRange, Shard, ShardId, StreamDescription, StreamKey},
};

use crate::{
    beats::Beats,
    cli::Cli,
    doctor::{
        facts::{Described, Documents, Facts, Known, Lag, Progress, Sessions},
        finding::{Finding, Kind},
        judge::{Bounds, Verdict, judge},
        remedy::Shell,
    },
};

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const NOW: u64 = 1_769_850_000_000;

/// A healthy fleet: workers w0, w1, … share shards that cover every hash key.
pub(crate) struct World {
    pub(crate) sessions: Vec<Session>,
    /// For each silent session, how long its beat has stood still. The beats of all others move.
    pub(crate) silent: BTreeMap<SessionId, Duration>,
    pub(crate) leases: Vec<Lease>,
    pub(crate) shards: Vec<Shard>,
    pub(crate) lags: BTreeMap<LeaseKey, Lag>,
    pub(crate) documents: Documents,
    /// The documents with reports.
    pub(crate) told: Vec<Document>,
    pub(crate) progress: Progress,
    pub(crate) change: Box<dyn Fn(&mut Facts)>,
}

pub(crate) fn stream() -> StreamKey {
    StreamKey::new("orders", WallTime::from_millis(7))
}

pub(crate) fn shard(number: usize) -> ShardId {
    format!("shardId-{number:012}").parse().unwrap()
}

pub(crate) fn key(number: usize) -> LeaseKey {
    LeaseKey::of_shard(&stream(), &shard(number))
}

pub(crate) fn id(number: usize) -> SessionId {
    SessionId::new(format!("w{number}").parse().unwrap(), Incarnation::from_bits(number as u128))
}

pub(crate) fn description() -> StreamDescription {
    let name = "1:eu-west-1:orders".parse().unwrap();
    StreamDescription::new(name, stream(), 24 * HOUR, WallTime::from_millis(NOW))
}

impl World {
    /// A fleet with these numbers of workers and shards.
    pub(crate) fn of(workers: usize, shards: usize) -> Self {
        let session = |number: usize| {
            let mut session = Session::new(id(number), 1, 6 * SECOND, SECOND);
            session.stream = Some(description().name);
            session
        };
        let step = u128::MAX / shards.max(1) as u128;
        let range = |number: usize| {
            let start = step * number as u128;
            let end = if number + 1 == shards { u128::MAX } else { start + step - 1 };
            HashRange::new(start, end)
        };
        let lease = |number: usize| {
            let mut lease = Lease::new(key(number), Checkpoint::TrimHorizon);
            lease = lease.of_shard(Vec::new(), Some(range(number)));
            lease.owner = number.checked_rem(workers).map(id);
            lease.epoch = Epoch(NOW - 5_000);
            lease
        };
        let mut planner = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
        planner.owner = (workers > 0).then(|| id(0));
        let leases = (0..shards).map(lease).chain([planner]).collect();
        let documents =
            Documents { streams: Some(Streams::of(&description())), ..Documents::default() };
        Self {
            sessions: (0..workers).map(session).collect(),
            silent: BTreeMap::new(),
            leases,
            shards: (0..shards).map(|number| Shard::open(shard(number), range(number))).collect(),
            lags: (0..shards).map(|number| (key(number), Lag::CaughtUp)).collect(),
            documents,
            told: Vec::new(),
            progress: Progress::default(),
            change: Box::new(|_| {}),
        }
    }

    pub(crate) fn lease(&mut self, number: usize) -> &mut Lease {
        self.leases.iter_mut().find(|lease| lease.key == key(number)).unwrap()
    }

    pub(crate) fn silence(&mut self, worker: usize, span: Duration) {
        self.silent.insert(id(worker), span);
    }

    pub(crate) fn end(&mut self, worker: usize) {
        self.sessions[worker].state = SessionState::Ended(EndReason::Fenced);
    }

    pub(crate) fn unread(&mut self, number: usize, age: Duration) {
        let since = WallTime::from_millis(NOW - u64::try_from(age.as_millis()).unwrap());
        self.lags.insert(key(number), Lag::Unread { since, lost: false });
    }

    pub(crate) fn rules(&mut self, json: &str) {
        let placement = Placement::decode(json.as_bytes()).unwrap();
        self.documents.marks = placement.marks;
        self.documents.placement = Some(placement.rules);
    }

    /// Adds a report of a worker, written with its last beat.
    pub(crate) fn tells(&mut self, worker: usize, mut report: WorkerReport) {
        let session = &self.sessions[worker];
        (report.incarnation, report.beat) = (Some(session.id.incarnation), session.beat);
        let name = DocName::report(&session.id.worker);
        self.told.push(Document::new(name, 1, report.encode()));
    }

    /// Adds a report of the planner.
    pub(crate) fn plans(&mut self, report: &PlannerReport) {
        self.told.push(Document::new(DocName::planner_report(), 1, report.encode()));
    }

    /// Splits a shard. Its children get the next numbers; the lease of the parent is unchanged.
    pub(crate) fn split(&mut self, number: usize) -> [ShardId; 2] {
        let parent = &mut self.shards[number];
        parent.closed = true;
        let (lower, upper) = parent.range.unwrap().halves().unwrap();
        let parent = parent.id.clone();
        [lower, upper].map(|range| {
            let mut child = Shard::open(shard(self.shards.len()), range);
            child.parents = vec![parent.clone()];
            self.shards.push(child.clone());
            child.id
        })
    }

    /// The facts of a reading at this time of this machine's clock.
    pub(crate) fn facts(&self, seconds: u64) -> Facts {
        let at = Time::ZERO + Duration::from_secs(1_000 + seconds);
        let mut beats = Beats::default();
        let before = |mut session: Session| {
            session.beat = 1_000;
            session
        };
        let moving = self.sessions.iter().filter(|it| !self.silent.contains_key(&it.id));
        // Earlier readings show another beat of each live worker, and the present beat of each
        // silent one since it is silent.
        let mut looks: Vec<(Time, Vec<Session>)> =
            self.silent
                .values()
                .map(|span| at - *span)
                .chain([at - SECOND / 2])
                .map(|then| {
                    let silent = self.sessions.iter().filter(|it| {
                        self.silent.get(&it.id).is_some_and(|span| at - *span <= then)
                    });
                    (then, silent.cloned().chain(moving.clone().cloned().map(before)).collect())
                })
                .collect();
        looks.sort_by_key(|(then, _)| *then);
        looks.push((at, self.sessions.clone()));
        for (then, rows) in looks {
            beats.note(&rows, then);
        }
        let sessions = Sessions { rows: self.sessions.clone(), unreadable: Vec::new(), beats };
        let heard = WallTime::from_millis(NOW);
        let mut facts = Facts {
            application: "indexer".to_owned(),
            store: "dynamodb://indexer".to_owned(),
            at,
            wall: WallTime::from_millis(NOW),
            sessions: Known::of(Ok(sessions), at),
            leases: Known::of(Ok(Listing::of(self.leases.clone())), at),
            documents: Known::of(Ok(self.documents_at(at)), at),
            stream_asked: Some("orders".to_owned()),
            stream: Known::of(Ok(Described { description: description(), heard }), at),
            shards: Known::of(Ok(self.shards.clone()), at),
            lags: Known::of(Ok(self.lags.clone()), at),
            identity: Known::LeftOut("a test"),
            rights: Vec::new(),
        };
        (self.change)(&mut facts);
        facts
    }

    fn documents_at(&self, at: Time) -> Documents {
        let reports = Reader::new().read(&self.told, &self.sessions, at);
        Documents { reports, ..self.documents.clone() }
    }

    pub(crate) fn judged(&self) -> Verdict {
        self.judged_at(0)
    }

    pub(crate) fn judged_at(&self, seconds: u64) -> Verdict {
        let bounds = Bounds { lag: 300 * SECOND, limits: Limits::default() };
        let shell = Shell::new("indexer", None, &[]).reading(Some("orders"));
        let verdict = judge(&self.facts(seconds), &self.progress, bounds, &shell);
        for finding in &verdict.findings {
            assert!(!finding.remedies.is_empty(), "{finding:?}");
            finding.remedies.iter().for_each(|remedy| parses(&remedy.command));
        }
        verdict
    }

    /// The kinds of all findings. It panics if something is unknown.
    pub(crate) fn found(&self) -> Vec<Kind> {
        let verdict = self.judged();
        assert_eq!(verdict.unknown, [], "{verdict:#?}");
        verdict.findings.iter().map(|finding| finding.kind).collect()
    }

    /// The only finding. It panics if there are none or several.
    pub(crate) fn only(&self) -> Finding {
        let mut verdict = self.judged();
        assert_eq!(verdict.findings.len(), 1, "{verdict:#?}");
        verdict.findings.remove(0)
    }
}

/// Panics unless this program can parse the command.
fn parses(command: &str) {
    let words = command.split_whitespace();
    let knows_placement = Cli::command().find_subcommand("placement").is_some();
    match command.strip_prefix("kcl placement ").filter(|_| !knows_placement) {
        Some(action) => {
            let action = action.split(' ').next();
            assert!(action.is_some_and(|it| ["show", "check", "unset"].contains(&it)), "{command}");
        }
        None => assert!(Cli::try_parse_from(words).is_ok(), "{command}"),
    }
}
