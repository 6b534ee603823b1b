//! Draws how many leases each worker held over time. Pure.

use std::collections::BTreeSet;

use super::line::{Ink, Line};
use crate::demo::{
    facts::{Event, History, Millis, WorkerNo},
    holdings::Holdings,
};

/// Bars of zero to eight eighths of a character's height.
const HEIGHTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The least number of leases that the height of a row stands for. Without it the scale would
/// change during the run.
const USUAL_MOST: usize = 10;

/// The columns left of the picture and right of it.
const LEFT: usize = 11;
const RIGHT: usize = 1;

/// Draws a row for each worker, whose bars are as high as the number of its leases, and the events
/// above. The axis covers `expected`, or the whole run if that is longer.
pub(super) fn timeline(history: &History, expected: Millis, width: usize) -> Vec<Line> {
    let columns = width.saturating_sub(LEFT + RIGHT).max(10);
    let span = history.over.max(expected).max(1);
    let workers: BTreeSet<WorkerNo> =
        history.events.iter().flat_map(|event| event.cue.workers().iter().copied()).collect();
    let column = |at: Millis| scale(at, span, columns).min(columns - 1);
    let counts = counts(history, &workers, span, columns);
    let most = counts.iter().flatten().flatten().max().copied().unwrap_or(0).max(USUAL_MOST);
    let mut lines = markers(&history.events, column, columns);
    for (worker, row) in workers.iter().zip(&counts) {
        let name = Line::of(Ink::Worker(worker.0), format!(" {:<10}", worker.to_string()));
        let bars = row.chunk_by(|a, b| a == b).fold(name, |line, same| {
            let count = same.first().copied().flatten();
            stretch(line, Ink::Worker(worker.0), count, same.len(), most)
        });
        lines.push(bars);
    }
    lines.push(axis(span, columns));
    lines
}

/// Appends columns with the same count: the number if it fits, and bars.
fn stretch(line: Line, ink: Ink, count: Option<usize>, length: usize, most: usize) -> Line {
    let Some(count) = count else { return line };
    let number = if count == 0 { String::new() } else { count.to_string() };
    let room = length.saturating_sub(number.len());
    if room < 2 {
        return line.with(ink, bar(count, most).to_string().repeat(length));
    }
    line.with(Ink::Loud, number).with(ink, bar(count, most).to_string().repeat(room))
}

fn bar(count: usize, most: usize) -> char {
    let eighths = (count * 8).div_ceil(most);
    HEIGHTS.get(eighths).copied().unwrap_or('█')
}

/// The number of leases of each worker at the end of each column; `None` for columns after the
/// present.
fn counts(
    history: &History,
    workers: &BTreeSet<WorkerNo>,
    span: Millis,
    columns: usize,
) -> Vec<Vec<Option<usize>>> {
    let mut rows: Vec<Vec<Option<usize>>> = vec![Vec::with_capacity(columns); workers.len()];
    let mut holdings = Holdings::default();
    let mut events = history.events.iter().peekable();
    let mut turns = history.turns.iter().peekable();
    let columns_long = Millis::try_from(columns).unwrap_or(1);
    for column in 1..=columns_long {
        let until = span * column / columns_long;
        let begun = span * (column - 1) / columns_long;
        while let Some(event) = events.next_if(|event| event.at <= until) {
            while let Some(turn) = turns.next_if(|turn| turn.at < event.at) {
                holdings.turn(turn);
            }
            holdings.cue(&event.cue);
        }
        while let Some(turn) = turns.next_if(|turn| turn.at <= until) {
            holdings.turn(turn);
        }
        for (row, worker) in rows.iter_mut().zip(workers) {
            row.push((begun <= history.over).then(|| holdings.count(*worker)));
        }
    }
    rows
}

/// The lines with the names of the events, each above its column.
fn markers(events: &[Event], column: impl Fn(Millis) -> usize, columns: usize) -> Vec<Line> {
    let mut names = String::new();
    let mut arrows = vec![' '; columns];
    for event in events {
        let at = column(event.at);
        if let Some(arrow) = arrows.get_mut(at) {
            *arrow = '▾';
        }
        let used = names.chars().count();
        if used <= at {
            names.push_str(&" ".repeat(at - used));
            names.push_str(event.cue.name());
            names.push(' ');
        }
    }
    let margin = " ".repeat(LEFT);
    vec![
        Line::of(Ink::Quiet, format!("{margin}{names}")),
        Line::of(Ink::Quiet, format!("{margin}{}", arrows.iter().collect::<String>())),
    ]
}

/// The axis, with a mark every five or ten seconds.
fn axis(span: Millis, columns: usize) -> Line {
    let step = if span > 60_000 { 20 } else { 10 };
    let mut text = String::new();
    for second in (0..=span / 1_000).step_by(step) {
        let at = scale(second * 1_000, span, columns);
        let used = text.chars().count();
        let label = format!("{second} s");
        if at + label.len() <= columns {
            text.push_str(&" ".repeat(at.saturating_sub(used)));
            text.push_str(&label);
        }
    }
    Line::of(Ink::Quiet, format!("{}{text}", " ".repeat(LEFT)))
}

/// The column of a time.
fn scale(at: Millis, span: Millis, columns: usize) -> usize {
    let columns = Millis::try_from(columns).unwrap_or(0);
    usize::try_from(at * columns / span.max(1)).unwrap_or(0)
}
