//! What the tests of all parts share: a context, rows, and the calls, signals and notices of a
//! part.

use super::{
    command::{Command, Notice},
    context::Context,
    document::Assignment,
    op::StoreCall,
    signal::Signal,
};
use crate::{
    env::Time,
    lease::{Incarnation, PlanVersion, Session, SessionId},
    settings::Coordination,
};

pub(super) fn at(millis: u64) -> Time {
    Time::from_millis(millis)
}

/// A context with these settings, at time 0, of a session that is valid.
pub(super) fn context(settings: Coordination) -> Context {
    let mut ctx = Context::new(settings, 1);
    ctx.valid = true;
    ctx
}

pub(super) fn id(worker: &str) -> SessionId {
    SessionId::new(worker.parse().unwrap(), Incarnation::from_bits(1))
}

/// The row of a session with the default times, that has beaten once.
pub(super) fn session(worker: &str) -> Session {
    let settings = Coordination::default();
    let mut row =
        Session::new(id(worker), 1, settings.session_timeout, settings.heartbeat_interval);
    row.beat = 1;
    row
}

/// A document of this planner for this worker, with nothing to hold and nothing to give.
pub(super) fn assignment(planner: &str, worker: &str, version: PlanVersion) -> Assignment {
    Assignment {
        version,
        session: id(worker),
        planner: id(planner),
        standby: None,
        second: None,
        rank: 3,
        takes_children: true,
        starts: Vec::new(),
        holds: Vec::new(),
        gives: Vec::new(),
        give_within: None,
    }
}

/// The calls and notices since; the signals stay queued.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) asked: Vec<StoreCall>,
    pub(super) noted: Vec<Notice>,
    pub(super) other: Vec<Command>,
}

pub(super) fn done(ctx: &mut Context) -> Done {
    let mut done = Done::default();
    for command in ctx.take_commands() {
        match command {
            Command::Store(_, call) => done.asked.push(*call),
            Command::Notify(notice) => done.noted.push(notice),
            other => done.other.push(other),
        }
    }
    done
}

/// The calls since.
pub(super) fn asked(ctx: &mut Context) -> Vec<StoreCall> {
    done(ctx).asked
}

/// The signals since.
pub(super) fn said(ctx: &mut Context) -> Vec<Signal> {
    std::iter::from_fn(|| ctx.next_signal()).collect()
}
