//! The frozen start of each stream: where the application began to read it.
//!
//! PROTOCOL §6: a start is frozen once, in a document that is written before the first lease of its
//! stream. A store that goes back in time may lose that document. Then the workers that know the
//! start put it again, and only if none does is another start frozen. Freezing is the planner's
//! (`planner/catalogue/start.rs`).
//!
//! The table is for one stream:
//!
//! | phase | when | then | request to the store |
//! |---|---|---|---|
//! | unknown | a document names it | known | – |
//! | any | the store is known to hold it | known | – |
//! | known | the store may have lost it | doubted | – |
//! | doubted | a beat was answered, or a session joined | being given back | put it, if there is none |
//! | being given back | it was put, or existed | known | – |
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

/// Puts the starts that the store may have lost. A planner does so in its own readings.
pub(super) fn give_back(ctx: &mut Context) {
    for known::GiveBack { of, put, doubt } in ctx.starts.give_back() {
        ctx.ask(op::PutDoc(put), request::GiveBack(of, doubt));
    }
}

pub(super) fn on_answer(answer: Reply, ctx: &mut Context) {
    let Reply::GiveBack(of, doubt, answer) = answer;
    ctx.starts.on_given_back(&of, doubt, answer);
}

/// Reports, once for each stream, a frozen start that came from another setting than this worker's.
pub(super) fn tell_others(ctx: &mut Context) {
    let wanted = ctx.settings.initial_position;
    for start in ctx.starts.take_other_than(wanted) {
        ctx.notify(Notice::StartDiffers { start, wanted });
    }
}
