//! The reading and processing of one lease, modelled: batches of records that take a while.

use kcl_core::{
    env::Time,
    lease::{Epoch, LeaseKey},
    observe::LoadMeter,
    worker::gate::Gate,
};

/// The run of one lease under one epoch in one worker.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) key: LeaseKey,
    /// The last record processed.
    pub(super) done: u64,
    /// The batch in the processor.
    pub(super) batch: Option<BatchInWork>,
    /// Whether it may dispatch: the gate of production.
    pub(super) gate: Gate,
    /// The end of the shard was reported.
    pub(super) ended: bool,
    /// Numbers the wake-ups scheduled for this run: only the newest counts.
    pub(super) ticket: u64,
    /// The last record that was read: a batch that fails is not read again.
    pub(super) read: u64,
    /// How heavy it is, as a worker would measure it.
    pub(super) meter: LoadMeter,
}

/// Records in the processor.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchInWork {
    pub(super) last: u64,
    pub(super) until: Time,
    /// The processor cannot be interrupted.
    pub(super) hung: bool,
}

impl Run {
    /// A run that begins when its host's clock shows `now`.
    pub(super) const fn new(key: LeaseKey, gate: Gate, done: u64, now: Time) -> Self {
        let meter = LoadMeter::new(now);
        Self { key, done, batch: None, gate, ended: false, ticket: 0, read: done, meter }
    }

    /// The epoch of the lease under which it runs.
    pub(super) const fn epoch(&self) -> Epoch {
        self.gate.epoch()
    }
}
