//! Edits placement rules: adds, replaces and removes rules by the arguments of a command. Pure.

use anyhow::{Context, bail};
use kcl_core::{
    assignment::placement::{
        PlacementRules, Rule, Target, Uncovered, shard_mapping, wanted_worker,
    },
    stream::HashRange,
};

/// The rules of the arguments: `pairs` are `shard:worker`, `ranges` are `START-END:WORKER`. Each
/// rule is for this stream.
///
/// # Errors
/// An argument cannot be parsed. The message names it.
pub(crate) fn asked(
    pairs: &[String],
    ranges: &[String],
    stream: &str,
) -> anyhow::Result<Vec<Rule>> {
    let mut of_ranges = Vec::new();
    for text in ranges {
        let (range, worker) = text.split_once(':').with_context(|| {
            format!("--range {text:?} names no worker: expected START-END:WORKER")
        })?;
        let (worker, mode) = wanted_worker(worker);
        let worker = worker.parse().with_context(|| format!("--range {text:?}"))?;
        of_ranges.push(Rule::new(Target::Range(parsed(range)?), worker, mode));
    }
    let mut rules = shard_mapping(&pairs.join("\n"))?;
    rules.extend(of_ranges);
    Ok(rules.into_iter().map(|rule| rule.for_stream(stream)).collect())
}

/// The targets of the arguments: shard ids and ranges of hash keys.
///
/// # Errors
/// An argument cannot be parsed. The message names it.
pub(crate) fn named(shards: &[String], ranges: &[String]) -> anyhow::Result<Vec<Target>> {
    let shard = |text: &String| text.parse().map(Target::Shard).with_context(|| text.clone());
    let range = |text: &String| parsed(text).map(Target::Range);
    shards.iter().map(shard).chain(ranges.iter().map(range)).collect()
}

/// Parses a range of hash keys.
fn parsed(text: &str) -> anyhow::Result<HashRange> {
    text.trim().parse().with_context(|| {
        format!("{text:?} is no range of hash keys: expected START-END, two numbers in decimal")
    })
}

/// Whether a rule is for this target in this stream. A rule without a stream is for every stream.
fn is_for(rule: &Rule, target: &Target, stream: &str) -> bool {
    let is_of_stream = rule.stream.as_deref().is_none_or(|name| name == stream);
    is_of_stream && rule.target == *target
}

/// The rules with `asked` added. They replace rules for the same targets.
///
/// # Errors
/// The rules contradict each other.
pub(crate) fn with(
    rules: &PlacementRules,
    asked: Vec<Rule>,
    uncovered: Option<Uncovered>,
    stream: &str,
) -> anyhow::Result<PlacementRules> {
    let replaced = |rule: &&Rule| asked.iter().any(|it| is_for(rule, &it.target, stream));
    let mut next: Vec<Rule> = rules.rules().iter().filter(|it| !replaced(it)).cloned().collect();
    next.extend(asked);
    Ok(PlacementRules::new(next, uncovered.unwrap_or_else(|| rules.uncovered()))?)
}

/// The rules without those for these targets.
///
/// # Errors
/// A target has no rule.
pub(crate) fn without(
    rules: &PlacementRules,
    targets: &[Target],
    stream: &str,
) -> anyhow::Result<PlacementRules> {
    let mut next = rules.rules().to_vec();
    for target in targets {
        let before = next.len();
        next.retain(|rule| !is_for(rule, target, stream));
        if next.len() == before {
            bail!(
                "there is no rule for the {target} of the stream {stream}: `kcl placement show` \
                 lists the rules there are"
            );
        }
    }
    Ok(PlacementRules::new(next, rules.uncovered())?)
}

#[cfg(test)]
mod tests {
    use kcl_core::assignment::placement::Mode;

    use super::*;

    fn owned(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn rules(pairs: &[&str], ranges: &[&str]) -> PlacementRules {
        let asked = asked(&owned(pairs), &owned(ranges), "orders").unwrap();
        PlacementRules::new(asked, Uncovered::Balance).unwrap()
    }

    fn shown(rules: &PlacementRules) -> Vec<String> {
        let show = |rule: &Rule| format!("{} {} {:?}", rule.target, rule.worker, rule.mode);
        rules.rules().iter().map(show).collect()
    }

    #[test]
    fn a_rule_that_is_set_takes_the_place_of_the_one_for_the_same_target() {
        let before = rules(&["s-0:a", "s-1:b"], &["0-9:a"]);
        let of_any =
            Rule::new(Target::Shard("s-0".parse().unwrap()), "x".parse().unwrap(), Mode::Prefer);
        let mut all = before.rules().to_vec();
        all.push(of_any);
        let before = PlacementRules::new(all, Uncovered::Hold).unwrap();
        let next = asked(&owned(&["s-0:c?"]), &owned(&["0-9:d"]), "orders").unwrap();
        let after = with(&before, next, None, "orders").unwrap();
        assert_eq!(
            shown(&after),
            ["shard s-1 b Require", "shard s-0 c Prefer", "range 0-9 d Require"]
        );
        assert_eq!(after.uncovered(), Uncovered::Hold);
        assert!(after.rules().iter().all(|rule| rule.stream.as_deref() == Some("orders")));
        let held = with(&after, Vec::new(), Some(Uncovered::Balance), "orders").unwrap();
        assert_eq!((held.uncovered(), held.rules().len()), (Uncovered::Balance, 3));
    }

    #[test]
    fn a_rule_of_another_stream_is_left_alone() {
        let before = rules(&["s-0:a"], &[]);
        let next = asked(&owned(&["s-0:b"]), &[], "payments").unwrap();
        assert_eq!(with(&before, next, None, "payments").unwrap().rules().len(), 2);
        let target = named(&owned(&["s-0"]), &[]).unwrap();
        let refused = without(&before, &target, "payments").unwrap_err().to_string();
        assert!(refused.contains("no rule for the shard s-0 of the stream payments"), "{refused}");
    }

    #[test]
    fn what_is_taken_back_is_gone_and_what_is_not_there_is_refused() {
        let before = rules(&["s-0:a", "s-1:b"], &["0-9:a"]);
        let targets = named(&owned(&["s-1"]), &owned(&["0-9"])).unwrap();
        assert_eq!(shown(&without(&before, &targets, "orders").unwrap()), ["shard s-0 a Require"]);
        let missing = named(&owned(&["s-7"]), &[]).unwrap();
        assert!(without(&before, &missing, "orders").is_err());
    }

    #[test]
    fn arguments_that_make_no_sense_are_named() {
        for (pairs, ranges, says) in [
            (&["s-0"][..], &[][..], "s-0"),
            (&[], &["0-9"], "START-END:WORKER"),
            (&[], &["nine:a"], "nine"),
            (&[], &["0-9:a b"], "a b"),
        ] {
            let refused = format!("{:#}", asked(&owned(pairs), &owned(ranges), "o").unwrap_err());
            assert!(refused.contains(says), "{refused}");
        }
        let crossing =
            with(&rules(&[], &["0-9:a"]), rules(&[], &["5-12:b"]).rules().to_vec(), None, "orders");
        assert!(crossing.unwrap_err().to_string().contains("cross"));
    }
}
