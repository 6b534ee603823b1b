//! Tests of the records that may be skipped, and of the refusals of all others.

use kcl_core::{assignment::placement::Placement, lease::Epoch};
use kcl_memory::MemoryStore;

use super::*;
use crate::picture::testing::{name, picture};

fn at(number: u128) -> Position {
    Position::new(number.into(), 0)
}

fn said() -> Said {
    Said { by: "a test".to_owned(), since: WallTime::from_millis(1) }
}

async fn there() -> Picture {
    let mut picture = picture(&MemoryStore::new("indexer")).await;
    picture.rows.iter_mut().for_each(|row| row.epoch = Epoch(7));
    picture
}

/// The skip of a record. The owner of the shard reports that it is stuck from 10 to 20.
fn skip(picture: &Picture, number: u128) -> Skip {
    let row = picture.lease(&name(0)).unwrap();
    let mut shard = ShardReport::default();
    shard.stuck = Some(Stuck::new(at(10), at(20)));
    let mut report = WorkerReport::default();
    report.keeps_skipped = Some(true);
    report.shards.insert(row.key.clone(), shard);
    Skip {
        lease: name(0),
        at: at(number),
        unkept: false,
        within: Duration::from_hours(1),
        undo: false,
        told: Some((row.owner.as_ref().unwrap().worker.clone(), report)),
    }
}

fn refusal(picture: &Picture, skip: &Skip) -> String {
    skip.mark(picture, &said(), Marks::default()).unwrap_err().to_string()
}

#[tokio::test]
async fn what_fails_is_given_up_for_a_while_and_that_is_taken_back() {
    let picture = there().await;
    let mut skip = skip(&picture, 12);
    let marks = skip.mark(&picture, &said(), Marks::default()).unwrap();
    let key = picture.lease(&name(0)).unwrap().key.clone();
    let given_up = &marks.given_up[&(key, at(12))];
    assert_eq!(given_up.until.as_millis(), picture.now.as_millis() + 3_600_000);
    let outlook = Outlook::of(&picture, &crate::outlook::document(&Placement::default()).unwrap());
    let notes = skip.judge(&picture, &outlook).unwrap();
    assert!(notes[0].contains("dead letter") && notes[1].contains("10 to 20"), "{notes:?}");
    skip.undo = true;
    assert!(skip.mark(&picture, &said(), marks).unwrap().are_none());
    assert!(refusal(&picture, &skip).contains("is not given up"));
}

#[tokio::test]
async fn what_does_not_fail_now_is_refused_with_what_does() {
    let picture = there().await;
    let before = refusal(&picture, &skip(&picture, 9));
    assert!(before.contains("begins at 10") && before.contains("was processed"), "{before}");
    let after = refusal(&picture, &skip(&picture, 21));
    assert!(after.contains("from 10 to 20"), "{after}");
    let mut calm = skip(&picture, 12);
    let key = picture.lease(&name(0)).unwrap().key.clone();
    let mut shard = ShardReport::default();
    shard.progress = Some(Duration::from_secs(3));
    calm.told.as_mut().unwrap().1.shards.insert(key, shard);
    let calm = refusal(&picture, &calm);
    assert!(calm.contains("is not stuck") && calm.contains("3.0 s before"), "{calm}");
}

#[tokio::test]
async fn what_is_not_known_or_would_be_lost_is_refused() {
    let mut picture = there().await;
    let mut silent = skip(&picture, 12);
    silent.told = None;
    assert!(refusal(&picture, &silent).contains("does not tell"));
    let mut unkept = skip(&picture, 12);
    for keeps in [Some(false), None] {
        unkept.told.as_mut().unwrap().1.keeps_skipped = keeps;
        let refused = refusal(&picture, &unkept);
        assert!(refused.contains("--unkept") && refused.contains("kcl peek --shard"), "{refused}");
    }
    unkept.unkept = true;
    let marks = unkept.mark(&picture, &said(), Marks::default()).unwrap();
    assert!(marks.given_up.values().all(|it| it.unkept));
    let edit = skip(&picture, 12);
    let mut paused = Marks::default();
    paused.paused.insert(picture.lease(&name(0)).unwrap().key.clone(), said());
    let refused = edit.mark(&picture, &said(), paused).unwrap_err().to_string();
    assert!(refused.contains("kcl leases resume"), "{refused}");
    picture.living.clear();
    assert!(refusal(&picture, &edit).contains("nobody who is seen to beat"));
    let ended = Skip { lease: name(9), ..edit };
    assert!(refusal(&picture, &ended).contains("read to its end"));
}
