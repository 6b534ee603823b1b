//! Collecting, sending, and the end, on a thread that is nobody else's.

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

/// How often counters are looked at, or at each sending if that is more often: what a shard did
/// since the last look is not seen when it moves on.
const LOOK: Duration = Duration::from_secs(10);
/// The pause after a request that was not taken; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The same once nothing more comes.
const LAST_PAUSE: Duration = Duration::from_millis(250);
/// How long the last requests may take.
pub(super) const FLUSH: Duration = Duration::from_secs(5);
/// How often it is said that something is wrong.
const SELDOM: Duration = Duration::from_secs(300);

const TAKEN: &str = "taken";
const DROPPED: &str = "dropped";

/// What is sent, and whom it is from.
pub(super) struct Exporter {
    pub(super) settings: CloudWatchSettings,
    pub(super) metrics: Metrics,
    pub(super) tally: KclTally,
}

/// Sends until `stopped` is told, or its other end is gone; then what is left, within a bound.
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
    fn count(&self, outcome: &'static str, data: u64) {
        if data > 0 {
            self.metrics.count(Id::CloudWatchData, [outcome, ""], data);
        }
    }

    /// Puts what there is into the queue, each period and at the end.
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
            // A machine that stood still sends once, not once for each period.
            sends = now + period;
            looks = now + LOOK.min(period);
        }
    }

    /// Sends what is in the queue, one request at a time, until nothing more comes.
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

    async fn wait(&self, queue: &Queue, clock: &Arc<dyn Clock>, pause: Duration) {
        if queue.is_closed() {
            return clock.sleep(LAST_PAUSE).await;
        }
        tokio::select! {
            () = clock.sleep(pause) => {}
            () = queue.closed() => {}
        }
    }

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

/// What is said seldom.
#[derive(Debug, Default)]
struct Seldom {
    last: Option<Time>,
    unsaid: u64,
}

impl Seldom {
    fn is_due(&mut self, now: Time) -> bool {
        let is_due = self.last.is_none_or(|last| now.since(last) >= SELDOM);
        if is_due {
            self.last = Some(now);
        }
        is_due
    }
}
