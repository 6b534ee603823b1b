//! What somebody should be woken for, or look at: as Prometheus' alert rules, each with series that
//! make it fire and series that look much the same and do not.

mod fleet;
mod processing;
mod reading;
mod session;

/// One alert rule.
#[derive(Debug)]
pub(crate) struct Alert {
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    /// What has to be so.
    pub(crate) expression: &'static str,
    /// And for how long.
    pub(crate) hold: &'static str,
    /// What is wrong, in a sentence; may name labels.
    pub(crate) summary: &'static str,
    /// What to do.
    pub(crate) remedy: &'static str,
    /// Series by name and labels, and their values a minute apart, that make it fire.
    pub(crate) fires: &'static [(&'static str, &'static str)],
    /// Series that do not.
    pub(crate) is_silent: &'static [(&'static str, &'static str)],
}

/// How soon somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    /// Now: records are not read, or lost.
    Critical,
    /// Today.
    Warning,
    /// When there is time.
    Info,
}

impl Severity {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Every alert, in groups.
pub(crate) const ALERTS: &[(&str, &[Alert])] = &[
    ("kcl-reading", reading::ALERTS),
    ("kcl-processing", processing::ALERTS),
    ("kcl-session", session::ALERTS),
    ("kcl-fleet", fleet::ALERTS),
];
