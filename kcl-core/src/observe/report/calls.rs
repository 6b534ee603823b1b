//! Counts the worker's calls that the store or the stream denied or throttled, for its report.

use std::{collections::BTreeMap, time::Duration};

use super::recent::Recent;
use crate::{
    env::Time,
    lease::report::{Denial, Throttles, WorkerReport},
};

/// The shortest time over which throttled calls are counted.
const WINDOW: Duration = Duration::from_secs(300);
/// After this time without the same failure, the next one makes the worker report at once.
const QUIET: Duration = Duration::from_secs(300);

/// The denied and the throttled calls of a worker.
#[derive(Debug)]
pub(super) struct Calls {
    denied: Option<Denied>,
    throttled: Recent<BTreeMap<String, u64>>,
    throttled_at: Option<Time>,
}

#[derive(Debug)]
struct Denied {
    call: String,
    error: &'static str,
    at: Time,
    count: u64,
}

impl Calls {
    pub(super) fn new(now: Time) -> Self {
        Self { denied: None, throttled: Recent::new(WINDOW, now), throttled_at: None }
    }

    /// Counts a denied call. True if the worker should report it at once: another call was denied
    /// before, or none lately.
    pub(super) fn deny(&mut self, service: &str, op: &str, error: &'static str, now: Time) -> bool {
        let call = format!("{service}:{op}");
        let before = self.denied.take();
        let is_old = |it: &Denied| it.call == call && now.since(it.at) < QUIET;
        let is_news = !before.as_ref().is_some_and(is_old);
        let count = before.map_or(0, |it| it.count) + 1;
        self.denied = Some(Denied { call, error, at: now, count });
        is_news
    }

    /// Counts a throttled call. True if the worker should report it at once.
    pub(super) fn throttle(&mut self, service: &str, op: &str, now: Time) -> bool {
        self.throttled.add(now, |calls| *calls.entry(format!("{service}:{op}")).or_default() += 1);
        let before = self.throttled_at.replace(now);
        before.is_none_or(|before| now.since(before) >= QUIET)
    }

    /// Writes the counts into a report.
    pub(super) fn tell(&mut self, report: &mut WorkerReport, now: Time) {
        report.denial = self
            .denied
            .as_ref()
            .map(|it| Denial::new(&it.call, it.error, now.since(it.at), it.count));
        let (mut calls, before, within) = self.throttled.sums(now);
        for (call, count) in before.unwrap_or_default() {
            *calls.entry(call).or_default() += count;
        }
        report.throttles = Throttles::new(calls, within);
    }
}
