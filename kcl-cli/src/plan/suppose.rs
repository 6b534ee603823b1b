//! Changes the picture of an application to a fleet with other workers or more shards. Pure.

use std::collections::BTreeSet;

use anyhow::{Context, bail, ensure};
use kcl_core::{
    lease::{Checkpoint, Incarnation, Lease, LeaseKey, Session, SessionId, WorkerId},
    stream::{Shard, ShardId},
};

use super::args::Number;
use crate::picture::Picture;

/// The differences between the supposed application and the real one.
#[derive(Debug, Default)]
pub(super) struct Supposed {
    /// The new workers.
    pub(super) joined: Vec<WorkerId>,
    /// The workers that are removed.
    pub(super) left: BTreeSet<WorkerId>,
    /// The shards that are split.
    pub(super) split: Vec<ShardId>,
}

impl Supposed {
    /// Adds workers `new-1`, `new-2` and so on, or removes those with the highest numbers at the
    /// end of their ids.
    ///
    /// # Errors
    /// A new worker's id is invalid.
    pub(super) fn workers(&mut self, picture: &mut Picture, number: Number) -> anyhow::Result<()> {
        let now = picture.living.len();
        let then = number.of(now);
        // A StatefulSet removes the pods with the highest numbers first.
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

    /// Splits the widest shard, again and again, until there are enough. The owner of a split shard
    /// takes the halves, as it does in a fleet when a shard ends.
    ///
    /// # Errors
    /// The shards are unknown, there are more of them already, or none can be split.
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

/// The session of a new worker, old enough to get leases.
fn newcomer(picture: &Picture, worker: WorkerId) -> Session {
    let id = SessionId::new(worker, Incarnation::from_bits(0));
    let settings = &picture.settings;
    let session = Session::new(id, 1, settings.session_timeout, settings.heartbeat_interval);
    match &picture.stream {
        Some(stream) => session.reading(stream.name.clone()),
        None => session,
    }
}

/// The sort key of a worker: the number at the end of its id, then the id.
fn by_number(id: &SessionId) -> (Option<u64>, &WorkerId) {
    let digits = id.worker.as_str().rsplit(|it: char| !it.is_ascii_digit()).next();
    (digits.and_then(|digits| digits.parse().ok()), &id.worker)
}

/// The number of a shard's hash keys, less one; 0 if it cannot be split.
fn width(shard: &Shard) -> u128 {
    shard.range.map_or(0, |range| range.end - range.start)
}

/// The number at the end of a shard's id.
fn count_of(shard: &ShardId) -> Option<u64> {
    shard.as_str().rsplit('-').next()?.parse().ok()
}
