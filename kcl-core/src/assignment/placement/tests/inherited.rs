//! Which shards inherit a rule from ancestors whose rows were deleted, and which children an owner
//! may acquire at once.

use super::*;
use crate::{lease::Epoch, stream::ShardId};

/// The entries once the rows of `leaving` are deleted, beside those of `inherited`.
fn handed_down(
    rules: &PlacementRules,
    inherited: &Inherited,
    lineage: &Lineage<'_>,
    leaving: &[&str],
) -> Inherited {
    let leaving = leaving.iter().map(|shard| shard.parse().unwrap()).collect();
    let mut next = inherited.clone();
    let resolver = Resolver::new(rules, lineage).with_inherited(inherited);
    next.replace(lineage.stream(), resolver.heirs(&leaving));
    next
}

fn entries(inherited: &Inherited) -> Vec<String> {
    inherited.iter().map(|(stream, heir, from)| format!("{stream} {heir}: {from}")).collect()
}

/// The worker that each shard goes to once the rows of its ancestors are deleted.
fn heirs_go_to(rules: &PlacementRules, inherited: &Inherited, shards: &[Shard]) -> Vec<String> {
    let stream = orders();
    let lineage = Lineage::new(&stream, shards, &[]);
    let resolver = Resolver::new(rules, &lineage).with_inherited(inherited);
    let worker = |resolved: Resolved| rules.rules()[resolved.rule].worker.to_string();
    let name = |shard: &Shard| resolver.resolve(&shard.id).map_or_else(|| "-".to_owned(), worker);
    shards.iter().map(name).collect()
}

/// A shard with a rule is split again and again; the stream forgets the oldest, whose row is
/// deleted.
#[test]
fn a_rule_is_handed_down_before_the_row_that_leads_to_it_goes() {
    let line: Vec<Shard> = (0..6_u32)
        .map(|n| match n.checked_sub(1) {
            None => shard("0", &[], 0, 99),
            Some(parent) => shard(&n.to_string(), &[&parent.to_string()], 0, 99),
        })
        .collect();
    let rules = rules(vec![shard_rule("0", "a"), range_rule(0, 999, "b")]);
    let mut now = Inherited::default();
    for oldest in 0..5 {
        let (rows, last) = (line[oldest..5].iter().map(row).collect::<Vec<_>>(), &line[5..]);
        let stream = orders();
        let lineage = Lineage::new(&stream, last, &rows);
        let leaving = line[oldest].id.to_string();
        let next = handed_down(&rules, &now, &lineage, &[&leaving]);
        let again = handed_down(&rules, &next, &lineage, &[&leaving]);
        assert_eq!(again, next, "handing down twice changes nothing");
        now = next;
    }
    assert_eq!(heirs_go_to(&rules, &now, &line[5..]), ["a"]);
    assert_eq!(entries(&now), ["orders/1 5: shard 0"], "of what is gone nothing is left");
}

/// An entry names the target of a rule, not what the rule says.
#[test]
fn a_rule_that_is_changed_or_taken_back_is_so_for_the_heirs() {
    let stream = orders();
    let (children, rows) = ([shard("1", &["0"], 0, 99)], [row(&shard("0", &[], 0, 99))]);
    let lineage = Lineage::new(&stream, &children, &rows);
    let first = rules(vec![shard_rule("0", "a")]);
    let handed = handed_down(&first, &Inherited::default(), &lineage, &["0"]);
    let to = |rules: &PlacementRules| heirs_go_to(rules, &handed, &children);
    assert_eq!(to(&first), ["a"]);
    assert_eq!(to(&rules(vec![requiring(shard_rule("0", "b"))])), ["b"]);
    assert_eq!(to(&rules(vec![])), ["-"]);
    // The heirs of a rule that was removed stay: the operator may put it back.
    let lineage = Lineage::new(&stream, &children, &[]);
    assert_eq!(handed_down(&rules(vec![]), &handed, &lineage, &[]), handed);
}

#[test]
fn nothing_is_handed_down_where_nothing_is_inherited() {
    let stream = orders();
    let parent = shard("0", &[], 0, 99);
    let (children, rows) = ([shard("1", &["0"], 0, 49)], [row(&parent)]);
    let lineage = Lineage::new(&stream, &children, &rows);
    for rules in [rules(vec![]), rules(vec![range_rule(0, 49, "a"), shard_rule("7", "b")])] {
        let handed = handed_down(&rules, &Inherited::default(), &lineage, &["0"]);
        assert!(handed.is_empty(), "{handed:?}");
    }
}

/// A split puts both midpoints outside of a narrow range that the parent's was in.
#[test]
fn a_range_is_inherited_too_unless_the_heirs_midpoint_is_in_another() {
    let stream = orders();
    let parent = shard("0", &[], 0, 99);
    let children = [shard("1", &["0"], 0, 49), shard("2", &["0"], 50, 99)];
    let rows = [row(&parent)];
    let lineage = Lineage::new(&stream, &children, &rows);
    let narrow = rules(vec![range_rule(40, 60, "middle")]);
    let handed = handed_down(&narrow, &Inherited::default(), &lineage, &["0"]);
    assert_eq!(entries(&handed), ["orders/1 1: range 40-60", "orders/1 2: range 40-60"]);
    assert_eq!(heirs_go_to(&narrow, &handed, &children), ["middle", "middle"]);
    let both = rules(vec![range_rule(40, 60, "middle"), range_rule(0, 30, "low")]);
    assert_eq!(heirs_go_to(&both, &handed, &children), ["low", "middle"]);
    let lineage = Lineage::new(&stream, &children, &[]);
    let tidied = handed_down(&both, &handed, &lineage, &[]);
    assert_eq!(entries(&tidied), ["orders/1 2: range 40-60"]);
}

#[test]
fn what_is_inherited_goes_with_its_shard_and_where_the_shard_has_a_rule_of_its_own() {
    let stream = orders();
    let children = [shard("1", &["0"], 0, 49), shard("2", &["0"], 50, 99)];
    let rows = [row(&shard("0", &[], 0, 99))];
    let lineage = Lineage::new(&stream, &children, &rows);
    let of_parent = rules(vec![shard_rule("0", "a")]);
    let handed = handed_down(&of_parent, &Inherited::default(), &lineage, &["0"]);
    assert_eq!(entries(&handed), ["orders/1 1: shard 0", "orders/1 2: shard 0"]);
    let own = rules(vec![shard_rule("0", "a"), shard_rule("1", "b")]);
    let lineage = Lineage::new(&stream, &children, &[]);
    assert_eq!(heirs_go_to(&own, &handed, &children), ["b", "a"]);
    assert_eq!(entries(&handed_down(&own, &handed, &lineage, &[])), ["orders/1 2: shard 0"]);
    let one_left = Lineage::new(&stream, &children[..1], &[]);
    let left = handed_down(&of_parent, &handed, &one_left, &[]);
    assert_eq!(entries(&left), ["orders/1 1: shard 0"]);
}

/// An entry is for one life of the stream, and is dropped once that life is over.
#[test]
fn what_is_handed_down_does_not_outlive_its_stream() {
    let stream = orders();
    let (children, rows) = ([shard("1", &["0"], 0, 99)], [row(&shard("0", &[], 0, 99))]);
    let lineage = Lineage::new(&stream, &children, &rows);
    let rules = rules(vec![shard_rule("0", "a")]);
    let handed = handed_down(&rules, &Inherited::default(), &lineage, &["0"]);
    let again = StreamKey::new("orders", WallTime::from_millis(2));
    let anew = [shard("0", &[], 0, 49), shard("1", &[], 50, 99)];
    let lineage = Lineage::new(&again, &anew, &[]);
    let resolver = Resolver::new(&rules, &lineage).with_inherited(&handed);
    assert_eq!(resolver.resolve(&anew[1].id), None);
    assert!(handed_down(&rules, &handed, &lineage, &[]).is_empty());
}

/// A planner of an older build wrote rules for the heirs among the operator's. They hold as long as
/// they are there, an operator's rule for the same shard counts for more, and descendants inherit
/// them like any other rule.
#[test]
fn what_an_older_build_handed_down_is_inherited_on() {
    let stream = orders();
    let json = br#"{"format":1,"uncovered":"balance","rules":[
        {"stream":"orders","created":1,"shard":"1","worker":"a","mode":"require"}]}"#;
    let older = Placement::decode(json).unwrap().rules;
    assert!(older.rules()[0].was_handed_down());
    let shards = [shard("1", &["0"], 0, 99)];
    assert_eq!(workers(&older, &shards), ["a"]);
    let mut both = older.rules().to_vec();
    both.push(shard_rule("1", "b"));
    assert_eq!(workers(&rules(both), &shards), ["b"]);
    let (children, rows) = ([shard("2", &["1"], 0, 99)], [row(&shards[0])]);
    let lineage = Lineage::new(&stream, &children, &rows);
    let handed = handed_down(&older, &Inherited::default(), &lineage, &["1"]);
    assert_eq!(heirs_go_to(&older, &handed, &children), ["a"]);
}

#[test]
fn the_children_of_a_shard_may_be_taken_if_no_rule_can_touch_them() {
    use Taking::{All, OfSplit};
    type Case = (Vec<Rule>, &'static [(&'static str, Taking)]);
    let shards = [
        shard("0", &[], 0, 99),
        shard("1", &[], 100, 199),
        shard("2", &[], 200, 299),
        shard("3", &[], 300, 399),
    ];
    let cases: [Case; 7] = [
        (vec![], &[("0", All), ("1", All), ("2", All), ("3", All)]),
        (vec![shard_rule("1", "a")], &[("0", OfSplit), ("2", OfSplit), ("3", All)]),
        (vec![shard_rule("3", "a")], &[("0", All), ("1", All), ("2", OfSplit)]),
        (vec![range_rule(120, 130, "a")], &[("0", OfSplit), ("2", OfSplit), ("3", All)]),
        (vec![range_rule(0, 399, "a")], &[]),
        // It may be the child of any shard.
        (vec![shard_rule("4", "a")], &[]),
        // It was forgotten long ago.
        (vec![shard_rule("00", "a")], &[("0", All), ("1", All), ("2", All), ("3", All)]),
    ];
    let stream = orders();
    for (list, expected) in cases {
        let rules = rules(list);
        let lineage = Lineage::new(&stream, &shards, &[]);
        let taking = Resolver::new(&rules, &lineage).taking();
        let taking: Vec<(&str, Taking)> =
            taking.iter().map(|(shard, taking)| (shard.as_str(), *taking)).collect();
        assert_eq!(taking, expected, "{rules:?}");
    }
    let held = PlacementRules::new(vec![], Uncovered::Hold).unwrap();
    let lineage = Lineage::new(&stream, &shards, &[]);
    assert!(Resolver::new(&held, &lineage).taking().is_empty());
}

#[test]
fn a_child_that_a_rule_names_keeps_its_parents_owner_from_taking_any() {
    let stream = orders();
    let shards = [
        shard("0", &[], 0, 99),
        shard("1", &["0"], 0, 49),
        shard("2", &["0"], 50, 99),
        shard("3", &[], 200, 299),
    ];
    let rules = rules(vec![shard_rule("2", "a")]);
    let ended = [row(&shards[0])];
    for (rows, expected) in [(&[][..], &["1", "3"][..]), (&ended[..], &["1", "3"][..])] {
        let lineage = Lineage::new(&stream, &shards, rows);
        let taking = Resolver::new(&rules, &lineage).taking();
        assert_eq!(taking.keys().map(ShardId::as_str).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn what_is_inherited_stands_in_the_store_like_this() {
    let mut inherited = Inherited::default();
    let heirs = [("3", Target::Shard("0".parse().unwrap())), ("4", Target::Range(HashRange::ALL))];
    let heirs = heirs.map(|(heir, from)| (heir.parse().unwrap(), from));
    inherited.replace(&orders(), heirs.into());
    let golden = concat!(
        r#"{"format":1,"term":7,"streams":[{"stream":{"name":"orders","created":1},"from":["#,
        r#"{"shard":"0","to":["3"]},"#,
        r#"{"range":"0-340282366920938463463374607431768211455","to":["4"]}]}]}"#,
    );
    assert_eq!(inherited.encode(Epoch(7)).unwrap(), golden);
    assert_eq!(Inherited::decode(golden.as_bytes()).unwrap(), (Epoch(7), inherited));
    let empty = r#"{"format":1,"term":7,"streams":[]}"#;
    assert_eq!(Inherited::default().encode(Epoch(7)).unwrap(), empty);
}

#[test]
fn a_document_of_a_later_build_is_read_unless_its_format_is_another() {
    let more = br#"{"format":1,"term":9,"more":[],"streams":[
        {"stream":{"name":"orders","created":1},"since":3,
         "from":[{"shard":"0","to":["3"],"why":"split"}]}]}"#;
    let (term, inherited) = Inherited::decode(more).unwrap();
    assert_eq!((term, entries(&inherited)), (Epoch(9), vec!["orders/1 3: shard 0".to_owned()]));
    let other = br#"{"format":2,"term":9,"streams":{"all":"other"}}"#;
    let refused = Inherited::decode(other).unwrap_err();
    assert!(refused.to_string().contains("format 2"), "{refused}");
    assert_eq!(Inherited::term_in(other), Some(Epoch(9)));
    for wrong in [
        &b"7"[..],
        br#"{"format":1,"term":9}"#,
        br#"{"format":1,"term":9,
            "streams":[{"stream":{"name":"o","created":1},"from":[{"to":[]}]}]}"#,
    ] {
        assert!(Inherited::decode(wrong).is_err(), "{}", String::from_utf8_lossy(wrong));
    }
}

#[test]
fn what_no_document_holds_is_refused() {
    let mut inherited = Inherited::default();
    let heir = |n: u32| (format!("shardId-{n:012}").parse().unwrap(), "0".parse().unwrap());
    let heirs = |count| (0..count).map(heir).map(|(heir, of)| (heir, Target::Shard(of))).collect();
    inherited.replace(&orders(), heirs(15_000));
    assert!(inherited.encode(Epoch(7)).is_ok());
    inherited.replace(&orders(), heirs(20_000));
    let refused = inherited.encode(Epoch(7)).unwrap_err().to_string();
    assert!(refused.contains(&Document::MAX_BODY.to_string()), "{refused}");
}

fn any_inherited() -> impl Strategy<Value = Inherited> {
    let heirs = prop::collection::btree_map(
        "[a-z0-9_.-]{1,9}".prop_map(|id| id.parse().unwrap()),
        any_rule().prop_map(|rule| rule.target),
        0..9,
    );
    let stream =
        ("[a-z]{1,3}", 0..3_u64).prop_map(|(n, at)| StreamKey::new(&n, WallTime::from_millis(at)));
    prop::collection::vec((stream, heirs), 0..4).prop_map(|lives| {
        let mut inherited = Inherited::default();
        for (stream, heirs) in lives {
            inherited.replace(&stream, heirs);
        }
        inherited
    })
}

proptest! {
    #[test]
    fn anything_inherited_reads_back(inherited in any_inherited(), term: u64) {
        let read = Inherited::decode(&inherited.encode(Epoch(term)).unwrap()).unwrap();
        prop_assert_eq!(read, (Epoch(term), inherited));
    }
}
