//! What becomes of each shard: facts of the old table and our own list of shards come in, a
//! [`Judgement`] goes out. Pure.

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
pub use types::{Judged, Probe, Said, Verdict, Wishes};

use self::kin::Kin;
use crate::fact::{Contents, Fact, OfStream, Sticky};

/// Where reading begins of what the import makes no row for: nothing is known to skip.
pub(crate) const START: FrozenStart = FrozenStart { at: None, by: None };

/// What becomes of an application's shards.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Judgement {
    /// The stream.
    pub stream: StreamKey,
    /// Every shard that the stream lists, and unfinished rows of others, in the order of ids.
    pub shards: Vec<Judged>,
    /// What was found of the table as a whole.
    pub findings: Vec<Finding>,
    /// How many ended rows are of shards that the stream lists no more: nothing is left to do.
    pub past: usize,
    /// Rows of other streams, or of other lives of this one: they are left alone.
    pub others: BTreeMap<OfStream, usize>,
    /// What sticky columns ask for.
    pub rules: Vec<Rule>,
    rows: Vec<Lease>,
}

impl Judgement {
    /// The rows that are to be.
    #[must_use]
    pub fn rows(&self) -> &[Lease] {
        &self.rows
    }

    /// Everything that was found, and of which shard.
    pub fn all(&self) -> impl Iterator<Item = (Option<&ShardId>, &Finding)> {
        let of_table = self.findings.iter().map(|finding| (None, finding));
        let of_shards = self.shards.iter().flat_map(|judged| {
            judged.findings.iter().map(move |finding| (Some(&judged.shard), finding))
        });
        of_table.chain(of_shards)
    }

    /// What is in the way.
    pub fn refusals(&self) -> impl Iterator<Item = (Option<&ShardId>, &Finding)> {
        self.all().filter(|(_, finding)| finding.level() == Level::Refusal)
    }
}

/// What becomes of the shards of `stream` by what a table holds.
#[must_use]
pub fn judge(
    contents: &Contents,
    stream: &StreamView,
    wishes: &Wishes,
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
    let kin = Kin::of(&listed, |id| facts.contains_key(id) || wishes.said.contains_key(id));
    let scene = row::Scene { stream, listed: &listed, kin: &kin, wishes, probes };
    let mut judged: BTreeMap<ShardId, Judged> = BTreeMap::new();
    for (id, shard) in &listed {
        let it = match (wishes.said.get(*id), facts.get(*id)) {
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
    check_rows(stream, wishes, &listed, &mut judgement);
    stick(&facts, stream, &mut judgement);
    judgement
}

/// The rows of this stream in this life. Others are counted.
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

/// What is wrong with the table as a whole.
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

/// Makes the rows, and sees whether every record would be read.
fn check_rows(
    stream: &StreamView,
    wishes: &Wishes,
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
        let Some(shard) = key.shard().filter(|id| !wishes.said.contains_key(id)) else { continue };
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

/// The fork's pins as rules.
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
