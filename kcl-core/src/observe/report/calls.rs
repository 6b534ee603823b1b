//! Calls of the worker that store or stream refused: denied, or because there were too many.

use std::{collections::BTreeMap, time::Duration};

use super::recent::Recent;
use crate::{
    env::Time,
    lease::report::{Denial, Throttles, WorkerReport},
};

/// Over which time throttled calls are counted, at least.
const WINDOW: Duration = Duration::from_secs(300);
/// What was not refused for so long is news when it is refused again.
const QUIET: Duration = Duration::from_secs(300);

/// What was refused.
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

    /// A call was denied. Whether that is news.
    pub(super) fn deny(&mut self, service: &str, op: &str, error: &'static str, now: Time) -> bool {
        let call = format!("{service}:{op}");
        let before = self.denied.take();
        let is_old = |it: &Denied| it.call == call && now.since(it.at) < QUIET;
        let is_news = !before.as_ref().is_some_and(is_old);
        let count = before.map_or(0, |it| it.count) + 1;
        self.denied = Some(Denied { call, error, at: now, count });
        is_news
    }

    /// A call was refused because there were too many. Whether that is news.
    pub(super) fn throttle(&mut self, service: &str, op: &str, now: Time) -> bool {
        self.throttled.add(now, |calls| *calls.entry(format!("{service}:{op}")).or_default() += 1);
        let before = self.throttled_at.replace(now);
        before.is_none_or(|before| now.since(before) >= QUIET)
    }

    /// Tells what is known.
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
