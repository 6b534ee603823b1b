//! Decides at which checkpoint each shard is imported, and finds everything that is wrong. Pure:
//! the leases of the old table, the stream's own list of shards, the operator's words and the
//! probes come in; a [`Judgement`] goes out.
//!
//! For a shard these count, in this order: what the operator says, the shard's row, the rows of its
//! relatives. A shard without any of them is refused: an import never guesses. After that the
//! lineage is checked as a whole: the imported leases must cover every hash key.

mod finding;
mod fleet;
mod kin;
mod row;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeMap;

use kcl_core::{
    assignment::placement::{Mode, Rule, Target},
    change::{FrozenStart, StreamView},
    lease::{Lease, LeaseKey},
    lineage::{Lineage, Problem, reconcile},
    stream::{Shard, ShardId, StreamKey},
};

pub use finding::{Finding, Hazard, Level};
pub use types::{ImportOptions, Judged, Probe, Said, Verdict};

use self::kin::Kin;
use crate::fact::{Contents, Fact, OfStream, Sticky};

/// The start of the stream after an import: shards without a row begin at their oldest record.
pub(crate) const START: FrozenStart = FrozenStart { at: None, by: None };

/// The judgement of all shards of a stream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Judgement {
    /// The stream.
    pub stream: StreamKey,
    /// Every shard that the stream lists, and every shard with an unfinished row that it does not
    /// list, in the order of ids.
    pub shards: Vec<Judged>,
    /// The findings about the table as a whole.
    pub findings: Vec<Finding>,
    /// How many ended rows belong to shards that the stream does not list any more. They are not
    /// imported.
    pub past: usize,
    /// How many rows belong to each other stream, or other life of this one. They are not imported.
    pub others: BTreeMap<OfStream, usize>,
    /// The placement rules for sticky shards.
    pub rules: Vec<Rule>,
    /// The leases to write: one for each shard that was [`Verdict::Taken`] before the lineage was
    /// checked.
    rows: Vec<Lease>,
}

impl Judgement {
    /// The leases that the import writes. Use them only if [`Self::refusals`] is empty.
    #[must_use]
    pub fn rows(&self) -> &[Lease] {
        &self.rows
    }

    /// Every finding, with its shard; `None` if it is about the table.
    pub fn all(&self) -> impl Iterator<Item = (Option<&ShardId>, &Finding)> {
        let of_table = self.findings.iter().map(|finding| (None, finding));
        let of_shards = self.shards.iter().flat_map(|judged| {
            judged.findings.iter().map(move |finding| (Some(&judged.shard), finding))
        });
        of_table.chain(of_shards)
    }

    /// The findings that refuse the import, with their shards.
    pub fn refusals(&self) -> impl Iterator<Item = (Option<&ShardId>, &Finding)> {
        self.all().filter(|(_, finding)| finding.level() == Level::Refusal)
    }
}

/// Judges every shard of `stream` by the contents of a table. Shards without a probe get no
/// findings about records after their checkpoint.
#[must_use]
pub fn judge(
    contents: &Contents,
    stream: &StreamView,
    options: &ImportOptions,
    probes: &BTreeMap<ShardId, Probe>,
) -> Judgement {
    let mut judgement = Judgement {
        stream: stream.description.key.clone(),
        shards: Vec::new(),
        findings: Vec::new(),
        past: 0,
        others: BTreeMap::new(),
        rules: Vec::new(),
        rows: Vec::new(),
    };
    let facts = mine(contents, stream, &mut judgement);
    let listed: BTreeMap<&ShardId, &Shard> =
        stream.shards.iter().map(|shard| (&shard.id, shard)).collect();
    let kin = Kin::of(&listed, |id| facts.contains_key(id) || options.said.contains_key(id));
    let scene = row::Scene { stream, listed: &listed, kin: &kin, options, probes };
    let mut judged: BTreeMap<ShardId, Judged> = BTreeMap::new();
    for (id, shard) in &listed {
        let it = match (options.said.get(*id), facts.get(*id)) {
            (Some(said), fact) => scene.said(shard, said, fact.copied()),
            (None, Some(fact)) => scene.with_row(shard, fact),
            (None, None) => scene.without_row(shard, &judged),
        };
        judged.insert((*id).clone(), it);
    }
    for (id, fact) in &facts {
        if listed.contains_key(id) {
            continue;
        }
        match row::gone(fact) {
            Some(it) => drop(judged.insert((*id).clone(), it)),
            None => judgement.past += 1,
        }
    }
    judgement.shards = judged.into_values().collect();
    check_table(contents, &facts, &listed, &mut judgement);
    let now = stream.description.server_time;
    judgement.findings.extend(fleet::findings(contents, now));
    check_rows(stream, options, &listed, &mut judgement);
    stick(&facts, stream, &mut judgement);
    judgement
}

/// The rows of this stream in this life. Rows of others are counted in the judgement.
fn mine<'a>(
    contents: &'a Contents,
    stream: &StreamView,
    judgement: &mut Judgement,
) -> BTreeMap<&'a ShardId, &'a Fact> {
    let key = &stream.description.key;
    let account = stream.description.name.as_str().split(':').next().unwrap_or_default();
    let is_account = !account.is_empty() && account.bytes().all(|b| b.is_ascii_digit());
    let is_mine = |of: &OfStream| {
        let same_account = !is_account || of.account == account;
        let same_life = of.created == key.created.as_millis() / 1_000;
        *of.name == *key.name && same_account && same_life
    };
    let mut facts = BTreeMap::new();
    for fact in &contents.leases {
        match &fact.stream {
            Some(of) if !is_mine(of) => *judgement.others.entry(of.clone()).or_default() += 1,
            _ => drop(facts.insert(&fact.shard, fact)),
        }
    }
    facts
}

/// Adds the findings about the table as a whole.
fn check_table(
    contents: &Contents,
    facts: &BTreeMap<&ShardId, &Fact>,
    listed: &BTreeMap<&ShardId, &Shard>,
    judgement: &mut Judgement,
) {
    for row in &contents.unreadable {
        let says = format!(
            "the row {:?} is a lease and makes no sense: {}. Mend it in the table",
            row.key, row.why
        );
        judgement.findings.push(Finding::new(Hazard::Unreadable, says));
    }
    let stream = &judgement.stream;
    if facts.is_empty() && !judgement.others.is_empty() {
        let names: Vec<String> = judgement.others.keys().map(ToString::to_string).collect();
        let says = format!(
            "no row is of the stream {} that was made {} s after 1970; there are rows of {}. A \
             stream that was made again since has nothing in common with them: start on it anew",
            stream.name,
            stream.created.as_millis() / 1_000,
            names.join(", ")
        );
        judgement.findings.push(Finding::new(Hazard::OtherStream, says));
    } else if !facts.is_empty() && !facts.keys().any(|id| listed.contains_key(*id)) {
        let first = facts.keys().next().map_or("", |id| id.as_str());
        let says = format!(
            "none of {} leases, like {first}, is of a shard that the stream {} lists: the table is \
             another stream's, of DynamoDB Streams, or every shard of it is gone",
            facts.len(),
            stream.name
        );
        judgement.findings.push(Finding::new(Hazard::NothingMatches, says));
    }
}

/// Makes the leases, and checks by the lineage that they would read every record.
fn check_rows(
    stream: &StreamView,
    options: &ImportOptions,
    listed: &BTreeMap<&ShardId, &Shard>,
    judgement: &mut Judgement,
) {
    let key = &stream.description.key;
    let rows = judgement.shards.iter().filter_map(|judged| {
        let Verdict::Taken(spot) = &judged.verdict else { return None };
        let shard = listed.get(&judged.shard)?;
        let lease = LeaseKey::of_shard(key, &judged.shard);
        let mut row =
            Lease::new(lease, spot.checkpoint.clone()).of_shard(shard.parents.clone(), shard.range);
        row.children.clone_from(&spot.children);
        Some(row)
    });
    let rows: Vec<Lease> = rows.collect();
    let changes = reconcile(&Lineage::new(key, &stream.shards, &rows), START.into());
    for problem in &changes.problems {
        let Problem::EndedWhileOpen { key } = problem else { continue };
        let Some(shard) = key.shard().filter(|id| !options.said.contains_key(id)) else { continue };
        if let Some(judged) = judgement.shards.iter_mut().find(|it| it.shard == shard) {
            let says = format!(
                "the row says that the shard has ended, and the stream that it takes records: they \
                 would never be read (releasing a sticky shard writes such a row). Say where it is \
                 to go on, like --shard {shard}=trim-horizon"
            );
            judged.verdict = Verdict::Refused;
            judged.findings.push(Finding::new(Hazard::EndedWhileOpen, says));
        }
    }
    let is_complete = judgement.refusals().next().is_none();
    if is_complete && !changes.holes.is_empty() {
        let holes: Vec<String> = changes.holes.iter().map(ToString::to_string).collect();
        let says = format!(
            "nobody would read the hash keys {}: of the shards that hold them, say where to begin, \
             like --shard SHARD=trim-horizon",
            holes.join(", ")
        );
        judgement.findings.push(Finding::new(Hazard::Uncovered, says));
    }
    judgement.rows = rows;
}

/// Makes placement rules of the fork's sticky columns, for shards that have not ended.
fn stick(facts: &BTreeMap<&ShardId, &Fact>, stream: &StreamView, judgement: &mut Judgement) {
    let name = &stream.description.key.name;
    for judged in &mut judgement.shards {
        let fact = facts.get(&judged.shard).filter(|_| match &judged.verdict {
            Verdict::Taken(spot) => !spot.checkpoint.is_end(),
            _ => false,
        });
        match fact.and_then(|fact| fact.sticky.as_ref()) {
            Some(Sticky::To(worker)) => match worker.parse() {
                Ok(worker) => {
                    let target = Target::Shard(judged.shard.clone());
                    let rule = Rule::new(target, worker, Mode::Require).for_stream(name);
                    judgement.rules.push(rule);
                }
                Err(error) => {
                    let says = format!("it is sticky to a worker that there cannot be: {error}");
                    judged.findings.push(Finding::new(Hazard::StickyName, says));
                }
            },
            Some(Sticky::Released) => {
                let says = format!(
                    "the fork had released it, so that nobody reads it; here it is read. `kcl \
                     leases pause {}` stops it again",
                    judged.shard
                );
                judged.findings.push(Finding::new(Hazard::Released, says));
            }
            None => {}
        }
    }
}
