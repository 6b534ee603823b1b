//! Tests of marks on single leases, and of their effects.

use kcl_core::{
    assignment::placement::{Frozen, Mode, Placement, PlacementRules, Rule, Target, Uncovered},
    lease::{Checkpoint, Epoch},
};
use kcl_memory::MemoryStore;

use super::*;
use crate::{
    outlook,
    picture::testing::{name, picture},
};

const NOW: u64 = 1_000 * crate::picture::testing::HOUR;

fn said() -> Said {
    Said { by: "a test".to_owned(), since: WallTime::from_millis(1) }
}

fn edit(says: Says, numbers: &[usize]) -> OfLeases {
    OfLeases { says, leases: numbers.iter().map(|number| name(*number)).collect() }
}

fn to(worker: &str) -> Says {
    Says::Move { to: worker.parse().unwrap(), within: Duration::from_hours(1) }
}

/// The marks that a change makes, with its effect and its notes.
fn made(picture: &Picture, edit: &OfLeases) -> anyhow::Result<(Marks, Outlook, Vec<String>)> {
    let before = picture.readable()?;
    let marks = edit.mark(picture, &said(), before.marks.clone())?;
    let document = outlook::document(&before.marked(marks.clone()))?;
    let outlook = Outlook::of(picture, &document);
    let notes = edit.judge(picture, &outlook)?;
    Ok((marks, outlook, notes))
}

fn refusal(picture: &Picture, edit: &OfLeases) -> String {
    format!("{:#}", made(picture, edit).unwrap_err())
}

async fn there() -> Picture {
    let mut picture = picture(&MemoryStore::new("indexer")).await;
    picture.rows.iter_mut().for_each(|row| row.epoch = Epoch(7));
    picture
}

fn with(mut picture: Picture, placement: Placement) -> Picture {
    picture.stored.placement = Some(placement);
    picture
}

#[tokio::test]
async fn a_move_goes_where_it_is_sent_and_says_until_when() {
    let picture = there().await;
    let (marks, outlook, notes) = made(&picture, &edit(to("worker-2"), &[0, 3])).unwrap();
    let key = &picture.lease(&name(0)).unwrap().key;
    assert_eq!(marks.sent[key].until, WallTime::from_millis(NOW + 3_600_000));
    let moved: Vec<(&str, &str)> =
        outlook.moves.iter().map(|it| (it.shard.as_str(), it.to.as_str())).collect();
    let (first, last) = (name(0), name(3));
    assert_eq!(moved, [(first.as_str(), "worker-2"), (last.as_str(), "worker-2")]);
    assert!(notes[0].contains("1970-02-11T17:00:00.000Z"), "{notes:?}");
}

#[tokio::test]
async fn what_would_not_go_there_is_refused_with_the_reason() {
    let absent = refusal(&there().await, &edit(to("worker-9"), &[0]));
    assert!(absent.contains("not seen to beat") && absent.contains("placement set"), "{absent}");
    let unknown = refusal(&there().await, &edit(to("worker-2"), &[7]));
    assert!(unknown.contains(&name(7)) && unknown.contains("kcl leases list"), "{unknown}");
    let ended = refusal(&there().await, &edit(to("worker-2"), &[9]));
    assert!(ended.contains("read to its end"), "{ended}");
    let target = Target::Shard(name(0).parse().unwrap());
    let rule = Rule::new(target, "worker-1".parse().unwrap(), Mode::Require);
    let rules = PlacementRules::new(vec![rule], Uncovered::Balance).unwrap();
    let ruled = with(there().await, Placement::from(rules));
    let required = refusal(&ruled, &edit(to("worker-2"), &[0]));
    assert!(required.contains("worker-1") && required.contains("placement"), "{required}");
    let held = PlacementRules::new(Vec::new(), Uncovered::Hold).unwrap();
    let held = refusal(&with(there().await, held.into()), &edit(to("worker-2"), &[0]));
    assert!(held.contains("no placement rule covers it"), "{held}");
    let mut full = there().await;
    full.living[1].capacity = 1;
    let full = refusal(&full, &edit(to("worker-2"), &[0, 1]));
    assert!(full.contains("limit"), "{full}");
    let mut marks = Marks::default();
    marks.drained.insert("worker-2".parse().unwrap(), said());
    let drained = with(there().await, Placement::default().marked(marks));
    let drained = refusal(&drained, &edit(to("worker-2"), &[0]));
    assert!(drained.contains("kcl workers undrain worker-2"), "{drained}");
    let mut waiting = there().await;
    let parent = name(1).parse().unwrap();
    waiting.rows[0].parents = vec![parent];
    if let Ok(view) = &mut waiting.listed {
        view.shards[0].parents = vec![name(1).parse().unwrap()];
    }
    waiting.rows[0].owner = None;
    let waiting = refusal(&waiting, &edit(to("worker-2"), &[0]));
    assert!(waiting.contains("waits for the end of its parents"), "{waiting}");
}

#[tokio::test]
async fn in_a_frozen_fleet_nothing_is_moved_or_released_and_leases_are_paused_all_the_same() {
    let frozen = Frozen { by: "kcl app freeze on h".to_owned(), since: WallTime::from_millis(1) };
    let frozen = with(there().await, Placement::default().frozen(Some(frozen)));
    for says in [to("worker-2"), Says::Release] {
        let refused = refusal(&frozen, &edit(says, &[0]));
        assert!(refused.contains("kcl app thaw"), "{refused}");
    }
    let (_, outlook, _) = made(&frozen, &edit(Says::Pause, &[0])).unwrap();
    assert_eq!(outlook.unread[0].shard, name(0));
}

#[tokio::test]
async fn a_release_is_of_the_owner_that_was_seen_and_says_if_a_rule_draws_the_lease_back() {
    let mut picture = there().await;
    let (marks, outlook, notes) = made(&picture, &edit(Says::Release, &[0])).unwrap();
    let key = picture.lease(&name(0)).unwrap().key.clone();
    assert_eq!((marks.let_go[&key].epoch, notes), (Epoch(7), Vec::new()));
    assert!(outlook.moves.iter().any(|it| it.shard == name(0) && it.to == "worker-2"));
    let target = Target::Shard(name(0).parse().unwrap());
    let rule = Rule::new(target, "worker-1".parse().unwrap(), Mode::Prefer);
    let rules = PlacementRules::new(vec![rule], Uncovered::Balance).unwrap();
    picture = with(picture, Placement::from(rules));
    let (_, _, notes) = made(&picture, &edit(Says::Release, &[0])).unwrap();
    assert!(notes[0].contains("prefers worker-1"), "{notes:?}");
    picture.rows[0].owner = None;
    let refused = refusal(&picture, &edit(Says::Release, &[0]));
    assert!(refused.contains("nobody holds"), "{refused}");
}

#[tokio::test]
async fn what_is_released_is_no_longer_sent_to_who_holds_it() {
    let picture = there().await;
    let (marks, ..) = made(&picture, &edit(to("worker-1"), &[0])).unwrap();
    let sent = with(there().await, Placement::default().marked(marks));
    let (marks, outlook, _) = made(&sent, &edit(Says::Release, &[0])).unwrap();
    assert!(marks.sent.is_empty());
    assert!(outlook.moves.iter().any(|it| it.shard == name(0) && it.to == "worker-2"));
}

#[tokio::test]
async fn a_pause_lasts_until_it_is_resumed_one_by_one_or_all() {
    let (paused, outlook, notes) = made(&there().await, &edit(Says::Pause, &[0, 1])).unwrap();
    assert_eq!((outlook.unread.len(), paused.paused.len()), (2, 2));
    assert!(notes[0].contains("its checkpoint stays"), "{notes:?}");
    let paused = with(there().await, Placement::default().marked(paused));
    let again = made(&paused, &edit(Says::Pause, &[0])).unwrap().0;
    assert_eq!(again, paused.readable().unwrap().marks, "it is so already");
    for says in [to("worker-2"), Says::Release] {
        let refused = refusal(&paused, &edit(says, &[0]));
        assert!(refused.contains("kcl leases resume"), "{refused}");
    }
    let one = made(&paused, &edit(Says::Resume, &[0])).unwrap().0;
    assert_eq!(one.paused.len(), 1);
    assert!(made(&paused, &edit(Says::Resume, &[])).unwrap().0.paused.is_empty());
    let refused = refusal(&paused, &edit(Says::Resume, &[2]));
    assert!(refused.contains("not paused"), "{refused}");
}

#[tokio::test]
async fn a_lease_is_named_by_its_shard_in_this_life_or_by_its_whole_key() {
    let mut picture = there().await;
    let mut former =
        Lease::new(format!("orders/1/{}", name(0)).parse().unwrap(), Checkpoint::TrimHorizon);
    former.epoch = Epoch(3);
    picture.rows.insert(0, former.clone());
    assert_eq!(picture.lease(&name(0)).unwrap().epoch, Epoch(7));
    assert_eq!(picture.lease(former.key.as_str()).unwrap(), &former);
    assert!(picture.lease("@planner").is_err());
}
