//! The change that an application is closed for: rows as the old table has them.

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
    judge::{Finding, Judgement, Probe, START, Verdict, Wishes, judge},
    place::Place,
};

/// How many refusals a message names.
const NAMED: usize = 5;

/// An import of what was read from a table.
#[derive(Clone, Debug)]
pub struct Import {
    from: Place,
    contents: Contents,
    wishes: Wishes,
    probes: BTreeMap<ShardId, Probe>,
    replace: bool,
    fence: Fence,
    by: String,
}

impl Import {
    /// Of what `from` holds. Leases that are there already are in the way.
    #[must_use]
    pub const fn new(from: Place, contents: Contents, wishes: Wishes) -> Self {
        Self {
            from,
            contents,
            wishes,
            probes: BTreeMap::new(),
            replace: false,
            fence: Fence::Watched,
            by: String::new(),
        }
    }

    /// With what was seen in the shards.
    #[must_use]
    pub fn seen(mut self, probes: BTreeMap<ShardId, Probe>) -> Self {
        self.probes = probes;
        self
    }

    /// Over leases that are there already.
    #[must_use]
    pub const fn over_others(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }

    /// By a command, behind a fence.
    #[must_use]
    pub fn behind(mut self, fence: Fence, by: &str) -> Self {
        by.clone_into(&mut self.by);
        self.fence = fence;
        self
    }

    /// What becomes of each shard.
    #[must_use]
    pub fn judgement(&self, found: &kcl_core::change::StreamView) -> Judgement {
        judge(&self.contents, found, &self.wishes, &self.probes)
    }

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

fn refused(why: String) -> Unfit {
    Unfit::Refused { why }
}

/// What is in the way, in one message.
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

/// Every row that is to be, and those that are there: what the table does not speak of stays where
/// it is, but that what waits for its parent begins at its first record.
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

/// Where reading begins of what has no row: whatever a worker's settings say, nothing is passed
/// over.
fn start_doc(found: &Found<'_>) -> DocChange {
    let name = DocName::start(&found.stream.description.key);
    let from = found.doc(&name).map_or_else(|| START.encode(), |doc| doc.body.clone());
    DocChange::new(name, from, START.encode())
}

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

/// The rules that sticky columns ask for, in place of those for the same shards.
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
