//! What kinds of figures there are, in what they are measured, and what tells series apart.

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
