//! The commands that an operator has given, and what reaches them.

use std::time::Duration;

use kcl_core::{
    change::Closing,
    coordinator::{StoreCall, StoreOutcome},
    env::Rng,
    settings::InitialPosition,
};

/// The commands of one operator.
#[derive(Debug, Default)]
pub(super) struct Operator {
    pub(super) commands: Vec<Command>,
    /// What the last reset is about.
    pub(super) goal: Option<Goal>,
}

/// What an operator wants in the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    pub(super) to: InitialPosition,
    /// Reading is to go on where it was, after all.
    pub(super) undo: bool,
}

/// One run of a command.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) run: Closing,
    pub(super) rng: Rng,
    /// It dies when it has asked the store so often.
    pub(super) dies_in: Option<usize>,
    /// Numbers its calls: an answer to an earlier one means nothing.
    pub(super) call: u64,
    /// Its writes of rows up to this call are lost: they were under way when the store went back.
    pub(super) cut: u64,
    pub(super) is_over: bool,
    pub(super) begins: InitialPosition,
}

/// What comes of a command's call.
#[derive(Debug)]
pub(super) enum News {
    /// It goes on.
    GoOn,
    /// Its call reaches the store; the answer takes so long, if there is one.
    Arrive(u64, Box<StoreCall>, Option<Duration>),
    /// It hears what became of the call.
    Answer(u64, Box<StoreOutcome>),
    /// The operator sees whether the application is closed, and if so starts another.
    Look,
}
