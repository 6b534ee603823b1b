//! Reads the rows of an application from the lease store.
//!
//! The order matters, because the fleet goes on meanwhile:
//!
//! 1. [`Reader::first`] lists the sessions, the leases and the application's documents at once.
//! 2. [`Reader::rest`] reads the documents of the workers, and lists the sessions again until it
//!    is known of each whether its beat moves. Sessions are listed once more after the leases, so
//!    that an owner that registered in between is not taken for absent.
//!
//! [`Reader::at_once`] replaces step 2 for a caller that reads again soon: it does not wait for
//! beats.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use kcl_core::{
    assignment::placement::{Inherited, Placement},
    coordinator::Assignment,
    env::{Clock, Time},
    lease::{Changing, DocName, Document, Lease, LeaseKey, Session, Streams, WorkerId, report},
    store::{Consistency, LeaseStore, Listing},
};

use super::{Documents, Known, Sessions, known::within, pages};
use crate::beats::{self, Beats};

/// About how many bytes a row takes beside its names, its checkpoint and its hash range.
const REST_OF_A_ROW: usize = 120;

/// Reads one store; each call may take `patience` at most.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    pub(super) store: Arc<dyn LeaseStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) patience: Duration,
}

/// The first listing of everything, before the wait for beats.
pub(super) struct First {
    pub(super) sessions: Result<Listing<Session>, String>,
    pub(super) leases: Known<Listing<Lease>>,
    pub(super) documents: Result<Documents, String>,
}

impl Reader {
    /// Lists the sessions, the leases and the application's documents at the same time.
    pub(super) async fn first(&self, beats: &mut Beats) -> First {
        // The watch of the beats begins with the first list of sessions. The listing of all leases
        // may take long, and counts as time for which the beats were watched.
        let look = async {
            let sessions = self.sessions().await;
            if let Ok(listing) = &sessions {
                beats.note(&listing.rows, self.clock.now());
            }
            sessions
        };
        let (sessions, leases, documents) = tokio::join!(look, self.leases(), self.documents());
        First { sessions, leases: Known::of(leases, self.clock.now()), documents }
    }

    /// Reads the documents of the workers, and lists the sessions until it is known of each whether
    /// its beat moves.
    pub(super) async fn rest(
        &self,
        first: First,
        mut beats: Beats,
        reader: &mut report::Reader,
    ) -> (Known<Sessions>, Known<Listing<Lease>>, Known<Documents>) {
        let (of_workers, plan_matters) = (workers(&first), has_free_leases(&first));
        let (sessions, documents) = tokio::join!(
            self.settled(first.sessions, &mut beats),
            self.documents_of(of_workers, plan_matters, first.documents)
        );
        let now = self.clock.now();
        let documents = reported(documents, &sessions, reader, now);
        let sessions = sessions.map(|listing| {
            let Listing { rows, unreadable, .. } = listing;
            Sessions { rows, unreadable, beats }
        });
        (Known::of(sessions, now), first.leases, Known::of(documents, now))
    }

    /// Does the same without a wait for beats, for a caller that reads again soon. A worker whose
    /// beat was not yet seen to move counts as unseen, not as silent.
    pub(super) async fn at_once(
        &self,
        first: First,
        mut beats: Beats,
        reader: &mut report::Reader,
    ) -> (Known<Sessions>, Known<Listing<Lease>>, Known<Documents>) {
        let (of_workers, plan_matters) = (workers(&first), has_free_leases(&first));
        let again = async {
            // A list that failed a moment ago is not tried again in this reading.
            first.sessions?;
            self.sessions().await
        };
        let documents = self.documents_of(of_workers, plan_matters, first.documents);
        let (sessions, documents) = tokio::join!(again, documents);
        let now = self.clock.now();
        let documents = reported(documents, &sessions, reader, now);
        let sessions = sessions.map(|Listing { rows, unreadable, .. }| {
            beats.note(&rows, now);
            Sessions { rows, unreadable, beats }
        });
        (Known::of(sessions, now), first.leases, Known::of(documents, now))
    }

    /// Lists the sessions, by consistent reads.
    async fn sessions(&self) -> Result<Listing<Session>, String> {
        let page = |from| self.store.sessions(from, Consistency::Strong);
        pages::all(&*self.clock, self.patience, page, |_| REST_OF_A_ROW).await
    }

    /// Lists the leases.
    async fn leases(&self) -> Result<Listing<Lease>, String> {
        let page = |from| self.store.leases(from);
        pages::all(&*self.clock, self.patience, page, size).await
    }

    /// Lists the sessions until it is known of each whether its beat moves. The wait has a limit,
    /// because a worker's row may name an interval of any length, like an hour.
    async fn settled(
        &self,
        first: Result<Listing<Session>, String>,
        beats: &mut Beats,
    ) -> Result<Listing<Session>, String> {
        let began = self.clock.now();
        // If the first list failed, the list is not tried again in this reading.
        first?;
        loop {
            let listing = self.sessions().await?;
            let now = self.clock.now();
            beats.note(&listing.rows, now);
            let longest = listing.rows.iter().map(|row| row.interval).max().unwrap_or_default();
            let enough = now.since(began) > self.patience.max(longest.min(self.patience * 3) * 2);
            if beats.is_settled(&listing.rows) || enough {
                return Ok(listing);
            }
            self.clock.sleep(beats::POLL).await;
        }
    }

    /// The documents of the application as a whole. One that fails to decode goes to `unreadable`.
    ///
    /// # Errors
    /// The store failed for one of them.
    async fn documents(&self) -> Result<Documents, String> {
        let (changing, streams, placement, inherited) = tokio::join!(
            self.document(DocName::changing()),
            self.document(DocName::streams()),
            self.document(DocName::placement()),
            self.document(DocName::inherited()),
        );
        let mut all = Documents::default();
        let bad = &mut all.unreadable;
        all.changing = read(changing?, bad, |body| Changing::decode(body).map_err(said));
        all.streams = read(streams?, bad, |body| Streams::decode(body));
        let placement = read(placement?, bad, |body| Placement::decode(body).map_err(said));
        all.marks = placement.as_ref().map(|it| it.marks.clone()).unwrap_or_default();
        let (rules, frozen) = placement.map(|it| (it.rules, it.frozen)).unzip();
        (all.placement, all.frozen) = (rules, frozen.flatten());
        let inherited = inherited?;
        all.inherited = read(inherited, bad, |body| Inherited::decode(body).map_err(said))
            .map(|(_, inherited)| inherited);
        Ok(all)
    }

    /// Adds the documents of `workers` to `all`, and returns the reports undecoded. The assignments
    /// are read only if `plan_matters`: one read for each worker is saved in a fleet that is well.
    async fn documents_of(
        &self,
        workers: Vec<WorkerId>,
        plan_matters: bool,
        all: Result<Documents, String>,
    ) -> Result<(Documents, Vec<Document>), String> {
        let (mut all, mut told) = (all?, Vec::new());
        let planners = self.document(DocName::planner_report()).await;
        told.extend(found(&DocName::planner_report(), planners, &mut all.unread));
        let read_one = |worker: WorkerId| {
            let reader = self.clone();
            async move {
                let assignment = async {
                    match plan_matters {
                        true => reader.document(DocName::assignment(&worker)).await,
                        false => Ok(None),
                    }
                };
                let report = reader.document(DocName::report(&worker));
                let (assignment, report) = tokio::join!(assignment, report);
                (worker, assignment, report)
            }
        };
        for (worker, assignment, report) in pages::each(workers, read_one).await {
            let no_sense = || "it is nothing that this version knows".to_owned();
            let assignment = found(&DocName::assignment(&worker), assignment, &mut all.unread);
            let decode = |body: &Bytes| Assignment::decode(body).ok_or_else(no_sense);
            let assignment = read(assignment, &mut all.unreadable, decode);
            all.assignments.extend(assignment.map(|it| (worker.clone(), it)));
            told.extend(found(&DocName::report(&worker), report, &mut all.unread));
        }
        Ok((all, told))
    }

    /// Reads one document, undecoded.
    async fn document(&self, name: DocName) -> Result<Option<Document>, String> {
        within(&*self.clock, self.patience, self.store.doc(&name)).await
    }
}

/// Decodes the reports that were read, and adds them to the documents. The session rows tell the
/// age of each report.
fn reported(
    documents: Result<(Documents, Vec<Document>), String>,
    sessions: &Result<Listing<Session>, String>,
    reader: &mut report::Reader,
    now: Time,
) -> Result<Documents, String> {
    let rows = sessions.as_ref().map_or(&[][..], |listing| &listing.rows);
    documents.map(|(mut all, told)| {
        all.reports = reader.read(&told, rows, now);
        let no_sense = "it is nothing that this version knows";
        let bad = all.reports.unreadable.iter();
        all.unreadable.extend(bad.map(|name| (name.to_string(), no_sense.to_owned())));
        all
    })
}

/// Whether some lease that has not ended has no owner. Only then does a judge need the plan.
fn has_free_leases(first: &First) -> bool {
    let mut leases = first.leases.get().into_iter().flat_map(|listing| &listing.rows);
    leases.any(|lease| !lease.key.is_role() && !lease.has_ended() && lease.owner.is_none())
}

/// The workers whose documents are read: those with a session that has not ended, and the owner of
/// the lease `@planner`.
fn workers(first: &First) -> Vec<WorkerId> {
    let sessions = first.sessions.iter().flat_map(|listing| &listing.rows);
    let live = sessions.filter(|row| !row.has_ended()).map(|row| &row.id.worker);
    let leases = first.leases.get().into_iter().flat_map(|listing| &listing.rows);
    let planner = leases.filter(|lease| lease.key == LeaseKey::planner());
    let planner = planner.filter_map(|lease| lease.owner.as_ref()).map(|owner| &owner.worker);
    let each_once: BTreeMap<&WorkerId, ()> = live.chain(planner).map(|it| (it, ())).collect();
    each_once.into_keys().cloned().collect()
}

/// Decodes a document. A failure goes to `unreadable`, and the answer is `None`.
fn read<T>(
    document: Option<Document>,
    unreadable: &mut Vec<(String, String)>,
    decode: impl FnOnce(&Bytes) -> Result<T, String>,
) -> Option<T> {
    let Document { name, body, .. } = document?;
    let decoded = decode(&body);
    decoded.map_err(|why| unreadable.push((name.to_string(), why))).ok()
}

/// The document, if the store answered. A failure goes to `unread`, and the answer is `None`.
fn found(
    name: &DocName,
    answer: Result<Option<Document>, String>,
    unread: &mut Vec<(String, String)>,
) -> Option<Document> {
    answer.map_err(|why| unread.push((name.to_string(), why))).ok().flatten()
}

fn said(error: impl std::error::Error) -> String {
    error.to_string()
}

/// About how many bytes a lease row takes in a table of DynamoDB.
fn size(lease: &Lease) -> usize {
    let names = lease.parents.iter().chain(&lease.children).map(|shard| shard.as_str().len());
    let range = lease.range.map_or(0, |_| 78);
    lease.key.as_str().len() * 2
        + kcl_core::lease::Checkpoint::KEY_LENGTH
        + names.sum::<usize>()
        + range
        + lease.owner.as_ref().map_or(0, |owner| owner.worker.as_str().len() + 36)
        + REST_OF_A_ROW
}
