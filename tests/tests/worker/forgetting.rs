//! A processor that loses what it was given: it is made anew, with everything since the last
//! checkpoint, and with pauses that grow although other batches succeed before the one that fails.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use kcl_core::{
    env::{Env, Time},
    lease::Checkpoint,
    processor::{Forgotten, LeaseHandle, ProcessorError, RecordBatch, RecordProcessor},
    settings::{ProgressMode, Settings},
};

use super::bench::{Bench, Running, virtually};

/// When a processor was started, behind which checkpoint, and what it processed.
type Lives = Arc<Mutex<Vec<(Time, Checkpoint, Vec<String>)>>>;

struct Forgetful {
    env: Env,
    lives: Lives,
    failures: Arc<AtomicU32>,
}

/// How often it fails.
const FAILURES: u32 = 5;

#[async_trait::async_trait]
impl RecordProcessor for Forgetful {
    fn progress(&self) -> Option<ProgressMode> {
        Some(ProgressMode::Manual)
    }

    async fn start(&mut self, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        let life = (self.env.clock.now(), lease.resumes_at(), Vec::new());
        self.lives.lock().unwrap().push(life);
        Ok(())
    }

    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        let texts = batch.iter().map(|record| String::from_utf8_lossy(&record.data).into_owned());
        let texts: Vec<String> = texts.collect();
        if texts.iter().any(|text| text == "13")
            && self.failures.fetch_add(1, Ordering::SeqCst) < FAILURES
        {
            return Err(Forgotten("it has died".to_owned()).into());
        }
        let first = texts.iter().any(|text| text == "0");
        self.lives.lock().unwrap().last_mut().unwrap().2.extend(texts);
        if first {
            lease.checkpoint_delivered().await?;
        }
        Ok(())
    }
}

#[test]
fn everything_since_the_last_checkpoint_comes_again_after_pauses_that_grow() {
    virtually(|env| async move {
        let bench = Bench::new(env.clone(), 1);
        bench.put(0, 20);
        let mut settings = Settings::default();
        settings.delivery.max_batch = 5;
        let (lives, failures) = (Lives::default(), Arc::new(AtomicU32::new(0)));
        let seen = Arc::clone(&lives);
        let forgetful = move |_: &LeaseHandle| Forgetful {
            env: env.clone(),
            lives: Arc::clone(&lives),
            failures: Arc::clone(&failures),
        };
        let builder = bench.builder("a").settings(settings).processor(forgetful);
        let worker = Running::start(builder.build().unwrap());
        let is_done = |lives: &Lives| {
            lives
                .lock()
                .unwrap()
                .last()
                .is_some_and(|life| life.2.last().is_some_and(|it| it == "19"))
        };
        bench.wait_for("the last record", || is_done(&seen)).await;
        worker.stop().await.unwrap();
        let lives = seen.lock().unwrap().clone();
        let texts =
            |from: u32, to: u32| -> Vec<String> { (from..to).map(|n| n.to_string()).collect() };
        assert_eq!(lives.len(), FAILURES as usize + 1);
        assert_eq!((&lives[0].1, &lives[0].2), (&Checkpoint::TrimHorizon, &texts(0, 10)));
        let behind = Checkpoint::After(bench.stream.history()[0].records[4].position.clone());
        for (n, life) in lives.iter().enumerate().skip(1) {
            let to = if n == FAILURES as usize { 20 } else { 10 };
            assert_eq!((&life.1, &life.2), (&behind, &texts(5, to)), "life {n}");
        }
        let mut pause = Duration::from_millis(100);
        for pair in lives.windows(2) {
            let waited = pair[1].0.since(pair[0].0);
            assert!(waited >= pause / 2, "{waited:?}, and not {pause:?}");
            pause *= 2;
        }
    });
}
