//! The kinds, the units and the labels of instruments.

/// The kind of an instrument.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number that only grows. It begins at zero when the worker starts; a counter of a shard,
    /// when the worker gets the lease.
    Counter,
    /// A number that goes up and down. The series is absent while the value is unknown.
    Gauge,
    /// Counts of samples in ranges, and the sum of the samples. These are the upper bounds of the
    /// ranges, in ascending order; a further range has no bound.
    Histogram(&'static [f64]),
}

/// The unit of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A number of things.
    Count,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// 1 for yes, 0 for no.
    Flag,
}

/// A label, which distinguishes the series of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// The application's name.
    Application,
    /// The stream's name, without account and region.
    Stream,
    /// The shard id.
    Shard,
    /// The method of the trait for stores or stream sources that was called.
    Operation,
    /// How a call, a batch, a beat or a checkpoint ended.
    Outcome,
    /// Why a lease was lost.
    Reason,
    /// The service that throttled: `store` or `stream`.
    Service,
    /// The kind of a rare event that needs attention.
    Kind,
    /// The step of a processor that failed: `start`, `end` or `stop`.
    Step,
    /// The version of this library.
    Version,
}

/// What a series belongs to. It lives as long as that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Worker,
    Stream,
    Shard,
}

impl Kind {
    /// The name in Prometheus.
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
    /// The unit in words, for `docs/METRICS.md`.
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
    /// The name in Prometheus, which all exporters use.
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
