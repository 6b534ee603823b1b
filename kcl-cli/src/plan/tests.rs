//! Tests of plans with other workers or more shards.

use kcl_core::{assignment::placement::Placement, lease::WorkerId};
use kcl_memory::MemoryStore;

use super::*;
use crate::picture::testing::{name, picture};

fn moves(planned: &Planned) -> Vec<(&str, Option<&str>, &str)> {
    let each = planned.outlook.moves.iter();
    each.map(|it| (it.shard.as_str(), it.from.as_deref(), it.to.as_str())).collect()
}

fn shares(planned: &Planned) -> Vec<(&str, usize, usize)> {
    let each = planned.outlook.workers.iter();
    each.map(|it| (it.worker.as_str(), it.before, it.after)).collect()
}

async fn planned(workers: Option<&str>, shards: Option<&str>) -> anyhow::Result<Planned> {
    let picture = picture(&MemoryStore::new("indexer")).await;
    let number = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    Planned::of(picture, number(workers), number(shards))
}

#[tokio::test]
async fn what_would_move_as_things_are_is_told() {
    let as_it_is = planned(None, None).await.unwrap();
    assert_eq!(shares(&as_it_is), [("worker-1", 4, 2), ("worker-2", 0, 2)]);
    assert_eq!(moves(&as_it_is).len(), 2);
}

#[tokio::test]
async fn newcomers_get_their_share_and_of_the_others_those_with_the_highest_numbers_go() {
    let more = planned(Some("+2"), None).await.unwrap();
    let expected = [("new-1", 0, 1), ("new-2", 0, 1), ("worker-1", 4, 1), ("worker-2", 0, 1)];
    assert_eq!(shares(&more), expected);
    let less = planned(Some("-1"), None).await.unwrap();
    assert_eq!(shares(&less), [("worker-1", 4, 4), ("worker-2", 0, 0)]);
    let gone: Vec<&str> = less.supposed.left.iter().map(WorkerId::as_str).collect();
    assert_eq!((gone, moves(&less)), (vec!["worker-2"], Vec::new()));
    let none = planned(Some("0"), None).await.unwrap();
    assert!(none.outlook.moves.is_empty() && none.text().contains("worker-1"), "{}", none.text());
}

#[tokio::test]
async fn the_widest_shards_are_split_and_their_halves_stay_unless_others_are_to_have_them() {
    let more = planned(Some("1"), Some("+2")).await.unwrap();
    assert_eq!(more.supposed.split.len(), 2);
    // The only worker holds all leases, before and after.
    assert_eq!((shares(&more)[0], moves(&more)), (("worker-1", 4, 6), Vec::new()));
    let two = planned(None, Some("6")).await.unwrap();
    assert_eq!(shares(&two), [("worker-1", 4, 3), ("worker-2", 0, 3)]);
    assert!(moves(&two).iter().all(|(_, from, to)| (*from, *to) == (Some("worker-1"), "worker-2")));
    let json = two.json("indexer", "memory:").unwrap();
    assert_eq!(json["supposed"]["split"].as_array().unwrap().len(), 2);
    assert_eq!(json["workers"][0]["after"], 3);
    let less = planned(None, Some("-1")).await.unwrap_err().to_string();
    assert!(less.contains("less than the 4"), "{less}");
}

#[tokio::test]
async fn what_cannot_be_told_is_said() {
    let mut unlisted = picture(&MemoryStore::new("indexer")).await;
    unlisted.listed = Err("denied".to_owned());
    let refused = Planned::of(unlisted, None, Some(Number::More(1))).unwrap_err().to_string();
    assert!(refused.contains("denied"), "{refused}");
    let mut unlisted = picture(&MemoryStore::new("indexer")).await;
    unlisted.listed = Err("denied".to_owned());
    let told = Planned::of(unlisted, Some(Number::More(1)), None).unwrap();
    assert!(told.text().contains("? the stream could not be listed"), "{}", told.text());
}

#[tokio::test]
async fn what_stays_unassigned_is_told_with_its_reason() {
    let store = MemoryStore::new("indexer");
    let mut there = picture(&store).await;
    let mut placement = Placement::default();
    let said = kcl_core::assignment::placement::Said {
        by: "a test".to_owned(),
        since: kcl_core::env::WallTime::from_millis(1),
    };
    placement.marks.paused.insert(there.lease(&name(1)).unwrap().key.clone(), said);
    there.stored.placement = Some(placement);
    let told = Planned::of(there, None, None).unwrap();
    let unread: Vec<&str> = told.outlook.unread.iter().map(|it| it.shard.as_str()).collect();
    assert_eq!(unread, [name(1)]);
    assert!(told.text().contains("kcl leases resume"), "{}", told.text());
}
