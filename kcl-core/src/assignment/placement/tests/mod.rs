use std::error::Error as _;

use proptest::prelude::*;

use super::*;
use crate::{
    env::WallTime,
    lease::{Checkpoint, Document, Lease, LeaseKey},
    lineage::Lineage,
    stream::{HashRange, Position, Shard, StreamKey},
};

mod declared;
mod inherited;
mod marked;

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

/// The worker that each shard goes to, and the one that it could have gone to by its other parent.
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

/// The rules of a document with this body.
fn stored(body: &[u8]) -> Result<PlacementRules, InvalidPlacement> {
    Placement::decode(body).map(|placement| placement.rules)
}

/// The rules of this text, as an operator writes it.
fn in_a_file(json: &str) -> Result<PlacementRules, serde_json::Error> {
    serde_json::from_str(json)
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
    let body = Placement::from(written.clone()).encode().unwrap();
    assert_eq!(stored(&body).unwrap(), written);
    let text = String::from_utf8(body.to_vec()).unwrap();
    assert!(text.contains(r#""format":1"#), "{text}");
    assert!(text.contains(r#""range":"340282366920938463463374607431768211454-34"#), "{text}");
}

#[test]
fn a_handwritten_document_may_leave_out_what_goes_without_saying() {
    let json = r#"{"rules":[{"shard":"s-1","worker":"a"}]}"#;
    let expected = rules(vec![shard_rule("s-1", "a")]);
    assert_eq!(stored(json.as_bytes()).unwrap(), expected);
    assert_eq!(in_a_file(json).unwrap(), expected);
    assert_eq!(in_a_file("{}").unwrap(), PlacementRules::default());
    // A file may leave out its rules, since only its author knows what is missing; a document must
    // not.
    assert!(stored(br#"{"rulez":[]}"#).is_err());
    let by_hand = Placement::decode(json.as_bytes()).unwrap();
    assert!(matches!(by_hand.origin, Origin::Command { .. }), "it is the operator's");
}

#[test]
fn what_a_later_version_adds_to_the_document_is_passed_over_and_a_slip_in_a_file_is_not() {
    let json = r#"{"rules":[],"since":7}"#;
    assert_eq!(stored(json.as_bytes()).unwrap(), PlacementRules::default());
    assert!(in_a_file(json).unwrap_err().to_string().contains("since"));
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
        (
            r#"{"rules":[{"range":"0-9","worker":"a"},{"range":"5-10","worker":"b"}]}"#,
            "0-9 and 5-10 cross",
        ),
        (r#"{"rules":[{"shard":"s","worker":"a b"}]}"#, "worker id"),
        (r#"{"rules":[{"shrad":"s","worker":"a"}]}"#, "shrad"),
        (r#"{"rules":[{"shard":"s","worker":"a","mode":"always"}]}"#, "always"),
    ] {
        let refused = stored(json.as_bytes()).unwrap_err();
        let shown = format!("{refused}: {:?}", refused.source().map(ToString::to_string));
        assert!(shown.contains(says), "{shown}");
    }
}

#[test]
fn rules_that_no_document_holds_are_refused() {
    let many = (0..10_000).map(|n| shard_rule(&format!("shardId-{n:012}"), "a")).collect();
    let refused = Placement::from(rules(many)).encode().unwrap_err().to_string();
    assert!(refused.contains(&Document::MAX_BODY.to_string()), "{refused}");
}

#[test]
fn the_shard_mapping_takes_commas_and_lines_and_blanks_and_a_question_mark_prefers() {
    let text = "s-0:pod-0, s-1 : pod:1 ? ,\n\r\n,s-2:pod-2?\n";
    let expected = [
        requiring(shard_rule("s-0", "pod-0")),
        shard_rule("s-1", "pod:1"),
        shard_rule("s-2", "pod-2"),
    ];
    assert_eq!(shard_mapping(text).unwrap(), expected);
    assert_eq!(shard_mapping(" , \n").unwrap(), []);
}

#[test]
fn the_shard_mapping_names_the_piece_it_cannot_read() {
    let refused = |text: &str| shard_mapping(text).unwrap_err();
    let no_worker = refused("s-0:a,s-1");
    assert_eq!(no_worker, InvalidMapping::NoWorker { piece: "s-1".to_owned() });
    assert!(matches!(refused("s-0:a,:b"), InvalidMapping::Shard { piece, .. } if piece == ":b"));
    assert!(matches!(refused("s 0:a"), InvalidMapping::Shard { piece, .. } if piece == "s 0:a"));
    for no_id in ["s-0:", "s-0:?", "s-0:a??", "s-0:?a"] {
        let refused = refused(no_id);
        assert!(matches!(&refused, InvalidMapping::Worker { piece, .. } if piece == no_id));
    }
}

#[test]
fn a_shard_named_twice_in_the_mapping_is_refused() {
    let pairs = shard_mapping("s-0:a,s-0:b?").unwrap();
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
fn of_nested_ranges_the_narrowest_wins() {
    let shards = [shard("0", &[], 0, 99), shard("1", &[], 100, 199), shard("2", &[], 200, 299)];
    let rules = rules(vec![
        range_rule(0, 299, "wide"),
        range_rule(149, 149, "narrow"),
        range_rule(100, 250, "middle"),
    ]);
    assert_eq!(workers(&rules, &shards), ["wide", "narrow", "middle"]);
}

#[test]
fn ranges_that_cross_are_refused_where_one_stream_would_meet_both() {
    let made = |list: Vec<Rule>| PlacementRules::new(list, Uncovered::Balance);
    let of = |stream: &str, rule: Rule| rule.for_stream(stream);
    let (low, high) = (range_rule(0, 60, "a"), range_rule(60, 99, "b"));
    for crossing in [
        vec![low.clone(), high.clone()],
        vec![high.clone(), range_rule(0, 99, "c"), low.clone()],
        vec![of("orders", low.clone()), of("orders", high.clone())],
        vec![of("orders", high.clone()), low.clone()],
    ] {
        let refused = made(crossing).unwrap_err().to_string();
        assert!(refused.contains("0-60 and 60-99 cross"), "{refused}");
    }
    assert!(made(vec![of("orders", low.clone()), of("payments", high)]).is_ok());
    assert!(made(vec![low.clone(), range_rule(61, 99, "b"), range_rule(0, 99, "c")]).is_ok());
    assert!(made(vec![low.clone(), of("orders", low)]).is_ok(), "the one that names it holds");
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
        let body = Placement::from(made.clone()).encode().unwrap();
        prop_assert_eq!(stored(&body).unwrap(), made);
    }

    #[test]
    fn reading_a_mapping_never_panics(text: String) {
        let _ = shard_mapping(&text);
    }

    /// By comparing each range with each other.
    #[test]
    fn ranges_are_taken_exactly_if_no_two_of_them_cross(
        pairs in prop::collection::btree_set((0..9_u128, 0..9_u128), 0..7),
    ) {
        let ranges: std::collections::BTreeSet<HashRange> =
            pairs.into_iter().map(|(a, b)| HashRange::new(a.min(b), a.max(b))).collect();
        let meet = |a: &HashRange, b: &HashRange| a.start <= b.end && b.start <= a.end;
        let cross = |a: &HashRange, b: &HashRange| meet(a, b) && !a.covers(b) && !b.covers(a);
        let crossing = ranges.iter().any(|a| ranges.iter().any(|b| cross(a, b)));
        let list = ranges.iter().map(|range| range_rule(range.start, range.end, "a")).collect();
        prop_assert_eq!(PlacementRules::new(list, Uncovered::Balance).is_err(), crossing);
    }
}
