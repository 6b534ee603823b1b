//! Tests of the findings about workers that do not live and shards that no worker reads.

use kcl_core::{
    env::WallTime,
    lease::{ChangeState, Changing, Checkpoint, Epoch, LeaseKey},
    store::codec::{BadRow, RowKind},
};

use super::world::{HOUR, NOW, SECOND, World, id, key, shard};
use crate::doctor::{
    facts::Known,
    finding::{Kind, Severity},
};

#[test]
fn a_healthy_fleet_has_no_finding() {
    for (workers, shards) in [(1, 1), (3, 20), (5, 5), (4, 2)] {
        let verdict = World::of(workers, shards).judged();
        assert_eq!((verdict.exit_code(), verdict.word()), (0, "healthy"), "{verdict:#?}");
        assert_eq!(verdict.counts.read, Some(shards));
    }
}

#[test]
fn one_reading_is_no_proof_of_death_and_a_silence_longer_than_the_session_is_told_as_such() {
    let mut world = World::of(3, 6);
    world.silence(1, 2 * SECOND);
    let finding = world.only();
    assert_eq!((finding.kind, finding.severity), (Kind::WorkerSilent, Severity::Warning));
    assert!(finding.says.contains("silent for 2.0 s (its session lasts 6.0 s"), "{finding:?}");
    assert!(finding.says.contains("no proof of death"), "{finding:?}");
    assert!(finding.remedies[0].command.ends_with("--watch"), "first look on: {finding:?}");
    assert_eq!(finding.shards, [shard(1), shard(4)].map(|it| it.to_string()));
    world.silence(1, 9 * SECOND);
    let finding = world.only();
    assert_eq!((finding.kind, finding.severity), (Kind::WorkerSilent, Severity::Problem));
    assert!(finding.says.contains("longer than its session"), "{finding:?}");
    assert!(finding.remedies[0].command.contains("--worker-id w1"), "{finding:?}");
}

#[test]
fn a_planner_that_is_silent_is_told_beside_what_it_holds() {
    let mut world = World::of(3, 3);
    world.silence(0, 9 * SECOND);
    assert_eq!(world.found(), [Kind::WorkerSilent, Kind::NobodyPlans]);
    let mut world = World::of(2, 2);
    world.leases.retain(|lease| lease.key != LeaseKey::planner());
    assert_eq!(world.found(), [Kind::NobodyPlans]);
}

#[test]
fn that_nobody_lives_is_one_finding_with_every_shard_and_the_oldest_record() {
    let mut world = World::of(2, 3);
    world.silence(0, 9 * SECOND);
    world.silence(1, 9 * SECOND);
    world.unread(2, 3 * HOUR);
    let verdict = world.judged();
    let first = &verdict.findings[0];
    assert_eq!((first.kind, first.severity), (Kind::NoWorker, Severity::Problem));
    assert_eq!(first.shards.len(), 3);
    assert!(first.says.contains("3 h old of 24 h that the stream keeps"), "{first:?}");
    let gone = World { sessions: Vec::new(), ..World::of(2, 3) };
    assert!(gone.found().contains(&Kind::NoWorker));
}

#[test]
fn a_lease_of_a_session_that_is_over_is_an_orphan() {
    let mut world = World::of(3, 3);
    world.end(2);
    let finding = world.only();
    assert_eq!(finding.kind, Kind::LeaseOrphaned);
    assert!(finding.says.contains("FENCED") && finding.shards == [shard(2).to_string()]);
    world.sessions.remove(2);
    assert!(world.only().says.contains("no session in the store"));
}

#[test]
fn an_unread_shard_is_followed_from_child_to_parent_to_rule_to_the_worker_that_is_not_there() {
    let mut world = World::of(2, 3);
    world.rules(r#"{"rules":[{"shard":"shardId-000000000001","worker":"w9","mode":"require"}]}"#);
    world.lease(1).owner = None;
    world.unread(1, 2 * HOUR);
    let [lower, upper] = world.split(1);
    let finding = world.only();
    assert_eq!((finding.kind, finding.severity), (Kind::ShardsUnread, Severity::Problem));
    let parent = shard(1);
    assert_eq!(
        finding.because,
        [
            format!("{lower} waits for the end of its parent {parent}, and 1 more like it"),
            format!(
                "{parent} may be read by worker w9 alone: placement rule 1 (shard {parent}, \
                 require)"
            ),
            "worker w9 is not there: it has no session in the store".to_owned(),
        ]
    );
    assert_eq!(finding.shards, [parent, lower, upper].map(|it| it.to_string()));
    assert!(finding.says.contains("2 h old of 24 h"), "{finding:?}");
    let commands: Vec<_> = finding.remedies.iter().map(|it| it.command.as_str()).collect();
    assert!(commands[0].contains("kcl consume") && commands[0].ends_with("--worker-id w9"));
    assert_eq!(commands[1], "kcl placement unset shardId-000000000001 --app indexer");
}

#[test]
fn a_rule_for_a_worker_that_is_not_there_is_told_before_it_hurts() {
    let mut world = World::of(2, 2);
    world.rules(
        r#"{"rules":[{"range":"0-9","worker":"w9","mode":"require"},
        {"shard":"shardId-000000000001","worker":"w8","mode":"prefer"}]}"#,
    );
    let finding = world.only();
    assert_eq!(finding.kind, Kind::RuleOfAbsentWorker);
    assert_eq!(finding.workers, ["w9"], "a preference is none: {finding:?}");
    let unset = &finding.remedies[1].command;
    assert_eq!(unset, "kcl placement unset --range 0-9 --app indexer");
}

#[test]
fn unread_shards_say_which_reason_holds() {
    let because = |change: fn(&mut World)| {
        let mut world = World::of(2, 4);
        world.lease(3).owner = None;
        change(&mut world);
        let verdict = world.judged();
        let unread = verdict.findings.iter().find(|it| it.kind == Kind::ShardsUnread).unwrap();
        unread.because.join("; ")
    };
    let full = because(|world| {
        world.sessions[0].capacity = 2;
        world.sessions[1].capacity = 1;
    });
    assert!(full.contains("at its limit"), "{full}");
    let held = because(|world| {
        world.rules(r#"{"uncovered":"hold","rules":[{"range":"0-9","worker":"w0"}]}"#);
    });
    assert!(held.contains("`uncovered: hold`"), "{held}");
    let seen = because(|_| {});
    assert!(seen.contains("between two owners"), "{seen}");
    let orphan = because(|world| world.silence(0, 9 * SECOND));
    assert!(orphan.contains("nobody plans"), "{orphan}");
    let missing = because(|world| world.leases.retain(|lease| lease.key != key(3)));
    assert!(missing.contains("have no lease"), "{missing}");
}

#[test]
fn what_waits_for_a_parent_that_is_read_is_no_finding() {
    let mut world = World::of(2, 3);
    world.split(1);
    assert_eq!(world.found(), []);
}

#[test]
fn rows_and_list_that_contradict_each_other_are_findings() {
    let mut open = World::of(2, 3);
    open.lease(1).checkpoint = Checkpoint::ShardEnd;
    open.lease(1).owner = None;
    let finding = open.only();
    assert_eq!(finding.kind, Kind::EndedWhileOpen);
    assert!(finding.remedies[0].command.contains("--dry-run"), "nothing is done unseen");
    let mut forgotten = World::of(2, 3);
    forgotten.lease(2).owner = None;
    forgotten.shards.truncate(2);
    let found = forgotten.found();
    assert!(found.contains(&Kind::LeaseWithoutShard), "{found:?}");
    assert!(found.contains(&Kind::HashRangeHole), "{found:?}");
}

#[test]
fn what_makes_no_sense_is_named() {
    let mut world = World::of(2, 2);
    world.documents.unreadable.push(("placement".to_owned(), "of format 9".to_owned()));
    let finding = world.only();
    assert_eq!(finding.kind, Kind::DocumentUnreadable);
    assert!(finding.remedies[0].command.starts_with("kcl placement check"));
    world.documents.unreadable.clear();
    world.change = Box::new(|facts| {
        if let Known::Read { value, .. } = &mut facts.leases {
            value.unreadable.push(BadRow::new(RowKind::Lease, "orders/7/x", "no epoch"));
        }
    });
    assert_eq!(world.only().kind, Kind::RowUnreadable);
}

#[test]
fn a_closed_application_says_who_closed_it() {
    let mut world = World::of(1, 1);
    let since = WallTime::from_millis(NOW);
    let changing = |state| Changing::new(state, "kcl leases reset on h", since, "t");
    world.documents.changing = Some(changing(ChangeState::Closed));
    let finding = world.only();
    assert_eq!(finding.kind, Kind::Closed);
    assert!(finding.says.contains("kcl leases reset on h"), "{finding:?}");
    assert!(finding.remedies[0].command.contains("leases reset --undo"), "{finding:?}");
    // An import that was prepared is not taken back by that.
    let mut prepared = changing(ChangeState::Closed);
    let what = "import --from dynamodb-kcl:old";
    let what = serde_json::json!({"what": what, "change": 3, "prepared": true});
    prepared.more.extend(what.as_object().cloned().unwrap_or_default());
    world.documents.changing = Some(prepared);
    let finding = world.only();
    let commands: Vec<&str> = finding.remedies.iter().map(|it| &*it.command).collect();
    assert!(commands[0].starts_with("kcl import --from dynamodb-kcl:old --finish --app"));
    assert!(commands[1].starts_with("kcl import --abandon --app"), "{commands:?}");
    world.documents.changing = Some(changing(ChangeState::Open));
    assert_eq!(world.found(), []);
}

#[test]
fn nothing_at_all_is_a_wrong_name_or_a_fleet_that_never_was() {
    let mut world = World::of(0, 1);
    world.leases.clear();
    world.documents.streams = None;
    let found = world.found();
    assert_eq!(found[0], Kind::NothingThere, "{found:?}");
}

#[test]
fn shares_times_streams_and_clocks_that_differ_are_warnings() {
    let mut uneven = World::of(2, 8);
    for number in 0..8 {
        uneven.lease(number).owner = Some(id(0));
    }
    assert_eq!(uneven.found(), [Kind::ShareUneven, Kind::ShareUneven]);
    uneven.sessions.truncate(1);
    assert_eq!(uneven.found(), [], "alone it has all");

    let mut times = World::of(2, 2);
    times.sessions[1].timeout = 9 * SECOND;
    let finding = times.only();
    assert_eq!(finding.kind, Kind::SettingsDiffer);
    assert!(finding.says.contains("6.0 s (w0), 9.0 s (w1)"), "{finding:?}");
    times.sessions[1].timeout = 6 * SECOND;
    times.sessions[1].zone = Some("a".parse().unwrap());
    assert!(times.only().says.contains("zone"));

    let mut other = World::of(2, 2);
    other.sessions[1].stream = Some("1:eu-west-1:payments".parse().unwrap());
    assert!(other.found().contains(&Kind::OtherStream));

    let mut ahead = World::of(2, 2);
    ahead.lease(0).epoch = Epoch(NOW + 120_000);
    assert_eq!(ahead.only().kind, Kind::ClockOff);
    let mut clock = World::of(2, 2);
    clock.change = Box::new(|facts| {
        if let Known::Read { value, .. } = &mut facts.stream {
            value.heard = WallTime::from_millis(NOW + 9_000);
        }
    });
    assert!(clock.only().says.contains("9.0 s ahead of the stream's"));
}
