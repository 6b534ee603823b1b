//! What each kind of event changes, exactly.

use kcl_core::observe::testing;

use crate::bench::{Bench, key};

/// What changes nothing in figures, as others tell it: calls, batches, gauges.
const SILENT: [&str; 13] = [
    "Registered",
    "Reopened",
    "Leaving",
    "Finished",
    "RulesDeclared",
    "Unassignable",
    "UnreadAge",
    "LeaseReleasing",
    "CheckpointStored",
    "ReadingStarted",
    "ReadingEnded",
    "BatchFailed",
    "PlanningStopped",
];

/// Each event by itself, and every figure but those of the clock that is not zero after it.
const TOLD: [(&str, &str); 45] = [
    ("Fenced", "kcl_session_restarts_total 1"),
    ("EndedDead", "kcl_dead_sessions_ended_total 1"),
    ("DuplicateWorkerId", "kcl_troubles_total kind=duplicate_worker_id 1"),
    ("Lapsed", "kcl_session_lapses_total 1"),
    ("Revived", "kcl_session_valid 1"),
    ("Closed", "kcl_application_closed 1"),
    ("PlanningStarted", "kcl_planning 1"),
    ("Planned", "kcl_plans_total 1, kcl_planned_moves_total 2, kcl_leases_unassigned 1"),
    ("RulesRefused", "kcl_troubles_total kind=rules_refused 1"),
    ("RulesPassedOver", "kcl_troubles_total kind=rules_passed_over 1"),
    ("WorkerNotNamed", "kcl_troubles_total kind=worker_not_named 1"),
    ("InheritanceFull", "kcl_troubles_total kind=inheritance_full 1"),
    ("DocumentUnreadable", "kcl_troubles_total kind=document_unreadable 1"),
    ("DocumentFull", "kcl_troubles_total kind=document_full 1"),
    ("HashRangeHole", "kcl_troubles_total kind=hash_range_hole 1"),
    ("LineageUnclear", "kcl_troubles_total kind=lineage_unclear 1"),
    ("LeaseGained", "kcl_leases_held 1, kcl_leases_gained_total 1"),
    ("LeaseStalled", "kcl_leases_stalled_total 1"),
    ("LeaseConflict", "kcl_lease_conflicts_total 1"),
    ("LeaseForced", "kcl_leases_forced_total 1"),
    ("NotOfMyStream", "kcl_troubles_total kind=not_of_my_stream 1"),
    ("UnreadOld", "kcl_troubles_total kind=unread_old 1"),
    ("WorkersWanted", "kcl_desired_workers 3"),
    ("ShardEnded", "kcl_shards_ended_total 1"),
    ("LeaseLost", "kcl_leases_lost_total reason=taken 1"),
    ("EndUnproven", "kcl_troubles_total kind=end_unproven 1"),
    ("ReadFailed", "kcl_read_failures_total stream=orders 1"),
    ("ReadStandstill", "kcl_read_standstills_total stream=orders 1"),
    ("RecordsLost", "kcl_record_losses_total stream=orders 1"),
    ("RunRewound", "kcl_rewinds_total stream=orders 1"),
    ("RunBroken", "kcl_troubles_total kind=run_broken 1"),
    ("ShardStopped", "kcl_troubles_total kind=shard_stopped 1"),
    ("ChildrenUnknown", "kcl_troubles_total kind=children_unknown 1"),
    ("RecordSkipped", "kcl_records_skipped_total stream=orders 1"),
    ("DeadLetterFailed", "kcl_dead_letter_failures_total stream=orders 1"),
    ("ProcessorStartFailed", "kcl_processor_failures_total stream=orders step=start 1"),
    ("ProcessorEndFailed", "kcl_processor_failures_total stream=orders step=end 1"),
    ("ProcessorStopFailed", "kcl_processor_failures_total stream=orders step=stop 1"),
    ("ProcessorPanicked", "kcl_processor_panics_total stream=orders 1"),
    ("ProcessorStalled", ""),
    ("StreamTrouble", "kcl_troubles_total kind=stream_trouble 1"),
    ("StreamUnknown", "kcl_troubles_total kind=stream_unknown 1"),
    ("ShardsUnknown", "kcl_troubles_total kind=shards_unknown 1"),
    ("StreamRemade", "kcl_troubles_total kind=stream_remade 1"),
    ("StreamDiffers", "kcl_troubles_total kind=stream_differs 1"),
];

/// The rest: each is a trouble of its own name.
const OF_THE_STORE: [(&str, &str); 5] = [
    ("StartDiffers", "kcl_troubles_total kind=start_differs 1"),
    ("StoreUnprepared", "kcl_troubles_total kind=store_unprepared 1"),
    ("StoreRemade", "kcl_troubles_total kind=store_remade 1"),
    ("StoreWentBack", "kcl_troubles_total kind=store_went_back 1"),
    ("WakeupsBroken", "kcl_troubles_total kind=wakeups_broken 1"),
];

#[test]
fn each_kind_of_event_changes_these_figures_and_no_other() {
    for event in testing::events(&key(0)) {
        let text = format!("{event:?}");
        let name = text.split([' ', '{', '(']).next().unwrap();
        let told = TOLD.iter().chain(&OF_THE_STORE).find(|(of, _)| *of == name);
        let expected = told.map_or("", |(_, figures)| *figures);
        assert!(told.is_some() || SILENT.contains(&name), "what is told of {name}?");
        let bench = Bench::new();
        bench.event(&event);
        assert_eq!(bench.lines().join(", "), expected, "{name}");
    }
}

#[test]
fn gauges_follow_what_comes_and_goes() {
    let bench = Bench::new();
    let number = |name: &str| bench.number(name, &[]);
    assert_eq!(number("kcl_leases_held"), None, "nobody has told anything");
    let (one, other) = (bench.gain(0), bench.gain(1));
    assert_eq!(number("kcl_leases_held"), Some(2.0));
    bench.happens(&one, "ProcessorStalled");
    bench.happens(&other, "ShardStopped");
    assert_eq!(
        (number("kcl_shards_stalled"), number("kcl_shards_stopped")),
        (Some(1.0), Some(1.0))
    );
    bench.happens(&one, "LeaseLost");
    bench.happens(&other, "LeaseLost");
    assert_eq!(
        (number("kcl_shards_stalled"), number("kcl_shards_stopped")),
        (Some(0.0), Some(0.0))
    );
    assert_eq!(number("kcl_leases_held"), Some(0.0));
    // Who does not plan does not know.
    assert_eq!(number("kcl_leases_unassigned"), None);
    bench.happens(&one, "PlanningStarted");
    bench.happens(&one, "Planned");
    assert_eq!((number("kcl_planning"), number("kcl_leases_unassigned")), (Some(1.0), Some(1.0)));
    bench.happens(&one, "PlanningStopped");
    assert_eq!((number("kcl_planning"), number("kcl_leases_unassigned")), (Some(0.0), None));
}

#[test]
fn a_session_is_valid_from_a_beat_on_until_it_lapses_and_its_age_is_that_of_the_sending() {
    use kcl_core::observe::StoreCallEnd::Done;
    let bench = Bench::new();
    let number = |name: &str| bench.number(name, &[]);
    bench.store("register", Done, 5);
    assert_eq!((number("kcl_session_valid"), number("kcl_beat_age_seconds")), (None, None));
    bench.store("beat", Done, 400);
    assert_eq!(
        (number("kcl_session_valid"), number("kcl_beat_age_seconds")),
        (Some(1.0), Some(0.4))
    );
    bench.pass(7_000);
    bench.happens(&key(0), "Lapsed");
    assert_eq!(
        (number("kcl_session_valid"), number("kcl_beat_age_seconds")),
        (Some(0.0), Some(7.4))
    );
    bench.happens(&key(0), "Revived");
    assert_eq!(number("kcl_session_valid"), Some(1.0));
    // The late answer to a beat of long ago.
    bench.store("beat", Done, 60_000);
    assert_eq!(number("kcl_beat_age_seconds"), Some(7.4));
}
