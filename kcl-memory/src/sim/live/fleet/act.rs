//! What a plan's steps do.

use std::time::Duration;

use kcl_core::{
    env::Rng,
    stream::{Shard, StreamSource},
};

use super::world::{SimEvent, World};
use crate::sim::live::plan::{Fault, Step, Target};

/// How many of a shard's records are left when it is trimmed.
const KEPT: usize = 3;

/// How long a step may wait for its moment.
const MOMENT: Duration = Duration::from_secs(2);

impl World<'_> {
    /// Whether a step waits for its moment: the midst of a write, where it is most interesting.
    pub(super) fn waits(&mut self, number: usize) -> bool {
        let Some(step) = self.plan.steps.get(number).copied() else { return false };
        let millis = u64::try_from(step.at.as_millis()).unwrap_or(0);
        let may = step.fault.interrupts() && self.now() < step.at + MOMENT;
        // Sometimes the midst of anything else is.
        let wants = may && Rng::new(self.plan.seed ^ millis).below(4) > 0;
        wants && self.newest(step.on).is_some_and(|member| !member.process.is_calling())
    }

    /// Takes a step of the plan.
    pub(super) async fn step(&mut self, number: usize) {
        let Some(step) = self.plan.steps.get(number).copied() else { return };
        let happened = match step.fault.target() {
            Target::Worker => self.step_of_worker(step),
            Target::Shard => self.step_of_shards(step).await,
            Target::Everybody => {
                self.active_faults.begin(step.fault, 0, step.lasts);
                let (fault, lasts) = (step.fault, step.lasts);
                self.book.ledger().note("", format!("{fault} for {lasts:?}"));
                true
            }
        };
        if happened {
            self.faults.push(step.fault);
        }
    }

    /// Something happens to a worker; false if it is not there.
    fn step_of_worker(&mut self, step: Step) -> bool {
        match step.fault {
            Fault::Start => {
                self.start(step.on);
                return true;
            }
            Fault::Leave => return self.ask_to_leave(step.on),
            _ => {}
        }
        let (fault, lasts, book) = (step.fault, step.lasts, self.book.clone());
        let Some(process) = self.newest(step.on).map(|member| member.process.clone()) else {
            return false;
        };
        let name = process.name();
        match fault {
            Fault::Crash => {
                book.ledger().note(name, format!("{name} crashes"));
                process.kill();
            }
            Fault::Pause | Fault::Suspend => {
                book.ledger().note(name, format!("{name} stands still for {lasts:?} ({fault})"));
                process.stop();
                book.ledger().allow_overlap();
                let suspended = if fault == Fault::Suspend { lasts } else { Duration::ZERO };
                self.decide(self.now() + lasts, SimEvent::Resume(process, suspended));
            }
            _ => {
                book.ledger().note(name, format!("{fault} {name} for {lasts:?}"));
                self.active_faults.begin(fault, step.on, lasts);
            }
        }
        true
    }

    /// Something happens to a shard; false if it is not possible.
    async fn step_of_shards(&mut self, step: Step) -> bool {
        let mut open = self.stream.shards().await.unwrap_or_default();
        open.retain(|shard| !shard.closed);
        let Some(shard) = step.on.checked_rem(open.len()).and_then(|n| open.get(n)) else {
            return false;
        };
        let id = &shard.id;
        let done = match step.fault {
            Fault::Split => self.stream.split(id).is_ok(),
            Fault::Merge => match neighbour(shard, &open) {
                Some(neighbour) => self.stream.merge(id, &neighbour.id).is_ok(),
                None => false,
            },
            _ => {
                self.book.ledger().trimmed(id, KEPT);
                self.stream.trim(id, KEPT).is_ok()
            }
        };
        if done && step.fault != Fault::Trim {
            self.book.ledger().note("", format!("{} of {id}", step.fault));
            self.know_shards().await;
        }
        done
    }

    /// Puts the stream's shards into the book.
    pub(super) async fn know_shards(&self) {
        let shards = self.stream.shards().await.unwrap_or_default();
        self.book.ledger().know_shards(shards);
    }

    /// Puts a record.
    pub(super) fn put(&self, number: u64) {
        let (key, data) = (self.setup.produce)(number);
        let Ok(put) = self.stream.put(&key, data.clone()) else { return };
        let record = kcl_core::stream::Record::new(put.position, Some(key), data);
        self.book.ledger().put(&put.shard, &record);
    }
}

/// The shard whose hash keys follow those of `shard`.
fn neighbour<'a>(shard: &Shard, open: &'a [Shard]) -> Option<&'a Shard> {
    let next = shard.range?.end.checked_add(1)?;
    open.iter().find(|other| other.range.is_some_and(|range| range.start == next))
}
