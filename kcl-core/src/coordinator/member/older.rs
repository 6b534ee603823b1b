//! The older live sessions of my id that stand in the way of a join.

use std::collections::BTreeMap;

use super::request;
use crate::{
    coordinator::{context::Context, op},
    env::Time,
    lease::{EndSession, Ending, Session, SessionId},
};

/// The sessions, listed after registering, until they are judged.
#[derive(Debug, Default)]
pub(super) enum Listed {
    /// They are not being listed.
    #[default]
    Not,
    /// They are.
    Asked,
    /// These are there.
    Rows(Vec<Session>),
}

/// The older live sessions of my id that stand in the way.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Older {
    /// Told to end, and how; not answered yet.
    pub(super) ending: BTreeMap<SessionId, Ending>,
    /// Under `same_id = refuse`: with the beat seen at first, and since when.
    pub(super) watched: BTreeMap<SessionId, (u64, Time)>,
    pub(super) look_at: Option<Time>,
    /// The first listing after registering has been judged.
    pub(super) listed: bool,
}

impl Older {
    pub(super) fn next_look(&self) -> Time {
        self.look_at.unwrap_or(Time::NEVER)
    }

    pub(super) fn is_settled(&self) -> bool {
        self.listed && self.ending.is_empty() && self.watched.is_empty()
    }

    /// Asks for the end of each that is to end.
    pub(super) fn end(&self, ctx: &mut Context) {
        for (id, ending) in &self.ending {
            end(id, *ending, ctx);
        }
    }
}

/// Asks for the end of one.
pub(super) fn end(id: &SessionId, ending: Ending, ctx: &mut Context) {
    let end = EndSession::new(id.clone(), ending);
    ctx.ask(op::EndSession(end), request::EndOlder(id.clone()));
}
