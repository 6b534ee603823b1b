//! Sessions as items.

use std::time::Duration;

use kcl_core::lease::{Epoch, PlanVersion, Report, Session, SessionId, SessionState};

use super::{
    Row,
    fields::{BadRow, Fields, number, text},
};
use crate::layout::{Item, Kind, SK};

impl Row for Session {
    type Key = SessionId;
    const KIND: Kind = Kind::Session;

    fn key(&self) -> &SessionId {
        &self.id
    }

    fn sort_key(key: &SessionId) -> String {
        key.key()
    }

    fn encode(&self) -> Item {
        let Report { seen, changes, conflicts, watched, .. } = self.report;
        [
            ("b", Some(number(self.beat))),
            ("st", Some(text(self.state.as_str()))),
            ("mb", Some(number(self.mailbox))),
            ("n", Some(number(self.start))),
            ("t", Some(number(self.timeout.as_millis()))),
            ("h", Some(number(self.interval.as_millis()))),
            ("c", Some(number(self.capacity))),
            ("pt", Some(number(seen.term))),
            ("pv", Some(number(seen.version))),
            ("ch", Some(number(changes))),
            ("cf", Some(number(conflicts))),
            ("w", Some(number(watched))),
            ("s", self.stream.as_ref().map(|stream| text(stream.as_str()))),
            ("z", self.zone.as_ref().map(|zone| text(zone.as_str()))),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
    }

    fn decode(item: &Item) -> Result<Self, BadRow> {
        let row = Fields(item);
        let timeout = Duration::from_millis(row.number("t")?);
        let interval = Duration::from_millis(row.number("h")?);
        let mut session = Self::new(row.parsed(SK)?, row.number("n")?, timeout, interval);
        let state = row.text("st")?;
        session.state = SessionState::parse(state)
            .ok_or_else(|| BadRow::new("st", format!("is no state: {state:?}")))?;
        session.beat = row.number("b")?;
        session.mailbox = row.number("mb")?;
        session.capacity = row.number("c")?;
        session.stream = row.parsed_or_none("s")?;
        session.zone = row.parsed_or_none("z")?;
        let seen = PlanVersion { term: Epoch(row.number("pt")?), version: row.number("pv")? };
        session.report.seen = seen;
        session.report.changes = row.number("ch")?;
        session.report.conflicts = row.number("cf")?;
        session.report.watched = row.number("w")?;
        Ok(session)
    }
}
