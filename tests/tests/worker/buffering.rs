//! A processor that buffers, in a worker whose settings know nothing of it.

use std::{sync::Arc, time::Duration};

use kcl_core::{
    env::Env,
    lease::Checkpoint,
    processor::{LeaseHandle, ProcessorError, RecordBatch, RecordProcessor, Stop},
    settings::{ProgressMode, Settings},
    store::LeaseStoreExt,
};
use tokio::sync::mpsc;

use super::bench::{Bench, Running, virtually};

/// Keeps what it is given until it leaves; writing it out takes longer than a moment.
struct Buffering {
    env: Env,
    left: mpsc::UnboundedSender<Duration>,
}

/// How long writing out takes.
const WRITING: Duration = Duration::from_secs(12);

#[async_trait::async_trait]
impl RecordProcessor for Buffering {
    fn progress(&self) -> Option<ProgressMode> {
        Some(ProgressMode::Manual)
    }

    async fn process(&mut self, _: RecordBatch, _: &LeaseHandle) -> Result<(), ProcessorError> {
        Ok(())
    }

    async fn stop(&mut self, reason: Stop, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        if let Stop::Leaving { within } = reason {
            self.left.send(within)?;
            self.env.clock.sleep(WRITING).await;
            lease.checkpoint_delivered().await?;
        }
        Ok(())
    }
}

/// Runs a worker until it has read five records, stops it, and tells how long its processor was
/// given, and the checkpoint in the end.
async fn leave(env: Env, grace: Duration) -> (Duration, Checkpoint, Checkpoint) {
    let bench = Bench::new(env.clone(), 1);
    bench.put(0, 5);
    let mut settings = Settings::default();
    settings.coordination.shutdown_grace = grace;
    let (sender, mut left) = mpsc::unbounded_channel();
    let clock = Arc::clone(&env.clock);
    let buffering = move |_: &LeaseHandle| Buffering { env: env.clone(), left: sender.clone() };
    let builder = bench.builder("a").settings(settings).processor(buffering);
    let worker = Running::start(builder.build().unwrap());
    clock.sleep(Duration::from_secs(10)).await;
    worker.stop().await.unwrap();
    let leases = bench.server.store("test").all_leases().await.unwrap();
    let row = leases.iter().find(|row| !row.key.is_role()).unwrap();
    let last = bench.stream.history()[0].records[4].position.clone();
    (left.recv().await.unwrap(), row.checkpoint.clone(), Checkpoint::After(last))
}

#[test]
fn what_is_buffered_may_be_written_out_within_the_grace() {
    virtually(|env| async move {
        let (within, checkpoint, last) = leave(env, Duration::from_secs(20)).await;
        assert!(
            (Duration::from_secs(19)..=Duration::from_secs(20)).contains(&within),
            "{within:?}"
        );
        assert_eq!(checkpoint, last);
    });
}

#[test]
fn nothing_counts_that_was_not_written_out_when_grace_is_out() {
    virtually(|env| async move {
        let (within, checkpoint, _) = leave(env, Duration::from_secs(8)).await;
        assert!(within <= Duration::from_secs(8), "{within:?}");
        assert_eq!(checkpoint, Checkpoint::TrimHorizon, "it is in manual mode");
    });
}
