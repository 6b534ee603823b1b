//! Holds what the screen shows, and says what a key does. Pure: a key returns an [`Effect`], which
//! the loop in the module above carries out.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use super::{
    keys::Key,
    pin::{Pin, Preview},
};
use crate::look::{LeaseRow, Look};

/// How many moves the state keeps.
const MOVES_MAX: usize = 100;

/// The order of the shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Sort {
    #[default]
    Shard,
    Owner,
    /// The largest lag first; unknown lags come before all others.
    Lag,
}

impl Sort {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Shard => "shard",
            Self::Owner => "owner",
            Self::Lag => "lag",
        }
    }

    /// The order after the next press of `s`.
    const fn next(self) -> Self {
        match self {
            Self::Shard => Self::Owner,
            Self::Owner => Self::Lag,
            Self::Lag => Self::Shard,
        }
    }
}

/// What the keys mean now.
///
/// ```text
/// Watch ──/──► Filter ──enter──► Watch
///   └──p──► Pin ──enter──► Wait ──preview──► Ask ──y──► Wait ──result──► Watch
/// ```
#[derive(Debug, Default)]
pub(super) enum Mode {
    /// Keys sort, choose, and begin the other modes.
    #[default]
    Watch,
    /// The user types a filter.
    Filter,
    /// The user types the worker that the chosen shard should prefer.
    Pin { shard: String, worker: String },
    /// The loop computes the preview or writes the rule. Only Ctrl-C counts. The text says which.
    Wait(String),
    /// The user decides whether the rule is written.
    Ask(Box<Preview>),
}

/// A lease that changed hands between two readings. `None` stands for no owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// The time of the reading that saw it, as text.
    pub(super) at: String,
    pub(super) shard: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
}

/// What the loop must do after a key.
#[derive(Debug)]
pub(super) enum Effect {
    /// Nothing.
    None,
    /// End.
    Quit,
    /// Compute what this pin would move.
    Preview(Pin),
    /// Write the rule.
    Put(Box<Preview>),
}

/// The state of the screen.
#[derive(Debug)]
pub(super) struct View {
    /// The interval between two readings.
    pub(super) every: Duration,
    /// The last good reading; `None` before the first.
    pub(super) look: Option<Look>,
    /// Why the last reading failed; `None` if it did not.
    pub(super) failure: Option<String>,
    /// The result of the last pin.
    pub(super) notice: Option<String>,
    /// The last moves; the newest is first.
    pub(super) moves: VecDeque<Moved>,
    /// How many leases a worker has taken since the screen began.
    pub(super) moved: usize,
    pub(super) sort: Sort,
    /// The text that a shard or an owner must contain to be listed. It ignores case.
    pub(super) filter: String,
    pub(super) mode: Mode,
    /// The shard that the cursor is on; `None` before the first choice.
    pub(super) chosen: Option<String>,
    /// The colour number of each worker, in the order in which readings first showed them. A worker
    /// keeps its colour.
    colours: BTreeMap<String, usize>,
}

impl View {
    pub(super) const fn new(every: Duration) -> Self {
        Self {
            every,
            look: None,
            failure: None,
            notice: None,
            moves: VecDeque::new(),
            moved: 0,
            sort: Sort::Shard,
            filter: String::new(),
            mode: Mode::Watch,
            chosen: None,
            colours: BTreeMap::new(),
        }
    }

    /// Takes a reading in, and notes which leases changed hands since the last one.
    pub(super) fn looked(&mut self, look: Look) {
        if let Some(before) = &self.look {
            let former: BTreeMap<_, _> =
                before.leases.iter().map(|row| (place(row), row.owner.as_deref())).collect();
            for row in look.leases.iter().filter(|row| !is_over(row)) {
                let from = former.get(&place(row)).copied().flatten();
                if from != row.owner.as_deref() {
                    let (from, to) = (from.map(str::to_owned), row.owner.clone());
                    self.moved += usize::from(to.is_some());
                    let at = look.at.clone();
                    self.moves.push_front(Moved { at, shard: row.shard.clone(), from, to });
                }
            }
            self.moves.truncate(MOVES_MAX);
        }
        for row in &look.workers {
            let next = self.colours.len();
            self.colours.entry(row.worker.clone()).or_insert(next);
        }
        self.look = Some(look);
        self.failure = None;
    }

    /// Notes that a reading failed. The screen goes on to show the last good one.
    pub(super) fn failed(&mut self, why: &str) {
        self.failure = Some(why.to_owned());
    }

    /// The colour number of a worker.
    pub(super) fn colour(&self, worker: &str) -> usize {
        self.colours.get(worker).copied().unwrap_or(0)
    }

    /// The leases that pass the filter, in their order. Ended ones are left out.
    pub(super) fn shown(&self) -> Vec<&LeaseRow> {
        let wanted = self.filter.to_lowercase();
        let is_wanted = |row: &&LeaseRow| {
            let owner = row.owner.as_deref().unwrap_or("-");
            !is_over(row)
                && [row.shard.as_str(), owner].iter().any(|it| it.to_lowercase().contains(&wanted))
        };
        let leases = self.look.iter().flat_map(|look| &look.leases);
        let mut rows: Vec<&LeaseRow> = leases.filter(is_wanted).collect();
        match self.sort {
            Sort::Shard => rows.sort_by(|a, b| place(a).cmp(&place(b))),
            Sort::Owner => {
                rows.sort_by(|a, b| (&a.owner, place(a)).cmp(&(&b.owner, place(b))));
            }
            Sort::Lag => rows.sort_by(|a, b| {
                let lag = |row: &LeaseRow| row.lag_ms.unwrap_or(u64::MAX);
                lag(b).cmp(&lag(a)).then_with(|| place(a).cmp(&place(b)))
            }),
        }
        rows
    }

    /// Handles a key.
    pub(super) fn pressed(&mut self, key: Key) -> Effect {
        if key == Key::Interrupt {
            return Effect::Quit;
        }
        match std::mem::take(&mut self.mode) {
            Mode::Watch => return self.watching(key),
            Mode::Filter => self.typed_filter(key),
            Mode::Pin { shard, worker } => return self.typed_pin(key, shard, worker),
            Mode::Wait(what) => self.mode = Mode::Wait(what),
            Mode::Ask(preview) => match key {
                Key::Char('y' | 'Y') => {
                    self.mode = Mode::Wait("the rule is being written".to_owned());
                    return Effect::Put(preview);
                }
                Key::Char('n' | 'N' | 'q') | Key::Escape | Key::Enter => {
                    self.notice = Some("nothing was changed".to_owned());
                }
                _ => self.mode = Mode::Ask(preview),
            },
        }
        Effect::None
    }

    /// A key while nothing is typed or asked.
    fn watching(&mut self, key: Key) -> Effect {
        self.notice = None;
        match key {
            Key::Char('q') => return Effect::Quit,
            Key::Char('s') => self.sort = self.sort.next(),
            Key::Char('/') => self.mode = Mode::Filter,
            Key::Escape => self.filter.clear(),
            Key::Up | Key::Char('k') => self.choose(|at| at.saturating_sub(1)),
            Key::Down | Key::Char('j') => self.choose(|at| at + 1),
            Key::Char('p') => {
                let chosen = self.shown().into_iter().find(|row| self.is_chosen(row));
                match chosen {
                    Some(row) => {
                        let worker = row.owner.clone().unwrap_or_default();
                        self.mode = Mode::Pin { shard: row.shard.clone(), worker };
                    }
                    None => self.notice = Some("choose a shard first, with the arrows".to_owned()),
                }
            }
            _ => {}
        }
        Effect::None
    }

    /// Whether the user has chosen this row with the arrows.
    pub(super) fn is_chosen(&self, row: &LeaseRow) -> bool {
        self.chosen.as_deref() == Some(row.shard.as_str())
    }

    /// Chooses another of the rows that are shown. `next` computes its index from the present one.
    fn choose(&mut self, next: impl Fn(usize) -> usize) {
        let rows: Vec<String> = self.shown().into_iter().map(|row| row.shard.clone()).collect();
        let now = rows.iter().position(|shard| Some(shard) == self.chosen.as_ref());
        let at = now.map_or(0, next).min(rows.len().saturating_sub(1));
        self.chosen = rows.get(at).cloned();
    }

    /// A key while the filter is typed.
    fn typed_filter(&mut self, key: Key) {
        match key {
            Key::Enter => return,
            Key::Escape => return self.filter.clear(),
            Key::Char(letter) => self.filter.push(letter),
            Key::Back => drop(self.filter.pop()),
            _ => {}
        }
        self.mode = Mode::Filter;
    }

    /// A key while the worker of a pin is typed. Enter asks for a preview.
    fn typed_pin(&mut self, key: Key, shard: String, mut worker: String) -> Effect {
        match key {
            Key::Escape => return Effect::None,
            Key::Enter => match (shard.parse(), worker.parse()) {
                (Ok(shard), Ok(worker)) => {
                    self.mode = Mode::Wait("what that would move is being found out".to_owned());
                    return Effect::Preview(Pin { shard, worker });
                }
                (_, Err(error)) => {
                    self.notice = Some(format!("{error}"));
                    return Effect::None;
                }
                (Err(error), _) => {
                    self.notice = Some(format!("{error}"));
                    return Effect::None;
                }
            },
            Key::Char(letter) => worker.push(letter),
            Key::Back => drop(worker.pop()),
            _ => {}
        }
        self.mode = Mode::Pin { shard, worker };
        Effect::None
    }

    /// Takes in the preview of a pin: the screen asks whether to write the pin, or shows why there
    /// is no preview.
    pub(super) fn previewed(&mut self, preview: anyhow::Result<Box<Preview>>) {
        self.mode = match preview {
            Ok(preview) => Mode::Ask(preview),
            Err(error) => {
                self.notice = Some(format!("{error:#}"));
                Mode::Watch
            }
        };
    }

    /// Takes in the result of the write: the screen shows it and returns to [`Mode::Watch`].
    pub(super) fn pinned(&mut self, done: anyhow::Result<String>) {
        self.mode = Mode::Watch;
        self.notice = Some(match done {
            Ok(pin) => format!("it is written: {pin}"),
            Err(error) => format!("{error:#}"),
        });
    }
}

/// Whether a lease was read to its end.
pub(super) fn is_over(row: &LeaseRow) -> bool {
    row.checkpoint.starts_with("SHARD_END")
}

/// The key of a lease, by which two readings are compared.
fn place(row: &LeaseRow) -> (&str, &str, &str) {
    (&row.stream, &row.stream_created, &row.shard)
}
