//! The rows of the table: what each means, and who measures it.

use anyhow::Result;

use crate::{
    cost,
    departures::{self, Lost},
    lab::Lab,
    leases::StoreKind,
    pauses, placing,
    profile::Profile,
    resharding,
    rolling::{self, Names},
    starts,
};

/// What is measured in one go; it may fill several lines of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Start,
    Alone,
    Splits,
    Join,
    KillFollower,
    KillPlanner,
    KillHeads,
    KillZone,
    TermFollower,
    TermPlanner,
    RollSame,
    RollNew,
    Idle,
    Busy,
    Five,
    Cold,
    Pause,
    Placement,
    Memory,
}

/// A figure of one run.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// Which line of the table it belongs to.
    pub(crate) line: &'static str,
    /// What it is measured in.
    pub(crate) unit: &'static str,
    /// What it should be, median and maximum, with the default settings.
    pub(crate) target: &'static str,
    pub(crate) values: Vec<f64>,
}

impl Sample {
    pub(crate) const fn new(
        line: &'static str,
        unit: &'static str,
        target: &'static str,
        values: Vec<f64>,
    ) -> Self {
        Self { line, unit, target, values }
    }
}

impl Row {
    pub(crate) const ALL: [Self; 19] = [
        Self::Start,
        Self::Alone,
        Self::Splits,
        Self::Join,
        Self::KillFollower,
        Self::KillPlanner,
        Self::KillHeads,
        Self::KillZone,
        Self::TermFollower,
        Self::TermPlanner,
        Self::RollSame,
        Self::RollNew,
        Self::Idle,
        Self::Busy,
        Self::Five,
        Self::Cold,
        Self::Pause,
        Self::Placement,
        Self::Memory,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Alone => "alone",
            Self::Splits => "splits",
            Self::Join => "join",
            Self::KillFollower => "kill-follower",
            Self::KillPlanner => "kill-planner",
            Self::KillHeads => "kill-heads",
            Self::KillZone => "kill-zone",
            Self::TermFollower => "term-follower",
            Self::TermPlanner => "term-planner",
            Self::RollSame => "roll-same",
            Self::RollNew => "roll-new",
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Five => "five",
            Self::Cold => "cold",
            Self::Pause => "pause",
            Self::Placement => "placement",
            Self::Memory => "memory",
        }
    }

    /// How often it is measured when others are measured so often.
    pub(crate) fn runs(self, runs: usize) -> usize {
        match self {
            // Six rounds of five workers, as the rivals were measured.
            Self::Five => runs.min(6),
            // Averages over half a minute or more: they hardly differ.
            Self::Idle | Self::Busy | Self::Memory => runs.min(3),
            _ => runs,
        }
    }

    /// Whether it can be measured on this store: a bill of units is DynamoDB's alone.
    pub(crate) fn is_for(self, store: StoreKind) -> bool {
        store == StoreKind::DynamoDb || !matches!(self, Self::Idle | Self::Busy)
    }

    pub(crate) async fn measure(
        self,
        lab: &Lab,
        profile: Profile,
        run: usize,
    ) -> Result<Vec<Sample>> {
        // Names of streams and applications, new for each run.
        let name = format!("{}-{}-{run}", self.name(), profile.name());
        match self {
            Self::Start => starts::three(lab, profile, &name).await,
            Self::Alone => starts::alone(lab, profile, &name).await,
            Self::Five => starts::five(lab, profile, &name).await,
            Self::Splits => resharding::splits(lab, profile, &name).await,
            Self::Cold => resharding::cold(lab, profile, &name).await,
            Self::Join => starts::join(lab, profile, &name).await,
            Self::KillFollower => departures::kill(lab, profile, &name, false).await,
            Self::KillPlanner => departures::kill(lab, profile, &name, true).await,
            Self::KillHeads => departures::together(lab, profile, &name, Lost::BothHeads).await,
            Self::KillZone => departures::together(lab, profile, &name, Lost::Zone).await,
            Self::TermFollower => departures::term(lab, profile, &name, false).await,
            Self::TermPlanner => departures::term(lab, profile, &name, true).await,
            Self::RollSame => rolling::roll(lab, profile, &name, Names::Same).await,
            Self::RollNew => rolling::roll(lab, profile, &name, Names::New).await,
            Self::Idle => cost::idle(lab, profile, &name).await,
            Self::Busy => cost::busy(lab, profile, &name).await,
            Self::Pause => pauses::worker(lab, profile, &name).await,
            Self::Placement => placing::placement(lab, profile, &name).await,
            Self::Memory => cost::memory(lab, profile, &name).await,
        }
    }
}
