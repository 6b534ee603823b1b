//! Sessions as rows.

use std::time::Duration;

use kcl_core::lease::{Epoch, PlanVersion, Report, Session, SessionId, SessionState};
use sqlx::postgres::PgRow;

use super::{
    Row,
    fields::{Fields, int, millis},
};
use crate::{connections::Statement, error::BadRow};

impl Row for Session {
    type Key = SessionId;
    const TABLE: &'static str = "session";
    const KEY: &'static str = "id";
    const COLUMNS: &'static str = "id, start, timeout_ms, interval_ms, capacity, beat, state, \
        mailbox, seen_term, seen_version, changes, conflicts, watched, stream, zone";

    fn text_of(key: &SessionId) -> String {
        key.key()
    }

    fn key_text(&self) -> String {
        self.id.key()
    }

    fn bind(&self, statement: Statement) -> Statement {
        let Report { seen, changes, conflicts, watched, .. } = self.report;
        statement
            .bind(self.id.key())
            .bind(int(self.start))
            .bind(millis(self.timeout))
            .bind(millis(self.interval))
            .bind(i64::from(self.capacity))
            .bind(int(self.beat))
            .bind(self.state.as_str())
            .bind(int(self.mailbox))
            .bind(int(seen.term.0))
            .bind(int(seen.version))
            .bind(int(changes))
            .bind(int(conflicts))
            .bind(i64::from(watched))
            .bind(self.stream.as_ref().map(ToString::to_string))
            .bind(self.zone.as_ref().map(ToString::to_string))
    }

    fn decode(row: &PgRow) -> Result<Self, BadRow> {
        let row = Fields(row);
        let timeout = Duration::from_millis(row.number("timeout_ms")?);
        let interval = Duration::from_millis(row.number("interval_ms")?);
        let mut session = Self::new(row.parsed("id")?, row.number("start")?, timeout, interval);
        let state = row.text("state")?;
        session.state = SessionState::parse(state)
            .ok_or_else(|| BadRow::new("state", format!("is no state: {state:?}")))?;
        session.beat = row.number("beat")?;
        session.mailbox = row.number("mailbox")?;
        session.capacity = row.number("capacity")?;
        session.stream = row.parsed_or_none("stream")?;
        session.zone = row.parsed_or_none("zone")?;
        let (term, version) = (Epoch(row.number("seen_term")?), row.number("seen_version")?);
        session.report.seen = PlanVersion { term, version };
        session.report.changes = row.number("changes")?;
        session.report.conflicts = row.number("conflicts")?;
        session.report.watched = row.number("watched")?;
        Ok(session)
    }
}
