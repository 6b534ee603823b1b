use super::{super::tests as scene, *};
use crate::{
    assignment::placement::{Mode, Placement, PlacementRules, Rule, Target, Uncovered},
    coordinator::context::Context,
    lease::{DocName, Document},
    settings::Coordination,
};

fn catalogue(ctx: &Context) -> Catalogue {
    let mut catalogue = scene::catalogue(scene::held(5, "a"), &["a"], ctx);
    catalogue.found_for_test(scene::view(scene::shards(5)), Vec::new());
    catalogue
}

/// A rule for the first of five shards.
fn rule() -> Document {
    let target = Target::Shard(scene::shard_id(0));
    let rule = Rule::new(target, "a".parse().unwrap(), Mode::Require);
    let rules = PlacementRules::new(vec![rule], Uncovered::Balance).unwrap();
    Document::new(DocName::placement(), 1, Placement::from(rules).encode().unwrap())
}

fn taking(children: &Children) -> Vec<Taking> {
    (0..5).map(|number| children.of(&scene::key(number))).collect()
}

#[test]
fn without_rules_every_child_may_be_taken_and_before_they_are_read_none() {
    let mut ctx = scene::context(Coordination::default());
    let mut catalogue = catalogue(&ctx);
    let unread = Children::by(&catalogue);
    assert_eq!((unread.are_all_free(), taking(&unread)), (false, vec![Taking::None; 5]));
    let none = Placement::default().encode().unwrap();
    catalogue.rules_for_test(&Document::new(DocName::placement(), 1, none), &mut ctx);
    assert!(Children::by(&catalogue).are_all_free());
}

#[test]
fn a_rule_keeps_only_the_owners_of_shards_that_it_touches_from_taking_children() {
    let mut ctx = scene::context(Coordination::default());
    let mut catalogue = catalogue(&ctx);
    catalogue.rules_for_test(&rule(), &mut ctx);
    catalogue.inheritance_for_test(None, &mut ctx);
    let children = Children::by(&catalogue);
    assert!(!children.are_all_free(), "older builds do not know one shard from another");
    let expected = [Taking::None, Taking::OfSplit, Taking::All, Taking::All, Taking::All];
    assert_eq!(taking(&children), expected);
}

#[test]
fn where_it_is_not_known_what_shards_inherit_no_child_is_taken() {
    let mut ctx = scene::context(Coordination::default());
    let mut catalogue = catalogue(&ctx);
    catalogue.rules_for_test(&rule(), &mut ctx);
    let garbled = Document::new(DocName::inherited(), 1, "[".into());
    catalogue.inheritance_for_test(Some(&garbled), &mut ctx);
    assert_eq!(taking(&Children::by(&catalogue)), [Taking::None; 5]);
}

/// A child of the second shard is paused: the children of all other shards stay as free as before.
#[test]
fn only_the_owners_of_its_parents_do_not_take_a_child_that_is_paused() {
    use crate::{assignment::placement::Said, env::WallTime};
    let mut ctx = scene::context(Coordination::default());
    let mut catalogue = catalogue(&ctx);
    let mut shards = scene::shards(5);
    let mut child = crate::stream::Shard::open(scene::shard_id(5), shards[1].range.unwrap());
    child.parents = vec![scene::shard_id(1)];
    shards.push(child);
    catalogue.found_for_test(scene::view(shards), Vec::new());
    let mut placement = Placement::default();
    let said = Said { by: "a test".to_owned(), since: WallTime::from_millis(1) };
    placement.marks.paused.insert(scene::key(5), said);
    let doc = Document::new(DocName::placement(), 1, placement.encode().unwrap());
    catalogue.rules_for_test(&doc, &mut ctx);
    let children = Children::by(&catalogue);
    assert!(!children.are_all_free());
    let mut expected = [Taking::All; 5];
    expected[1] = Taking::None;
    assert_eq!(taking(&children), expected);
}
