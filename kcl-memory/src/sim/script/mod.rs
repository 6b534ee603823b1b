//! Scripts: the whole input of a simulated run, as data and as text.
//!
//! - `draw` draws a script from a seed.
//! - `text` writes and reads it, with `words` (the words of a line), `word` (numbers and times) and
//!   `settings` (the settings of workers); [`ScriptError`] is the error of a line.
//! - [`Step`]s name [`Action`]s, which `sim::action` defines.

mod draw;
mod error;
mod settings;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod word;
pub(crate) mod words;

use std::time::Duration;

use kcl_core::{lease::Zone, settings::Coordination};

pub use error::ScriptError;

use super::{Action, Network};

/// The whole input of a run: the same script gives the same run. As text (`Display`, `FromStr`) it
/// has one setting or step on each line; `#` begins a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Fixes every draw of the run: latencies, losses, clocks, incarnations.
    pub seed: u64,
    /// How many workers start at time zero: `1..=`[`WORKERS_MAX`](Self::WORKERS_MAX).
    pub workers: usize,
    /// How many shards the stream starts with: `1..=`[`SHARDS_MAX`](Self::SHARDS_MAX).
    pub shards: usize,
    /// The settings of the workers.
    pub settings: Coordination,
    /// The settings of workers that a rolling deployment starts.
    pub next: Coordination,
    /// The network between the workers and the store.
    pub network: Network,
    /// How many records each open shard takes in a second, in hundredths.
    pub rate: u64,
    /// How many times as much every third shard takes in addition: up to
    /// [`SKEW_MAX`](Self::SKEW_MAX); 0: all take the same.
    pub skew: u64,
    /// Whether processors checkpoint. If false, they never do.
    pub checkpoints: bool,
    /// How often a reader at the tip of its shard reads again.
    pub poll: Duration,
    /// By how many parts per million a worker's clock runs fast or slow, at most. (NTP corrects by
    /// at most 500.)
    pub drift: u64,
    /// Whether the store pushes wake-ups. If false, workers poll.
    pub pushes: bool,
    /// In how many zones the workers run, by turns; 0: no worker names a zone.
    pub zones: usize,
    /// What happens to the fleet, and when. In any order.
    pub steps: Vec<Step>,
    /// How long the run goes on after the last step: exactly this long with an abrupt end, at least
    /// this long with a calm one.
    pub settle: Duration,
    /// How the run ends.
    pub ending: Ending,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// After the last step nothing fails any more, and the fleet has to settle in the time that the
    /// protocol promises.
    #[default]
    Calm,
    /// The run ends in the midst of whatever happens: only what must hold at every step is checked.
    Abrupt,
}

impl Script {
    /// Whether any step starts workers of a second stream.
    pub(crate) fn has_two_streams(&self) -> bool {
        let other =
            |step: &Step| matches!(step.action, Action::JoinOther | Action::RestartOther(_));
        self.steps.iter().any(other)
    }
}

impl Ending {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Abrupt => "abrupt",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Calm, Self::Abrupt].into_iter().find(|ending| ending.as_str() == text)
    }
}

/// An action at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The time from the start of the run.
    pub at: Duration,
    /// What happens.
    pub action: Action,
}

impl Step {
    /// A step `millis` milliseconds after the start of the run.
    #[must_use]
    pub const fn new(millis: u64, action: Action) -> Self {
        Self { at: Duration::from_millis(millis), action }
    }
}

impl Script {
    /// The most workers that a script may start with.
    pub const WORKERS_MAX: usize = 24;
    /// The most shards that a script may start with.
    pub const SHARDS_MAX: usize = 1_000;
    /// The highest skew.
    pub const SKEW_MAX: u64 = 100;

    /// A fleet to which nothing happens: no steps, default settings, a network without faults, and
    /// a minute to settle.
    #[must_use]
    pub fn quiet(seed: u64, workers: usize, shards: usize) -> Self {
        Self {
            seed,
            workers,
            shards,
            settings: Coordination::default(),
            next: Coordination::fast(),
            network: Network::default(),
            rate: 1_000,
            skew: 0,
            checkpoints: true,
            poll: Duration::from_secs(1),
            drift: 500,
            pushes: false,
            zones: 0,
            steps: Vec::new(),
            settle: Duration::from_secs(60),
            ending: Ending::Calm,
        }
    }

    /// The same script with these steps in place of its own.
    #[must_use]
    pub fn with(mut self, steps: Vec<Step>) -> Self {
        self.steps = steps;
        self
    }

    /// The zone of the worker with this index; `None` without zones.
    pub(crate) fn zone_of(&self, number: usize) -> Option<Zone> {
        let zone = number.checked_rem(self.zones)?;
        format!("zone-{zone}").parse().ok()
    }

    /// When the effect of the last step ends.
    pub(crate) fn faults_end(&self) -> Duration {
        let ends = self.steps.iter().map(|step| step.at.saturating_add(step.action.lasts()));
        ends.max().unwrap_or_default()
    }
}
