//! What is known of an instrument.

use super::Id;

/// Something that is told in figures.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Instrument {
    /// Which one.
    pub id: Id,
    /// Its name, as Prometheus has it.
    pub name: &'static str,
    /// What kind of figure it is.
    pub kind: Kind,
    /// In what it is measured.
    pub unit: Unit,
    /// What its series are told apart by.
    pub labels: &'static [Label],
    /// What it says, in a sentence.
    pub help: &'static str,
    /// What the Java KCL calls the same or the nearest, if it tells it.
    pub kcl: Option<&'static str>,
    /// When it changes.
    pub changes: &'static str,
}

/// What kind of figure an instrument is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// It only grows, from zero on when the worker starts.
    Counter,
    /// It goes up and down; absent while it is not known.
    Gauge,
    /// How many were at most as large as each of these bounds, their sum and their count.
    Histogram(&'static [f64]),
}

/// In what an instrument is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// So many.
    Count,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// 1: yes; 0: no.
    Flag,
}

/// What series are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// The application.
    Application,
    /// The plain name of the stream.
    Stream,
    /// The shard.
    Shard,
    /// The operation, as the trait of stores or sources names it.
    Operation,
    /// How it ended.
    Outcome,
    /// Why.
    Reason,
    /// Which service: `store` or `stream`.
    Service,
    /// Which kind.
    Kind,
    /// Which of a processor's steps: `start`, `end` or `stop`.
    Step,
    /// The version of this library.
    Version,
}

/// What a series is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Worker,
    Stream,
    Shard,
}

impl Instrument {
    pub(crate) fn scope(&self) -> Scope {
        if self.labels.contains(&Label::Shard) {
            Scope::Shard
        } else if self.labels.contains(&Label::Stream) {
            Scope::Stream
        } else {
            Scope::Worker
        }
    }

    /// The labels beside those of its scope.
    pub(crate) fn further_labels(&self) -> impl Iterator<Item = Label> {
        let scope = [Label::Application, Label::Stream, Label::Shard];
        self.labels.iter().copied().filter(move |label| !scope.contains(label))
    }

    /// Whether what is counted is told as it is.
    pub(crate) fn is_whole(&self) -> bool {
        self.unit != Unit::Seconds
    }

    /// What a figure that was counted is in its unit: times are counted in microseconds.
    pub(crate) fn scaled(&self, count: u64) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "exact up to 2^53, as all in Prometheus")]
        let count = count as f64;
        if self.unit == Unit::Seconds { count / 1e6 } else { count }
    }
}

impl Kind {
    /// As Prometheus names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram(_) => "histogram",
        }
    }
}

impl Unit {
    /// In a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "count",
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Flag => "0 or 1",
        }
    }
}

impl Label {
    /// As Prometheus has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Stream => "stream",
            Self::Shard => "shard",
            Self::Operation => "operation",
            Self::Outcome => "outcome",
            Self::Reason => "reason",
            Self::Service => "service",
            Self::Kind => "kind",
            Self::Step => "step",
            Self::Version => "version",
        }
    }
}
