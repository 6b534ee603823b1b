//! Tests of the models of healthy fleets, of fleets with faults, and of unknown fleets.

use kcl_core::lease::{
    StoreTime,
    report::{Moved, Moves, ShardReport, Stuck, Trouble, TroubleKind, Why, WorkerReport},
};
use kcl_core::stream::Position;
use serde_json::{Value, json};

use super::{History, Look, Model, Shown};
use crate::doctor::{
    facts::{Facts, Known},
    judge::{
        Bounds, Fleet, judge,
        tests::world::{SECOND, World, key},
    },
    remedy::Shell,
};

/// Makes models of successive readings, as the dashboard does.
#[derive(Default)]
struct Viewer {
    history: History,
    shown: Option<Shown>,
    planned: Option<Moves>,
}

impl Viewer {
    fn look(&mut self, world: &World, seconds: u64) -> Model {
        self.look_at(world, world.facts(seconds))
    }

    fn look_at(&mut self, world: &World, facts: Facts) -> Model {
        let bounds = Bounds { lag: 300 * SECOND, limits: kcl_core::assignment::Limits::default() };
        let shell = Shell::new("indexer", None, &[]).reading(Some("orders"));
        let verdict = judge(&facts, &world.progress, bounds, &shell);
        if let (Some(leases), Some(_)) = (facts.leases.get(), facts.sessions.get()) {
            self.history.note(&leases.rows, Fleet::of(&facts), facts.wall);
        }
        let shown = Shown::after(self.shown.take(), facts);
        let (progress, history) = (&world.progress, &self.history);
        let planned = self.planned.as_ref();
        let look = Look { shown: &shown, verdict: &verdict, progress, history, planned };
        let model = Model::of(&look);
        self.shown = Some(shown);
        model
    }
}

fn seen(world: &World) -> Model {
    Viewer::default().look(world, 0)
}

fn cell(model: &Model, table: &str, row: &str, column: &str) -> Value {
    let table = &model.tables[table];
    let at = table.columns.iter().position(|name| *name == column).unwrap();
    let found = table.rows.iter().find(|(key, _)| key.ends_with(row));
    found.unwrap_or_else(|| panic!("no row {row} in {:?}", table.rows.keys())).1[at].clone()
}

fn states(model: &Model) -> Vec<String> {
    let rows = model.tables["shards"].rows.values();
    rows.map(|row| row[1].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_healthy_fleet_reads_every_shard_and_each_row_has_a_cell_for_each_column() {
    let model = seen(&World::of(2, 4));
    assert_eq!(states(&model), ["read"; 4]);
    assert_eq!(model.head["state"], "stable");
    assert_eq!(model.head["counts"]["read"], 4);
    assert_eq!(model.head["lag"], json!({"max_ms": 0, "sum_ms": 0, "known": 4, "unknown": 0}));
    assert_eq!(cell(&model, "shards", "3", "owner"), "w1");
    assert_eq!(cell(&model, "shards", "3", "to"), 1.0);
    assert_eq!(cell(&model, "shards", "2", "bytes_per_second"), Value::Null, "unknown is not zero");
    let worker = "w0#00000000-0000-0000-0000-000000000000";
    assert_eq!(cell(&model, "workers", worker, "state"), "beats");
    assert_eq!(cell(&model, "workers", worker, "role"), "planner");
    assert_eq!(cell(&model, "workers", worker, "held"), 2);
    assert_eq!(cell(&model, "workers", worker, "due"), 2);
    for (name, table) in &model.tables {
        assert!(table.rows.values().all(|row| row.len() == table.columns.len()), "{name}");
    }
}

#[test]
fn a_worker_is_silent_before_it_is_dead_and_its_shards_with_it() {
    let mut world = World::of(2, 2);
    world.silence(1, 4 * SECOND);
    let model = seen(&world);
    assert_eq!(states(&model), ["read", "silent"]);
    assert_eq!(model.head["state"], "silent");
    assert_eq!(cell(&model, "workers", "1", "state"), "silent");
    world.silence(1, 7 * SECOND);
    let model = seen(&world);
    assert_eq!(states(&model), ["read", "unread"]);
    assert_eq!(cell(&model, "workers", "1", "state"), "dead");
    assert_eq!(model.head["problems"], 1);
    let finding = model.tables["findings"].rows.values().next().unwrap();
    assert_eq!(finding[2], "worker-silent");
    assert!(finding[5][0]["command"].as_str().unwrap().contains("--worker-id w1"), "{finding:?}");
    world.silence(0, 7 * SECOND);
    assert_eq!(seen(&world).head["state"], "dead");
}

#[test]
fn children_wait_for_their_parents_and_a_shard_without_a_lease_is_missing() {
    let mut world = World::of(2, 2);
    let [lower, _] = world.split(0);
    let model = seen(&world);
    assert_eq!(states(&model), ["read", "read", "waits", "waits"]);
    let waits = cell(&model, "shards", lower.as_str(), "waits_for");
    assert_eq!(waits, json!(["shardId-000000000000"]));
    world.lease(0).checkpoint = kcl_core::lease::Checkpoint::ShardEnd;
    assert_eq!(states(&seen(&world)), ["ended", "read", "missing", "missing"]);
}

#[test]
fn what_cannot_be_read_stays_as_it_was_read_last_and_says_nothing_of_who_lives() {
    let mut world = World::of(2, 2);
    let mut viewer = Viewer::default();
    viewer.look(&world, 0);
    let why = "no answer within 10s";
    let mut facts = world.facts(60);
    facts.sessions = Known::Failed(why.to_owned());
    facts.leases = Known::Failed(why.to_owned());
    facts.stream = Known::Failed("denied".to_owned());
    let model = viewer.look_at(&world, facts);
    assert_eq!(states(&model), ["unseen", "unseen"]);
    assert_eq!(cell(&model, "workers", "1", "state"), "unknown");
    assert_eq!(model.head["counts"]["workers"], Value::Null, "never zero");
    assert_eq!(model.head["state"], "unknown");
    let sources = model.head["sources"].as_array().unwrap();
    let source = |name: &str| sources.iter().find(|it| it["name"] == name).unwrap();
    let at = |name: &str| source(name)["at_ms"].as_u64().unwrap();
    assert_eq!(source("leases")["why"], why);
    assert_eq!(at("documents") - at("leases"), 60_000, "each has an age of its own");
    assert_eq!(source("stream")["why"], "denied");
    assert!(model.head["stream"]["retention_ms"].is_u64(), "as it was told before");
    world.silence(1, 7 * SECOND);
    let model = viewer.look(&world, 120);
    assert_eq!(states(&model), ["read", "unread"]);
    assert!(model.head["sources"][0]["why"].is_null());
}

#[test]
fn what_was_never_read_is_unknown() {
    let world = World::of(2, 2);
    let mut facts = world.facts(0);
    facts.sessions = Known::Failed("denied".to_owned());
    facts.leases = Known::Failed("denied".to_owned());
    facts.lags = Known::LeftOut("--no-stream");
    let model = Viewer::default().look_at(&world, facts);
    assert_eq!(states(&model), ["unseen", "unseen"], "the stream lists them");
    assert_eq!(model.head["lag"], Value::Null);
    assert_eq!(model.head["sources"][5]["why"], "--no-stream");
    assert!(model.tables["workers"].rows.is_empty());
}

#[test]
fn what_the_operator_has_said_is_shown_with_who_said_it_as_long_as_it_counts() {
    let mut world = World::of(2, 2);
    let (first, second) = (key(0), key(1));
    let worker = world.sessions[1].id.worker.to_string();
    let soon = world.facts(0).wall.as_millis() + 60_000;
    let said = r#""by":"kcl on h","since":3"#;
    world.rules(&format!(
        r#"{{"rules":[],"paused":[{{"lease":"{first}",{said}}}],
        "drained":[{{"worker":"{worker}",{said}}}],
        "sent":[{{"lease":"{first}","to":"w1","until":{soon},{said}}},
            {{"lease":"{second}","to":"w0","until":7,{said}}}],
        "given_up":[{{"lease":"{first}","at":"49.2","unkept":false,"until":{soon},{said}}}]}}"#
    ));
    let model = seen(&world);
    let marks = cell(&model, "shards", "0", "marks");
    let what = |marks: &Value| -> Vec<String> {
        let each = marks.as_array().unwrap().iter();
        each.map(|it| it["what"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(what(&marks), ["paused", "moved", "skip"]);
    assert_eq!((&marks[0]["by"], &marks[0]["since_ms"]), (&json!("kcl on h"), &json!(3)));
    assert_eq!((&marks[1]["more"], &marks[1]["until_ms"]), (&json!("w1"), &json!(soon)));
    assert_eq!(what(&cell(&model, "shards", "1", "marks")), [""; 0], "its time is over");
    assert_eq!(what(&cell(&model, "workers", "1", "marks")), ["drained"]);
    assert_eq!(what(&cell(&model, "workers", "0", "marks")), [""; 0]);
    assert_eq!(cell(&model, "workers", "1", "due"), 0);
    let mut facts = world.facts(0);
    facts.documents = Known::Failed("denied".to_owned());
    let unread = Viewer::default().look_at(&world, facts);
    assert_eq!(cell(&unread, "shards", "0", "marks"), Value::Null, "nothing was read of it");
}

#[test]
fn lag_is_told_with_whose_word_it_is() {
    let mut world = World::of(2, 2);
    world.unread(0, 40 * SECOND);
    world.lags.remove(&key(1));
    world.lease(1).progress.lag = Some(3 * SECOND);
    let model = seen(&world);
    let of = |shard: &str, column: &str| cell(&model, "shards", shard, column);
    assert_eq!((of("0", "lag_ms"), of("0", "lag_from")), (json!(40_000), json!("record")));
    assert_eq!((of("1", "lag_ms"), of("1", "lag_from")), (json!(3_000), json!("checkpoint")));
    assert_eq!(model.head["lag"]["sum_ms"], 43_000);
    world.lease(1).progress.lag = None;
    let model = seen(&world);
    assert_eq!(cell(&model, "shards", "1", "lag_ms"), Value::Null);
    assert_eq!(model.head["lag"]["unknown"], 1);
}

#[test]
fn two_thousand_shards_fit_a_message() {
    let model = seen(&World::of(40, 2_000));
    let text = model.json().to_string();
    assert!(text.len() < 1_000_000, "{}", text.len());
    assert_eq!(model.tables["shards"].rows.len(), 2_000);
}

#[test]
fn what_workers_report_is_told_with_when_and_whether_it_is_of_the_present() {
    let mut world = World::of(2, 2);
    let mut report = WorkerReport::default();
    report.version = Some("1.2.3".to_owned());
    let mut shard = ShardReport::default();
    shard.trouble = Some(Trouble::new(TroubleKind::BatchFailed, 5 * SECOND, Some(9 * SECOND)));
    let at = |number: u128| Position::new(number.into(), 0);
    shard.stuck = Some(Stuck::new(at(10), at(20)));
    report.shards.insert(key(1), shard);
    world.tells(1, report);
    let facts = world.facts(0);
    let mut moves = Moves::default();
    let planned = StoreTime(facts.wall.as_millis() - 90_000);
    let worker = world.sessions[1].id.worker.clone();
    moves.add([Moved::new(key(0), None, worker, Why::Rule, planned)]);
    let mut viewer = Viewer { planned: Some(moves), ..Viewer::default() };
    let model = viewer.look_at(&world, facts);
    let failure = model.tables["failures"].rows.values().next().unwrap();
    assert_eq!(failure[0], "shardId-000000000001");
    assert_eq!((&failure[2], &failure[5]), (&json!("batch-failed"), &json!(9_000)));
    assert_eq!((&failure[7], &failure[8]), (&json!("10"), &json!("20")));
    assert!(failure[3].as_str().unwrap().contains("fails a batch") && failure[6] == true);
    let ago = model.head["at_ms"].as_u64().unwrap() - failure[4].as_u64().unwrap();
    assert_eq!(ago, 6_000, "five seconds before a report that is a beat old at the most");
    assert_eq!(cell(&model, "workers", "1", "version"), "1.2.3");
    assert_eq!(cell(&model, "workers", "0", "version"), Value::Null);
    assert_eq!(model.head["reporting"], 1);
    let moved = model.tables["moves"].rows.values().next().unwrap();
    assert_eq!((&moved[4], &moved[7]), (&json!(Why::Rule.means()), &json!("planned")));
    let mut facts = world.facts(0);
    facts.documents = Known::Failed("denied".to_owned());
    let unread = Viewer::default().look_at(&world, facts);
    assert_eq!(unread.head["reporting"], Value::Null, "nothing was read of it");
}
