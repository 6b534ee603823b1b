//! Makes the lines of the screen from the state. Pure.

use super::{
    line::{Line, Tone},
    state::{Mode, Moved, View, is_over},
};
use crate::{
    look::{LeaseRow, Look, WorkerRow},
    times::span,
};

/// How many moves the screen shows: the newest ones.
const MOVES: usize = 5;

/// How many columns of a worker's line are neither its name nor its bar.
const BESIDE: usize = 34;

/// How many columns of a shard's line are neither its name nor its owner's, with room for the first
/// digits of a checkpoint.
const BESIDE_NAMES: usize = 24;

/// How many columns a worker and a shard get at least, however narrow the terminal.
const WORKER: usize = 16;
const SHARD: usize = 24;

/// All lines of a screen of this size.
pub(super) fn draw(view: &View, width: usize, height: usize) -> Vec<Line> {
    let Some(look) = &view.look else { return vec![Line::of(Tone::Quiet, " looking …")] };
    let mut lines = head(view, look);
    let asked = asked(view);
    let moves = moves(view);
    // Of the lines that are left, workers get what they need, at most half; shards get the rest.
    let left = height.saturating_sub(lines.len() + asked.len() + moves.len() + 1);
    let workers = workers(view, look, width, left / 2);
    let shards = shards(view, width, left.saturating_sub(workers.len()));
    lines.extend(workers);
    lines.extend(shards);
    while lines.len() + moves.len() + asked.len() + 1 < height {
        lines.push(Line::default());
    }
    lines.extend(moves);
    lines.extend(asked);
    lines.push(keys(view));
    lines.truncate(height);
    lines
}

/// The first lines: the application, counts, and the failure of the last reading if it failed.
fn head(view: &View, look: &Look) -> Vec<Line> {
    let at = look.at.get(11..19).unwrap_or(&look.at);
    let title = Line::of(Tone::Loud, format!(" {}", look.application))
        .with(Tone::Quiet, format!("  in {}  {at}, every {:?}", look.store, view.every));
    let open = || look.leases.iter().filter(|row| !is_over(row));
    let live = look.workers.iter().filter(|row| row.state == "LIVE" && !row.is_silent()).count();
    let unread = open().filter(|row| row.owner.is_none() && !row.paused).count();
    let lag = open().filter_map(|row| row.lag_ms).max();
    let mut sum = Line::of(Tone::Usual, format!(" {live} workers live, {} leases", open().count()));
    sum = match unread {
        0 => sum.with(Tone::Good, ", all read"),
        some => sum.with(Tone::Bad, format!(", {some} read by nobody")),
    };
    let lag = lag.map_or_else(|| "unknown".to_owned(), span);
    sum = sum.with(Tone::Usual, format!(", lag at most {lag}, {} moves seen", view.moved));
    let mut lines = vec![title, sum];
    lines.extend(look.closed.iter().map(|closed| {
        Line::of(Tone::Bad, format!(" closed since {} by {}", closed.since, closed.by))
    }));
    let failure = view.failure.iter();
    lines.extend(failure.map(|why| Line::of(Tone::Bad, format!(" looking fails: {why}"))));
    lines.push(Line::default());
    lines
}

/// The table of workers, at most `most` lines high.
fn workers(view: &View, look: &Look, width: usize, most: usize) -> Vec<Line> {
    let there: Vec<&WorkerRow> =
        look.workers.iter().filter(|row| matches!(row.state, "LIVE" | "LEAVING")).collect();
    let largest = there.iter().map(|row| row.leases).max().unwrap_or(0).max(1);
    let names = longest(there.iter().map(|row| row.worker.as_str()));
    let name = names.clamp(WORKER, (width * 2 / 5).max(WORKER));
    let room = width.saturating_sub(BESIDE + name).max(10);
    let title = format!(
        " {:<name$}{:<room$} {:>6}  {:<9}{:<8}{}",
        "WORKER", "", "LEASES", "LAG", "BEAT", ""
    );
    let mut lines = vec![Line::of(Tone::Quiet, title)];
    let listed = most.saturating_sub(3).max(1).min(there.len());
    for row in &there[..listed] {
        lines.push(worker(view, look, row, (largest, name, room)));
    }
    if there.len() > listed {
        let more = format!(" and {} workers more", there.len() - listed);
        lines.push(Line::of(Tone::Quiet, more));
    }
    if there.is_empty() {
        lines.push(Line::of(Tone::Bad, " no worker lives: nothing is read"));
    }
    lines.push(Line::default());
    lines
}

/// The row of a worker. `largest` is the most leases of a worker, `name` the width of the column of
/// names, and `room` the width of the bar.
fn worker(
    view: &View,
    look: &Look,
    row: &WorkerRow,
    (largest, name, room): (usize, usize, usize),
) -> Line {
    let tone = Tone::Worker(view.colour(&row.worker));
    // One block for each lease, if the fullest worker's bar fits; else bars are scaled.
    let blocks = if largest <= room { row.leases } else { (row.leases * room).div_ceil(largest) };
    let mine = |lease: &&LeaseRow| lease.owner.as_deref() == Some(row.worker.as_str());
    let held = look.leases.iter().filter(|lease| !is_over(lease)).filter(mine);
    let lag = held.filter_map(|lease| lease.lag_ms).max();
    let lag = match (row.leases, lag) {
        (0, _) => "-".to_owned(),
        (_, None) => "unknown".to_owned(),
        (_, Some(lag)) => span(lag),
    };
    let beat = row.beat_age_ms.map_or_else(|| "?".to_owned(), span);
    let condition = match (row.condition(), row.role) {
        ("LIVE", role) => role.unwrap_or_default().to_owned(),
        (other, _) => other.to_lowercase(),
    };
    let bad = row.is_silent();
    Line::of(tone, format!(" {:<name$}", cut(&row.worker, name - 1)))
        .with(tone, format!("{:<room$}", "█".repeat(blocks)))
        .with(Tone::Loud, format!(" {:>6}  ", row.leases))
        .with(Tone::Usual, format!("{lag:<9}{beat:<8}"))
        .with(if bad { Tone::Bad } else { Tone::Quiet }, condition)
}

/// The table of shards, at most `most` lines high, scrolled to the chosen one.
fn shards(view: &View, width: usize, most: usize) -> Vec<Line> {
    let rows = view.shown();
    // Names are shown whole where there is room, those of shards before those of workers.
    let room = width.saturating_sub(BESIDE_NAMES);
    let names = longest(rows.iter().map(|row| row.shard.as_str()));
    let name = names.clamp(SHARD, room.saturating_sub(WORKER).max(SHARD));
    let owners = longest(rows.iter().filter_map(|row| row.owner.as_deref()));
    let owner = owners.clamp(WORKER, room.saturating_sub(name).max(WORKER));
    let listed = most.saturating_sub(1);
    let chosen = rows.iter().position(|row| view.is_chosen(row)).unwrap_or(0);
    // The list scrolls so that the chosen shard is always visible.
    let first = (chosen + 1).saturating_sub(listed);
    let filter = match view.filter.as_str() {
        "" => String::new(),
        filter => format!(", with {filter:?}"),
    };
    let title = format!(
        "  {:<name$}{:<owner$}{:<10}{}   {} of them by {}{filter}",
        "SHARD",
        "OWNER",
        "LAG",
        "CHECKPOINT",
        rows.len(),
        view.sort.name()
    );
    let mut lines = vec![Line::of(Tone::Quiet, title)];
    let listed = rows.into_iter().skip(first).take(listed);
    lines.extend(listed.map(|row| shard(view, row, (name, owner))));
    lines
}

/// How many columns these names need, with two between them and the next column.
fn longest<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(|name| name.chars().count() + 2).max().unwrap_or(0)
}

/// The row of a shard. `name` is the width of its name's column, `width` that of the screen.
fn shard(view: &View, row: &LeaseRow, (name, width): (usize, usize)) -> Line {
    let is_chosen = view.is_chosen(row);
    let mark = if is_chosen { "> " } else { "  " };
    let (tone, owner) = match (&row.owner, row.paused) {
        (Some(owner), _) => (Tone::Worker(view.colour(owner)), owner.clone()),
        (None, true) => (Tone::Quiet, "(paused)".to_owned()),
        (None, false) => (Tone::Bad, "nobody".to_owned()),
    };
    let lag = row.lag_ms.map_or_else(|| "unknown".to_owned(), span);
    let usual = if is_chosen { Tone::Loud } else { Tone::Usual };
    Line::of(usual, format!("{mark}{:<name$}", cut(&row.shard, name - 1)))
        .with(tone, format!("{:<width$}", cut(&owner, width - 1)))
        .with(usual, format!("{lag:<10}"))
        .with(Tone::Quiet, row.checkpoint.clone())
}

/// The last moves that readings showed; empty if there were none.
fn moves(view: &View) -> Vec<Line> {
    if view.moves.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::default(), Line::of(Tone::Quiet, " MOVES")];
    lines.extend(view.moves.iter().take(MOVES).map(|moved| line_of(view, moved)));
    lines
}

fn line_of(view: &View, Moved { at, shard, from, to }: &Moved) -> Line {
    let whom = |line: Line, who: &Option<String>| match who {
        Some(worker) => line.with(Tone::Worker(view.colour(worker)), worker.clone()),
        None => line.with(Tone::Quiet, "nobody"),
    };
    let at = at.get(11..19).unwrap_or(at);
    let line = Line::of(Tone::Quiet, format!(" {at}  ")).with(Tone::Usual, format!("{shard}  "));
    whom(whom(line, from).with(Tone::Quiet, " → "), to)
}

/// The lines of an input or a question, and the result of the last one.
fn asked(view: &View) -> Vec<Line> {
    let mut lines = Vec::new();
    match &view.mode {
        Mode::Watch => {}
        Mode::Filter => lines.push(Line::of(Tone::Loud, format!(" filter: {}_", view.filter))),
        Mode::Pin { shard, worker } => {
            let text = format!(" {shard} is to prefer which worker? {worker}_");
            lines.push(Line::of(Tone::Loud, text));
        }
        Mode::Wait(what) => lines.push(Line::of(Tone::Quiet, format!(" {what} …"))),
        Mode::Ask(preview) => {
            let moves = &preview.outlook.moves;
            let text = format!(" {}: {} leases would move", preview.pin, moves.len());
            lines.push(Line::of(Tone::Loud, text));
            lines.extend(moves.iter().take(MOVES).map(|it| {
                let from = it.from.as_deref().unwrap_or("nobody");
                Line::of(Tone::Usual, format!("   {} {from} → {}", it.shard, it.to))
            }));
            lines.push(Line::of(Tone::Loud, " change the placement rules? [y/n]"));
        }
    }
    lines.extend(view.notice.iter().map(|notice| Line::of(Tone::Loud, format!(" {notice}"))));
    lines
}

/// The last line: the keys that have a meaning now.
fn keys(view: &View) -> Line {
    let text = match view.mode {
        Mode::Watch => " q quit  s sort  / filter  ↑↓ choose  p pin  esc clear",
        Mode::Filter => " enter done  esc clear",
        Mode::Pin { .. } => " enter what would move  esc leave it",
        Mode::Wait(_) => " ctrl-c quit",
        Mode::Ask(_) => " y yes  n no",
    };
    Line::of(Tone::Quiet, text)
}

/// The text, cut to `most` characters with `…` at its end.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}
