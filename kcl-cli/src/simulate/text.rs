//! Draws the picture of a run as text: a row for each shard, a column for each step of time.
//!
//! A letter stands for a worker: in upper case if it reads the shard, in lower case if it only
//! holds the lease. The legend below the picture explains the other signs.

use std::fmt::Write;

use crate::timeline::{
    Picture, Row, State,
    ink::Ink,
    lanes::Lanes,
    scale::{Scale, seconds},
};

/// The most shards that are shown, besides those that a violation names.
const ROWS_MAX: usize = 64;
/// The most lines of faults; the rest is counted.
const LANES_MAX: usize = 8;

/// The whole picture in lines of at most `width` columns.
pub(super) fn draw(picture: &Picture, width: usize, ink: Ink) -> String {
    let names = picture.rows.iter().map(|row| label(picture, row).chars().count());
    let left = names.max().unwrap_or(0).max("shard".len()) + 3;
    let columns = width.saturating_sub(left).max(10);
    let scale = Scale::new((picture.from, picture.to), columns);
    let mut canvas = Canvas { picture, scale, left, columns, ink, out: String::new() };
    canvas.faults();
    canvas.axis();
    canvas.rows();
    canvas.legend();
    canvas.out
}

/// A text under construction.
struct Canvas<'a> {
    picture: &'a Picture,
    scale: Scale,
    /// Columns before the picture.
    left: usize,
    /// Columns of the picture.
    columns: usize,
    ink: Ink,
    out: String,
}

impl Canvas<'_> {
    /// The lanes of faults.
    fn faults(&mut self) {
        let mut lanes = Lanes::new(self.columns, LANES_MAX);
        let mut lines: Vec<Vec<char>> = Vec::new();
        let mut hidden = 0;
        for fault in self.picture.faults_by_weight() {
            let [from, to] = [fault.from, fault.to].map(|at| self.scale.place(at));
            let from = from.min(self.columns - 1);
            let Some(place) = lanes.put((from, to), fault.what.chars().count() + 1) else {
                hidden += 1;
                continue;
            };
            lines.resize(lanes.count(), vec![' '; self.columns]);
            let line = &mut lines[place.lane];
            let label = fault.what.chars().count();
            let start = if place.flipped { from - label } else { from + 1 };
            for cell in line.iter_mut().take(to).skip(from) {
                *cell = '-';
            }
            for (cell, c) in line.iter_mut().skip(start).zip(fault.what.chars()) {
                *cell = c;
            }
            line[from] = '|';
        }
        for line in lines {
            let line: String = line.into_iter().collect();
            self.line("", &self.ink.quiet(line.trim_end()));
        }
        if hidden > 0 {
            self.line("", &self.ink.quiet(&format!("and {hidden} more (--trace)")));
        }
    }

    /// The axis of time. A mark that would overlap the one before is left out.
    fn axis(&mut self) {
        let mut marks = vec![' '; self.columns];
        let mut free = 0;
        for at in self.scale.ticks(u64::try_from(self.columns / 10).unwrap_or(8)) {
            let mark = format!("|{}", seconds(at));
            let column = self.scale.place(at);
            if column >= free && column + mark.len() <= self.columns {
                free = column + mark.len() + 1;
                for (cell, c) in marks.iter_mut().skip(column).zip(mark.chars()) {
                    *cell = c;
                }
            }
        }
        let marks: String = marks.into_iter().collect();
        self.line("  shard", marks.trim_end());
    }

    /// The rows of the shards, at most [`ROWS_MAX`], and those that the violation names.
    fn rows(&mut self) {
        let is_shown = |(at, row): &(usize, &Row)| *at < ROWS_MAX || row.guilty;
        let shown: Vec<&Row> =
            self.picture.rows.iter().enumerate().filter(is_shown).map(|(_, row)| row).collect();
        let hidden = self.picture.rows.len() - shown.len();
        for row in shown {
            self.row(row);
        }
        if hidden > 0 {
            self.line("", &self.ink.quiet(&format!("and {hidden} more shards (--svg)")));
        }
    }

    /// The row of one shard. Equal neighbouring columns get their colour together.
    fn row(&mut self, row: &Row) {
        let broken = self.picture.broken.map(|at| self.scale.place(at).min(self.columns - 1));
        // The run ends at the violation: nothing is known after it.
        let end = broken.unwrap_or(self.columns);
        let states = (0..end).map(|column| row.over(self.scale.column(column)));
        let mut states: Vec<(State, usize)> = states.map(|state| (state, 1)).collect();
        states.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
        let mut text = String::new();
        for (state, times) in states {
            text.push_str(&self.stretch(state, times));
        }
        if broken.is_some() {
            let sign = if row.guilty { self.ink.alarm("!") } else { self.ink.bad("!") };
            text.push_str(&sign);
        }
        let sign = if row.guilty { '>' } else { ' ' };
        self.line(&format!("{sign} {}", label(self.picture, row)), &text);
    }

    /// Columns of one state.
    fn stretch(&self, state: State, times: usize) -> String {
        let letters = |c: char| c.to_string().repeat(times);
        match state {
            State::Absent => letters(' '),
            State::Free => self.ink.odd(&letters('.')),
            State::Held(worker) => self.ink.thin(worker, &letters(letter(worker))),
            State::Run(worker) => {
                self.ink.solid(worker, &letters(letter(worker).to_ascii_uppercase()))
            }
            State::Stray(worker) => self.ink.thin(worker, &letters('?')),
            State::Two => self.ink.two(&letters('2')),
        }
    }

    /// The legend: the workers that occur, then the signs.
    fn legend(&mut self) {
        let mut entries: Vec<(String, String)> = Vec::new();
        for (at, id) in self.picture.seen() {
            let sign = letter(at).to_ascii_uppercase().to_string();
            entries.push((format!("{sign} {id}"), format!("{} {id}", self.ink.solid(at, &sign))));
        }
        self.wrapped(entries);
        if self.picture.from > 0 {
            // A close-up stands below the whole picture, whose legend explains the signs.
            return;
        }
        let mut signs = vec!["A reads", "a holds, does not read", ". held by nobody"];
        signs.extend(["? reads, does not hold", "2 two read"]);
        if self.picture.broken.is_some() {
            signs.push("! broken");
        }
        if self.picture.rows.iter().any(|row| row.name.ends_with('\'')) {
            signs.push("0' of the stream made again");
        }
        let signs = signs.into_iter().map(|sign| (sign.to_owned(), self.ink.quiet(sign)));
        self.wrapped(signs.collect());
    }

    /// Writes texts side by side, in as many lines as they need. Each text is given without and
    /// with colours.
    fn wrapped(&mut self, texts: Vec<(String, String)>) {
        let mut line = String::new();
        let mut taken = 0;
        for (plain, coloured) in texts {
            let size = plain.chars().count() + 2;
            if taken > 0 && taken + size > self.columns + 2 {
                self.line("", &std::mem::take(&mut line));
                taken = 0;
            }
            let _ = write!(line, "{coloured}  ");
            taken += size;
        }
        self.line("", &line);
    }

    /// Appends a line: the name in the left column, then the text.
    fn line(&mut self, name: &str, text: &str) {
        let line = format!("{name:<left$}{text}", left = self.left);
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }
}

/// The name of a row, with the names of its parents.
fn label(picture: &Picture, row: &Row) -> String {
    let parents = row.parents.iter().filter_map(|at| picture.rows.get(*at));
    let parents: Vec<&str> = parents.map(|parent| parent.name.as_str()).collect();
    if parents.is_empty() {
        row.name.clone()
    } else {
        format!("{}<{}", row.name, parents.join("+"))
    }
}

/// The letter of a worker; after `z` the letters repeat.
fn letter(worker: usize) -> char {
    let place = u8::try_from(worker % 26).unwrap_or(0);
    char::from(b'a' + place)
}
