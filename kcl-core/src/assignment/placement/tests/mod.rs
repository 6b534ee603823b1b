use std::error::Error as _;

use proptest::prelude::*;

use super::*;
use crate::{
    env::WallTime,
    lease::{Checkpoint, Document, Lease, LeaseKey},
    lineage::Lineage,
    stream::{HashRange, Shard, StreamKey},
};

mod inherited;

fn shard_rule(shard: &str, worker: &str) -> Rule {
    Rule::new(Target::Shard(shard.parse().unwrap()), worker.parse().unwrap(), Mode::Prefer)
}

fn range_rule(start: u128, end: u128, worker: &str) -> Rule {
    Rule::new(Target::Range(HashRange::new(start, end)), worker.parse().unwrap(), Mode::Prefer)
}

fn requiring(rule: Rule) -> Rule {
    Rule { mode: Mode::Require, ..rule }
}

fn rules(rules: Vec<Rule>) -> PlacementRules {
    PlacementRules::new(rules, Uncovered::Balance).unwrap()
}

fn shard(name: &str, parents: &[&str], start: u128, end: u128) -> Shard {
    let parents = parents.iter().map(|parent| parent.parse().unwrap()).collect();
    Shard { parents, ..Shard::open(name.parse().unwrap(), HashRange::new(start, end)) }
}

fn orders() -> StreamKey {
    StreamKey::new("orders", WallTime::from_millis(1))
}

/// The worker each shard goes to, and the one it could have gone to by its other parent.
fn placed(rules: &PlacementRules, shards: &[Shard]) -> Vec<(Option<String>, Option<String>)> {
    let stream = orders();
    let lineage = Lineage::new(&stream, shards, &[]);
    let resolver = Resolver::new(rules, &lineage);
    let worker = |rule: usize| rules.rules()[rule].worker.to_string();
    let resolve = |shard: &Shard| match resolver.resolve(&shard.id) {
        None => (None, None),
        Some(Resolved { rule, contender }) => (Some(worker(rule)), contender.map(worker)),
    };
    shards.iter().map(resolve).collect()
}

fn workers(rules: &PlacementRules, shards: &[Shard]) -> Vec<String> {
    let placed = placed(rules, shards);
    placed.into_iter().map(|(worker, _)| worker.unwrap_or_else(|| "-".to_owned())).collect()
}

#[test]
fn a_document_reads_back_and_keeps_every_bit_of_a_hash_key() {
    let written = PlacementRules::new(
        vec![
            requiring(shard_rule("s-1", "a")),
            range_rule(u128::MAX - 1, u128::MAX, "b").for_stream("orders"),
        ],
        Uncovered::Hold,
    )
    .unwrap();
    let body = written.encode().unwrap();
    assert_eq!(PlacementRules::decode(&body).unwrap(), written);
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains(r#""format":1"#), "{text}");
    assert!(text.contains(r#""range":"340282366920938463463374607431768211454-34"#), "{text}");
}

#[test]
fn a_handwritten_document_may_leave_out_what_goes_without_saying() {
    let json = br#"{"rules":[{"shard":"s-1","worker":"a"}]}"#;
    assert_eq!(PlacementRules::decode(json).unwrap(), rules(vec![shard_rule("s-1", "a")]));
    assert_eq!(PlacementRules::decode(b"{}").unwrap(), PlacementRules::default());
}

#[test]
fn a_wrong_document_is_refused_by_what_is_wrong_with_it() {
    for (json, says) in [
        (r#"{"format":2,"shiny":true}"#, "format 2"),
        (r#"{"rules":[{"worker":"a"}]}"#, "rule 1 must name a shard or a range"),
        (r#"{"rules":[{"shard":"s","range":"0-1","worker":"a"}]}"#, "rule 1 must name"),
        (r#"{"rules":[{"range":"9-1","worker":"a"}]}"#, "9-1 ends before it starts"),
        (r#"{"rules":[{"range":"nine","worker":"a"}]}"#, r#""nine" in placement rule 1"#),
        (
            r#"{"rules":[{"shard":"s","worker":"a"},{"shard":"s","worker":"b"}]}"#,
            "two placement rules for shard s",
        ),
        (r#"{"rules":[{"shard":"s","worker":"a b"}]}"#, "worker id"),
        (r#"{"rules":[{"shrad":"s","worker":"a"}]}"#, "shrad"),
        (r#"{"rules":[{"shard":"s","worker":"a","mode":"always"}]}"#, "always"),
    ] {
        let refused = PlacementRules::decode(json.as_bytes()).unwrap_err();
        let shown = format!("{refused}: {:?}", refused.source().map(ToString::to_string));
        assert!(shown.contains(says), "{shown}");
    }
}

#[test]
fn rules_that_no_document_holds_are_refused() {
    let many = (0..10_000).map(|n| shard_rule(&format!("shardId-{n:012}"), "a")).collect();
    let refused = rules(many).encode().unwrap_err().to_string();
    assert!(refused.contains(&Document::MAX_BODY.to_string()), "{refused}");
}

#[test]
fn the_shard_mapping_takes_commas_and_lines_and_blanks() {
    let text = "s-0:pod-0, s-1 : pod:1 ,\n\r\n,s-2:pod-2\n";
    let read = shard_mapping(text, Mode::Prefer).unwrap();
    let expected = [("s-0", "pod-0"), ("s-1", "pod:1"), ("s-2", "pod-2")];
    assert_eq!(read, expected.map(|(shard, worker)| shard_rule(shard, worker)));
    assert_eq!(shard_mapping(" , \n", Mode::Require).unwrap(), []);
}

#[test]
fn the_shard_mapping_names_the_piece_it_cannot_read() {
    let refused = |text: &str| shard_mapping(text, Mode::Prefer).unwrap_err();
    let no_worker = refused("s-0:a,s-1");
    assert_eq!(no_worker, InvalidMapping::NoWorker { piece: "s-1".to_owned() });
    assert!(matches!(refused("s-0:a,:b"), InvalidMapping::Shard { piece, .. } if piece == ":b"));
    assert!(matches!(refused("s 0:a"), InvalidMapping::Shard { piece, .. } if piece == "s 0:a"));
    assert!(matches!(refused("s-0:"), InvalidMapping::Worker { piece, .. } if piece == "s-0:"));
}

#[test]
fn a_shard_named_twice_in_the_mapping_is_refused() {
    let pairs = shard_mapping("s-0:a,s-0:b", Mode::Require).unwrap();
    let refused = PlacementRules::new(pairs, Uncovered::Hold).unwrap_err();
    assert!(refused.to_string().contains("shard s-0"), "{refused}");
}

#[test]
fn children_inherit_the_rule_of_their_nearest_mapped_ancestor() {
    let shards = [
        shard("0", &[], 0, 99),
        shard("1", &["0"], 0, 49),
        shard("2", &["0"], 50, 99),
        shard("3", &["2"], 50, 74),
        shard("4", &["2"], 75, 99),
        shard("9", &[], 100, 199),
    ];
    let rules = rules(vec![shard_rule("0", "a"), shard_rule("2", "b"), shard_rule("4", "c")]);
    assert_eq!(workers(&rules, &shards), ["a", "a", "b", "b", "c", "-"]);
}

#[test]
fn a_rule_for_a_forgotten_parent_still_holds_for_its_children() {
    let shards = [shard("1", &["0"], 0, 49), shard("2", &["0"], 50, 99)];
    assert_eq!(workers(&rules(vec![shard_rule("0", "a")]), &shards), ["a", "a"]);
}

#[test]
fn a_shard_rule_beats_a_range_rule_also_for_the_children() {
    let shards = [shard("0", &[], 0, 99), shard("1", &["0"], 0, 49), shard("9", &[], 100, 199)];
    let rules = rules(vec![range_rule(0, 199, "everything"), shard_rule("0", "a")]);
    assert_eq!(workers(&rules, &shards), ["a", "a", "everything"]);
}

#[test]
fn of_ranges_the_narrowest_wins_and_then_the_first() {
    let shards = [shard("0", &[], 0, 99), shard("1", &[], 100, 199), shard("2", &[], 200, 299)];
    let rules = rules(vec![
        range_rule(0, 299, "wide"),
        range_rule(100, 250, "first"),
        range_rule(101, 251, "second"),
        range_rule(250, 251, "narrow"),
    ]);
    assert_eq!(workers(&rules, &shards), ["wide", "first", "first"]);
}

#[test]
fn a_child_is_placed_by_its_own_midpoint_and_else_goes_with_its_parent() {
    let shards = [
        shard("0", &[], 0, 99),
        shard("1", &["0"], 0, 49),
        shard("2", &["0"], 50, 99),
        shard("3", &["2"], 50, 74),
    ];
    let by_midpoint = rules(vec![range_rule(0, 49, "low"), range_rule(50, 99, "high")]);
    assert_eq!(workers(&by_midpoint, &shards), ["low", "low", "high", "high"]);
    let narrow = rules(vec![range_rule(40, 60, "middle")]);
    assert_eq!(workers(&narrow, &shards), ["middle", "middle", "middle", "middle"]);
}

#[test]
fn a_merge_of_differently_placed_parents_follows_require_and_then_the_first_parent() {
    let shards = [shard("2", &["0", "1"], 0, 99)];
    let decided = |first: Rule, second: Rule| placed(&rules(vec![first, second]), &shards);
    let both = |rule: &str, contender: Option<&str>| {
        vec![(Some(rule.to_owned()), contender.map(str::to_owned))]
    };
    let (zero, one) = (shard_rule("0", "a"), shard_rule("1", "b"));
    assert_eq!(decided(zero.clone(), one.clone()), both("a", Some("b")));
    assert_eq!(decided(one.clone(), zero.clone()), both("a", Some("b")));
    assert_eq!(decided(zero.clone(), requiring(one)), both("b", Some("a")));
    assert_eq!(decided(zero, shard_rule("1", "a")), both("a", None));
}

#[test]
fn a_rule_that_names_the_stream_beats_one_that_names_none() {
    let shards = [shard("0", &[], 0, 9), shard("1", &[], 10, 19), shard("2", &[], 20, 29)];
    let rules = rules(vec![
        shard_rule("0", "ours").for_stream("orders"),
        shard_rule("0", "any"),
        range_rule(10, 19, "any"),
        range_rule(10, 19, "ours").for_stream("orders"),
        shard_rule("2", "theirs").for_stream("payments"),
    ]);
    assert_eq!(workers(&rules, &shards), ["ours", "ours", "-"]);
}

#[test]
fn parents_that_run_in_a_circle_end_no_search() {
    let shards = [shard("0", &["1"], 0, 9), shard("1", &["0"], 10, 19)];
    assert_eq!(workers(&rules(vec![shard_rule("7", "a")]), &shards), ["-", "-"]);
}

fn row(of: &Shard) -> Lease {
    Lease::new(LeaseKey::of_shard(&orders(), &of.id), Checkpoint::ShardEnd)
        .of_shard(of.parents.clone(), of.range)
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let target = prop_oneof![
        "[a-z0-9_.-]{1,9}".prop_map(|id| Target::Shard(id.parse().unwrap())),
        any::<(u128, u128)>().prop_map(|(a, b)| Target::Range(HashRange::new(a.min(b), a.max(b)))),
    ];
    let mode = prop_oneof![Just(Mode::Require), Just(Mode::Prefer)];
    let stream = prop::option::of("[a-z]{1,9}".prop_map(Into::into));
    let created = prop::option::of(any::<u64>().prop_map(WallTime::from_millis));
    (stream, created, target, "[a-z0-9:@]{1,9}", mode).prop_map(
        |(stream, created, target, worker, mode)| Rule {
            stream,
            created,
            ..Rule::new(target, worker.parse().unwrap(), mode)
        },
    )
}

proptest! {
    #[test]
    fn any_rules_read_back(list in prop::collection::vec(any_rule(), 0..9), hold: bool) {
        let uncovered = if hold { Uncovered::Hold } else { Uncovered::Balance };
        let made = PlacementRules::new(list, uncovered);
        prop_assume!(made.is_ok());
        let made = made.unwrap();
        prop_assert_eq!(PlacementRules::decode(&made.encode().unwrap()).unwrap(), made);
    }

    #[test]
    fn reading_a_mapping_never_panics(text: String) {
        let _ = shard_mapping(&text, Mode::Prefer);
    }
}
