//! Shows the judgement of an import before it is made, and its result, as text and as JSON.

use std::{collections::BTreeMap, fmt::Write};

use kcl_core::{change::Changed, env::WallTime, lease::Changing, stream::ShardId};
use kcl_migrate::{Contents, Finding, Judged, Judgement, Level, Place, Probe, Verdict};
use serde_json::{Value, json};

use crate::{
    columns::columns,
    times::{millis, rfc3339, span},
};

/// How many findings of one kind the text shows.
const NAMED: usize = 5;

/// Everything that is shown before the import.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    pub(super) from: &'a Place,
    pub(super) contents: &'a Contents,
    pub(super) judgement: &'a Judgement,
    pub(super) probes: &'a BTreeMap<ShardId, Probe>,
    pub(super) application: &'a str,
    pub(super) store: &'a str,
    /// The time of the stream's service, for ages of records.
    pub(super) now: WallTime,
    /// The document of the last change; `None` if there was none.
    pub(super) changing: Option<&'a Changing>,
}

impl Scene<'_> {
    /// The judgement as text.
    pub(super) fn text(&self) -> String {
        let Self { judgement, contents, .. } = self;
        let mut text = format!(
            "import: {} ({}) into the application {} in {}\nstream {}\n",
            self.from, contents.layout, self.application, self.store, judgement.stream.name
        );
        // Writing to a string cannot fail.
        if !contents.others.is_empty() {
            let others: Vec<String> =
                contents.others.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
            let _ = writeln!(text, "items that are no leases: {}", others.join(", "));
        }
        if let Some(changing) = self.changing.filter(|it| it.is_closed()) {
            let since = rfc3339(changing.since);
            let _ = writeln!(text, "the application is closed by {} since {since}", changing.by);
        }
        for (of, count) in &judgement.others {
            let _ = writeln!(text, "left alone: {count} rows of {of}");
        }
        if judgement.past > 0 {
            let _ = writeln!(text, "done with: {} ended shards that are gone", judgement.past);
        }
        text.push('\n');
        text += &self.table();
        text += &self.findings();
        if !judgement.rules.is_empty() {
            let _ = writeln!(text, "\n{} sticky shards become rules:", judgement.rules.len());
            for rule in &judgement.rules {
                let _ = writeln!(text, "  {} is read by {} alone", rule.target, rule.worker);
            }
        }
        text
    }

    /// A table with a row for each shard.
    fn table(&self) -> String {
        let head = ["SHARD", "OLD ROW", "TAKEN AT", "LAST OWNER", "UNREAD"];
        let head = head.map(str::to_owned).to_vec();
        let rows = self.judgement.shards.iter().map(|judged| {
            vec![
                judged.shard.to_string(),
                judged.was.clone().unwrap_or_else(|| "(no row)".to_owned()),
                at(judged),
                judged.owner.clone().unwrap_or_else(|| "-".to_owned()),
                self.lag(&judged.shard).map_or_else(|| "-".to_owned(), span),
            ]
        });
        columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>())
    }

    /// How long the first record after the checkpoint has waited; `None` if there is none, or if it
    /// is unknown.
    fn lag(&self, shard: &ShardId) -> Option<u64> {
        match self.probes.get(shard)? {
            Probe::Next { since, .. } => Some(millis(self.now.since((*since)?))),
            _ => None,
        }
    }

    /// The findings, refusals first.
    fn findings(&self) -> String {
        let mut text = String::new();
        for (level, head) in
            [(Level::Refusal, "IN THE WAY"), (Level::Warning, "WARNINGS"), (Level::Note, "NOTES")]
        {
            let found = self.judgement.all().filter(|(_, finding)| finding.level() == level);
            let mut by_kind: BTreeMap<_, Vec<(Option<&ShardId>, &Finding)>> = BTreeMap::new();
            for (shard, finding) in found {
                by_kind.entry(finding.hazard).or_default().push((shard, finding));
            }
            if by_kind.is_empty() {
                continue;
            }
            let _ = writeln!(text, "\n{head}");
            for (hazard, found) in by_kind {
                for (shard, finding) in found.iter().take(NAMED) {
                    let of = shard.map_or_else(|| "the table".to_owned(), ToString::to_string);
                    let _ = writeln!(text, "  {of}: {} ({hazard})", finding.says);
                }
                if found.len() > NAMED {
                    let more = found.len() - NAMED;
                    let _ = writeln!(text, "  and {more} more of this kind ({hazard}); see --json");
                }
            }
        }
        text
    }

    /// The judgement as JSON, with every finding.
    pub(super) fn json(&self) -> Value {
        let Self { judgement, contents, .. } = self;
        let shards: Vec<Value> = judgement.shards.iter().map(|it| self.shard(it)).collect();
        let taken = |it: &&Judged| matches!(it.verdict, Verdict::Taken(_));
        let others: BTreeMap<String, usize> =
            judgement.others.iter().map(|(of, count)| (of.to_string(), *count)).collect();
        let rules: Vec<Value> = judgement
            .rules
            .iter()
            .map(|rule| json!({"for": rule.target.to_string(), "worker": rule.worker}))
            .collect();
        json!({
            "from": self.from.to_string(),
            "layout": contents.layout.to_string(),
            "no_leases": contents.others,
            "stream": judgement.stream.name,
            "application": self.application,
            "store": self.store,
            "closed_by": self.changing.filter(|it| it.is_closed()).map(|it| it.by.clone()),
            "shards": shards,
            "taken": judgement.shards.iter().filter(taken).count(),
            "past": judgement.past,
            "left_alone": others,
            "rules": rules,
            "findings": judgement.findings.iter().map(finding).collect::<Vec<_>>(),
            "refusals": judgement.refusals().count(),
        })
    }

    /// The judgement of one shard as JSON.
    fn shard(&self, judged: &Judged) -> Value {
        let verdict = match &judged.verdict {
            Verdict::Taken(_) => "taken",
            Verdict::Follows => "follows",
            Verdict::Gone => "gone",
            _ => "refused",
        };
        let to = match &judged.verdict {
            Verdict::Taken(spot) => Some(spot.checkpoint.to_string()),
            _ => None,
        };
        json!({
            "shard": judged.shard,
            "was": judged.was,
            "owner": judged.owner,
            "verdict": verdict,
            "at": to,
            "lag_ms": self.lag(&judged.shard),
            "findings": judged.findings.iter().map(finding).collect::<Vec<_>>(),
        })
    }
}

/// A finding as JSON.
fn finding(finding: &Finding) -> Value {
    let level = match finding.level() {
        Level::Note => "note",
        Level::Warning => "warning",
        Level::Refusal => "refusal",
    };
    json!({"hazard": finding.hazard.name(), "level": level, "says": finding.says})
}

/// The checkpoint at which a shard is imported, or why it is not.
fn at(judged: &Judged) -> String {
    match &judged.verdict {
        Verdict::Taken(spot) => spot.checkpoint.to_string(),
        Verdict::Follows => "(follows its parent)".to_owned(),
        Verdict::Gone => "(gone)".to_owned(),
        _ => "(refused)".to_owned(),
    }
}

/// The result of a finished import, as JSON.
pub(super) fn outcome(changed: &Changed, from: &Place, fence: &str, says: &str) -> Value {
    json!({
        "change": changed.number,
        "leases": changed.leases,
        "from": from.to_string(),
        "fence": fence,
        "fence_says": says,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kcl_core::{
        change::StreamView,
        stream::{HashRange, Shard, StreamDescription, StreamKey},
    };
    use kcl_migrate::{ImportOptions, Library, items_of_scan, judge};

    use super::*;

    const TABLE: &str = r#"{"Items": [
        {"leaseKey": {"S": "s-0"}, "checkpoint": {"S": "49"}, "leaseOwner": {"S": "w1"}},
        {"leaseKey": {"S": "s-1"}, "checkpoint": {"S": "LATEST"}},
        {"leaseKey": {"S": "w1"}, "entityType": {"S": "WORKER_METRIC_STATS"}},
        {"leaseKey": {"S": "s-9"}, "checkpoint": {"S": "SHARD_END"}}]}"#;

    fn stream() -> StreamView {
        let now = WallTime::from_millis(90_000);
        let key = StreamKey::new("orders", WallTime::from_millis(5_000));
        let day = Duration::from_hours(24);
        let description = StreamDescription::new("orders".parse().unwrap(), key, day, now);
        let halves = HashRange::ALL.halves().unwrap();
        let shards = [("s-0", halves.0), ("s-1", halves.1)];
        let shards = shards.map(|(id, range)| Shard::open(id.parse().unwrap(), range));
        StreamView { description, shards: shards.to_vec() }
    }

    #[test]
    fn what_would_be_taken_is_shown_to_people_and_machines() {
        let items = items_of_scan(TABLE).unwrap();
        let contents = kcl_migrate::read(Library::Kcl, &items);
        let since = Some(WallTime::from_millis(60_000));
        let next = Probe::Next { since, lost: false };
        let probes = BTreeMap::from([("s-0".parse().unwrap(), next)]);
        let judgement = judge(&contents, &stream(), &ImportOptions::default(), &probes);
        let from = "dynamodb-kcl:old".parse().unwrap();
        let scene = Scene {
            from: &from,
            contents: &contents,
            judgement: &judgement,
            probes: &probes,
            application: "indexer",
            store: "redis://h",
            now: stream().description.server_time,
            changing: None,
        };
        let expected = "\
import: dynamodb-kcl:old (the Java KCL 3.5) into the application indexer in redis://h
stream orders
items that are no leases: 1 WORKER_METRIC_STATS
done with: 1 ended shards that are gone

SHARD  OLD ROW  TAKEN AT      LAST OWNER  UNREAD
s-0    49       49            w1          30.0 s
s-1    LATEST   TRIM_HORIZON  -           -

WARNINGS
  s-1: nothing of it was processed to a checkpoint (its row says LATEST): it begins at \
TRIM_HORIZON; --latest-as says otherwise (latest)
";
        assert_eq!(scene.text(), expected);
        let shown = scene.json();
        assert_eq!((&shown["taken"], &shown["past"]), (&json!(2), &json!(1)));
        assert_eq!(shown["shards"][0]["lag_ms"], 30_000);
        assert_eq!(shown["shards"][1]["findings"][0]["hazard"], "latest");
    }
}
