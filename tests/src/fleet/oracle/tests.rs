//! The oracle sees what it is there to see.

use kcl_core::{
    env::WallTime,
    lease::{Checkpoint, Lease, LeaseKey},
    stream::{Position, SequenceNumber, StreamKey},
};

use super::*;
use crate::fleet::Reading;

/// What was put: `(shard, sequence, key, number)`.
fn put(records: &[(&str, &str, &str, usize)]) -> Vec<Produced> {
    let record = |&(shard, sequence, key, number): &(&str, &str, &str, usize)| Produced {
        shard: shard.to_owned(),
        sequence: sequence.to_owned(),
        key: key.to_owned(),
        number,
    };
    records.iter().map(record).collect()
}

/// The delivery of what was put by a process, under an epoch, in a pass.
fn line(record: &Produced, life: usize, epoch: u64, pass: u64) -> Delivery {
    Delivery {
        worker: format!("w{life}").into(),
        life,
        pass,
        seen: 0.0,
        shard: (&*record.shard).into(),
        sequence: (&*record.sequence).into(),
        key: (&*record.key).into(),
        text: record.number.to_string().into(),
        epoch,
    }
}

fn history(deliveries: Vec<Delivery>) -> History {
    History { deliveries, ..History::default() }
}

fn three() -> Vec<Produced> {
    put(&[("a", "9", "k", 0), ("a", "10", "k", 1), ("a", "11", "k", 2)])
}

/// What is wrong with these deliveries of `three`, each `(which, life, epoch)`.
fn wrong(deliveries: &[(usize, usize, u64)]) -> Vec<String> {
    let put = three();
    let lines = deliveries.iter().zip(0..);
    let lines = lines.map(|(&(which, life, epoch), pass)| line(&put[which], life, epoch, pass * 5));
    judge(&history(lines.collect()), &put, &[]).wrong
}

#[test]
fn a_stream_into_which_nothing_was_put_proves_nothing() {
    let verdict = judge(&history(Vec::new()), &[], &[]);
    assert!(verdict.wrong[0].contains("nothing was put"), "{verdict:?}");
    verdict.check().unwrap_err();
}

#[test]
fn a_whole_delivery_in_order_is_right_also_across_owners() {
    assert!(wrong(&[(0, 1, 1), (1, 1, 1), (2, 1, 1)]).is_empty());
    assert!(wrong(&[(0, 1, 1), (1, 1, 1), (1, 2, 2), (2, 2, 2)]).is_empty());
}

#[test]
fn what_is_missing_skipped_or_foreign_is_wrong() {
    assert!(wrong(&[(0, 1, 1), (1, 1, 1)])[0].contains("never delivered"));
    assert!(wrong(&[(0, 1, 1), (2, 1, 1), (1, 2, 2)])[0].contains("1 skipped"));
    assert!(wrong(&[(0, 1, 1), (2, 2, 2), (1, 3, 3)])[0].contains("starts after 1"));
    assert!(wrong(&[(0, 1, 1), (1, 2, 1), (2, 1, 1)])[0].contains("shares an epoch"));
    let put = three();
    let mut lines: Vec<_> = put.iter().map(|record| line(record, 1, 1, 1)).collect();
    lines[1].text = "7".into();
    assert!(judge(&history(lines), &put, &[]).wrong[0].contains("not what was put"));
}

#[test]
fn a_repeat_is_told_with_both_of_its_workers() {
    let put = three();
    let lines = [(0, 1, 1), (1, 1, 1), (1, 2, 2), (2, 2, 2)];
    let lines = lines.map(|(which, life, epoch)| line(&put[which], life, epoch, 1));
    let verdict = judge(&history(lines.into()), &put, &[]);
    assert_eq!(verdict.repeats.len(), 1);
    assert_eq!((verdict.repeats[0].first.1, verdict.repeats[0].again.1), (1, 2));
    verdict.check_repeats_of(&["w1"]).unwrap();
    verdict.check_repeats_of(&["w2"]).unwrap_err();
}

#[test]
fn a_checkpoint_ahead_of_what_was_delivered_is_wrong_when_the_passes_prove_it() {
    let put = three();
    let shard = Shard::open("a".parse().unwrap(), kcl_core::stream::HashRange::ALL);
    let judged = |pass, last: &str| {
        let lines = (0..3).map(|at| line(&put[at], 1, 1, if at == 2 { 5 } else { 1 }));
        let mut history = history(lines.collect());
        let stream = StreamKey::new("orders", WallTime::from_millis(1));
        let position = Position::from(last.parse::<SequenceNumber>().unwrap());
        let row = Lease::new(LeaseKey::of_shard(&stream, &shard.id), Checkpoint::After(position));
        history.readings.push(Reading { pass, seen: 0.0, rows: vec![row] });
        judge(&history, &put, std::slice::from_ref(&shard)).wrong
    };
    assert!(judged(4, "11").is_empty());
    assert!(judged(3, "10").is_empty());
    let wrong = judged(3, "11");
    assert!(wrong[0].contains("nothing is skipped"), "{wrong:?}");
}

#[test]
fn a_child_before_its_parents_end_is_wrong_when_the_passes_prove_it() {
    let put = put(&[("parent", "1", "k", 0), ("child", "2", "k", 1)]);
    let range = kcl_core::stream::HashRange::ALL;
    let mut child = Shard::open("child".parse().unwrap(), range);
    child.parents = vec!["parent".parse().unwrap()];
    let judged = |parent_pass, child_pass| {
        let lines = vec![line(&put[0], 1, 1, parent_pass), line(&put[1], 2, 1, child_pass)];
        judge(&history(lines), &put, std::slice::from_ref(&child))
    };
    assert!(judged(1, 2).wrong.is_empty());
    // One pass reads one file after another: this proves nothing.
    assert!(judged(2, 1).wrong.is_empty());
    let verdict = judged(3, 1);
    assert_eq!((verdict.wrong.len(), verdict.out_of_order), (2, 1));
}
