//! Judges one shard: by the operator's word, by its row, or by its relatives.

use std::collections::BTreeMap;

use kcl_core::{
    change::{Place, Spot, StreamView},
    lease::Checkpoint,
    stream::{Position, SequenceNumber, Shard, ShardId},
};

use super::{
    finding::{Finding, Hazard},
    kin::Kin,
    types::{ImportOptions, Judged, Probe, Said, Verdict},
};
use crate::fact::{Fact, Mark};

/// Everything that a shard is judged by, apart from its row.
pub(super) struct Scene<'a> {
    pub(super) stream: &'a StreamView,
    /// The shards that the stream lists.
    pub(super) listed: &'a BTreeMap<&'a ShardId, &'a Shard>,
    pub(super) kin: &'a Kin<'a>,
    pub(super) options: &'a ImportOptions,
    pub(super) probes: &'a BTreeMap<ShardId, Probe>,
}

impl Scene<'_> {
    /// Judges a shard whose checkpoint the operator gave. Its row, if there is one, does not count.
    pub(super) fn said(&self, shard: &Shard, said: &Said, fact: Option<&Fact>) -> Judged {
        let mut judged = begun(&shard.id, fact);
        let position = match said {
            Said::Ended => {
                judged.verdict = Verdict::Taken(self.ended(&shard.id));
                return judged;
            }
            Said::At(place) => place,
        };
        let now = self.stream.description.server_time;
        judged.verdict = Verdict::Taken(Spot::at(position.checkpoint(now)));
        if let Place::After(position) = position {
            self.check_position(shard, position, &mut judged);
        }
        judged
    }

    /// Judges a shard by its row.
    pub(super) fn with_row(&self, shard: &Shard, fact: &Fact) -> Judged {
        let mut judged = begun(&shard.id, Some(fact));
        if fact.is_pending {
            let says = "a prepared checkpoint is not used: reading goes on at the one before it";
            judged.findings.push(Finding::new(Hazard::Pending, says));
        }
        if fact.is_handed_over {
            let says = "it was being handed over: the checkpoint is what counts";
            judged.findings.push(Finding::new(Hazard::HandedOver, says));
        }
        match &fact.mark {
            Mark::ShardEnd => judged.verdict = Verdict::Taken(self.ended(&shard.id)),
            Mark::After(position) => {
                judged.verdict = Verdict::Taken(Spot::at(Checkpoint::After(position.clone())));
                self.check_position(shard, position, &mut judged);
                self.check_probe(shard, position, &mut judged);
            }
            Mark::TrimHorizon => {
                judged.verdict = Verdict::Taken(Spot::at(Checkpoint::TrimHorizon));
            }
            // A shard whose ancestor has a row begins at its first record, whatever its row says.
            Mark::Latest | Mark::Never | Mark::AtTimestamp
                if self.kin.comes_of_a_row(&shard.id) =>
            {
                judged.verdict = Verdict::Taken(Spot::at(Checkpoint::TrimHorizon));
            }
            Mark::Latest => self.begin(Hazard::Latest, "its row says LATEST", &mut judged),
            Mark::Never => self.begin(Hazard::NeverRead, "its row has no checkpoint", &mut judged),
            Mark::AtTimestamp => self.begin_at_the_time(&mut judged),
        }
        judged
    }

    /// Begins a shard without a checkpoint at [`ImportOptions::latest_as`]. The LATEST of its row
    /// is not imported: it would skip the records that arrived since the row was made.
    fn begin(&self, hazard: Hazard, why: &str, judged: &mut Judged) {
        let now = self.stream.description.server_time;
        let place = Place::from(self.options.latest_as);
        let checkpoint = place.checkpoint(now);
        let says = format!(
            "nothing of it was processed to a checkpoint ({why}): it begins at {checkpoint}; \
             --latest-as says otherwise"
        );
        judged.findings.push(Finding::new(hazard, says));
        judged.verdict = Verdict::Taken(Spot::at(checkpoint));
    }

    /// Begins a shard at the time that the operator gave; refuses it without one.
    fn begin_at_the_time(&self, judged: &mut Judged) {
        match self.options.timestamp {
            Some(at) => {
                judged.verdict = Verdict::Taken(Spot::at(Checkpoint::AtTimestamp(at)));
            }
            None => {
                let says = "its row says AT_TIMESTAMP, and the time is in the old fleet's settings \
                            alone: say it with --timestamp 2026-01-31T09:00:00Z";
                judged.findings.push(Finding::new(Hazard::Timestamp, says));
            }
        }
    }

    /// Judges a shard without a row by its relatives. Shards are judged in the order of their ids,
    /// so `judged` contains its parents.
    pub(super) fn without_row(&self, shard: &Shard, judged: &BTreeMap<ShardId, Judged>) -> Judged {
        let mut mine = begun(&shard.id, None);
        if self.kin.leads_to_a_row(&shard.id) {
            let says = "it has no row, and what came of it has: it counts as read, as for the old \
                        fleet";
            mine.findings.push(Finding::new(Hazard::ParentWithoutRow, says));
            mine.verdict = Verdict::Taken(self.ended(&shard.id));
            return mine;
        }
        if !self.kin.comes_of_a_row(&shard.id) {
            let says = format!(
                "the stream lists it, and neither it nor any relative of it has a row: say where \
                 it begins, like --shard {}=trim-horizon",
                shard.id
            );
            mine.findings.push(Finding::new(Hazard::NoRow, says));
            return mine;
        }
        let has_ended = |parent: &&ShardId| match judged.get(*parent).map(|it| &it.verdict) {
            Some(Verdict::Taken(spot)) => spot.checkpoint.is_end(),
            _ => false,
        };
        if shard.parents.iter().any(|parent| has_ended(&parent)) {
            let says = "its parent has ended: it begins at its first record";
            mine.findings.push(Finding::new(Hazard::ChildWithoutRow, says));
            mine.verdict = Verdict::Taken(Spot::at(Checkpoint::TrimHorizon));
        } else {
            mine.verdict = Verdict::Follows;
        }
        mine
    }

    /// The end of the shard, with its children.
    fn ended(&self, id: &ShardId) -> Spot {
        Spot::ended(self.kin.children(id).iter().map(|child| (*child).clone()).collect())
    }

    /// Adds findings if the shard cannot contain the position, and refuses it.
    fn check_position(&self, shard: &Shard, position: &Position, judged: &mut Judged) {
        let sequence = &position.sequence;
        if let Some(from) = shard.starting.as_ref().filter(|from| sequence < from) {
            let says = format!(
                "its checkpoint {sequence} is older than the shard, which begins at {from}: the \
                 stream was made again since, or is another one. Nothing of such a row is of use"
            );
            judged.findings.push(Finding::new(Hazard::OtherLife, says));
            judged.verdict = Verdict::Refused;
        }
        if let Some(before) = self.end(shard).filter(|before| sequence >= before) {
            let says = format!(
                "its checkpoint {sequence} is past the shard, whose children begin at {before}: \
                 say where it is, like --shard {}=trim-horizon or --shard {0}=ended",
                shard.id
            );
            judged.findings.push(Finding::new(Hazard::BeyondShard, says));
            judged.verdict = Verdict::Refused;
        }
        if position.sub > 0 {
            let says = format!(
                "its checkpoint is within an aggregate: what comes after record {} of it is read",
                position.sub
            );
            judged.findings.push(Finding::new(Hazard::SubSequence, says));
        }
    }

    /// The lowest starting sequence number of the shard's children; `None` if it has none. A number
    /// that is not after the shard's own start is ignored: it proves nothing.
    fn end(&self, shard: &Shard) -> Option<SequenceNumber> {
        let children = self.kin.children(&shard.id);
        let children = children.iter().filter_map(|child| self.listed.get(*child));
        let starts = children.filter_map(|child| child.starting.clone());
        starts.filter(|start| shard.starting.as_ref().is_none_or(|own| start > own)).min()
    }

    /// Adds a finding if the probe of the shard shows a loss, or failed.
    fn check_probe(&self, shard: &Shard, position: &Position, judged: &mut Judged) {
        let (hazard, says) = match self.probes.get(&shard.id) {
            Some(Probe::Next { lost: true, .. }) => (
                Hazard::Gap,
                format!(
                    "records after {position} are gone: the stream kept them no longer. They are \
                     lost whoever reads on"
                ),
            ),
            Some(Probe::CaughtUp { found: Some(false) }) => (
                Hazard::NoRecord,
                format!(
                    "no record has the number {position} any more, and none comes after it: it has \
                     expired, or the table is another stream's"
                ),
            ),
            Some(Probe::Unknown(why)) => {
                (Hazard::Unread, format!("what comes after its checkpoint is not known: {why}"))
            }
            _ => return,
        };
        judged.findings.push(Finding::new(hazard, says));
    }
}

/// Judges the row of a shard that the stream does not list any more; `None` if the shard was
/// processed to its end.
pub(super) fn gone(fact: &Fact) -> Option<Judged> {
    if fact.mark == Mark::ShardEnd {
        return None;
    }
    let mut judged = begun(&fact.shard, Some(fact));
    let says =
        "the stream lists the shard no more: what was unread in it is gone, whoever reads on";
    judged.findings.push(Finding::new(Hazard::Expired, says));
    judged.verdict = Verdict::Gone;
    Some(judged)
}

/// A refused shard without findings: every judgement starts with it.
fn begun(shard: &ShardId, fact: Option<&Fact>) -> Judged {
    Judged {
        shard: shard.clone(),
        was: fact.map(|fact| fact.mark.to_string()),
        owner: fact.and_then(|fact| fact.owner.clone()),
        verdict: Verdict::Refused,
        findings: Vec::new(),
    }
}
