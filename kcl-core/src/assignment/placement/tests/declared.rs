//! Declarations: the rules that processes are started with, and which of them count.

use super::*;
use crate::lease::WorkerId;

fn declared(pairs: &str) -> Declaration {
    let rules = PlacementRules::new(shard_mapping(pairs).unwrap(), Uncovered::Balance).unwrap();
    Declaration::new(rules, "SHARD_MAPPING").for_stream("orders").unwrap()
}

fn worker(id: &str) -> WorkerId {
    id.parse().unwrap()
}

fn at() -> WallTime {
    WallTime::from_millis(7)
}

fn judged(map: &Declaration, stored: Option<&Placement>) -> Verdict {
    map.judge(stored, None, &worker("w"), at()).unwrap()
}

fn applied(map: &Declaration, stored: Option<&Placement>) -> Placement {
    match judged(map, stored) {
        Verdict::Apply(next) => Placement::decode(&next.encode().unwrap()).unwrap(),
        other => panic!("it is to be applied: {other:?}"),
    }
}

#[test]
fn a_map_is_applied_once_and_never_comes_back_by_itself() {
    let (old, new) = (declared("s-0:a"), declared("s-0:b"));
    let first = applied(&old, None);
    assert_eq!(first.rules.rules(), [requiring(shard_rule("s-0", "a").for_stream("orders"))]);
    assert_eq!(judged(&old, Some(&first)), Verdict::InForce);
    let second = applied(&new, Some(&first));
    assert_eq!(second.rules.rules()[0].worker, worker("b"));
    assert_eq!(judged(&old, Some(&second)), Verdict::Superseded, "an old pod changes nothing");
    assert_eq!(judged(&new, Some(&second)), Verdict::InForce);
    assert_eq!(second.applied(), [old.map(), new.map()]);
}

#[test]
fn the_document_says_who_declared_the_rules_and_where_they_come_from() {
    let map = declared("s-0:a");
    let from = "SHARD_MAPPING".to_owned();
    let expected = Origin::Declared { by: worker("w"), from, at: at(), map: map.map() };
    assert_eq!(applied(&map, None).origin, expected);
}

#[test]
fn after_a_command_no_map_is_applied_until_it_is_adopted() {
    let (old, new, unseen) = (declared("s-0:a"), declared("s-0:b"), declared("s-0:c"));
    let by_maps = applied(&new, Some(&applied(&old, None)));
    let by_command = by_maps.commanded(PlacementRules::default(), "kcl placement unset", at());
    let overruled = Verdict::Overruled { by: "kcl placement unset".to_owned() };
    for map in [&old, &new, &unseen] {
        assert_eq!(judged(map, Some(&by_command)), overruled);
    }
    let adopted = by_command.adopting();
    assert_eq!(judged(&old, Some(&adopted)), Verdict::Superseded);
    assert_eq!(applied(&new, Some(&adopted)).rules.rules()[0].worker, worker("b"));
    assert_eq!(applied(&unseen, Some(&adopted)).rules.rules()[0].worker, worker("c"));
}

/// An operator takes back the change of a mounted file.
#[test]
fn a_process_that_sees_its_own_map_change_may_go_back_to_a_former_one() {
    let (one, two) = (declared("s-0:a"), declared("s-0:b"));
    let second = applied(&two, Some(&applied(&one, None)));
    let judged = |former: &Declaration| {
        one.judge(Some(&second), Some(former.map()), &worker("w"), at()).unwrap()
    };
    assert!(matches!(judged(&two), Verdict::Apply(_)));
    assert_eq!(judged(&declared("s-0:c")), Verdict::Superseded, "it did not have what is in force");
    assert_eq!(judged(&one), Verdict::Superseded);
}

#[test]
fn a_map_is_told_from_others_by_what_it_says_alone() {
    let map = declared("s-0:a, s-1:b?").map();
    assert_eq!(declared("s-1:b?\ns-0:a").map(), map);
    let elsewhere = Declaration::new(declared("s-0:a,s-1:b?").rules().clone(), "a file");
    assert_eq!(elsewhere.map(), map);
    let held = PlacementRules::new(elsewhere.rules().rules().to_vec(), Uncovered::Hold).unwrap();
    let other_stream = Declaration::new(
        PlacementRules::new(shard_mapping("s-0:a,s-1:b?").unwrap(), Uncovered::Balance).unwrap(),
        "a file",
    )
    .for_stream("payments")
    .unwrap();
    let others = ["s-0:a, s-1:b", "s-0:a", "s-0:b, s-1:a?", "s-0:a,s-2:b?"].map(declared);
    let others = others.into_iter().chain([Declaration::new(held, "a file"), other_stream]);
    for other in others {
        assert_ne!(other.map(), map, "{other:?}");
    }
    // It is stored in documents: no release may compute another.
    assert_eq!(declared("s-0:a").map().to_string(), "dea721d3426dc2735657f10011f70208");
}

#[test]
fn rules_for_other_streams_stay_and_those_for_this_one_are_replaced() {
    let theirs = shard_rule("s-0", "x").for_stream("payments");
    let mut before = Placement::from(rules(vec![
        theirs.clone(),
        shard_rule("s-0", "any"),
        shard_rule("s-9", "ours").for_stream("orders"),
    ]));
    before.frozen = Some(Frozen { by: "kcl app freeze".to_owned(), since: at() });
    let after = applied(&declared("s-1:a"), Some(&before));
    let ours = requiring(shard_rule("s-1", "a").for_stream("orders"));
    assert_eq!(after.rules.rules(), [theirs, ours]);
    assert_eq!(after.frozen, before.frozen, "who freezes the fleet has stated no rules");
}

#[test]
fn of_maps_that_were_applied_the_latest_thousand_are_remembered() {
    let mut document = Placement::default();
    for number in 0..1_002 {
        document = applied(&declared(&format!("s-0:w-{number}")), Some(&document));
    }
    assert_eq!(document.applied().len(), 1_000);
    assert_eq!(judged(&declared("s-0:w-2"), Some(&document)), Verdict::Superseded);
    assert!(matches!(judged(&declared("s-0:w-1"), Some(&document)), Verdict::Apply(_)));
}

#[test]
fn a_map_that_does_not_go_with_its_stream_is_refused() {
    let both = vec![shard_rule("s-0", "a"), shard_rule("s-0", "b").for_stream("orders")];
    let refused = Declaration::new(rules(both), "code").for_stream("orders").unwrap_err();
    assert!(refused.to_string().contains("shard s-0"), "{refused}");
}
