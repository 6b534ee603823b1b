//! `kcl leases skip`: hands one record on which a shard is stuck to the dead letter.
//!
//! The command accepts only a record of the batch that fails now, by the report of the lease's
//! owner. It writes a mark. The owner then tries the record once more, alone, and skips it only if
//! it fails again. The command waits for the result in the owner's reports and checkpoint.

#[cfg(test)]
mod tests;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use super::args::SkipArgs;
use crate::{
    beats,
    config::Config,
    marking::{self, MarkEdit},
    onlooker::Onlooker,
    outlook::{Outlook, shard_of},
    picture::Picture,
    report, times,
};
use anyhow::bail;
use kcl_core::{
    assignment::placement::{GivenUp, Marks, Said},
    env::{Clock, WallTime},
    lease::{
        Checkpoint, DocName, Lease, LeaseKey, WorkerId,
        report::{Reader, Reports, ShardReport, Stuck, WorkerReport},
    },
    store::LeaseStore,
    stream::Position,
};

/// The interval between two reads of the owner's report.
const LOOK: Duration = Duration::from_millis(500);

/// The request to skip a record, or to take that back.
#[derive(Debug)]
pub(crate) struct Skip {
    /// The shard id or the lease key.
    pub(crate) lease: String,
    /// The record's position.
    pub(crate) at: Position,
    /// Whether the record may be lost if the owner has no dead letter (`--unkept`).
    pub(crate) unkept: bool,
    /// How long the mark holds, if the record does not fail.
    pub(crate) within: Duration,
    /// Whether a former request is taken back.
    pub(crate) undo: bool,
    /// The owner of the lease with its fresh report; `None` before `ask_its_worker`, and if there
    /// is none.
    pub(crate) told: Option<(WorkerId, WorkerReport)>,
}

/// Writes the mark, and waits for the result.
///
/// # Errors
/// The record is not among those that fail now, it would be lost without `--unkept`, the user says
/// no, or the store fails.
pub(super) async fn run(
    args: &SkipArgs,
    store: &Arc<dyn LeaseStore>,
    config: &Config,
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    let skip = Skip {
        lease: args.lease.clone(),
        at: args.record.clone(),
        unkept: args.unkept,
        within: args.within,
        undo: args.undo,
        told: None,
    };
    let (skip, key) = skip.ask_its_worker(&**store, config, clock).await?;
    let (consent, json) = (args.how.consent, args.how.json);
    marking::carry_out(&skip, &**store, config, clock, consent, json).await?;
    if consent.dry_run || args.undo || args.wait.is_zero() {
        return Ok(());
    }
    report::progress("waiting for what becomes of it");
    report::progress(&skip.became(store, &key, args.wait, clock).await?);
    Ok(())
}

/// The owner of the lease with its fresh report; `None` without an owner or a fresh report.
async fn told(
    store: &dyn LeaseStore,
    row: &Lease,
    clock: &dyn Clock,
) -> anyhow::Result<Option<(WorkerId, WorkerReport)>> {
    let Some(owner) = &row.owner else { return Ok(None) };
    let reports = reports(store, &owner.worker, &mut Reader::new(), clock).await?;
    Ok(reports.of(&owner.worker).map(|report| (owner.worker.clone(), report.clone())))
}

/// Reads the report of one worker, and the sessions, which tell the age of the report.
async fn reports(
    store: &dyn LeaseStore,
    worker: &WorkerId,
    reader: &mut Reader,
    clock: &dyn Clock,
) -> anyhow::Result<Reports> {
    let document = store.doc(&DocName::report(worker)).await?;
    let sessions = beats::sessions(store).await?;
    Ok(reader.read(&document, &sessions, clock.now()))
}

impl MarkEdit for Skip {
    fn what(&self) -> &'static str {
        "leases skip"
    }

    fn question(&self) -> String {
        let Self { lease, at, .. } = self;
        if self.undo {
            return format!("No longer give up record {at} of {lease}?");
        }
        format!("Give up record {at} of {lease}, if it fails once more by itself?")
    }

    fn mark(&self, picture: &Picture, said: &Said, mut marks: Marks) -> anyhow::Result<Marks> {
        let row = picture.lease(&self.lease)?;
        let (key, shard) = (row.key.clone(), shard_of(&row.key));
        let at = &self.at;
        if self.undo {
            if marks.given_up.remove(&(key, at.clone())).is_none() {
                bail!("{at} of {shard} is not given up: `kcl placement show` lists what is");
            }
            return Ok(marks);
        }
        if row.has_ended() {
            bail!("{shard} was read to its end: there is nothing to skip");
        }
        if marks.pauses(&key) {
            bail!("{shard} is paused: `kcl leases resume {shard}` first");
        }
        let Some(owner) = picture.holder(row) else {
            bail!(
                "nobody who is seen to beat reads {shard}, so nothing of it fails: `kcl doctor` \
                 tells why"
            );
        };
        self.ensure_it_fails(row, owner)?;
        let millis = u64::try_from(self.within.as_millis()).unwrap_or(u64::MAX);
        let until = WallTime::from_millis(picture.now.as_millis().saturating_add(millis));
        let given_up = GivenUp { unkept: self.unkept, until, said: said.clone() };
        marks.given_up.insert((key, at.clone()), given_up);
        Ok(marks)
    }

    fn judge(&self, picture: &Picture, _: &Outlook) -> anyhow::Result<Vec<String>> {
        if self.undo {
            return Ok(Vec::new());
        }
        let shard = shard_of(&picture.lease(&self.lease)?.key);
        let (at, keeps) = (&self.at, self.keeps());
        let fate = match keeps {
            Some(true) => "goes to the worker's dead letter",
            _ => "is kept by nothing but the stream, until its retention is over",
        };
        let mut notes = vec![format!(
            "record {at} of {shard} is tried once more by itself, after those before it; if it \
             fails, it {fate}, and {shard} goes on after it"
        )];
        if let Some(Stuck { first, last, .. }) = self.stuck(picture.lease(&self.lease)?) {
            notes.push(if first == last {
                format!("{first} is the record that fails now")
            } else {
                format!("the batch that fails now reaches from {first} to {last}")
            });
        }
        Ok(notes)
    }
}

impl Skip {
    /// Reads the report of the lease's owner into this skip. Returns it with the key of the lease.
    ///
    /// # Errors
    /// The store fails, or has no such lease.
    pub(crate) async fn ask_its_worker(
        mut self,
        store: &dyn LeaseStore,
        config: &Config,
        clock: &dyn Clock,
    ) -> anyhow::Result<(Self, LeaseKey)> {
        let picture = Picture::take(store, config, clock).await?;
        let row = picture.lease(&self.lease)?;
        self.told = told(store, row, clock).await?;
        Ok((self, row.key.clone()))
    }

    /// Waits for the result of the skip, and returns it as a sentence.
    ///
    /// # Errors
    /// The store fails, or the record was processed: then another record is the one that fails.
    pub(crate) async fn became(
        &self,
        store: &Arc<dyn LeaseStore>,
        key: &LeaseKey,
        wait: Duration,
        clock: &dyn Clock,
    ) -> anyhow::Result<String> {
        let (at, shard) = (&self.at, shard_of(key));
        Ok(match became(store, key, at, wait, clock).await? {
            Became::Skipped(Some(true)) => {
                format!("skipped: the dead letter keeps {at}; {shard} goes on")
            }
            Became::Skipped(_) => format!("skipped: nothing keeps {at}; {shard} goes on"),
            Became::Processed => bail!(
                "{at} was processed, and is not the record that fails: nothing was skipped; `kcl \
                 leases skip {shard} --record …` with another one, `kcl doctor` tells where it is \
                 stuck"
            ),
            Became::Unknown => format!(
                "what becomes of {at} is not known yet: those before it come first, and it is \
                 tried once more; `kcl placement show` lists it until then"
            ),
        })
    }

    /// Whether the owner has a dead letter; `None` if its report does not say.
    fn keeps(&self) -> Option<bool> {
        self.told.as_ref().and_then(|(_, report)| report.keeps_skipped)
    }

    /// The batch on which the shard is stuck, by the owner's report; `None` if it is not stuck.
    fn stuck(&self, row: &Lease) -> Option<&Stuck> {
        self.told.as_ref()?.1.shards.get(&row.key)?.stuck.as_ref()
    }

    /// Fails unless the record is among those on which the shard is stuck now.
    fn ensure_it_fails(&self, row: &Lease, owner: &WorkerId) -> anyhow::Result<()> {
        let (shard, at) = (shard_of(&row.key), &self.at);
        let Some((_, report)) = self.told.as_ref().filter(|(worker, _)| worker == owner) else {
            bail!(
                "{owner} does not tell on what {shard} is stuck: it has just started, cannot write \
                 to the store, or is of a version that does not; look again in a minute"
            );
        };
        let Some(Stuck { first, last, .. }) = self.stuck(row) else {
            let ago = report.shards.get(&row.key).and_then(|shard| shard.progress);
            let ago = ago.map_or_else(String::new, |ago| {
                let ago = times::span(times::millis(ago));
                format!("; it had processed records {ago} before")
            });
            bail!("{shard} is not stuck, as {owner} told last{ago}: nothing is to be skipped");
        };
        if at < first {
            bail!(
                "{at} comes before the batch of {shard} that fails now, which begins at {first}: \
                 it was processed, or skipped"
            );
        }
        if at > last {
            bail!(
                "{at} comes after the batch of {shard} that fails now, from {first} to {last}: the \
                 record that fails is among these"
            );
        }
        if report.keeps_skipped != Some(true) && !self.unkept {
            bail!(
                "{owner} has no dead letter that would keep {at} (`kcl consume --dead-letter FILE` \
                 has one): `kcl peek --shard {shard} --at \
                 {} --limit 1` shows it as long as the stream has it; with --unkept it is skipped \
                 all the same",
                at.sequence
            );
        }
        Ok(())
    }
}

/// The result of a skip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Became {
    /// The worker skipped it. The value says whether the worker has a dead letter, if it reports
    /// that.
    Skipped(Option<bool>),
    /// The checkpoint passed it, and the worker did not report that it skipped it.
    Processed,
    /// The time was up.
    Unknown,
}

/// Waits at most `wait` for the result of a skip. Meanwhile it asks the owner to report with each
/// beat. `Processed` needs three reports that were written after the checkpoint had passed the
/// record: an earlier report cannot know of the skip.
async fn became(
    store: &Arc<dyn LeaseStore>,
    key: &LeaseKey,
    at: &Position,
    wait: Duration,
    clock: &dyn Clock,
) -> anyhow::Result<Became> {
    let until = clock.now() + wait;
    let mut onlooker = Onlooker::new(Arc::clone(store), "kcl leases skip", wait);
    let (mut reader, mut passed) = (Reader::new(), BTreeSet::new());
    loop {
        let row = store.lease(key).await?;
        let is_passed = row
            .as_ref()
            .is_some_and(|row| row.checkpoint.may_follow(&Checkpoint::After(at.clone())));
        if let Some(owner) = row.and_then(|row| row.owner) {
            let reports = reports(&**store, &owner.worker, &mut reader, clock).await?;
            let sessions: Vec<_> = beats::sessions(&**store).await?;
            let of_owner: Vec<_> = sessions.into_iter().filter(|it| it.id == owner).collect();
            onlooker.look_on(&of_owner, &reports, clock).await;
            if let Some(report) = reports.of(&owner.worker) {
                let shard = report.shards.get(key);
                if is_skipped(shard, at) {
                    return Ok(Became::Skipped(report.keeps_skipped));
                }
                // Only reports that are read after the checkpoint count as a proof.
                if is_passed {
                    passed.insert((owner.incarnation, report.clock));
                }
            }
        }
        if passed.len() > 2 {
            return Ok(Became::Processed);
        }
        if clock.now() >= until {
            return Ok(Became::Unknown);
        }
        clock.sleep(LOOK).await;
    }
}

/// Whether the report says that the record at this position was the last that was skipped.
fn is_skipped(shard: Option<&ShardReport>, at: &Position) -> bool {
    shard.is_some_and(|shard| shard.skipped.as_ref() == Some(at))
}
