//! Sends commands one after the other, and compares each answer and each row with the rule's.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Change, Failure,
    command::{Command, Row, RowKey},
    failure::{Check, check, same, shown},
};
use crate::{
    lease::{Lease, LeaseKey, Session, SessionId, Write},
    store::LeaseStore,
};

/// A store with the rows that it should hold by the rules.
pub(super) struct Script {
    store: Arc<dyn LeaseStore>,
    /// The rows as the rules leave them.
    rows: BTreeMap<RowKey, Row>,
    /// The changes of each row, oldest first, for the suite's judge.
    changes: BTreeMap<RowKey, Vec<Change>>,
}

impl Script {
    /// Starts a script; the application must have no rows.
    pub(super) const fn on(store: Arc<dyn LeaseStore>) -> Self {
        Self { store, rows: BTreeMap::new(), changes: BTreeMap::new() }
    }

    pub(super) fn store(&self) -> &dyn LeaseStore {
        self.store.as_ref()
    }

    /// Sends a command. Fails unless the store answers as the rule does, and a read then returns
    /// the row that the rule leaves. Returns true if the write was done.
    pub(super) async fn play(&mut self, command: impl Into<Command>) -> Result<bool, Failure> {
        let command = command.into();
        let key = command.key();
        let want = command.verdict(self.rows.get(&key));
        let got = command
            .send(self.store())
            .await
            .map_err(|error| Failure::from(error).during(format_args!("on {}", shown(&command))))?;
        if let Some(got) = got {
            same(format_args!("the answer to {}", shown(&command)), &got, &want.answer)?;
        }
        let stored = key.read(self.store()).await?;
        same(format_args!("the row after {}", shown(&command)), &stored, &want.after)?;
        let before = match want.after.clone() {
            Some(row) => self.rows.insert(key.clone(), row),
            None => self.rows.remove(&key),
        };
        if before != want.after {
            let change = Change::new(command.into(), before, want.after);
            self.changes.entry(key).or_default().push(change);
        }
        Ok(matches!(want.answer, Write::Done(_)))
    }

    /// Sends a command and fails unless the rule and the store accept it.
    pub(super) async fn done(&mut self, command: impl Into<Command>) -> Check {
        let command = command.into();
        let done = self.play(command.clone()).await?;
        check(done, || format!("the case expects {} to be done", shown(&command)))
    }

    /// Sends a command and fails unless the rule and the store refuse it.
    pub(super) async fn refused(&mut self, command: impl Into<Command>) -> Check {
        let command = command.into();
        let done = self.play(command.clone()).await?;
        check(!done, || format!("the case expects {} to be refused", shown(&command)))
    }

    /// The changes of each row.
    pub(super) fn histories(&self) -> impl Iterator<Item = &[Change]> {
        self.changes.values().map(Vec::as_slice)
    }

    /// The row that the store should hold.
    pub(super) fn row(&self, key: &RowKey) -> Option<&Row> {
        self.rows.get(key)
    }

    /// The lease that the store should hold.
    pub(super) fn lease(&self, key: &LeaseKey) -> Result<&Lease, Failure> {
        let row = self.rows.get(&RowKey::Lease(key.clone()));
        row.and_then(Row::lease).ok_or_else(|| Failure::new(format!("the script has no {key}")))
    }

    /// The session that the store should hold.
    pub(super) fn session(&self, id: &SessionId) -> Result<&Session, Failure> {
        let row = self.rows.get(&RowKey::Session(id.clone()));
        row.and_then(Row::session).ok_or_else(|| Failure::new(format!("the script has no {id}")))
    }
}
