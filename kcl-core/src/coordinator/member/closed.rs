//! Waiting without a session while the application is closed, because a command rewrites its rows
//! (PROTOCOL §3).

use super::{
    Member,
    phase::{Phase, Shut},
    request,
    signal::Signal,
};
use crate::{
    change::Change,
    coordinator::{
        command::Notice,
        context::Context,
        op::{self, Answered},
    },
    env::Time,
    lease::{Changing, DocName, Document, EndSession, Ending},
};

/// The command that closed the application, or why that cannot be read; `None` if the application
/// is open. A document that cannot be decoded counts as closed.
fn closed_by(doc: Option<&Document>) -> Option<Result<String, String>> {
    match Changing::decode(&doc?.body) {
        Ok(changing) => changing.is_closed().then_some(Ok(changing.by)),
        Err(error) => Some(Err(error.to_string())),
    }
}

/// The number of the last change of the application.
fn last_change(doc: &Document) -> Option<u64> {
    let changing = Changing::decode(&doc.body).ok()?;
    Change::of(&changing).map(|change| change.number)
}

impl Member {
    /// The document `changing` was read: it says whether the application is open.
    pub(super) fn on_changing(&mut self, answer: Answered<op::Doc>, ctx: &mut Context) {
        let Ok(doc) = answer else {
            // Read again together with `streams`, or after the next `wake_poll`.
            if self.phase == Phase::Passing {
                self.retry_passing(ctx);
            }
            return;
        };
        if let Some(change) = doc.as_ref().and_then(last_change) {
            ctx.starts.changed(change);
        }
        let closed = closed_by(doc.as_ref());
        match (&mut self.phase, closed) {
            (Phase::Passing, None) => {
                self.pass.open = true;
                self.judge_streams(ctx);
            }
            (Phase::Passing, Some(why)) => {
                let shut = Shut { by: String::new(), ended: false, look_at: Time::NEVER };
                self.phase = Phase::Shut(shut);
                self.stop_passing();
                self.tell_closed(why, ctx);
                self.look_whether_open(ctx);
            }
            (Phase::Shut(_), Some(why)) => self.tell_closed(why, ctx),
            (Phase::Shut(shut), None) if shut.ended => {
                self.be_over();
                ctx.notify(Notice::Reopened);
                ctx.signal(Signal::Reopened);
            }
            _ => {}
        }
    }

    /// Reports once for each reason that the application is closed.
    fn tell_closed(&mut self, why: Result<String, String>, ctx: &mut Context) {
        let (notice, text) = match why {
            Ok(by) => (Notice::Closed(by.clone()), by),
            Err(problem) => (Notice::Unreadable(DocName::changing(), problem.clone()), problem),
        };
        if let Phase::Shut(shut) = &mut self.phase
            && shut.by != text
        {
            shut.by = text;
            ctx.notify(notice);
        }
    }

    /// Reads `changing` again, as often as a live worker reads its mailbox. Ends the session again,
    /// if that is not confirmed.
    pub(super) fn look_whether_open(&mut self, ctx: &mut Context) {
        let Phase::Shut(shut) = &mut self.phase else { return };
        shut.look_at = ctx.now + ctx.settings.wake_poll.min(ctx.settings.watch_interval);
        if !shut.ended {
            let end = EndSession::new(self.session.id.clone(), Ending::Leave);
            ctx.ask(op::EndSession(end), request::EndShut);
        }
        ctx.ask(op::Doc(DocName::changing()), request::Changing);
    }

    /// The end of the session was answered, or failed. A refusal counts as an answer: the session
    /// had ended before, or its row does not exist.
    pub(super) fn on_shut_ended(&mut self, answered: bool) {
        if let Phase::Shut(shut) = &mut self.phase {
            shut.ended |= answered;
        }
    }
}
