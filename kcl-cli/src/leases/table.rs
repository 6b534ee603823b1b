//! Draws a reading of the rows as two tables, workers and leases, with a line for each problem.

use std::fmt::Write;

use crate::{
    columns::columns,
    look::{LeaseRow, Look, StreamRow, WorkerRow},
    times::span,
};

/// Both tables, with a line about each problem below them.
pub(super) fn draw(look: &Look) -> String {
    let mut text = format!("application {} in {}\n", look.application, look.store);
    for StreamRow { stream, created } in &look.streams {
        let _ = writeln!(text, "stream {stream}, created {created}");
    }
    if look.streams.is_empty() {
        text += "no stream yet\n";
    }
    text.push('\n');
    let zoned = look.workers.iter().any(|row| row.zone.is_some());
    let mut head = ["WORKER", "STATE", "ROLE", "LEASES", "LAST BEAT"].map(str::to_owned).to_vec();
    head.extend(zoned.then(|| "ZONE".to_owned()));
    let workers = look.workers.iter().map(|row| worker(row, zoned));
    text += &columns(&std::iter::once(head).chain(workers).collect::<Vec<_>>());
    text.push('\n');
    text += &leases(look);
    for problem in problems(look) {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n! {problem}");
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// The table of leases. If they belong to several streams, each row names its stream.
fn leases(look: &Look) -> String {
    let head = ["SHARD", "OWNER", "BEAT", "EPOCH", "LAG", "CHECKPOINT"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    rows.extend(look.leases.iter().map(lease));
    if look.streams.len() > 1 {
        let streams = look.leases.iter().map(|row| match is_made_again(look, row) {
            true => format!("{} ({})", row.stream, row.stream_created),
            false => row.stream.clone(),
        });
        let column = std::iter::once("STREAM".to_owned()).chain(streams);
        for (row, stream) in rows.iter_mut().zip(column) {
            row.insert(0, stream);
        }
    }
    columns(&rows)
}

/// Whether there are leases of two lives of the row's stream, so that its name alone is ambiguous.
fn is_made_again(look: &Look, row: &LeaseRow) -> bool {
    look.streams.iter().filter(|stream| stream.stream == row.stream).count() > 1
}

fn worker(row: &WorkerRow, zoned: bool) -> Vec<String> {
    let ended = !matches!(row.state, "LIVE" | "LEAVING");
    let mut cells = vec![
        row.worker.clone(),
        row.condition().to_owned(),
        row.role.unwrap_or("-").to_owned(),
        row.leases.to_string(),
        if ended { "-".to_owned() } else { age(row.beat_age_ms) },
    ];
    cells.extend(zoned.then(|| row.zone.clone().unwrap_or_else(|| "-".to_owned())));
    cells
}

fn lease(row: &LeaseRow) -> Vec<String> {
    let is_over = row.checkpoint.starts_with("SHARD_END");
    vec![
        row.shard.clone(),
        row.owner.clone().unwrap_or_else(|| {
            let why = match (is_over, row.paused) {
                (true, _) => "(ended)",
                (false, true) => "(paused)",
                _ => "-",
            };
            why.to_owned()
        }),
        row.owner.as_ref().map_or_else(|| "-".to_owned(), |_| age(row.owner_beat_age_ms)),
        row.epoch.to_string(),
        row.lag_ms.map_or_else(|| "-".to_owned(), span),
        row.checkpoint.clone(),
    ]
}

/// One sentence for each problem that these rows show. `kcl doctor` finds more, and explains it.
fn problems(look: &Look) -> Vec<String> {
    let mut problems = Vec::new();
    let lives = |worker: &&WorkerRow| worker.state == "LIVE" && !worker.is_silent();
    let live = look.workers.iter().filter(lives).count();
    let plans = |worker: &WorkerRow| {
        let is_there = matches!(worker.state, "LIVE" | "LEAVING") && !worker.is_silent();
        is_there && worker.role == Some("planner")
    };
    if let Some(closed) = &look.closed {
        problems.push(format!(
            "the application is closed since {} by {}: workers wait until that is done, gone on \
             with, or taken back with `kcl leases reset --undo`",
            closed.since, closed.by
        ));
    }
    problems.extend(look.unreadable.iter().map(|row| {
        format!("{row}: its shard is not read until that row is mended in the store, or deleted")
    }));
    problems.extend(look.marks_unknown.iter().map(|why| {
        format!(
            "the placement rules make no sense ({why}): who is drained and what is paused is not \
             known; `kcl placement apply FILE` replaces them"
        )
    }));
    if live == 0 {
        problems.push("no worker lives: nothing is read".to_owned());
    } else if !look.workers.iter().any(plans) {
        problems.push("nobody plans: leases of workers that go are not given to others".to_owned());
    }
    let is_free = |row: &&LeaseRow| {
        row.owner.is_none() && !row.paused && !row.checkpoint.starts_with("SHARD_END")
    };
    let free: Vec<&str> =
        look.leases.iter().filter(is_free).map(|row| row.shard.as_str()).collect();
    if live > 0 && !free.is_empty() {
        let some = free.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = if free.len() > 5 { ", …" } else { "" };
        problems.push(format!(
            "{} shards have no owner: they wait for their parents, or for a worker: {some}{more}",
            free.len()
        ));
    }
    problems
}

/// An age as text; `?` if it is unknown.
fn age(millis: Option<u64>) -> String {
    millis.map_or_else(|| "?".to_owned(), |millis| format!("{} ago", span(millis)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::look::Closed;

    const CREATED: &str = "2026-01-31T09:00:00.000Z";

    fn stream(stream: &str, created: &str) -> StreamRow {
        StreamRow { stream: stream.to_owned(), created: created.to_owned() }
    }

    fn look() -> Look {
        let worker = |name: &str, role, leases, age| WorkerRow {
            worker: name.to_owned(),
            session: format!("{name}#1"),
            state: "LIVE",
            role,
            drained: false,
            zone: None,
            leases,
            beat: 9,
            beat_age_ms: Some(age),
            session_timeout_ms: 6_000,
        };
        let lease = |shard: &str, owner: Option<&str>| LeaseRow {
            stream: "orders".to_owned(),
            stream_created: CREATED.to_owned(),
            shard: shard.to_owned(),
            owner: owner.map(str::to_owned),
            owner_beat_age_ms: owner.map(|_| 200),
            epoch: 1_769_850_000_007,
            paused: false,
            checkpoint: "TRIM_HORIZON".to_owned(),
            lag_ms: Some(1_250),
            bytes_per_second: 0,
            parents: Vec::new(),
            children: Vec::new(),
        };
        Look {
            at: CREATED.to_owned(),
            application: "indexer".to_owned(),
            store: "dynamodb://indexer".to_owned(),
            closed: None,
            streams: vec![stream("orders", CREATED)],
            workers: vec![worker("w1", Some("planner"), 1, 200), worker("w22", None, 0, 9_000)],
            leases: vec![lease("shardId-0", Some("w1")), lease("shardId-1", None)],
            unreadable: Vec::new(),
            marks_unknown: None,
        }
    }

    #[test]
    fn tables_line_up_and_problems_come_last() {
        let drawn = draw(&look());
        let expected = "\
application indexer in dynamodb://indexer
stream orders, created 2026-01-31T09:00:00.000Z

WORKER  STATE   ROLE     LEASES  LAST BEAT
w1      LIVE    planner  1       200 ms ago
w22     SILENT  -        0       9.0 s ago

SHARD      OWNER  BEAT        EPOCH          LAG    CHECKPOINT
shardId-0  w1     200 ms ago  1769850000007  1.2 s  TRIM_HORIZON
shardId-1  -      -           1769850000007  1.2 s  TRIM_HORIZON

! 1 shards have no owner: they wait for their parents, or for a worker: shardId-1
";
        assert_eq!(drawn, expected);
    }

    #[test]
    fn zones_are_a_column_once_a_worker_names_one() {
        let mut zoned = look();
        zoned.workers[0].zone = Some("eu-west-1a".to_owned());
        let drawn = draw(&zoned);
        for line in [
            "WORKER  STATE   ROLE     LEASES  LAST BEAT   ZONE\n",
            "w1      LIVE    planner  1       200 ms ago  eu-west-1a\n",
            "w22     SILENT  -        0       9.0 s ago   -\n",
        ] {
            assert!(drawn.contains(line), "{drawn}");
        }
    }

    #[test]
    fn what_the_operator_has_said_stands_where_it_counts() {
        let mut marked = look();
        (marked.workers[0].drained, marked.leases[1].paused) = (true, true);
        let drawn = draw(&marked);
        assert!(drawn.contains("\nw1      DRAINED  planner"), "{drawn}");
        assert!(drawn.contains("\nshardId-1  (paused)"), "{drawn}");
        assert!(!drawn.contains("have no owner"), "that is no problem: {drawn}");
    }

    #[test]
    fn that_it_is_closed_and_by_whom_comes_first() {
        let (by, since) = ("kcl leases reset on h".to_owned(), "2026-01-31T09:00:00.000Z".into());
        let closed = Look { closed: Some(Closed { by, since }), ..look() };
        let drawn = draw(&closed);
        assert!(drawn.contains("! the application is closed since 2026-01-31"), "{drawn}");
    }

    #[test]
    fn a_row_that_makes_no_sense_is_a_problem_and_hides_no_other() {
        let row = "the lease \"orders/1/shardId-2\": field \"epoch\" is missing".to_owned();
        let drawn = draw(&Look { unreadable: vec![row], ..look() });
        assert!(drawn.contains("! the lease \"orders/1/shardId-2\": field \"epoch\""), "{drawn}");
        assert!(drawn.contains("\nshardId-1  -"), "{drawn}");
    }

    #[test]
    fn leases_of_several_streams_say_which() {
        let mut two = look();
        two.streams.push(stream("payments", CREATED));
        two.leases[1].stream = "payments".to_owned();
        let drawn = draw(&two);
        assert!(drawn.contains("STREAM    SHARD      OWNER"), "{drawn}");
        assert!(drawn.contains("\npayments  shardId-1  -"), "{drawn}");
        let mut again = look();
        again.streams.push(stream("orders", "2026-02-01T00:00:00.000Z"));
        again.leases[1].stream_created = "2026-02-01T00:00:00.000Z".to_owned();
        let drawn = draw(&again);
        assert!(drawn.contains("\norders (2026-02-01T00:00:00.000Z)  shardId-1"), "{drawn}");
        let nothing = Look { streams: Vec::new(), leases: Vec::new(), ..look() };
        assert!(draw(&nothing).contains("\nno stream yet\n"));
    }

    #[test]
    fn a_fleet_without_workers_is_a_problem() {
        let nobody = Look { workers: Vec::new(), ..look() };
        assert!(draw(&nobody).contains("! no worker lives"));
    }

    #[test]
    fn a_row_that_says_live_is_no_proof_of_life() {
        let mut silent = look();
        silent.workers[0].beat_age_ms = Some(60_000);
        assert!(draw(&silent).contains("! no worker lives"), "both are silent");
        silent.workers[1].beat_age_ms = Some(200);
        assert!(draw(&silent).contains("! nobody plans"), "the planner is silent");
        let mut unknown = look();
        unknown.workers.iter_mut().for_each(|worker| worker.beat_age_ms = None);
        let drawn = draw(&unknown);
        let said = drawn.contains("no worker lives") || drawn.contains("nobody plans");
        assert!(!said, "nobody looked twice: {drawn}");
    }
}
