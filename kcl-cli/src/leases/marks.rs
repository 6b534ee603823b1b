//! `kcl leases move | release | pause | resume`: sets marks on single leases, and takes them back.
//!
//! These commands move nothing themselves. They write a mark; the planner makes a plan that obeys
//! it, and the workers take and give back the leases. Before the write, the command computes that
//! plan, and fails if the mark would have no effect.

#[cfg(test)]
mod tests;

use std::time::Duration;

use anyhow::bail;
use kcl_core::{
    assignment::placement::{LetGo, Marks, Mode, Said, Sent},
    env::WallTime,
    lease::{Lease, LeaseKey, WorkerId},
};

use crate::{
    marking::{self, MarkEdit},
    outlook::{Outlook, shard_of},
    picture::Picture,
    times::rfc3339,
};

/// What a mark says of leases.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// The worker `to` should read them for the time `within`.
    Move { to: WorkerId, within: Duration },
    /// Their owners should hand them to other workers, once.
    Release,
    /// No worker may read them.
    Pause,
    /// Takes `Pause` back.
    Resume,
}

/// A mark, and the leases that it concerns.
#[derive(Clone, Debug)]
pub(crate) struct OfLeases {
    pub(crate) says: Says,
    /// Shard ids or lease keys. With `Resume`, an empty list means every paused lease.
    pub(crate) leases: Vec<String>,
}

impl MarkEdit for OfLeases {
    fn what(&self) -> &'static str {
        match self.says {
            Says::Move { .. } => "leases move",
            Says::Release => "leases release",
            Says::Pause => "leases pause",
            Says::Resume => "leases resume",
        }
    }

    fn question(&self) -> String {
        let leases = match &self.leases[..] {
            [] => "all that are paused".to_owned(),
            [one] => one.clone(),
            more => format!("{} leases", more.len()),
        };
        match &self.says {
            Says::Move { to, .. } => format!("Move {leases} to {to}?"),
            Says::Release => format!("Hand {leases} to other workers?"),
            Says::Pause => format!("Pause {leases}, so that nobody reads?"),
            Says::Resume => format!("Resume {leases}?"),
        }
    }

    fn mark(&self, picture: &Picture, said: &Said, mut marks: Marks) -> anyhow::Result<Marks> {
        if matches!(self.says, Says::Resume) && self.leases.is_empty() {
            marks.paused.clear();
            return Ok(marks);
        }
        if matches!(self.says, Says::Move { .. } | Says::Release) {
            marking::ensure_thawed(&picture.readable()?)?;
        }
        for named in &self.leases {
            let row = picture.lease(named)?;
            if row.has_ended() && !matches!(self.says, Says::Resume) {
                bail!("{named} was read to its end: name one of its children");
            }
            self.mark_one(picture, row, said, &mut marks)?;
        }
        Ok(marks)
    }

    fn judge(&self, picture: &Picture, outlook: &Outlook) -> anyhow::Result<Vec<String>> {
        let mut notes = Vec::new();
        for named in &self.leases {
            let row = picture.lease(named)?;
            notes.extend(match &self.says {
                Says::Move { to, within } => {
                    ensure_it_goes(picture, outlook, row, to)?;
                    let until = until(picture.now, *within);
                    Some(format!(
                        "{} is to be at {to} until {}; then it is balanced like any other",
                        shard_of(&row.key),
                        rfc3339(until)
                    ))
                }
                Says::Release => came_back(picture, row),
                Says::Pause => Some(format!(
                    "nobody reads {} until `kcl leases resume {0}`; its checkpoint stays, and \
                     records older than the stream's retention go",
                    shard_of(&row.key)
                )),
                Says::Resume => None,
            });
        }
        Ok(notes)
    }
}

impl OfLeases {
    /// Adds the mark of one lease to `marks`, or removes it.
    ///
    /// # Errors
    /// The mark contradicts another one, or changes nothing.
    fn mark_one(
        &self,
        picture: &Picture,
        row: &Lease,
        said: &Said,
        marks: &mut Marks,
    ) -> anyhow::Result<()> {
        let (key, shard) = (row.key.clone(), shard_of(&row.key));
        let said = said.clone();
        match &self.says {
            Says::Move { to, within } => {
                if marks.drains(to) {
                    bail!("{to} is drained and gets nothing: `kcl workers undrain {to}` first");
                }
                ensure_read(marks, &key, &shard)?;
                let until = until(picture.now, *within);
                marks.let_go.remove(&key);
                marks.sent.insert(key, Sent { to: to.clone(), until, said });
            }
            Says::Release => {
                ensure_read(marks, &key, &shard)?;
                let Some(owner) = &row.owner else {
                    bail!("nobody holds {shard}: there is nothing to release");
                };
                if marks.sent.get(&key).is_some_and(|sent| sent.to == owner.worker) {
                    marks.sent.remove(&key);
                }
                marks.let_go.entry(key).or_insert(LetGo { epoch: row.epoch, said }).epoch =
                    row.epoch;
            }
            Says::Pause => {
                marks.paused.entry(key).or_insert(said);
            }
            Says::Resume => {
                if marks.paused.remove(&key).is_none() {
                    bail!("{shard} is not paused: `kcl placement show` lists what is");
                }
            }
        }
        Ok(())
    }
}

/// The end of a move that begins now.
fn until(now: WallTime, within: Duration) -> WallTime {
    let millis = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
    WallTime::from_millis(now.as_millis().saturating_add(millis))
}

/// Fails if the lease is paused: nobody could take it.
fn ensure_read(marks: &Marks, key: &LeaseKey, shard: &str) -> anyhow::Result<()> {
    if marks.pauses(key) {
        bail!("{shard} is paused: `kcl leases resume {shard}` first");
    }
    Ok(())
}

/// Fails unless the worker lives, and the planner would give the lease to it.
fn ensure_it_goes(
    picture: &Picture,
    outlook: &Outlook,
    row: &Lease,
    to: &WorkerId,
) -> anyhow::Result<()> {
    let shard = shard_of(&row.key);
    if !picture.is_alive(to) {
        bail!(
            "{to} is not seen to beat: start it first, or let it be preferred for ever with `kcl \
             placement set {shard}:{to}?`"
        );
    }
    if let Some(unread) = outlook.unread.iter().find(|unread| unread.shard == shard) {
        bail!("{shard} cannot go to {to}: {}", unread.reason);
    }
    let goes = outlook.moves.iter().find(|it| it.shard == shard);
    let would_hold = goes.map(|it| it.to.as_str());
    let holds = picture.holder(row).map(WorkerId::as_str);
    match would_hold.or(holds) {
        Some(worker) if worker == to.as_str() => Ok(()),
        Some(worker) => bail!(
            "{shard} cannot go to {to}: the planner would give it to {worker}, by a placement rule \
             or because {to} is at its limit; `kcl placement show` lists the rules"
        ),
        None => bail!("{shard} waits for the end of its parents: nobody reads it yet"),
    }
}

/// A note if a placement rule brings the lease back to its present owner; otherwise `None`.
fn came_back(picture: &Picture, row: &Lease) -> Option<String> {
    let owner = &row.owner.as_ref()?.worker;
    let (rules, shard) = (picture.rules(), row.key.shard()?);
    let rule = picture.resolved(&rules, |_, resolver| resolver.resolve(&shard))??;
    let rule = rules.rules().get(rule.rule).filter(|rule| rule.worker == *owner)?;
    let does = if rule.mode == Mode::Require { "requires" } else { "prefers" };
    Some(format!("a placement rule {does} {owner} for {shard}: it comes back there afterwards"))
}
