//! Rows that are put, and rows that are useless.

use super::*;
use crate::{
    lineage::Problem,
    store::codec::{BadRow, RowKind},
};

#[test]
fn rows_are_put_descendants_first() {
    let mut scene = Scene::of_new_stream(InitialPosition::AtTimestamp(WallTime::from_millis(3)));
    let mut family = shards(1);
    family[0].closed = true;
    let mut child = Shard::open(shard_id(1), family[0].range.unwrap());
    child.parents = vec![shard_id(0)];
    family.push(child);
    scene.ctx.heard = at(100);
    scene.catalogue.streams.values_mut().for_each(|plan| plan.listing = stream::Listing::UnderWay);
    scene.catalogue.streams.values_mut().for_each(|plan| plan.list(&mut scene.ctx));
    let _ = scene.listed(Ok(view(family.clone())));
    let at = Checkpoint::AtTimestamp(WallTime::from_millis(3));
    let rows = [row_of(&family[0], at.clone()), row_of(&family[1], at)];
    let by = InitialPosition::AtTimestamp(WallTime::from_millis(3));
    let done = scene.start(Some(&start(Some(3), by)));
    assert_eq!(done.asked, creates(&rows[1..]), "the child");
    assert_eq!(scene.created(&rows[1]).asked, creates(&rows[..1]));
    let _ = scene.created(&rows[0]);
    assert!(scene.complete);
}

#[test]
fn a_row_that_was_there_is_taken_as_it_is() {
    let mut scene = Scene::of_new_stream(InitialPosition::TrimHorizon);
    scene.ctx.heard = at(100);
    let known = start(None, InitialPosition::TrimHorizon);
    assert_eq!(scene.start(Some(&known)).asked.len(), 2);
    for there in held(2, "other") {
        let key = there.key.clone();
        let refused = Ok(Write::Refused(Some(there)));
        let _ = scene.answer(|round| Reply::Create(round, key, refused));
    }
    assert!(scene.complete);
    let owners = scene.catalogue.rows.values().filter_map(|row| row.owner.clone());
    assert_eq!(owners.collect::<Vec<_>>(), [id("other"), id("other")]);
}

#[test]
fn a_shard_that_the_stream_has_forgotten_is_to_be_ended_and_the_next_reading_lists_anew() {
    let mut scene = Scene::all_but_shards();
    let _ = scene.listed(Ok(view(shards(2)[1..].to_vec())));
    let known = start(None, InitialPosition::TrimHorizon);
    let _ = scene.start(Some(&known));
    assert!(scene.complete);
    let orphaned = scene.catalogue.streams.values().flat_map(|plan| plan.orphaned.clone());
    assert_eq!(orphaned.collect::<Vec<_>>(), [key(0)]);
    scene.catalogue.plan_soon(&scene.ctx);
    let _ = scene.tick(200);
    assert_eq!(lists(&scene.rows(held(2, "w")).other), [name()]);
}

#[test]
fn a_row_that_makes_no_sense_is_told_and_neither_made_anew_nor_read_nor_given_up() {
    let mut scene = Scene::reading();
    let bad = BadRow::new(RowKind::Lease, key(1).as_str(), "epoch \"x\" is no number");
    let listed = Listing::of(held(1, "w")).with_unreadable(vec![bad.clone()]);
    let done = scene.answer(|round| Reply::Leases(round, Ok(listed)));
    assert_eq!(done.noted, [Notice::Lineage(Problem::Unreadable(bad).to_string())]);
    let _ = scene.sessions(&["w"]);
    let _ = scene.rules(None);
    // Of three shards the first is read, the row of the second cannot be decoded, the third has
    // none.
    let family = shards(3);
    let _ = scene.listed(Ok(view(family.clone())));
    let _ = scene.start(Some(&start(None, InitialPosition::TrimHorizon)));
    let missing = row_of(&family[2], Checkpoint::TrimHorizon);
    assert_eq!(scene.beaten().asked, creates(&[missing]));
    assert!(scene.catalogue.is_unreadable(&key(1)));
    assert!(!scene.catalogue.is_whole());
    // The stream forgets that shard: it is not known whether the lease has a live owner.
    scene.catalogue.give_up();
    scene.catalogue.plan_soon(&scene.ctx);
    let _ = scene.tick(200);
    let bad = BadRow::new(RowKind::Lease, key(1).as_str(), "epoch \"x\" is no number");
    let listed = Listing::of(held(1, "w")).with_unreadable(vec![bad]);
    let _ = scene.answer(|round| Reply::Leases(round, Ok(listed)));
    let _ = scene.sessions(&["w"]);
    let _ = scene.listed(Ok(view(family[..1].to_vec())));
    assert!(scene.complete);
    assert!(scene.catalogue.streams.values().all(|plan| plan.orphaned.is_empty()));
}

/// A reading of these rows, one of which cannot be decoded if `bad`, and of these shards.
fn read(rows: Vec<Lease>, bad: Option<LeaseKey>, listed: StreamView) -> (Scene, Done) {
    let mut scene = Scene::reading();
    let known = start(None, InitialPosition::TrimHorizon);
    scene.ctx.starts.is_stored(listed.description.key.clone(), known);
    let bad = bad.map(|key| BadRow::new(RowKind::Lease, key.as_str(), "it has no epoch"));
    let rows = Listing::of(rows).with_unreadable(bad.into_iter().collect());
    let _ = scene.answer(|round| Reply::Leases(round, Ok(rows)));
    let _ = scene.sessions(&["w"]);
    let _ = scene.rules(None);
    let done = scene.listed(Ok(listed));
    (scene, done)
}

#[test]
fn an_ended_row_whose_shard_is_forgotten_and_that_leads_to_nothing_may_go() {
    let mut rows = held(1, "w");
    let mut old =
        row_of(&Shard::open(shard_id(5), shards(1)[0].range.unwrap()), Checkpoint::ShardEnd);
    old.epoch = Epoch(7);
    rows.push(old);
    let (mut scene, _) = read(rows, None, view(shards(1)));
    assert!(scene.complete);
    assert_eq!(scene.catalogue.take_deletable(), [Delete::ended(key(5), Epoch(7))]);
}

#[test]
fn a_row_of_a_former_life_may_go_unless_it_makes_no_sense() {
    let remade = || StreamView { description: described(6), shards: shards(1) };
    let free = Lease { owner: None, ..held(1, "w").remove(0) };
    let (mut scene, _) = read(vec![free], None, remade());
    let gone = Delete::of_gone_stream(key(0), Epoch(7));
    assert_eq!(scene.catalogue.take_deletable(), [gone]);
    let (mut scene, _) = read(Vec::new(), Some(key(0)), remade());
    assert_eq!(scene.catalogue.take_deletable(), [], "somebody may hold it");
}

#[test]
fn a_listing_of_a_former_life_is_told_and_forgotten_and_another_made_soon() {
    let former = StreamView { description: described(4), shards: shards(1) };
    let (scene, done) = read(held(1, "w"), None, former);
    let problem = Problem::LaterLife { key: key(0) };
    assert_eq!(done.noted, [Notice::Lineage(problem.to_string())]);
    assert!(scene.complete);
    assert!(scene.catalogue.streams.values().all(|plan| plan.view().is_none()));
    assert_eq!(scene.catalogue.next_wake(), at(100) + scene.ctx.settings.watch_interval);
}

#[test]
fn a_hole_is_told_when_two_readings_in_a_row_show_it() {
    let mut rows = held(2, "w");
    rows[0].checkpoint = Checkpoint::ShardEnd;
    let mut family = shards(2);
    family[0].closed = true;
    let (mut scene, done) = read(rows.clone(), None, view(family.clone()));
    assert_eq!(done.noted, [], "a list may lag");
    scene.catalogue.want_listings();
    scene.catalogue.plan_soon(&scene.ctx);
    let _ = scene.tick(200);
    let _ = scene.rows(rows);
    let _ = scene.sessions(&["w"]);
    let hole = family[0].range.unwrap().to_string();
    assert_eq!(scene.listed(Ok(view(family))).noted, [Notice::Hole(hole)]);
}
