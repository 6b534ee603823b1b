//! Rows that are put, and rows that nobody needs.

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
        let _ = scene.answer(|round| Answer::Create(round, key, refused));
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
    let done = scene.answer(|round| Answer::Leases(round, Ok(listed)));
    assert_eq!(done.noted, [Notice::Lineage(Problem::Unreadable(bad).to_string())]);
    let _ = scene.sessions(&["w"]);
    let _ = scene.rules(None);
    // Of three shards the first is read, the second makes no sense, the third has no row.
    let family = shards(3);
    let _ = scene.listed(Ok(view(family.clone())));
    let _ = scene.start(Some(&start(None, InitialPosition::TrimHorizon)));
    let missing = row_of(&family[2], Checkpoint::TrimHorizon);
    assert_eq!(scene.beaten().asked, creates(&[missing]));
    assert!(scene.catalogue.is_unreadable(&key(1)));
    assert!(!scene.catalogue.is_whole());
    // The stream forgets that shard: its owner, if there is one, is not known to have gone.
    scene.catalogue.give_up();
    scene.catalogue.plan_soon(&scene.ctx);
    let _ = scene.tick(200);
    let bad = BadRow::new(RowKind::Lease, key(1).as_str(), "epoch \"x\" is no number");
    let listed = Listing::of(held(1, "w")).with_unreadable(vec![bad]);
    let _ = scene.answer(|round| Answer::Leases(round, Ok(listed)));
    let _ = scene.sessions(&["w"]);
    let _ = scene.listed(Ok(view(family[..1].to_vec())));
    assert!(scene.complete);
    assert!(scene.catalogue.streams.values().all(|plan| plan.orphaned.is_empty()));
}
