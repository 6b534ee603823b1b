//! Tests of the screen's text, and of its keys.

use std::time::Duration;

use super::{
    draw::draw,
    keys::{Key, keys},
    line::{Line, Tone},
    pin::Pin,
    state::{Effect, Mode, View},
};
use crate::{
    look::{LeaseRow, Look, StreamRow, WorkerRow},
    timeline::ink::Ink,
};

const CREATED: &str = "2026-01-31T09:00:00.000Z";

fn worker(name: &str, leases: usize) -> WorkerRow {
    WorkerRow {
        worker: name.to_owned(),
        session: format!("{name}#1"),
        state: "LIVE",
        role: (name == "w1").then_some("planner"),
        drained: false,
        zone: None,
        leases,
        beat: 9,
        beat_age_ms: Some(200),
        session_timeout_ms: 6_000,
    }
}

fn lease(number: usize, owner: Option<&str>, lag_ms: Option<u64>) -> LeaseRow {
    LeaseRow {
        stream: "orders".to_owned(),
        stream_created: CREATED.to_owned(),
        shard: format!("shardId-{number:012}"),
        owner: owner.map(str::to_owned),
        owner_beat_age_ms: None,
        epoch: 7,
        paused: false,
        checkpoint: "TRIM_HORIZON".to_owned(),
        lag_ms,
        bytes_per_second: 0,
        parents: Vec::new(),
        children: Vec::new(),
    }
}

fn look(second: usize, owners: &[Option<&str>]) -> Look {
    let count = |name: &str| owners.iter().filter(|owner| **owner == Some(name)).count();
    let lags = [Some(1_200), None, Some(90_000), Some(0)];
    let lag = |number: usize| lags[number % lags.len()];
    Look {
        at: format!("2026-01-31T09:00:{second:02}.000Z"),
        application: "indexer".to_owned(),
        store: "memory:".to_owned(),
        closed: None,
        streams: vec![StreamRow { stream: "orders".to_owned(), created: CREATED.to_owned() }],
        workers: ["w1", "w2"].map(|name| worker(name, count(name))).into(),
        leases: owners
            .iter()
            .enumerate()
            .map(|(number, owner)| lease(number, *owner, lag(number)))
            .collect(),
        unreadable: Vec::new(),
        marks_unknown: None,
    }
}

fn view(looks: &[Look]) -> View {
    let mut view = View::new(Duration::from_secs(2));
    looks.iter().cloned().for_each(|look| view.looked(look));
    view
}

fn screen(view: &View, width: usize, height: usize) -> Vec<String> {
    draw(view, width, height).iter().map(Line::plain).collect()
}

fn press(view: &mut View, text: &str) {
    for letter in text.chars() {
        assert!(matches!(view.pressed(Key::Char(letter)), Effect::None));
    }
}

const W1: Option<&str> = Some("w1");
const W2: Option<&str> = Some("w2");

#[test]
fn workers_have_bars_and_shards_their_readers() {
    let view = view(&[look(1, &[W1, W1, W2, None])]);
    let lines = screen(&view, 100, 24);
    assert!(lines[1].contains("2 workers live, 4 leases, 1 read by nobody, lag at most 90.0 s"));
    let of = |name: &str| lines.iter().find(|line| line.starts_with(&format!(" {name} "))).unwrap();
    assert_eq!((of("w1").matches('█').count(), of("w2").matches('█').count()), (2, 1));
    assert!(of("w1").ends_with("planner") && of("w1").contains("1.2 s"), "{}", of("w1"));
    let shard = lines.iter().find(|line| line.contains("shardId-000000000003")).unwrap();
    assert!(shard.contains("nobody"), "{shard}");
    let unknown = lines.iter().find(|line| line.contains("shardId-000000000001")).unwrap();
    assert!(unknown.contains("unknown"), "not known is not zero: {unknown}");
    assert!(lines.last().unwrap().contains("q quit"));
}

/// Such as pods have.
#[test]
fn long_names_are_shown_whole_where_there_is_room() {
    let pod = "order-indexer-7d9c5bf8b5-x2x7k";
    let mut look = look(1, &[Some(pod), W1]);
    look.workers[1] = worker(pod, 1);
    let view = view(&[look]);
    let count = |width: usize| {
        let lines = screen(&view, width, 24);
        assert!(lines.iter().any(|line| line.contains("shardId-000000000000  ")), "{lines:#?}");
        lines.iter().filter(|line| line.contains(pod)).count()
    };
    assert_eq!((count(120), count(80), count(60)), (2, 2, 0));
    let narrow = screen(&view, 40, 24);
    assert!(narrow.iter().any(|line| line.starts_with(" order-indexer-…")), "{narrow:#?}");
}

#[test]
fn moves_are_told_as_they_happen_newest_first() {
    let view = view(&[
        look(1, &[W1, W1, W2, None]),
        look(3, &[W1, W2, W2, W1]),
        look(5, &[W1, None, W2, W1]),
    ]);
    let lines = screen(&view, 100, 30);
    let moves = lines.iter().position(|line| line == " MOVES").unwrap();
    assert_eq!(lines[moves + 1], " 09:00:05  shardId-000000000001  w2 → nobody");
    assert_eq!(lines[moves + 2], " 09:00:03  shardId-000000000003  nobody → w1");
    assert_eq!(lines[moves + 3], " 09:00:03  shardId-000000000001  w1 → w2");
    assert!(lines[1].contains("2 moves seen"), "{}", lines[1]);
}

#[test]
fn keys_sort_filter_and_choose() {
    let mut view = view(&[look(1, &[W1, W1, W2, W2])]);
    let first = |view: &View| view.shown()[0].shard.clone();
    assert_eq!(first(&view), "shardId-000000000000");
    press(&mut view, "s");
    assert_eq!(view.shown()[0].owner.as_deref(), W1);
    press(&mut view, "s");
    let lags: Vec<Option<u64>> = view.shown().iter().map(|row| row.lag_ms).collect();
    assert_eq!(lags, [None, Some(90_000), Some(1_200), Some(0)], "what is not known comes first");
    press(&mut view, "s/W2");
    assert_eq!(view.shown().len(), 2, "while it is typed");
    let _ = view.pressed(Key::Back);
    let _ = view.pressed(Key::Enter);
    press(&mut view, "j");
    assert_eq!(view.chosen.as_deref(), Some("shardId-000000000000"));
    let _ = view.pressed(Key::Escape);
    let _ = view.pressed(Key::Down);
    let _ = view.pressed(Key::Down);
    let _ = view.pressed(Key::Up);
    assert_eq!(view.chosen.as_deref(), Some("shardId-000000000001"));
    let lines = screen(&view, 100, 24);
    assert!(lines.iter().any(|line| line.starts_with("> shardId-000000000001")), "{lines:#?}");
}

#[test]
fn the_chosen_shard_is_in_sight_however_small_the_terminal() {
    let owners = vec![W1; 60];
    let mut view = view(&[look(1, &owners)]);
    for _ in 0..50 {
        let _ = view.pressed(Key::Down);
    }
    for (width, height) in [(100, 24), (40, 12), (20, 10), (3, 2), (1, 1)] {
        let lines = screen(&view, width, height);
        assert!(lines.len() <= height, "{width} × {height}: {}", lines.len());
        if height >= 12 {
            assert!(lines.iter().any(|line| line.starts_with("> ")), "{width} × {height}");
        }
    }
}

#[test]
fn a_pin_asks_for_its_worker_then_what_it_moves_is_found_out() {
    let mut view = view(&[look(1, &[W1, W2])]);
    press(&mut view, "p");
    assert!(view.notice.as_deref().is_some_and(|it| it.contains("choose a shard")));
    press(&mut view, "jp");
    assert!(screen(&view, 100, 24).iter().any(|line| line.contains("prefer which worker? w1_")));
    let _ = view.pressed(Key::Back);
    press(&mut view, "2");
    let Effect::Preview(pin) = view.pressed(Key::Enter) else { panic!("{:?}", view.mode) };
    let expected =
        Pin { shard: "shardId-000000000000".parse().unwrap(), worker: "w2".parse().unwrap() };
    assert_eq!(pin, expected);
    view.previewed(Err(anyhow::anyhow!("the store is away")));
    assert!(view.notice.as_deref() == Some("the store is away"));
    press(&mut view, "p");
    let _ = view.pressed(Key::Back);
    let _ = view.pressed(Key::Back);
    assert!(matches!(view.pressed(Key::Enter), Effect::None), "a worker without a name");
    assert!(matches!(view.mode, Mode::Watch) && view.notice.is_some());
}

#[test]
fn q_and_ctrl_c_quit_and_a_filter_takes_a_q() {
    let mut view = view(&[look(1, &[W1])]);
    press(&mut view, "/q");
    assert_eq!(view.filter, "q");
    assert!(matches!(view.pressed(Key::Interrupt), Effect::Quit));
    let _ = view.pressed(Key::Escape);
    assert!(matches!(view.pressed(Key::Char('q')), Effect::Quit));
}

#[test]
fn keys_are_read_from_what_a_terminal_sends() {
    let expected = [
        Key::Char('s'),
        Key::Up,
        Key::Down,
        Key::Up,
        Key::Enter,
        Key::Back,
        Key::Char('ü'),
        Key::Interrupt,
        Key::Escape,
    ];
    assert_eq!(keys("s\x1b[A\x1b[B\x1bOA\r\x7fü\x01\x03\x1b".as_bytes()), expected);
}

#[test]
fn a_line_is_no_wider_than_the_terminal_and_what_a_store_says_moves_no_cursor() {
    let line = Line::of(Tone::Usual, "ab\x1b[2J").with(Tone::Worker(1), "cdef");
    assert_eq!(line.shown(8, Ink::plain()), "ab?[2Jcd");
    assert_eq!(line.shown(1, Ink::plain()), "a");
    assert!(line.shown(8, Ink::coloured()).contains("cd\x1b[0m"));
}

#[test]
fn a_look_that_fails_is_told_and_what_was_seen_stays() {
    let mut view = view(&[look(1, &[W1])]);
    view.failed("the store is away");
    let lines = screen(&view, 100, 24);
    assert!(lines[2].contains("looking fails: the store is away"), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("shardId-000000000000")));
    view.looked(look(3, &[W1]));
    assert!(!screen(&view, 100, 24)[2].contains("fails"));
}
