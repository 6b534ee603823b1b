//! The import as a change of an application: leases at the checkpoints of the old table.
//!
//! [`Import`] is a [`Design`]: it says which rows and documents an application gets, and
//! `kcl_core::change` closes the application, checks, writes and opens it again. Besides the leases
//! an import writes four documents: the start of the stream (the oldest record, so that no shard
//! is skipped), the stream of the application, rules for sticky shards, and the list of imports.

use std::collections::{BTreeMap, BTreeSet};

use kcl_core::{
    assignment::placement::{Placement, PlacementRules, Rule},
    change::{Design, DocChange, Found, RowChange, Spot, Target, Unfit},
    lease::{Checkpoint, DocName, Lease, LeaseKey, Streams},
    stream::ShardId,
};

use crate::{
    fact::Contents,
    fence::Fence,
    imported::{Imported, Told},
    judge::{Finding, ImportOptions, Judgement, Probe, START, Verdict, judge},
    place::Place,
};

/// How many refusals an error message names.
const NAMED: usize = 5;

/// An import of a table that was read. It is pure: planning it twice from the same readings gives
/// the same target.
#[derive(Clone, Debug)]
pub struct Import {
    from: Place,
    contents: Contents,
    options: ImportOptions,
    /// What the shards hold after the old checkpoints; shards may be missing.
    probes: BTreeMap<ShardId, Probe>,
    /// Whether leases of the application may exist already.
    replace: bool,
    fence: Fence,
    /// The command that imports, for the documents.
    by: String,
}

impl Import {
    /// An import of `contents`, which were read from `from`. It refuses an application that has
    /// leases, knows of no probes, and has the fence [`Fence::Watched`].
    #[must_use]
    pub const fn new(from: Place, contents: Contents, options: ImportOptions) -> Self {
        Self {
            from,
            contents,
            options,
            probes: BTreeMap::new(),
            replace: false,
            fence: Fence::Watched,
            by: String::new(),
        }
    }

    /// Adds probes of the shards: findings of a judgement are made from them.
    #[must_use]
    pub fn seen(mut self, probes: BTreeMap<ShardId, Probe>) -> Self {
        self.probes = probes;
        self
    }

    /// Whether the import may move leases that the application has already.
    #[must_use]
    pub const fn over_others(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }

    /// Sets the reason why the old fleet does not write, and the command, for the document
    /// `imported`.
    #[must_use]
    pub fn behind(mut self, fence: Fence, by: &str) -> Self {
        by.clone_into(&mut self.by);
        self.fence = fence;
        self
    }

    /// The judgement of every shard of the stream.
    #[must_use]
    pub fn judgement(&self, found: &kcl_core::change::StreamView) -> Judgement {
        judge(&self.contents, found, &self.options, &self.probes)
    }

    /// The entry of this import in the document `imported`.
    fn entry(&self, judgement: &Judgement, found: &Found<'_>) -> crate::Entry {
        let ended = judgement.rows().iter().filter(|row| row.has_ended()).count();
        let table = match &self.from {
            Place::Table { name, .. } => name.clone(),
            Place::File { path } => path.clone(),
        };
        Told {
            from: self.from.to_string(),
            table,
            stream: &judgement.stream.name,
            life: judgement.stream.created,
            at: found.stream.description.server_time,
            by: self.by.clone(),
            fence: self.fence,
            open: judgement.rows().len() - ended,
            ended,
        }
        .into()
    }
}

impl Design for Import {
    fn what(&self) -> String {
        format!("import --from {}", self.from)
    }

    fn plan(&self, found: &Found<'_>) -> Result<Target, Unfit> {
        let judgement = self.judgement(found.stream);
        refuse(&judgement)?;
        let streams = streams_doc(found)?;
        let here: Vec<&Lease> = found.rows.iter().filter(|row| !row.key.is_role()).collect();
        if !here.is_empty() && !self.replace {
            return Err(refused(format!(
                "the application has {} leases already, like {}: import into another one (--app), \
                 or say --replace to set its leases to where the table stands",
                here.len(),
                here[0].key
            )));
        }
        let mut target = Target::default();
        target.rows = rows(&judgement, found, &here);
        target.docs = vec![start_doc(found), streams];
        target.docs.extend(placement_doc(&judgement, found, &self.by)?);
        target.docs.push(imported_doc(found, self.entry(&judgement, found))?);
        Ok(target)
    }
}

/// The error of an import that is refused.
fn refused(why: String) -> Unfit {
    Unfit::Refused { why }
}

/// Fails if a finding refuses the import, or if there is nothing to import.
fn refuse(judgement: &Judgement) -> Result<(), Unfit> {
    let refusals: Vec<String> = judgement
        .refusals()
        .map(|(shard, Finding { hazard, says })| match shard {
            Some(shard) => format!("{shard}: {says} ({hazard})"),
            None => format!("{says} ({hazard})"),
        })
        .collect();
    let more = refusals.len().saturating_sub(NAMED);
    let named = refusals.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    match (refusals.len(), more) {
        (0, _) if judgement.rows().is_empty() => Err(refused(
            "there is nothing to import: no lease of the table is of this stream".to_owned(),
        )),
        (0, _) => Ok(()),
        (_, 0) => Err(refused(named)),
        _ => Err(refused(format!("{named}; and {more} more: --dry-run shows all"))),
    }
}

/// The change of every row. Judged shards get their new checkpoint. Leases of other shards stay as
/// they are; but the lease of a shard that follows its parent begins at its first record.
fn rows(judgement: &Judgement, found: &Found<'_>, here: &[&Lease]) -> Vec<RowChange> {
    let key = &found.stream.description.key;
    let mut rows: BTreeMap<LeaseKey, RowChange> =
        here.iter().map(|row| (row.key.clone(), RowChange::kept(row))).collect();
    for row in judgement.rows() {
        let change = match rows.get(&row.key) {
            Some(there) => RowChange::moved(&there.row, Spot::of(row)),
            None => RowChange::made(row.clone()),
        };
        rows.insert(row.key.clone(), change);
    }
    let follows = |verdict: &Verdict| matches!(verdict, Verdict::Follows);
    for judged in judgement.shards.iter().filter(|judged| follows(&judged.verdict)) {
        let lease = LeaseKey::of_shard(key, &judged.shard);
        if let Some(change) = rows.get_mut(&lease) {
            *change = RowChange::moved(&change.row, Spot::at(Checkpoint::TrimHorizon));
        }
    }
    rows.into_values().collect()
}

/// The start of the stream: shards without a row begin at their oldest record, whatever the
/// settings of a worker say.
fn start_doc(found: &Found<'_>) -> DocChange {
    let name = DocName::start(&found.stream.description.key);
    let from = found.doc(&name).map_or_else(|| START.encode(), |doc| doc.body.clone());
    DocChange::new(name, from, START.encode())
}

/// The document that names the stream of the application. An application of another stream is
/// refused.
fn streams_doc(found: &Found<'_>) -> Result<DocChange, Unfit> {
    let description = &found.stream.description;
    let name = DocName::streams();
    let to = Streams::of(description).encode();
    let Some(doc) = found.doc(&name) else { return Ok(DocChange::new(name, to.clone(), to)) };
    let streams = Streams::decode(&doc.body)
        .map_err(|why| refused(format!("the document {name} makes no sense: {why}")))?;
    match streams.name() {
        Some(here) if *here != description.name => Err(Unfit::OtherStream {
            here: here.as_str().into(),
            asked: description.name.as_str().into(),
        }),
        _ => {
            let life = description.key.created;
            let to = streams.at_life(&description.name, life).encode();
            Ok(DocChange::new(name, doc.body.clone(), to))
        }
    }
}

/// The placement document with a rule for each sticky shard. These replace rules for the same
/// shards; all other rules stay. `None` if no shard is sticky.
fn placement_doc(
    judgement: &Judgement,
    found: &Found<'_>,
    by: &str,
) -> Result<Option<DocChange>, Unfit> {
    if judgement.rules.is_empty() {
        return Ok(None);
    }
    let name = DocName::placement();
    let say = |why: &dyn std::fmt::Display| refused(format!("the document {name}: {why}"));
    let placement = match found.doc(&name) {
        Some(doc) => Placement::decode(&doc.body).map_err(|error| say(&error))?,
        None => Placement::default(),
    };
    let from = match found.doc(&name) {
        Some(doc) => doc.body.clone(),
        None => placement.encode().map_err(|error| say(&error))?,
    };
    let targets: BTreeSet<_> = judgement.rules.iter().map(|rule| &rule.target).collect();
    let of_stream =
        |rule: &Rule| rule.stream.as_ref().is_none_or(|name| *name == judgement.stream.name);
    let stays = |rule: &&Rule| !(targets.contains(&rule.target) && of_stream(rule));
    let rules = placement.rules.rules().iter().filter(stays).chain(&judgement.rules);
    let rules = PlacementRules::new(rules.cloned().collect(), placement.rules.uncovered());
    let rules = rules.map_err(|error| say(&error))?;
    let at = found.stream.description.server_time;
    let to = placement.commanded(rules, by, at).encode().map_err(|error| say(&error))?;
    Ok(Some(DocChange::new(name.clone(), from, to)))
}

/// The document `imported`, with one more entry.
fn imported_doc(found: &Found<'_>, entry: crate::Entry) -> Result<DocChange, Unfit> {
    let name = DocName::imported();
    let before = match found.doc(&name) {
        Some(doc) => Imported::decode(&doc.body).map_err(|error| refused(error.to_string()))?,
        None => Imported::default(),
    };
    let from = found.doc(&name).map_or_else(|| before.encode(), |doc| doc.body.clone());
    let to = before.with(entry).encode();
    Ok(DocChange::new(name, from, to))
}

#[cfg(test)]
mod tests;
