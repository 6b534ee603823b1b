//! What workers and the planner tell of themselves, read now and then: they write it every minute
//! or so.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use kcl_core::{
    env::Clock,
    lease::{DocName, Document, WorkerId, report::Reader},
    store::LeaseStore,
};

use crate::doctor::facts::Facts;

/// The workers whose reports are worth a read: those that have a session.
pub(super) fn tellers(facts: &Facts) -> Vec<WorkerId> {
    let sessions = facts.sessions.get().into_iter().flat_map(|it| &it.rows);
    let each_once: BTreeSet<&WorkerId> = sessions.map(|row| &row.id.worker).collect();
    each_once.into_iter().cloned().collect()
}

/// The documents that they write, or why they could not be read: all of them, or none.
pub(super) async fn read(
    store: Arc<dyn LeaseStore>,
    workers: Vec<WorkerId>,
    clock: Arc<dyn Clock>,
    patience: Duration,
) -> Result<Vec<Document>, String> {
    let names: Vec<DocName> = Reader::names(&workers).collect();
    let mut documents = Vec::new();
    for name in names {
        let answer = tokio::select! {
            answer = store.doc(&name) => answer.map_err(|error| error.to_string()),
            () = clock.sleep(patience) => Err("no answer in time".to_owned()),
        };
        documents.extend(answer?);
    }
    Ok(documents)
}
