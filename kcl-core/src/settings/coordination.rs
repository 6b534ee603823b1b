//! The settings of the coordination protocol. The reference page of settings takes the first
//! paragraph of each field's comment, and a test compares the page.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::InvalidSettings;
use crate::{
    assignment::{Balance, Limits},
    env::WallTime,
    lease::Zone,
};

/// The settings of the coordination protocol. All workers of an application should have the same
/// values; a rolling change is safe.
///
/// In a file, durations are texts such as `6s`, `1500ms` or `2m`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Coordination {
    /// T: a session that does not beat for this long is ended by another worker
    /// (`failoverTimeMillis` in the Java KCL).
    #[serde(with = "humantime_serde")]
    pub session_timeout: Duration,
    /// h: the time between two beats of a worker. At most a third of the session timeout.
    #[serde(with = "humantime_serde")]
    pub heartbeat_interval: Duration,
    /// g: the margin by which an owner considers its own session ended before the other workers do.
    /// It covers the drift between two clocks over one session timeout.
    #[serde(with = "humantime_serde")]
    pub clock_guard: Duration,
    /// w: the time between two reads of all sessions by the planner or a standby. At most a third
    /// of the session timeout.
    #[serde(with = "humantime_serde")]
    pub watch_interval: Duration,
    /// The time between two reads of a row that is about to change, and the pause before a failed
    /// read is repeated.
    #[serde(with = "humantime_serde")]
    pub fast_poll: Duration,
    /// The time between two reads of the wake-ups, on a store that does not push them.
    #[serde(with = "humantime_serde")]
    pub wake_poll: Duration,
    /// The time that the planner waits for more workers after one has joined.
    #[serde(with = "humantime_serde")]
    pub join_gather: Duration,
    /// The time between two listings of the stream's shards by the planner.
    #[serde(with = "humantime_serde")]
    pub shard_sync_interval: Duration,
    /// The time between two comparisons of all leases with the plan, by the planner.
    #[serde(with = "humantime_serde")]
    pub audit_interval: Duration,
    /// The time between two writes of a lease's newest checkpoint.
    #[serde(with = "humantime_serde")]
    pub checkpoint_interval: Duration,
    /// The time that an owner has to finish its batch when its lease moves to another worker.
    #[serde(with = "humantime_serde")]
    pub handoff_timeout: Duration,
    /// The time that a leaving worker has to hand over its leases.
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
    /// The reaction when a worker starts with an id that another worker uses.
    pub same_id: SameId,
    /// The largest number of leases for this worker (`maxLeasesForWorker`).
    pub max_leases: Option<u32>,
    /// The zone in which this worker runs, such as its availability zone. The planner and its
    /// standbys are chosen from different zones if workers name theirs, so that the loss of a zone
    /// ends only one of them.
    pub zone: Option<Zone>,
    /// The limits for every single worker.
    pub limits: Limits,
    /// The rule by which leases are assigned to workers.
    pub balance: Balance,
    /// The position at which reading starts if the stream has no leases yet.
    pub initial_position: InitialPosition,
}

/// The reaction when a worker starts with an id that another worker uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SameId {
    /// The newer worker replaces the older one at once, as a StatefulSet needs it.
    #[default]
    Replace,
    /// The newer worker stops if the older one still beats.
    Refuse,
}

/// The position at which reading starts in a stream without leases (`initialPositionInStream` in
/// the Java KCL).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum InitialPosition {
    /// The oldest record.
    #[default]
    TrimHorizon,
    /// After the newest record at the first start of the application. Later starts use the same
    /// position.
    Latest,
    /// The first record that arrived at or after this time.
    AtTimestamp(WallTime),
}

/// Formats the position as `--initial-position` and the settings file accept it.
impl fmt::Display for InitialPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TrimHorizon => f.write_str("trim-horizon"),
            Self::Latest => f.write_str("latest"),
            Self::AtTimestamp(at) => at.fmt(f),
        }
    }
}

impl Default for Coordination {
    fn default() -> Self {
        Self {
            session_timeout: Duration::from_secs(6),
            heartbeat_interval: Duration::from_millis(1_500),
            clock_guard: Duration::from_millis(300),
            watch_interval: Duration::from_secs(2),
            fast_poll: Duration::from_millis(200),
            wake_poll: Duration::from_millis(500),
            join_gather: Duration::from_millis(300),
            shard_sync_interval: Duration::from_secs(30),
            audit_interval: Duration::from_secs(60),
            checkpoint_interval: Duration::from_secs(5),
            handoff_timeout: Duration::from_secs(30),
            shutdown_grace: Duration::from_secs(30),
            same_id: SameId::Replace,
            max_leases: None,
            zone: None,
            limits: Limits::default(),
            balance: Balance::Even,
            initial_position: InitialPosition::TrimHorizon,
        }
    }
}

impl Coordination {
    /// Returns settings with half the times of the defaults: failover in about three seconds, at
    /// twice the store requests.
    #[must_use]
    pub fn fast() -> Self {
        Self {
            session_timeout: Duration::from_secs(3),
            heartbeat_interval: Duration::from_millis(750),
            clock_guard: Duration::from_millis(150),
            watch_interval: Duration::from_secs(1),
            wake_poll: Duration::from_millis(250),
            ..Self::default()
        }
    }

    /// Checks each setting, and the settings against each other.
    ///
    /// # Errors
    /// Returns the first invalid setting or contradiction, with the numbers and a remedy.
    pub fn validate(&self) -> Result<(), InvalidSettings> {
        for (key, span) in self.spans() {
            if span < Duration::from_millis(1) {
                let problem = format!("{span:?} is too short");
                return Err(InvalidSettings::new(key, problem, "use at least 1ms"));
            }
        }
        let third = self.session_timeout / 3;
        self.at_most("heartbeat_interval", self.heartbeat_interval, third, "a third of it")?;
        self.at_most("watch_interval", self.watch_interval, third, "a third of it")?;
        let tenth = self.session_timeout / 10;
        self.at_most("clock_guard", self.clock_guard, tenth, "a tenth of it")?;
        self.at_most("fast_poll", self.fast_poll, self.watch_interval, "watch_interval")?;
        if self.handoff_timeout <= self.clock_guard * 2 {
            let problem = format!(
                "{:?} is not above twice clock_guard {:?}",
                self.handoff_timeout, self.clock_guard
            );
            return Err(InvalidSettings::new("handoff_timeout", problem, "raise it"));
        }
        if self.max_leases == Some(0) {
            return Err(InvalidSettings::new(
                "max_leases",
                "0 leaves the worker without work",
                "use 1 or more, or leave it out for no limit",
            ));
        }
        Ok(())
    }

    /// Checks that a duration is at most `bound`, which `what` names.
    fn at_most(
        &self,
        key: &'static str,
        span: Duration,
        bound: Duration,
        what: &str,
    ) -> Result<(), InvalidSettings> {
        if span <= bound {
            return Ok(());
        }
        let problem =
            format!("{span:?} is too long for session_timeout {:?}", self.session_timeout);
        let remedy = format!("use at most {bound:?} ({what}), or raise session_timeout");
        Err(InvalidSettings::new(key, problem, remedy))
    }

    /// All durations, none of which may be shorter than a millisecond.
    const fn spans(&self) -> [(&'static str, Duration); 12] {
        [
            ("session_timeout", self.session_timeout),
            ("heartbeat_interval", self.heartbeat_interval),
            ("clock_guard", self.clock_guard),
            ("watch_interval", self.watch_interval),
            ("fast_poll", self.fast_poll),
            ("wake_poll", self.wake_poll),
            ("join_gather", self.join_gather),
            ("shard_sync_interval", self.shard_sync_interval),
            ("audit_interval", self.audit_interval),
            ("checkpoint_interval", self.checkpoint_interval),
            ("handoff_timeout", self.handoff_timeout),
            ("shutdown_grace", self.shutdown_grace),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_profiles_are_valid() {
        Coordination::default().validate().unwrap();
        Coordination::fast().validate().unwrap();
    }

    #[test]
    fn a_heartbeat_above_a_third_of_the_session_timeout_is_refused_with_the_numbers() {
        let settings =
            Coordination { heartbeat_interval: Duration::from_secs(3), ..Coordination::default() };
        let refused = settings.validate().unwrap_err().to_string();
        assert_eq!(
            refused,
            "heartbeat_interval: 3s is too long for session_timeout 6s; \
             use at most 2s (a third of it), or raise session_timeout"
        );
    }

    #[test]
    fn spans_that_are_zero_and_a_cap_of_zero_are_refused() {
        let zero = Coordination { audit_interval: Duration::ZERO, ..Coordination::default() };
        assert_eq!(zero.validate().unwrap_err().key, "audit_interval");
        let idle = Coordination { max_leases: Some(0), ..Coordination::default() };
        assert_eq!(idle.validate().unwrap_err().key, "max_leases");
    }
}
