//! Plans the export: how an old table must change so that its fleet goes on at the checkpoints of
//! the leases. Pure.
//!
//! [`export`] compares the leases with the items of the table and gives an [`Outcome`] for each
//! shard. A [`Put`] is the conditional write of one row; [`crate::Table::write`] sends it. Every
//! written row is unowned. A row is never taken backwards, and a position that the table cannot
//! hold is never rounded up, unless [`Allowed`] says so.

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

/// A conditional write of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Put {
    /// The row's key.
    pub key: String,
    /// The new values of attributes; `None` removes the attribute. All others stay.
    pub changes: Vec<(&'static str, Option<Value>)>,
    /// The condition of the write: attributes with the values that were read; `None`: the row had
    /// no such attribute.
    pub seen: Vec<(&'static str, Option<Value>)>,
}

impl Put {
    /// A write of `changes` to the row `key`, on the condition `seen`.
    #[must_use]
    pub fn new(
        key: &str,
        changes: Vec<(&'static str, Option<Value>)>,
        seen: Vec<(&'static str, Option<Value>)>,
    ) -> Self {
        Self { key: key.to_owned(), changes, seen }
    }

    /// Whether an item has every change: a write whose answer was lost has succeeded.
    pub(crate) fn is_done(&self, item: &Item) -> bool {
        self.changes.iter().all(|(name, value)| item.get(name) == value.as_ref())
    }
}

/// The change of one row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The table has no row for the shard, and gets one.
    Made(Put),
    /// The row gets the checkpoint of the lease, which may be the same, and no owner.
    Moved(Put),
    /// Refused: the checkpoint of the table is further on than that of the lease.
    Backwards,
    /// Refused: the checkpoint lies within a KPL aggregate, and the table has no sub-sequence
    /// numbers.
    WithinAggregate,
    /// The lease begins at a time, which the table cannot hold: the row begins at the oldest
    /// record.
    FromHorizon(Put),
}

/// A lease, and the change of its row in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exported {
    /// The shard.
    pub shard: ShardId,
    /// The checkpoint of the table's row, as text; `None` if the table has no row.
    pub from: Option<String>,
    /// The checkpoint of the lease.
    pub to: Checkpoint,
    /// The change of the row.
    pub outcome: Outcome,
}

/// What the operator allows beyond the safe changes. By default nothing.
#[derive(Clone, Debug, Default)]
pub struct Allowed {
    /// Rows may go back to the checkpoints of the leases.
    pub backwards: bool,
    /// Shards whose checkpoint lies within a KPL aggregate that counts as processed as a whole.
    pub whole: BTreeSet<ShardId>,
}

/// Plans the change of a table for the leases of `stream`. The result has one entry for each of
/// them, in the order of shard ids. `rows` are all leases of the application, `items` all items of
/// the table; rows of other streams are left alone.
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

/// The table as it was read, for the rows of one stream.
struct Scene<'a> {
    library: Library,
    layout: Layout,
    /// The stream as the table's keys name it; `None` if the table is for one stream.
    of: Option<OfStream>,
    facts: BTreeMap<&'a ShardId, &'a Fact>,
    items: BTreeMap<&'a str, &'a Item>,
}

impl<'a> Scene<'a> {
    /// The rows of `stream` among the contents of a table.
    fn of(library: Library, stream: &StreamKey, contents: &'a Contents, items: &'a [Item]) -> Self {
        let seconds = stream.created.as_millis() / 1_000;
        let is_mine = |of: &OfStream| *of.name == *stream.name && of.created == seconds;
        let streams = contents.streams();
        // The keys of a multi-stream table contain the account: it is taken from rows of other
        // streams if this one has none.
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

    /// The change for one lease.
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

    /// The write for one lease. Its condition names the attributes that any worker of the old fleet
    /// changes when it holds the row.
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

    /// An unowned row as the Java KCL writes it. The lease counter grows, so that a worker with an
    /// old copy of the row cannot write it.
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

/// An unowned row as VMware-Go-KCL writes it. It has no checkpoint if nothing was processed.
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

/// Whether `to` does not take a row with the checkpoint `mark` backwards. A row without processed
/// records cannot go backwards.
fn is_forward(mark: &Mark, to: &Checkpoint) -> bool {
    match mark {
        Mark::After(position) => to.may_follow(&Checkpoint::After(position.clone())),
        Mark::ShardEnd => to.is_end(),
        Mark::TrimHorizon | Mark::Latest | Mark::AtTimestamp | Mark::Never => true,
    }
}

#[cfg(test)]
mod tests;
