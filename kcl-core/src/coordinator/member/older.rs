//! The older live sessions of this id, which have to end before this one is live.

use std::collections::BTreeMap;

use super::request;
use crate::{
    coordinator::{context::Context, op},
    env::Time,
    lease::{EndSession, Ending, Session, SessionId},
};

/// The listing of all sessions after registering.
#[derive(Debug, Default)]
pub(super) enum Listed {
    /// It has not been asked for.
    #[default]
    Not,
    /// It is under way.
    Asked,
    /// These rows were listed; the session has not passed yet.
    Rows(Vec<Session>),
}

/// The older live sessions of this id, which have to end before this one is live.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Older {
    /// Those that are being ended, and how; without an answer so far.
    pub(super) ending: BTreeMap<SessionId, Ending>,
    /// Those that must not be replaced (`same_id = refuse`): the beat that was seen first, and
    /// when.
    pub(super) watched: BTreeMap<SessionId, (u64, Time)>,
    /// When their rows are read next, or the failed calls made again.
    pub(super) look_at: Option<Time>,
    /// Whether the listing after registering was judged.
    pub(super) listed: bool,
}

impl Older {
    pub(super) fn next_look(&self) -> Time {
        self.look_at.unwrap_or(Time::NEVER)
    }

    /// Whether no older session is left, so that this one may become live.
    pub(super) fn is_settled(&self) -> bool {
        self.listed && self.ending.is_empty() && self.watched.is_empty()
    }

    /// Ends each of `ending`.
    pub(super) fn end(&self, ctx: &mut Context) {
        for (id, ending) in &self.ending {
            end(id, *ending, ctx);
        }
    }
}

/// Ends one of them.
pub(super) fn end(id: &SessionId, ending: Ending, ctx: &mut Context) {
    let end = EndSession::new(id.clone(), ending);
    ctx.ask(op::EndSession(end), request::EndOlder(id.clone()));
}
