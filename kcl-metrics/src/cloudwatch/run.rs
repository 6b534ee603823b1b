//! The loop of the exporter's thread: it collects data, sends requests, and sends the rest at the
//! end.
//!
//! Two futures run side by side and share a queue: `collect` pushes the requests of each period,
//! `send` sends them one by one and waits after a failure. So a CloudWatch that does not answer
//! delays no snapshot.

use std::{sync::Arc, time::Duration};

use kcl_core::env::{Clock, Env, Time};
use tokio::sync::oneshot;

use super::{
    kcl::KclTally,
    ours::Ours,
    queue::Queue,
    send::{self, Outcome},
    settings::{CloudWatchSettings, Names},
    wire,
};
use crate::{Id, Metrics};

/// The time between two snapshots, or the period if that is shorter. Growth of a shard between the
/// last snapshot and a move of its lease is lost.
const LOOK: Duration = Duration::from_secs(10);
/// The pause after a failed request. It doubles with each further failure, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The pause after a failed request once the worker has ended.
const LAST_PAUSE: Duration = Duration::from_millis(250);
/// How long the last requests may take altogether.
pub(super) const FLUSH: Duration = Duration::from_secs(5);
/// The least time between two warnings of the same kind.
const SELDOM: Duration = Duration::from_secs(300);

/// The outcomes of data, as the worker's own metrics label them.
const TAKEN: &str = "taken";
const DROPPED: &str = "dropped";

/// The settings and the sources of an exporter.
pub(super) struct Exporter {
    pub(super) settings: CloudWatchSettings,
    pub(super) metrics: Metrics,
    pub(super) tally: KclTally,
}

/// Sends until the sender of `stopped` is dropped or sends; then sends the rest, for [`FLUSH`] at
/// most. Data that are left after that are counted as dropped.
pub(super) async fn run(exporter: Exporter, stopped: oneshot::Receiver<()>) {
    let (queue, clock) = (Queue::default(), Env::system().clock);
    {
        let sending = exporter.send(&queue, &clock);
        tokio::pin!(sending);
        tokio::select! {
            () = exporter.collect(&queue, &clock, stopped) => {}
            () = &mut sending => {}
        }
        queue.close();
        let until = clock.now() + FLUSH;
        tokio::select! {
            () = &mut sending => {}
            () = clock.sleep_until(until) => {}
        }
    }
    let left = queue.data();
    if left > 0 {
        exporter.count(DROPPED, left);
        tracing::warn!(data = left, why = "the worker is over", "kcl.cloudwatch.dropped");
    }
}

impl Exporter {
    /// Counts data in the worker's own metrics.
    fn count(&self, outcome: &'static str, data: u64) {
        if data > 0 {
            self.metrics.count(Id::CloudWatchData, [outcome, ""], data);
        }
    }

    /// Pushes the data of each period into the queue, and those of the last one at the end.
    async fn collect(
        &self,
        queue: &Queue,
        clock: &Arc<dyn Clock>,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let period = self.settings.period;
        let mut ours = Ours::new(self.settings.level);
        let mut seldom = Seldom::default();
        let (mut looks, mut sends) = (clock.now() + LOOK.min(period), clock.now() + period);
        loop {
            let is_over = tokio::select! {
                biased;
                _ = &mut stopped => true,
                () = clock.sleep_until(looks) => false,
            };
            let now = clock.now();
            if !is_over && now < sends {
                if self.settings.names == Names::Ours {
                    ours.look(&self.metrics.snapshot());
                }
                looks = sends.min(now + LOOK);
                continue;
            }
            let data = match self.settings.names {
                Names::Ours => ours.take(&self.metrics.snapshot()),
                Names::Kcl => self.tally.take(),
            };
            let namespace = self.settings.sent_into();
            let mut dropped = 0;
            for batch in wire::batches(namespace, clock.wall(), &data) {
                dropped += queue.push(batch);
            }
            self.drop(dropped, "CloudWatch has not taken them in time", &mut seldom, now);
            if is_over {
                return;
            }
            // After a suspension of the machine data are sent once, not once for each period.
            sends = now + period;
            looks = now + LOOK.min(period);
        }
    }

    /// Sends the requests of the queue one at a time, until it is closed and empty.
    async fn send(&self, queue: &Queue, clock: &Arc<dyn Clock>) {
        let client = send::client(&self.settings).await;
        let namespace = self.settings.sent_into();
        let (mut pause, mut seldom) = (FIRST_PAUSE, Seldom::default());
        let mut refusals = Seldom::default();
        while let Some(batch) = queue.next().await {
            let data = batch.data;
            match send::put(&client, namespace, &batch).await {
                Outcome::Taken => {
                    queue.settle();
                    self.count(TAKEN, data);
                    pause = FIRST_PAUSE;
                }
                Outcome::Refused(why) => {
                    queue.settle();
                    self.drop(data, &why, &mut refusals, clock.now());
                }
                Outcome::Later(why) => {
                    if seldom.is_due(clock.now()) {
                        tracing::warn!(%why, ?pause, "kcl.cloudwatch.failed");
                    }
                    let dropped = queue.give_back(batch);
                    self.drop(dropped, &why, &mut refusals, clock.now());
                    self.wait(queue, clock, pause).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
    }

    /// Waits after a failure; for a shorter time once the queue is closed.
    async fn wait(&self, queue: &Queue, clock: &Arc<dyn Clock>, pause: Duration) {
        if queue.is_closed() {
            return clock.sleep(LAST_PAUSE).await;
        }
        tokio::select! {
            () = clock.sleep(pause) => {}
            () = queue.closed() => {}
        }
    }

    /// Counts dropped data, and logs them at most once in [`SELDOM`].
    fn drop(&self, data: u64, why: &str, seldom: &mut Seldom, now: Time) {
        if data == 0 {
            return;
        }
        self.count(DROPPED, data);
        seldom.unsaid += data;
        if seldom.is_due(now) {
            let data = std::mem::take(&mut seldom.unsaid);
            tracing::warn!(data, why, "kcl.cloudwatch.dropped");
        }
    }
}

/// Limits how often a warning is logged.
#[derive(Debug, Default)]
struct Seldom {
    /// When the warning was logged last.
    last: Option<Time>,
    /// The data that were dropped since then.
    unsaid: u64,
}

impl Seldom {
    /// Whether the warning may be logged now. If so, it counts as logged.
    fn is_due(&mut self, now: Time) -> bool {
        let is_due = self.last.is_none_or(|last| now.since(last) >= SELDOM);
        if is_due {
            self.last = Some(now);
        }
        is_due
    }
}
