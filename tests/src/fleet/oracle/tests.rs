//! Tests of the oracle: it accepts every correct history, and notices each fault.

use kcl_core::{
    env::WallTime,
    lease::{Checkpoint, Lease, LeaseKey},
    stream::{Position, SequenceNumber, StreamKey},
};

use super::*;
use crate::fleet::Reading;

/// The records of a stream, each `(shard, sequence, key, number)`.
fn put(records: &[(&str, &str, &str, usize)]) -> Vec<Produced> {
    let record = |&(shard, sequence, key, number): &(&str, &str, &str, usize)| Produced {
        shard: shard.to_owned(),
        sequence: sequence.to_owned(),
        key: key.to_owned(),
        number,
    };
    records.iter().map(record).collect()
}

/// The delivery of a record by a process, under an epoch, seen in a pass.
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

/// The broken invariants of these deliveries of the records `three`, each `(which, life, epoch)`.
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
    assert!(wrong(&[(0, 1, 1), (2, 1, 1), (1, 2, 2)])[0].contains("nothing is skipped"));
    assert!(wrong(&[(0, 1, 1), (2, 2, 2), (1, 3, 3)])[0].contains("nothing is skipped"));
    assert!(wrong(&[(0, 1, 1), (1, 2, 1), (2, 1, 1)])[0].contains("shares epoch"));
    assert!(wrong(&[(0, 1, 2), (1, 2, 1), (2, 1, 2)])[0].contains("one dispatcher per shard"));
    let put = three();
    let lines = || put.iter().map(|record| line(record, 1, 1, 1)).collect::<Vec<_>>();
    let with = |changed: &dyn Fn(&mut Delivery)| {
        let mut lines = lines();
        changed(&mut lines[1]);
        judge(&history(lines), &put, &[]).wrong
    };
    assert_eq!(with(&|_| ()), [""; 0]);
    assert!(with(&|line| line.text = "7".into())[0].contains("only what was put is delivered"));
    assert!(with(&|line| line.key = "other".into())[0].contains("only what was put is delivered"));
    let mut more = lines();
    more.push(Delivery { sequence: "12".into(), ..more[2].clone() });
    let stranger = judge(&history(more), &put, &[]).wrong;
    assert!(stranger[0].contains("only what was put is delivered"), "{stranger:?}");
    let mut elsewhere = lines();
    elsewhere.push(Delivery { shard: "b".into(), ..elsewhere[2].clone() });
    let stranger = judge(&history(elsewhere), &put, &[]).wrong;
    assert!(stranger[0].contains("only what was put is delivered"), "{stranger:?}");
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
    // A pass reads one file after another: one pass of difference proves no order.
    assert!(judged(2, 1).wrong.is_empty());
    let verdict = judged(3, 1);
    assert_eq!((verdict.wrong.len(), verdict.out_of_order), (2, 1));
}

#[test]
fn a_key_is_followed_from_a_shard_into_its_children() {
    let put = put(&[("parent", "1", "k", 0), ("parent", "2", "other", 0), ("child", "3", "k", 1)]);
    let range = kcl_core::stream::HashRange::ALL;
    let mut child = Shard::open("child".parse().unwrap(), range);
    child.parents = vec!["parent".parse().unwrap()];
    let shards = [Shard::open("parent".parse().unwrap(), range), child];
    let judged = |passes: [u64; 3]| {
        let lines = [0, 1, 2].map(|at| line(&put[at], at, 1, passes[at])).into();
        judge(&history(lines), &put, &shards)
    };
    // Of three processes, two wrote about one shard, under the same epoch.
    let verdict = judged([1, 1, 5]);
    assert!(verdict.wrong.iter().all(|wrong| wrong.contains("one process per epoch")));
    let verdict = judged([9, 9, 5]);
    assert_eq!(verdict.out_of_order, 1, "{verdict:?}");
    let early = verdict.wrong.iter().filter(|wrong| wrong.contains("children after parents"));
    assert_eq!(early.count(), 1);
}

#[test]
fn who_stood_still_in_the_midst_of_a_batch_may_go_on_with_it_and_nobody_else() {
    let put = three();
    let lines = [(0, 1, 1, 1), (1, 2, 2, 5), (2, 2, 2, 5), (1, 1, 1, 9)];
    let lines = lines.map(|(which, life, epoch, pass)| line(&put[which], life, epoch, pass));
    let mut history = history(lines.into());
    let wrong = judge(&history, &put, &[]).wrong;
    assert!(wrong[0].contains("one dispatcher per shard"), "{wrong:?}");
    history.stood_still = true;
    let verdict = judge(&history, &put, &[]);
    verdict.check_repeats_of(&["w1"]).unwrap();
    assert_eq!(verdict.repeats.len(), 1);
}

#[test]
fn an_end_whose_child_has_no_row_is_wrong_when_a_second_reading_shows_it() {
    let put = put(&[("parent", "1", "k", 0)]);
    let stream = StreamKey::new("orders", WallTime::from_millis(1));
    let row = |shard: &str, checkpoint| {
        Lease::new(LeaseKey::of_shard(&stream, &shard.parse().unwrap()), checkpoint)
    };
    let mut end = row("parent", Checkpoint::ShardEnd);
    end.children = vec!["child".parse().unwrap()];
    let child = row("child", Checkpoint::TrimHorizon);
    let judged = |readings: &[&[&Lease]]| {
        let mut history = history(vec![line(&put[0], 1, 1, 1)]);
        for (rows, pass) in readings.iter().zip(5..) {
            let rows = rows.iter().map(|row| (*row).clone()).collect();
            history.readings.push(Reading { pass, seen: 0.0, rows });
        }
        judge(&history, &put, &[]).wrong
    };
    assert_eq!(judged(&[&[&end, &child], &[&end, &child]]), [""; 0]);
    assert_eq!(judged(&[&[&end], &[&end, &child]]), [""; 0]);
    // A reading without rows, for example of a store that restarts, proves nothing.
    assert_eq!(judged(&[&[&end], &[], &[&end]]), [""; 0]);
    let wrong = judged(&[&[&end], &[&end]]);
    assert!(wrong[0].contains("children are put before the end"), "{wrong:?}");
}

/// Four shards of six records each: one without children, and one with a child and a grandchild.
fn family() -> (Vec<Shard>, Vec<Produced>) {
    let name = |shard: usize| format!("s{shard}");
    let open = |n| Shard::open(name(n).parse().unwrap(), kcl_core::stream::HashRange::ALL);
    let mut shards: Vec<Shard> = (0..4).map(open).collect();
    for child in [2, 3] {
        shards[child].parents = vec![name(child - 1).parse().unwrap()];
    }
    let key = |shard: usize| if shard == 0 { "stays" } else { "moves" };
    let record = |n: usize| Produced {
        shard: name(n / 6),
        sequence: (n + 1).to_string(),
        key: key(n / 6).to_owned(),
        number: n,
    };
    (shards, (0..24).map(record).collect())
}

/// A random correct run of the family. Processes read on, or take a shard over and repeat a few
/// records. Each pass of the watcher reads one file after another while the processes write.
fn right_run(put: &[Produced], seed: u64) -> Vec<Delivery> {
    let mut state = seed;
    let mut draw = |below: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (pause, files) = (1 + draw(12), 1 + draw(4));
    let (mut done, mut held, mut lines) = ([0; 4], [(0, 1); 4], Vec::new());
    while done != [6; 4] {
        let shard = usize::try_from(draw(4)).unwrap();
        let runs = shard < 2 || done[shard - 1] == 6;
        if done[shard] == 6 || !runs {
            continue;
        }
        if draw(5) == 0 {
            held[shard] = (usize::try_from(draw(4)).unwrap(), held[shard].1 + 1);
            done[shard] -= usize::try_from(draw(3)).unwrap().min(done[shard]);
            continue;
        }
        let ((life, epoch), time) = (held[shard], lines.len() as u64);
        // The first pass that reads its file after the line was written.
        let within = (life as u64 % files).min(pause - 1);
        let pass = (time + pause - within) / pause;
        lines.push(line(&put[shard * 6 + done[shard]], life, epoch, pass));
        done[shard] += 1;
    }
    lines
}

#[test]
fn a_right_run_is_right_however_its_lines_are_seen() {
    let (shards, put) = family();
    for seed in 0..400 {
        let lines = right_run(&put, seed);
        // The order in which the watcher adds the lines: file by file in each pass.
        let mut seen = lines.clone();
        seen.sort_by_key(|line| (line.pass, line.life));
        for lines in [lines, seen] {
            let verdict = judge(&history(lines), &put, &shards);
            assert!(verdict.wrong.is_empty(), "seed {seed}: {verdict:#?}");
        }
    }
}

#[test]
fn a_right_run_with_one_slip_is_wrong_once_the_passes_tell() {
    let (shards, put) = family();
    for seed in 0..200 {
        let mut lines = right_run(&put, seed);
        for (time, line) in (0..).zip(&mut lines) {
            line.pass = 2 * time;
        }
        // A record in the middle of a shard is removed.
        let midst = |line: &Delivery| line.sequence.parse::<u64>().is_ok_and(|n| n % 6 == 3);
        let lost = lines.iter().rposition(midst).unwrap();
        let sequence = lines[lost].sequence.clone();
        lines.retain(|line| line.sequence != sequence);
        let verdict = judge(&history(lines), &put, &shards);
        let has = |name: &str| verdict.wrong.iter().any(|wrong| wrong.contains(name));
        assert!(has("everything is delivered") && has("nothing is skipped"), "{verdict:#?}");
    }
}
