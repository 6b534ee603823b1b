//! An application as it would be with other workers or more shards. Pure.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use kcl_core::{
    lease::{Checkpoint, Incarnation, Lease, LeaseKey, Session, SessionId, WorkerId},
    stream::{Shard, ShardId},
};

use super::args::Number;
use crate::picture::Picture;

/// What is supposed to be otherwise.
#[derive(Debug, Default)]
pub(super) struct Supposed {
    /// Workers that are not there yet.
    pub(super) joined: Vec<WorkerId>,
    /// Workers that are there, and would not be.
    pub(super) left: BTreeSet<WorkerId>,
    /// Shards that would be split.
    pub(super) split: Vec<ShardId>,
}

impl Supposed {
    /// Supposes other workers: newcomers, or without those that came last.
    ///
    /// # Errors
    /// An id cannot be made.
    pub(super) fn workers(&mut self, picture: &mut Picture, number: Number) -> anyhow::Result<()> {
        let now = picture.living.len();
        let then = number.of(now);
        // Those with the highest numbers go first, as of a StatefulSet.
        picture.living.sort_by(|a, b| by_number(&a.id).cmp(&by_number(&b.id)));
        for session in picture.living.drain(then.min(now)..) {
            self.left.insert(session.id.worker);
        }
        let mut number = 0;
        while picture.living.len() < then {
            number += 1;
            let worker: WorkerId = format!("new-{number}").parse()?;
            if !picture.is_alive(&worker) {
                picture.living.push(newcomer(picture, worker.clone()));
                self.joined.push(worker);
            }
        }
        Ok(())
    }

    /// Supposes more shards: the widest is split, again and again. Its worker takes the halves, as
    /// it does when a shard ends.
    ///
    /// # Errors
    /// The shards are not known, or there would be less.
    pub(super) fn shards(&mut self, picture: &mut Picture, number: Number) -> anyhow::Result<()> {
        let stream = picture.stream.clone().context(
            "which stream the application reads is not known: no worker has read one yet; name it \
             with --stream",
        )?;
        let view = match &mut picture.listed {
            Ok(view) => view,
            Err(why) => {
                bail!("the stream could not be listed, and its shards are not known: {why}")
            }
        };
        let open = view.shards.iter().filter(|shard| !shard.closed).count();
        let then = number.of(open);
        ensure!(then >= open, "{then} shards are less than the {open} there are: suppose more");
        let mut next = view.shards.iter().filter_map(|shard| count_of(&shard.id)).max();
        for _ in open..then {
            let widest = view.shards.iter_mut().filter(|shard| !shard.closed && width(shard) > 0);
            let widest = widest.max_by(|a, b| (width(a), &b.id).cmp(&(width(b), &a.id)));
            let Some(parent) = widest else { bail!("no shard is left that can be split") };
            parent.closed = true;
            let (parent, range) = (parent.id.clone(), parent.range);
            let Some(range) = range else { bail!("{parent} has no hash keys") };
            let key = LeaseKey::of_shard(&stream.key, &parent);
            let row = picture.rows.iter_mut().find(|row| row.key == key);
            let owner = row.and_then(|row| {
                row.checkpoint = Checkpoint::ShardEnd;
                row.owner.take()
            });
            let Some((low, high)) = range.halves() else { bail!("{parent} has one hash key") };
            for half in [low, high] {
                let id = next.map_or(0, |last| last + 1);
                next = Some(id);
                let mut child = Shard::open(format!("shardId-{id:012}").parse()?, half);
                child.parents = vec![parent.clone()];
                let key = LeaseKey::of_shard(&stream.key, &child.id);
                let mut row = Lease::new(key, Checkpoint::TrimHorizon)
                    .of_shard(child.parents.clone(), child.range);
                row.owner.clone_from(&owner);
                picture.rows.push(row);
                view.shards.push(child);
            }
            self.split.push(parent);
        }
        Ok(())
    }
}

/// A worker that has just come, and will have lived for a while.
fn newcomer(picture: &Picture, worker: WorkerId) -> Session {
    let id = SessionId::new(worker, Incarnation::from_bits(0));
    let settings = &picture.settings;
    let session = Session::new(id, 1, settings.session_timeout, settings.heartbeat_interval);
    match &picture.stream {
        Some(stream) => session.reading(stream.name.clone()),
        None => session,
    }
}

/// The order of workers' names, by the numbers at their ends.
fn by_number(id: &SessionId) -> (Option<u64>, &WorkerId) {
    let digits = id.worker.as_str().rsplit(|it: char| !it.is_ascii_digit()).next();
    (digits.and_then(|digits| digits.parse().ok()), &id.worker)
}

/// How many hash keys a shard has beside one.
fn width(shard: &Shard) -> u128 {
    shard.range.map_or(0, |range| range.end - range.start)
}

/// The number at the end of a shard's id.
fn count_of(shard: &ShardId) -> Option<u64> {
    shard.as_str().rsplit('-').next()?.parse().ok()
}
