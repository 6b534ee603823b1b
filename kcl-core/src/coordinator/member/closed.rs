//! Waiting without a session while the application is closed: its rows are being rewritten.

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

/// Why workers may not join, in words; `None` if they may. What cannot be read is taken for closed.
fn closed_by(doc: Option<&Document>) -> Option<Result<String, String>> {
    match Changing::decode(&doc?.body) {
        Ok(changing) => changing.is_closed().then_some(Ok(changing.by)),
        Err(error) => Some(Err(error.to_string())),
    }
}

/// The last change of the application.
fn last_change(doc: &Document) -> Option<u64> {
    let changing = Changing::decode(&doc.body).ok()?;
    Change::of(&changing).map(|change| change.number)
}

impl Member {
    /// Whether the application is open was read.
    pub(super) fn on_changing(&mut self, answer: Answered<op::Doc>, ctx: &mut Context) {
        let Ok(doc) = answer else {
            // Read again with the other document, or at the next look.
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

    /// Looks again, as often as for wake-ups: nobody reads until then, and it costs no more than a
    /// worker that does. Ends the session again if it may not have ended.
    pub(super) fn look_whether_open(&mut self, ctx: &mut Context) {
        let Phase::Shut(shut) = &mut self.phase else { return };
        shut.look_at = ctx.now + ctx.settings.wake_poll.min(ctx.settings.watch_interval);
        if !shut.ended {
            let end = EndSession::new(self.session.id.clone(), Ending::Leave);
            ctx.ask(op::EndSession(end), request::EndShut);
        }
        ctx.ask(op::Doc(DocName::changing()), request::Changing);
    }

    /// The end was written, or refused: it had ended already, or its row is gone; or that is not
    /// known.
    pub(super) fn on_shut_ended(&mut self, answered: bool) {
        if let Phase::Shut(shut) = &mut self.phase {
            shut.ended |= answered;
        }
    }
}
