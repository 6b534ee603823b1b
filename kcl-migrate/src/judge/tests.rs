//! Tests of each hazard, with a table that has it.

use std::collections::BTreeMap;

use kcl_core::{
    change::{Place, StreamView},
    env::WallTime,
    lease::Checkpoint,
    settings::InitialPosition,
    stream::ShardId,
};
use proptest::prelude::*;

use super::{Hazard, ImportOptions, Judgement, Level, Probe, Said, Verdict, judge};
use crate::{
    fact::{Fact, Mark, OfStream, Sticky},
    testing::{contents, fact, position, shard, shard_id, stream},
};

/// Two open shards, which begin at 0 and at 100.
fn two() -> StreamView {
    stream(&[shard(0, (0, 2), &[]), shard(1, (1, 2), &[])])
}

/// Shard 0, split into 1 and 2; 1 is split again into 3 and 4.
fn split() -> StreamView {
    stream(&[
        shard(0, (0, 1), &[]),
        shard(1, (0, 2), &[0]),
        shard(2, (1, 2), &[0]),
        shard(3, (0, 4), &[1]),
        shard(4, (1, 4), &[1]),
    ])
}

fn judged(facts: &[Fact], stream: &StreamView) -> Judgement {
    judge(&contents(facts), stream, &ImportOptions::default(), &BTreeMap::new())
}

fn with(facts: &[Fact], stream: &StreamView, options: &ImportOptions) -> Judgement {
    judge(&contents(facts), stream, options, &BTreeMap::new())
}

/// The checkpoint at which a shard is imported, as text.
fn at(judgement: &Judgement, number: usize) -> String {
    let judged = judgement.shards.iter().find(|it| it.shard == shard_id(number));
    match judged.map(|it| &it.verdict) {
        Some(Verdict::Taken(spot)) => spot.checkpoint.to_string(),
        other => format!("{other:?}"),
    }
}

fn hazards(judgement: &Judgement) -> Vec<(Option<ShardId>, Hazard)> {
    judgement.all().map(|(shard, finding)| (shard.cloned(), finding.hazard)).collect()
}

fn only(judgement: &Judgement, number: usize, hazard: Hazard) {
    assert_eq!(hazards(judgement), [(Some(shard_id(number)), hazard)]);
}

#[test]
fn checkpoints_are_taken_as_they_stand() {
    let mut within = fact(1, "149");
    within.mark = Mark::After(position("149", 3));
    let judgement = judged(&[fact(0, "49"), within], &two());
    assert_eq!((at(&judgement, 0), at(&judgement, 1)), ("49".to_owned(), "149.3".to_owned()));
    only(&judgement, 1, Hazard::SubSequence);
    assert_eq!(judgement.refusals().count(), 0);
    assert_eq!(judgement.rows().len(), 2);
    let row = &judgement.rows()[0];
    assert_eq!((row.range, row.owner.is_none()), (two().shards[0].range, true));
}

#[test]
fn latest_passes_nothing_over_unless_it_is_said() {
    let facts = [fact(0, "LATEST"), fact(1, "149")];
    let judgement = judged(&facts, &two());
    assert_eq!(at(&judgement, 0), "TRIM_HORIZON");
    only(&judgement, 0, Hazard::Latest);
    let mut options =
        ImportOptions { latest_as: InitialPosition::Latest, ..ImportOptions::default() };
    // The stream's own time, so that no record that arrives from now on is skipped.
    assert_eq!(at(&with(&facts, &two(), &options), 0), "AT_TIMESTAMP:90000");
    options.latest_as = InitialPosition::AtTimestamp(WallTime::from_millis(7));
    assert_eq!(at(&with(&facts, &two(), &options), 0), "AT_TIMESTAMP:7");
}

#[test]
fn what_was_never_read_begins_at_the_oldest_record() {
    let judgement = judged(&[fact(0, ""), fact(1, "149")], &two());
    assert_eq!(at(&judgement, 0), "TRIM_HORIZON");
    only(&judgement, 0, Hazard::NeverRead);
}

#[test]
fn the_time_of_at_timestamp_is_asked_for() {
    let facts = [fact(0, "AT_TIMESTAMP"), fact(1, "149")];
    let judgement = judged(&facts, &two());
    only(&judgement, 0, Hazard::Timestamp);
    assert_eq!(judgement.refusals().count(), 1);
    let options =
        ImportOptions { timestamp: Some(WallTime::from_millis(7)), ..ImportOptions::default() };
    assert_eq!(at(&with(&facts, &two(), &options), 0), "AT_TIMESTAMP:7");
}

#[test]
fn a_pending_checkpoint_and_a_handover_are_told_and_not_used() {
    let mut row = fact(0, "49");
    (row.is_pending, row.is_handed_over) = (true, true);
    let judgement = judged(&[row, fact(1, "149")], &two());
    assert_eq!(at(&judgement, 0), "49");
    let zero = Some(shard_id(0));
    let told = [(zero.clone(), Hazard::Pending), (zero, Hazard::HandedOver)];
    assert_eq!(hazards(&judgement), told);
}

#[test]
fn what_was_seen_after_a_checkpoint_is_told() {
    let facts = [fact(0, "49"), fact(1, "149")];
    let lost = Probe::Next { since: None, lost: true };
    let gone = Probe::CaughtUp { found: Some(false) };
    for (probe, hazard) in [
        (lost, Hazard::Gap),
        (gone, Hazard::NoRecord),
        (Probe::Unknown("denied".to_owned()), Hazard::Unread),
    ] {
        let probes = BTreeMap::from([(shard_id(0), probe)]);
        let judgement = judge(&contents(&facts), &two(), &ImportOptions::default(), &probes);
        only(&judgement, 0, hazard);
        assert_eq!(at(&judgement, 0), "49", "it is a warning: the records are gone in any case");
    }
    for probe in [Probe::Next { since: None, lost: false }, Probe::CaughtUp { found: Some(true) }] {
        let probes = BTreeMap::from([(shard_id(0), probe)]);
        let judgement = judge(&contents(&facts), &two(), &ImportOptions::default(), &probes);
        assert_eq!(hazards(&judgement), []);
    }
}

#[test]
fn a_checkpoint_older_than_its_shard_is_of_another_life() {
    let judgement = judged(&[fact(0, "49"), fact(1, "99")], &two());
    only(&judgement, 1, Hazard::OtherLife);
    assert_eq!(judgement.refusals().count(), 1);
    assert!(judged(&[fact(0, "49"), fact(1, "100")], &two()).refusals().next().is_none());
}

#[test]
fn a_checkpoint_past_its_shard_is_refused() {
    let facts = [fact(0, "149"), fact(1, "149"), fact(2, "249")];
    only(&judged(&facts, &split()), 0, Hazard::BeyondShard);
}

#[test]
fn an_end_that_the_stream_knows_nothing_of_is_refused_unless_it_is_said() {
    let facts = [fact(0, "SHARD_END"), fact(1, "149")];
    let judgement = judged(&facts, &two());
    only(&judgement, 0, Hazard::EndedWhileOpen);
    for (said, stands) in
        [(Said::Ended, "SHARD_END"), (Said::At(Place::TrimHorizon), "TRIM_HORIZON")]
    {
        let said = BTreeMap::from([(shard_id(0), said)]);
        let options = ImportOptions { said, ..ImportOptions::default() };
        let judgement = with(&facts, &two(), &options);
        assert_eq!(at(&judgement, 0), stands);
        let in_the_way: Vec<_> = judgement.refusals().map(|(_, it)| it.hazard).collect();
        // An open shard that the operator calls ended leaves a hole in the hash keys: refused.
        let expected: &[Hazard] = if stands == "SHARD_END" { &[Hazard::Uncovered] } else { &[] };
        assert_eq!(in_the_way, expected);
    }
}

#[test]
fn a_row_that_makes_no_sense_is_in_the_way() {
    let mut contents = contents(&[fact(0, "49"), fact(1, "149")]);
    contents.unreadable.push(crate::Unreadable { key: "s".to_owned(), why: "no".to_owned() });
    let judgement = judge(&contents, &two(), &ImportOptions::default(), &BTreeMap::new());
    assert_eq!(hazards(&judgement), [(None, Hazard::Unreadable)]);
}

#[test]
fn rows_of_shards_that_are_gone_are_told_unless_they_had_ended() {
    let facts = [fact(0, "49"), fact(1, "149"), fact(7, "SHARD_END"), fact(8, "849")];
    let judgement = judged(&facts, &two());
    only(&judgement, 8, Hazard::Expired);
    assert_eq!((judgement.past, judgement.rows().len()), (1, 2));
}

#[test]
fn parents_without_a_row_count_as_read_as_for_the_old_fleet() {
    let facts = [fact(2, "249"), fact(3, "349"), fact(4, "TRIM_HORIZON")];
    let judgement = judged(&facts, &split());
    assert_eq!((at(&judgement, 0), at(&judgement, 1)), ("SHARD_END".into(), "SHARD_END".into()));
    let zero_and_one = [0, 1].map(|it| (Some(shard_id(it)), Hazard::ParentWithoutRow));
    assert_eq!(hazards(&judgement), zero_and_one);
    let ended = judgement.rows().iter().find(|row| row.key.shard() == Some(shard_id(1))).unwrap();
    assert_eq!(ended.children, [shard_id(3), shard_id(4)]);
}

#[test]
fn children_without_a_row_wait_for_their_parent_or_begin() {
    // Shard 1 is open: its children wait.
    let judgement = judged(&[fact(0, "SHARD_END"), fact(1, "149"), fact(2, "249")], &split());
    let follows = |number| {
        let it = judgement.shards.iter().find(|it| it.shard == shard_id(number)).unwrap();
        it.verdict == Verdict::Follows
    };
    assert!(follows(3) && follows(4));
    assert_eq!(hazards(&judgement), []);
    // Shard 0 has ended and shard 1 has no row yet: it begins, and its children wait.
    let judgement = judged(&[fact(0, "SHARD_END"), fact(2, "249")], &split());
    assert_eq!(at(&judgement, 1), "TRIM_HORIZON");
    only(&judgement, 1, Hazard::ChildWithoutRow);
    // The row of a child says LATEST, as VMware-Go-KCL may write it: the child begins at its
    // oldest record.
    let facts = [fact(0, "SHARD_END"), fact(1, "LATEST"), fact(2, "")];
    let judgement = judged(&facts, &split());
    assert_eq!(
        (at(&judgement, 1), at(&judgement, 2)),
        ("TRIM_HORIZON".into(), "TRIM_HORIZON".into())
    );
    assert_eq!(hazards(&judgement), []);
}

#[test]
fn a_shard_that_nothing_leads_to_is_not_begun_blindly() {
    let judgement = judged(&[fact(0, "49")], &two());
    only(&judgement, 1, Hazard::NoRow);
    let said = BTreeMap::from([(shard_id(1), Said::At(Place::After(position("149", 0))))]);
    let options = ImportOptions { said, ..ImportOptions::default() };
    let judgement = with(&[fact(0, "49")], &two(), &options);
    assert_eq!((at(&judgement, 1), judgement.refusals().count()), ("149".to_owned(), 0));
}

#[test]
fn hash_keys_that_nobody_would_read_are_in_the_way() {
    let said = BTreeMap::from([(shard_id(1), Said::Ended)]);
    let options = ImportOptions { said, ..ImportOptions::default() };
    let judgement = with(&[fact(0, "49")], &two(), &options);
    assert_eq!(hazards(&judgement), [(None, Hazard::Uncovered)]);
    let (_, finding) = judgement.refusals().next().unwrap();
    assert!(finding.says.contains(&u128::MAX.to_string()), "{}", finding.says);
}

#[test]
fn a_table_of_which_nothing_matches_is_another_streams() {
    let mut streams_row = fact(0, "49");
    streams_row.shard = "shardId-00000001769850000000-1a2b3c4d".parse().unwrap();
    let judgement = judged(&[streams_row], &two());
    assert!(hazards(&judgement).contains(&(None, Hazard::NothingMatches)));
}

#[test]
fn of_many_streams_one_is_taken_in_this_life_of_it() {
    let of = |name: &str, created, account: &str, row: Fact| {
        let (account, name) = (account.to_owned(), name.to_owned());
        Fact { stream: Some(OfStream { account, name, created }), ..row }
    };
    let mine = |row| of("orders", 5, "123456789012", row);
    let others = [
        of("payments", 5, "123456789012", fact(0, "7")),
        of("orders", 4, "123456789012", fact(0, "7")),
        of("orders", 5, "210987654321", fact(0, "7")),
    ];
    let mut facts = vec![mine(fact(0, "49")), mine(fact(1, "149"))];
    facts.extend(others.clone());
    let judgement = judged(&facts, &two());
    assert_eq!((at(&judgement, 0), judgement.others.len()), ("49".to_owned(), 3));
    assert_eq!(judgement.refusals().count(), 0);
    let judgement = judged(&others, &two());
    let table = judgement.findings.iter().find(|it| it.hazard == Hazard::OtherStream).unwrap();
    assert!(table.says.contains("orders:4"), "{}", table.says);
}

#[test]
fn sticky_shards_become_rules_and_released_ones_are_told() {
    let sticky = |number, at, sticky| Fact { sticky: Some(sticky), ..fact(number, at) };
    let to = |worker: &str| Sticky::To(worker.to_owned());
    let facts = [sticky(0, "49", to("w1")), sticky(1, "149", Sticky::Released)];
    let judgement = judged(&facts, &two());
    assert_eq!(judgement.rules.len(), 1);
    assert_eq!(judgement.rules[0].worker.as_str(), "w1");
    only(&judgement, 1, Hazard::Released);
    let judgement = judged(&[sticky(0, "49", to("a b")), fact(1, "149")], &two());
    only(&judgement, 0, Hazard::StickyName);
}

#[test]
fn every_hazard_has_a_name_of_its_own_and_is_on_the_page() {
    let page = include_str!("../../../docs/IMPORT.md");
    let mut names: Vec<&str> = Hazard::ALL.iter().map(|it| it.name()).collect();
    for hazard in Hazard::ALL {
        let row = format!("| `{}` |", hazard.name());
        let level = match hazard.level() {
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Refusal => "in the way",
        };
        let line = page.lines().find(|line| line.starts_with(&row));
        assert!(line.is_some_and(|line| line.contains(&format!("| {level} |"))), "{hazard}");
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Hazard::ALL.len());
}

/// Any rows, of shards that the stream lists and of others.
fn any_facts() -> impl Strategy<Value = Vec<Fact>> {
    let mark = prop_oneof![
        Just("TRIM_HORIZON".to_owned()),
        Just("LATEST".to_owned()),
        Just("SHARD_END".to_owned()),
        Just(String::new()),
        (0_u32..600).prop_map(|number| number.to_string()),
    ];
    prop::collection::btree_map(0_usize..7, mark, 0..7)
        .prop_map(|rows| rows.iter().map(|(number, mark)| fact(*number, mark)).collect())
}

proptest! {
    /// Every table is refused, or its leases read every record, none from a later position than
    /// its row.
    #[test]
    fn what_is_not_refused_is_read_whole(facts in any_facts()) {
        let stream = split();
        let judgement = judged(&facts, &stream);
        if judgement.refusals().next().is_some() || judgement.rows().is_empty() {
            return Ok(());
        }
        for judged in &judgement.shards {
            prop_assert_ne!(&judged.verdict, &Verdict::Refused);
        }
        for fact in &facts {
            let is_of = |row: &&kcl_core::lease::Lease| row.key.shard() == Some(fact.shard.clone());
            let row = judgement.rows().iter().find(is_of);
            match (&fact.mark, row.map(|row| &row.checkpoint)) {
                (Mark::After(at), Some(checkpoint)) => {
                    prop_assert_eq!(checkpoint, &Checkpoint::After(at.clone()));
                }
                (Mark::ShardEnd, Some(checkpoint)) => prop_assert!(checkpoint.is_end()),
                (_, Some(checkpoint)) => prop_assert_eq!(checkpoint, &Checkpoint::TrimHorizon),
                (_, None) => prop_assert!(!stream.shards.iter().any(|it| it.id == fact.shard)),
            }
        }
    }
}
