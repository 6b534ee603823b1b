//! Sessions as rows.

use std::{collections::BTreeMap, time::Duration};

use kcl_core::lease::{Epoch, PlanVersion, Report, Session, SessionId, SessionState};

use super::{
    Row,
    fields::{BadRow, Fields, parse_name},
};
use crate::layout::Kind;

impl Row for Session {
    type Key = SessionId;
    const KIND: Kind = Kind::Session;

    fn key(&self) -> &SessionId {
        &self.id
    }

    fn name(key: &SessionId) -> String {
        key.key()
    }

    fn fields(&self) -> BTreeMap<&'static str, String> {
        let Report { seen, changes, conflicts, watched, .. } = self.report;
        [
            ("b", Some(self.beat.to_string())),
            ("st", Some(self.state.to_string())),
            ("mb", Some(self.mailbox.to_string())),
            ("n", Some(self.start.to_string())),
            ("t", Some(self.timeout.as_millis().to_string())),
            ("h", Some(self.interval.as_millis().to_string())),
            ("c", Some(self.capacity.to_string())),
            ("pt", Some(seen.term.to_string())),
            ("pv", Some(seen.version.to_string())),
            ("ch", Some(changes.to_string())),
            ("cf", Some(conflicts.to_string())),
            ("w", Some(watched.to_string())),
            ("s", self.stream.as_ref().map(ToString::to_string)),
            ("z", self.zone.as_ref().map(ToString::to_string)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
    }

    fn decode(name: &str, fields: &Fields, _: &[u8]) -> Result<Self, BadRow> {
        let timeout = Duration::from_millis(fields.parsed("t")?);
        let interval = Duration::from_millis(fields.parsed("h")?);
        let mut session = Self::new(parse_name(name)?, fields.parsed("n")?, timeout, interval);
        let state = fields.text("st")?;
        session.state = SessionState::parse(state)
            .ok_or_else(|| BadRow::field("st", format!("is no state: {state:?}")))?;
        session.beat = fields.parsed("b")?;
        session.mailbox = fields.parsed("mb")?;
        session.capacity = fields.parsed("c")?;
        session.stream = fields.parsed_or_none("s")?;
        session.zone = fields.parsed_or_none("z")?;
        let term = Epoch(fields.parsed("pt")?);
        session.report.seen = PlanVersion { term, version: fields.parsed("pv")? };
        session.report.changes = fields.parsed("ch")?;
        session.report.conflicts = fields.parsed("cf")?;
        session.report.watched = fields.parsed("w")?;
        Ok(session)
    }
}
