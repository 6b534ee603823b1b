//! A run, as data.

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

/// A run, as data: the same script gives the same run. As text (`Display`, `FromStr`) it is one
/// thing a line, with `#` before comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Fixes every draw of the run: latencies, losses, incarnations.
    pub seed: u64,
    /// Workers that start at time zero.
    pub workers: usize,
    /// Shards the stream starts with.
    pub shards: usize,
    /// The workers' settings.
    pub settings: Coordination,
    /// The settings that a rolling deploy brings.
    pub next: Coordination,
    /// The network to the store.
    pub network: Network,
    /// Records a second put to each open shard, in hundredths.
    pub rate: u64,
    /// How many times as much every third shard takes, in addition to that; 0: none takes more.
    pub skew: u64,
    /// Whether processors checkpoint; if not, they never do.
    pub checkpoints: bool,
    /// How often a reader at the tip looks for more.
    pub poll: Duration,
    /// How much a worker's clock runs fast or slow at most, in parts per million.
    pub drift: u64,
    /// Whether the store pushes wake-ups.
    pub pushes: bool,
    /// Zones that the workers run in, one after the other; 0: none names its zone.
    pub zones: usize,
    /// What happens, and when.
    pub steps: Vec<Step>,
    /// How long the run goes on after the last step, at least.
    pub settle: Duration,
    /// How the run ends.
    pub ending: Ending,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// After the last step nothing fails any more, and the fleet has to settle in the time that
    /// the protocol promises.
    #[default]
    Calm,
    /// In the midst of whatever happens: only what must never happen is checked.
    Abrupt,
}

impl Script {
    /// Whether workers of a second stream take part.
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

/// Something that happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, from the start of the run.
    pub at: Duration,
    /// What.
    pub action: Action,
}

impl Step {
    /// `action` at `millis` milliseconds.
    #[must_use]
    pub const fn new(millis: u64, action: Action) -> Self {
        Self { at: Duration::from_millis(millis), action }
    }
}

impl Script {
    /// Workers that a script may start with, at most.
    pub const WORKERS_MAX: usize = 24;
    /// Shards that a script may start with, at most.
    pub const SHARDS_MAX: usize = 1_000;
    /// How uneven shards may be, at most.
    pub const SKEW_MAX: u64 = 100;

    /// A fleet that starts and is left alone.
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

    /// The same script with these steps.
    #[must_use]
    pub fn with(mut self, steps: Vec<Step>) -> Self {
        self.steps = steps;
        self
    }

    /// The zone of the worker with this index.
    pub(crate) fn zone_of(&self, number: usize) -> Option<Zone> {
        let zone = number.checked_rem(self.zones)?;
        format!("zone-{zone}").parse().ok()
    }

    /// When the last step is over.
    pub(crate) fn faults_end(&self) -> Duration {
        let ends = self.steps.iter().map(|step| step.at.saturating_add(step.action.lasts()));
        ends.max().unwrap_or_default()
    }
}
