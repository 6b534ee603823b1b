//! Tests of the text on the screen.

use kcl_core::{
    assignment::{Limits, placement::Placement},
    lease::{
        PlanVersion,
        report::{PlannerReport, WorkerReport},
    },
};

use super::world::{HOUR, SECOND, World, id};
use crate::doctor::{
    facts::{Known, Right},
    judge::{Bounds, judge},
    remedy::Shell,
    text,
};

#[test]
fn the_whole_screen_of_a_fleet_with_a_shard_that_a_rule_keeps_from_being_read() {
    let mut world = World::of(2, 3);
    world.rules(r#"{"rules":[{"shard":"shardId-000000000001","worker":"w9","mode":"require"}]}"#);
    world.lease(1).owner = None;
    world.unread(1, 3 * HOUR);
    world.tells(0, WorkerReport::default());
    let mut plan = PlannerReport::new(id(0), PlanVersion::NONE);
    (plan.balance, plan.desired_workers) = ("even".to_owned(), Some(2));
    world.plans(&plan);
    let frozen = r#"{"rules":[],"frozen":{"by":"kcl app freeze on h","since":1769839200000}}"#;
    world.documents.frozen = Placement::decode(frozen.as_bytes()).unwrap().frozen;
    world.change = Box::new(|facts| {
        facts.identity = Known::of(Ok("access key …K7QF".to_owned()), facts.at);
        let (action, how, outcome) = ("kinesis:ListShards", "called", "allowed");
        facts.rights.push(Right { action, how, outcome, why: None });
    });
    let facts = world.facts(0);
    let shell = Shell::new("indexer", None, &[]).reading(Some("orders"));
    let bounds = Bounds { lag: 300 * SECOND, limits: Limits::default() };
    let verdict = judge(&facts, &world.progress, bounds, &shell);
    let shown = text::draw(&facts, &world.progress, &verdict, facts.at + SECOND);
    let expected = "\
application indexer in dynamodb://indexer
stream 1:eu-west-1:orders, open shards: 3, records are kept for 24 h
workers: 2 live, 0 silent; leases: 3 open, 2 of them read by live workers, 0 ended
told: 1 report of workers, 1.0 s old at most; unknown of w1
plan: of w0, 1.0 s old at most, leases shared out even; workers that the load needs: 2
frozen for 3 h by kcl app freeze on h: nothing moves that a live worker holds
lag: 3 h at most, of 3 shards that were asked
  SHARD                 OLDEST UNREAD  TREND
  shardId-000000000001  3 h            ?
read: sessions 1.0 s ago, leases 1.0 s ago, documents 1.0 s ago, stream 1.0 s ago, \
shards 1.0 s ago, lag 1.0 s ago
rights of this command (access key …K7QF), not of the workers: kinesis:ListShards allowed (called)

PROBLEM shards-unread: nobody reads 1 shard: shardId-000000000001; the oldest unread record is \
3 h old of 24 h that the stream keeps
  because shardId-000000000001 may be read by worker w9 alone: placement rule 1 (shard \
shardId-000000000001, require)
  because worker w9 is not there: it has no session in the store
  to do: start the worker that the rule asks for
    kcl consume --app indexer --stream orders --worker-id w9
  to do: take the rule back: others may then read it
    kcl placement unset shardId-000000000001 --app indexer

1 problem, 0 warnings
";
    assert_eq!(shown, expected);
}

#[test]
fn what_fails_for_one_cause_says_it_once() {
    let away = |what: &str| format!("{what} of redis://h failed: no answer: Connection refused");
    let mut world = World::of(1, 1);
    world.change = Box::new(move |facts| {
        facts.sessions = Known::Failed(away("sessions"));
        facts.leases = Known::Failed(away("leases"));
        facts.documents = Known::Failed(away("doc of changing"));
        facts.lags = Known::Failed("GetRecords failed: denied".to_owned());
    });
    let facts = world.facts(0);
    let bounds = Bounds { lag: 300 * SECOND, limits: Limits::default() };
    let shell = Shell::new("indexer", None, &[]);
    let verdict = judge(&facts, &world.progress, bounds, &shell);
    let shown = text::draw(&facts, &world.progress, &verdict, facts.at);
    let expected = "
unknown:
  who lives, and what follows from that
  the leases, and what follows from them
  the documents: rules, plan, what is being changed
    because no answer: Connection refused
  lag: how old unread records are: GetRecords failed: denied

nothing wrong was seen, but not everything could be judged
";
    assert!(shown.ends_with(expected), "{shown}");
}
