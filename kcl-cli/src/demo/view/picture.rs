//! Makes a frame of the moving picture from a scene. Pure.

use super::{
    line::{Ink, Line},
    plain::seconds,
    scene::{Act, Scene, State, WorkerRow},
    timeline,
};

/// The parts of the script, in order. The names are those of `Act::name`.
const ACTS: [&str; 6] = ["start", "split", "join", "crash", "leave", "end"];

/// Bars of one to eight eighths of a line's height.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The frame of a moment, `width` columns wide.
pub(super) fn picture(scene: &Scene, width: usize) -> Vec<Line> {
    let mut lines = vec![
        Line::default(),
        Line::of(Ink::Loud, " kcl demo")
            .with(Ink::Quiet, "  leases in memory, records over HTTP, all in this process")
            .right(width, Line::of(Ink::Usual, seconds(scene.now))),
        acts(scene),
        Line::default(),
        headline(scene),
        Line::default(),
    ];
    let most = scene.workers.iter().map(|row| row.leases).max().unwrap_or(1).max(10);
    lines.push(titles(width));
    lines.extend(scene.workers.iter().map(|row| worker(row, most, width)));
    lines.push(Line::default());
    lines.extend(totals(scene));
    lines.push(Line::default());
    lines.extend(timeline::timeline(&scene.history, scene.expected, width));
    lines
}

/// One line: each part of the script with the time that it took, or a sign that it is to come.
fn acts(scene: &Scene) -> Line {
    let mut line = Line::of(Ink::Usual, " ");
    for (number, name) in ACTS.iter().enumerate() {
        let (ink, text) = match scene.acts.get(number) {
            None => (Ink::Quiet, format!("· {name}")),
            Some(Act { took: Some(_), name: "end", .. }) => (Ink::Good, "✓ end".to_owned()),
            Some(Act { took: Some(took), .. }) => {
                (Ink::Good, format!("✓ {name} {}", seconds(*took).replace(' ', "")))
            }
            Some(Act { took: None, .. }) => (Ink::Busy, format!("▸ {name}")),
        };
        line = line.with(ink, text).with(Ink::Usual, "  ");
    }
    line
}

/// The current part of the script, and how soon the fleet was in balance.
fn headline(scene: &Scene) -> Line {
    let Some(act) = scene.act() else { return Line::default() };
    let line = Line::of(Ink::Loud, format!(" {}", act.headline));
    match act.took {
        Some(took) if act.name != "end" => {
            line.with(Ink::Good, format!("   balanced after {}", seconds(took)))
        }
        Some(_) => line.with(Ink::Good, "   done"),
        None => line.with(Ink::Busy, "   …"),
    }
}

/// How many columns of a worker's line are not its bar.
const BESIDE: usize = 46;

fn titles(width: usize) -> Line {
    let bar = width.saturating_sub(BESIDE);
    let text =
        format!(" {:<10}{:<bar$} {:>6} {:>10} {:>9}", "worker", "leases", "", "records/s", "lag");
    Line::of(Ink::Quiet, text)
}

fn worker(row: &WorkerRow, most: usize, width: usize) -> Line {
    let room = width.saturating_sub(BESIDE);
    let ink = if row.state == State::Works { Ink::Worker(row.worker.0) } else { Ink::Quiet };
    let line = bar(Line::of(ink, format!(" {:<10}", row.worker.to_string())), row, most, room, ink);
    let leases = if row.leases == 0 && row.state != State::Works {
        String::new()
    } else {
        row.leases.to_string()
    };
    let line = line.with(Ink::Loud, format!(" {leases:>6}"));
    match row.state {
        State::Works => {
            let lag = format!("{} ms", row.lag);
            let line = line.with(Ink::Usual, format!(" {:>10} {lag:>9}", row.rate));
            if row.plans { line.with(Ink::Quiet, " plans") } else { line }
        }
        State::Left => line.with(Ink::Quiet, format!(" {:>20}", "left")),
        State::Crashed => line.with(Ink::Bad, format!(" {:>20}", "crashed")),
    }
}

/// A worker's bar: a block for each lease, then dots up to the number that the fullest worker
/// holds.
fn bar(line: Line, row: &WorkerRow, most: usize, room: usize, ink: Ink) -> Line {
    let block = (room / most).saturating_sub(1).max(1);
    let gap = usize::from(room / most > 1);
    let leases = row.leases.min(most);
    let blocks =
        |sign: &str, count| format!("{}{}", sign.repeat(block), " ".repeat(gap)).repeat(count);
    let used = most * (block + gap);
    let free = if row.state == State::Works { "·" } else { " " };
    line.with(ink, blocks("█", leases))
        .with(Ink::Quiet, blocks(free, most - leases))
        .with(Ink::Usual, " ".repeat(room.saturating_sub(used)))
}

fn totals(scene: &Scene) -> Vec<Line> {
    let records = Line::of(Ink::Usual, format!(" {} records processed", scene.processed))
        .with(Ink::Quiet, format!(" of {} produced", scene.produced))
        .with(Ink::Usual, format!(" · {} duplicates · {} moves", scene.duplicates, scene.moves));
    let most = scene.rates.iter().max().copied().unwrap_or(0).max(1);
    let spark = |rate: &usize| HEIGHTS[(rate * (HEIGHTS.len() - 1)).div_ceil(most)];
    let sparks: String = scene.rates.iter().map(spark).collect();
    let speed = Line::of(Ink::Usual, format!(" {} records/s ", scene.rate))
        .with(Ink::Good, sparks)
        .with(Ink::Usual, format!("  lag p99 {} ms", scene.lag));
    vec![records, speed]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::demo::facts::{Cue, Event, History, WorkerNo};

    fn row(number: u16, leases: usize, state: State) -> WorkerRow {
        let worker = WorkerNo(number);
        WorkerRow { worker, state, leases, rate: 1_234, lag: 98_765, plans: number == 1 }
    }

    fn scene(leases: &[usize]) -> Scene {
        let act = |name: &&'static str| Act {
            name,
            headline: "worker-2, the planner of the fleet, crashes".into(),
            took: Some(if *name == "crash" { 12_345 } else { 9_876 }),
        };
        let states = [State::Works, State::Crashed, State::Left];
        let rows = (1..).zip(leases).zip(states.into_iter().cycle());
        let workers = (1..=5).map(WorkerNo).collect();
        let start = Event { cue: Cue::Start(workers, Vec::new()), at: 1 };
        Scene {
            now: 45_678,
            expected: 40_000,
            acts: ACTS.iter().map(act).collect(),
            workers: rows.map(|((number, leases), state)| row(number, *leases, state)).collect(),
            produced: 22_222,
            processed: 22_222,
            duplicates: 333,
            moves: 44,
            rate: 1_234,
            lag: 98_765,
            rates: vec![0, 1, 500, 1_000],
            history: History { events: vec![start], over: 45_678, ..History::default() },
        }
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_a_terminal_of_eighty_columns_or_more(
            width in 79_usize..160, leases in prop::collection::vec(0..30_usize, 0..6),
        ) {
            for line in picture(&scene(&leases), width) {
                prop_assert!(line.width() <= width, "{:?}", line.plain());
            }
        }

        #[test]
        fn no_terminal_is_too_small(width in 0_usize..79) {
            for line in picture(&scene(&[9, 3, 0]), width) {
                prop_assert!(line.coloured(width).len() < 10_000);
            }
        }
    }

    #[test]
    fn a_worker_shows_a_block_for_each_lease() {
        let lines = picture(&scene(&[7]), 79);
        let line = lines.iter().map(Line::plain).find(|line| line.starts_with(" worker-1"));
        let line = line.unwrap();
        assert_eq!(line.matches("██ ").count(), 7, "{line}");
        assert_eq!(line.matches("·· ").count(), 3, "{line}");
        assert!(line.ends_with("98765 ms plans"), "{line}");
    }
}
