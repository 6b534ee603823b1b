//! The moving picture. Pure: what is there to what is seen.

use super::{
    line::{Ink, Line},
    plain::seconds,
    scene::{Act, Scene, State, WorkerRow},
    timeline,
};

/// What the script plays, in order.
const ACTS: [&str; 6] = ["start", "split", "join", "crash", "leave", "end"];

/// Eighths of a character's height.
const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The picture of a moment, `width` columns wide.
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
    lines.extend(totals(scene, width));
    lines.push(Line::default());
    lines.extend(timeline::timeline(&scene.history, scene.expected, width));
    lines
}

/// One word for each part of the script: what it took, or that it is to come.
fn acts(scene: &Scene) -> Line {
    let mut line = Line::of(Ink::Usual, " ");
    for (number, name) in ACTS.iter().enumerate() {
        let (ink, text) = match scene.acts.get(number) {
            None => (Ink::Quiet, format!("· {name}")),
            Some(Act { took: Some(took), .. }) => {
                (Ink::Good, format!("✓ {name} {}", seconds(*took)))
            }
            Some(Act { took: None, .. }) => (Ink::Busy, format!("▸ {name}")),
        };
        line = line.with(ink, text).with(Ink::Usual, "  ");
    }
    line
}

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

/// The columns beside the bar.
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
    let filled = (row.leases * room).div_ceil(most).min(room);
    let bar = "█".repeat(filled);
    let line = Line::of(ink, format!(" {:<10}", row.worker.to_string()))
        .with(ink, bar)
        .with(Ink::Quiet, "·".repeat(room - filled));
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

fn totals(scene: &Scene, width: usize) -> Vec<Line> {
    let records = Line::of(Ink::Usual, format!(" {} records processed", scene.processed))
        .with(Ink::Quiet, format!(" of {} produced", scene.produced))
        .with(Ink::Usual, format!(" · {} duplicates · {} moves", scene.duplicates, scene.moves));
    let most = scene.rates.iter().max().copied().unwrap_or(0).max(1);
    let spark = |rate: &usize| HEIGHTS[(rate * (HEIGHTS.len() - 1)).div_ceil(most)];
    let sparks: String = scene.rates.iter().map(spark).collect();
    let speed = Line::of(Ink::Usual, format!(" {} records/s ", scene.rate))
        .with(Ink::Good, sparks)
        .with(Ink::Usual, format!("  lag p99 {} ms", scene.lag));
    let _ = width;
    vec![records, speed]
}
