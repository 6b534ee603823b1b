//! Where reading of each stream began.
//!
//! PROTOCOL §6: a start is frozen once, in a document that is written before the first lease of
//! its stream. A store that goes back in time may lose that document; then whoever knows the start
//! gives it back, and only if nobody does is another one frozen. Of each stream:
//!
//! | phase | when | then | it asks |
//! |---|---|---|---|
//! | unknown | a document tells of it | known | – |
//! | any | the store is known to hold it | known | – |
//! | known | the store may have lost it | doubted | – |
//! | doubted | a beat was answered, or a session joined | being given back | puts it, if there is none |
//! | being given back | it was put, or one was there | known | – |
//! | being given back | that failed | doubted | – |
//! | being given back | the store may have lost it again | doubted | – |
//! | any but unknown | the application was changed | unknown | – |

mod known;
pub(super) mod request;

#[cfg(test)]
mod tests;

pub(super) use known::{Starts, stored};

use self::request::Reply;
use super::{command::Notice, context::Context, op};

/// Gives the starts back that the store may have lost. A planner does so as it plans.
pub(super) fn give_back(ctx: &mut Context) {
    for known::GiveBack { of, put, doubt } in ctx.starts.give_back() {
        ctx.ask(op::PutDoc(put), request::GiveBack(of, doubt));
    }
}

pub(super) fn on_answer(answer: Reply, ctx: &mut Context) {
    let Reply::GiveBack(of, doubt, answer) = answer;
    ctx.starts.on_given_back(&of, doubt, answer);
}

/// Says once of each stream that another start is in force than the settings say.
pub(super) fn tell_others(ctx: &mut Context) {
    let wanted = ctx.settings.initial_position;
    for start in ctx.starts.take_other_than(wanted) {
        ctx.notify(Notice::StartDiffers { start, wanted });
    }
}
