//! What is written back, so that the old fleet can go on: our rows and the table's items come in,
//! changes of items go out. Pure.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::{
    lease::{Checkpoint, Lease},
    stream::{Position, ShardId, StreamKey},
};

use crate::{
    fact::{Contents, Fact, Layout, Mark, OfStream},
    item::{Item, Value},
    place::Library,
};

/// A row that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Put {
    /// Its key.
    pub key: String,
    /// What its attributes become; `None`: they go.
    pub changes: Vec<(&'static str, Option<Value>)>,
    /// What they were when it was read: it is written on that condition.
    pub seen: Vec<(&'static str, Option<Value>)>,
}

impl Put {
    /// The row `key`, where these changes are made if it is as it was seen.
    #[must_use]
    pub fn new(
        key: &str,
        changes: Vec<(&'static str, Option<Value>)>,
        seen: Vec<(&'static str, Option<Value>)>,
    ) -> Self {
        Self { key: key.to_owned(), changes, seen }
    }

    /// Whether an item is what this makes of it.
    pub(crate) fn is_done(&self, item: &Item) -> bool {
        self.changes.iter().all(|(name, value)| item.get(name) == value.as_ref())
    }
}

/// What becomes of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is made.
    Made(Put),
    /// It is moved forward, or set free where it stands.
    Moved(Put),
    /// The table is further on than the lease.
    Backwards,
    /// The table cannot hold the position: it lies within an aggregate.
    WithinAggregate,
    /// Nothing of it was processed, and where it begins the table cannot hold: it begins at the
    /// oldest record.
    FromHorizon(Put),
}

/// A lease, and what becomes of its row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// The shard.
    pub shard: ShardId,
    /// Where the table's row stands; `None`: there is none.
    pub from: Option<String>,
    /// Where the lease stands.
    pub to: Checkpoint,
    /// What becomes of the row.
    pub outcome: Outcome,
}

/// What may be done.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Rows are taken back to where the leases stand.
    pub backwards: bool,
    /// Shards that are known to be processed to the end of the aggregate they stand in, or whose
    /// aggregate may count as processed.
    pub whole: BTreeSet<ShardId>,
}

/// What becomes of the table: of the leases of `stream`, in the order of shards. `items` are what
/// it holds now.
#[must_use]
pub fn export(
    library: Library,
    stream: &StreamKey,
    rows: &[Lease],
    items: &[Item],
    allowed: &Allowed,
) -> Vec<Exported> {
    let contents = crate::read(library, items);
    let scene = Scene::of(library, stream, &contents, items);
    let mine = rows.iter().filter(|row| row.key.stream().as_ref() == Some(stream));
    let shards: BTreeMap<ShardId, &Lease> =
        mine.filter_map(|row| Some((row.key.shard()?, row))).collect();
    shards.into_iter().map(|(shard, row)| scene.row(shard, row, allowed)).collect()
}

struct Scene<'a> {
    library: Library,
    layout: Layout,
    /// The stream, in a table for many.
    of: Option<OfStream>,
    facts: BTreeMap<&'a ShardId, &'a Fact>,
    items: BTreeMap<&'a str, &'a Item>,
}

impl<'a> Scene<'a> {
    fn of(library: Library, stream: &StreamKey, contents: &'a Contents, items: &'a [Item]) -> Self {
        let seconds = stream.created.as_millis() / 1_000;
        let is_mine = |of: &OfStream| *of.name == *stream.name && of.created == seconds;
        let streams = contents.streams();
        // A table for many streams keys its rows by account, which is in its other rows.
        let of = streams.keys().find(|of| is_mine(of)).cloned().or_else(|| {
            let account = streams.keys().next()?.account.clone();
            Some(OfStream { account, name: stream.name.to_string(), created: seconds })
        });
        let mine = contents.leases.iter().filter(|fact| fact.stream == of);
        let facts = mine.map(|fact| (&fact.shard, fact)).collect();
        let key = |item: &'a Item| item.text(library.key()).map(|key| (key, item));
        Self {
            library,
            layout: contents.layout,
            of,
            facts,
            items: items.iter().filter_map(key).collect(),
        }
    }

    fn row(&self, shard: ShardId, row: &Lease, allowed: &Allowed) -> Exported {
        let fact = self.facts.get(&shard);
        let is_back = fact.is_some_and(|fact| !is_forward(&fact.mark, &row.checkpoint));
        let within = self.library == Library::Vmware
            && matches!(&row.checkpoint, Checkpoint::After(position) if position.sub > 0)
            && !allowed.whole.contains(&shard);
        let (from, to) = (fact.map(|fact| fact.mark.to_string()), row.checkpoint.clone());
        let put = || self.put(&shard, row);
        let outcome = match &row.checkpoint {
            _ if is_back && !allowed.backwards => Outcome::Backwards,
            _ if within => Outcome::WithinAggregate,
            Checkpoint::AtTimestamp(_) => Outcome::FromHorizon(put()),
            _ if fact.is_some() => Outcome::Moved(put()),
            _ => Outcome::Made(put()),
        };
        Exported { shard, from, to, outcome }
    }

    fn put(&self, shard: &ShardId, row: &Lease) -> Put {
        let key = match &self.of {
            Some(of) => format!("{of}:{shard}"),
            None => shard.as_str().to_owned(),
        };
        let item = self.items.get(&*key).copied();
        let changes = match self.library {
            Library::Kcl => self.kcl(shard, row, item),
            Library::Vmware => vmware(row),
        };
        let witness: &[&'static str] = match self.library {
            Library::Kcl => &["leaseCounter", "checkpoint"],
            Library::Vmware => &["LeaseTimeout", "Checkpoint"],
        };
        let seen = match item {
            Some(item) => witness.iter().map(|name| (*name, item.get(name).cloned())).collect(),
            None => vec![(self.library.key(), None)],
        };
        Put { key, changes, seen }
    }

    /// A row as the Java KCL writes it, which nobody holds.
    fn kcl(
        &self,
        shard: &ShardId,
        row: &Lease,
        item: Option<&Item>,
    ) -> Vec<(&'static str, Option<Value>)> {
        let number = |number: u64| Some(Value::N(number.to_string()));
        let text = |text: &str| Some(Value::S(text.to_owned()));
        let (sequence, sub) = match &row.checkpoint {
            Checkpoint::After(Position { sequence, sub }) => (sequence.as_str(), *sub),
            Checkpoint::ShardEnd => ("SHARD_END", 0),
            Checkpoint::Latest => ("LATEST", 0),
            _ => ("TRIM_HORIZON", 0),
        };
        let counter = item.and_then(|item| item.number("leaseCounter")).map_or(0, |it| it + 1);
        let shards = |ids: &[ShardId]| {
            let ids: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
            Value::Ss(ids)
        };
        let mut changes = vec![
            ("checkpoint", text(sequence)),
            ("checkpointSubSequenceNumber", number(sub)),
            ("leaseCounter", number(counter)),
            ("ownerSwitchesSinceCheckpoint", number(0)),
            ("leaseOwner", None),
            ("checkpointOwner", None),
            ("pendingCheckpoint", None),
            ("pendingCheckpointSubSequenceNumber", None),
            ("pendingCheckpointState", None),
        ];
        if !row.parents.is_empty() {
            changes.push(("parentShardId", Some(shards(&row.parents))));
        }
        if row.has_ended() && !row.children.is_empty() {
            changes.push(("childShardIds", Some(shards(&row.children))));
        }
        if let Some(range) = row.range {
            changes.push(("startingHashKey", text(&range.start.to_string())));
            changes.push(("endingHashKey", text(&range.end.to_string())));
        }
        if let Some(of) = &self.of {
            changes.push(("streamName", text(&of.to_string())));
            changes.push(("shardId", text(shard.as_str())));
        }
        let is_typed = match item {
            Some(item) => item.has("entityType"),
            None => self.layout == Layout::Kcl35,
        };
        if is_typed {
            changes.push(("entityType", text("LEASE")));
        }
        changes
    }
}

/// A row as VMware-Go-KCL writes it, which nobody holds.
fn vmware(row: &Lease) -> Vec<(&'static str, Option<Value>)> {
    let checkpoint = match &row.checkpoint {
        Checkpoint::After(position) => Some(Value::S(position.sequence.as_str().to_owned())),
        Checkpoint::ShardEnd => Some(Value::S("SHARD_END".to_owned())),
        _ => None,
    };
    let mut changes = vec![
        ("Checkpoint", checkpoint),
        ("AssignedTo", None),
        ("LeaseTimeout", None),
        ("ClaimRequest", None),
    ];
    if let Some(parent) = row.parents.first() {
        changes.push(("ParentShardId", Some(Value::S(parent.as_str().to_owned()))));
    }
    changes
}

/// Whether a row that stands at `mark` would not be taken back by `to`.
fn is_forward(mark: &Mark, to: &Checkpoint) -> bool {
    match mark {
        Mark::After(position) => to.may_follow(&Checkpoint::After(position.clone())),
        Mark::ShardEnd => to.is_end(),
        Mark::TrimHorizon | Mark::Latest | Mark::AtTimestamp | Mark::Never => true,
    }
}

#[cfg(test)]
mod tests;
