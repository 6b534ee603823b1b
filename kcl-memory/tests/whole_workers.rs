//! Whole workers, the real async code, under drawn faults: level (b) of the simulation. Each test
//! plays its seeds with settings of its own; a failure prints the shortest plan and the command
//! that replays it.

#![allow(clippy::unwrap_used, reason = "what goes wrong here fails the test")]

use std::time::Duration;

use async_trait::async_trait;
use kcl_core::{
    processor::{LeaseHandle, ProcessorError, RecordBatch, RecordProcessor, Stop},
    settings::{Coordination, OnFailure, OnStall, ProgressMode, SameId, Settings},
};
use kcl_memory::sim::{Fault, Simulation, Sink};

/// A processor that writes each record and waits for the answer.
fn writing() -> Simulation {
    Simulation::for_each_batch(|sink, batch| async move {
        for record in &batch {
            sink.write(record, batch.fence()).await?;
        }
        Ok(())
    })
}

#[test]
fn by_default_nothing_is_skipped_and_order_is_kept() {
    let summary = writing().seeds(0..70).run().unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(summary.runs, 70);
    let missing = Fault::ALL.into_iter().filter(|fault| !summary.faults.contains_key(fault));
    assert_eq!(missing.collect::<Vec<_>>(), [], "each kind of fault has to have happened");
}

#[test]
fn half_the_times_hand_over_what_stalls_and_refuse_twins() {
    let mut settings = Settings::default();
    settings.coordination = Coordination::fast();
    settings.coordination.same_id = SameId::Refuse;
    settings.coordination.handoff_timeout = Duration::from_secs(5);
    settings.delivery.watchdog = Duration::from_secs(4);
    settings.delivery.on_stall = OnStall::HandOver;
    settings.delivery.max_batch = 7;
    writing().settings(settings).workers(5).shards(4).records(300).seeds(1_000..1_050).check();
}

#[test]
fn large_records_fit_a_small_budget() {
    let mut settings = Settings::default();
    settings.delivery.byte_budget = 1024 * 1024;
    let large = bytes::Bytes::from(vec![0; 100 * 1024]);
    let simulation = writing().produce(move |n| (format!("key-{}", n % 20), large.clone()));
    simulation.settings(settings).workers(2).shards(6).records(200).seeds(2_000..2_040).check();
}

#[test]
fn records_that_keep_failing_are_skipped_loudly_and_nothing_else_is() {
    let mut settings = Settings::default();
    settings.delivery.on_failure = OnFailure::SkipRecord { attempts: 3 };
    settings.delivery.max_batch = 20;
    let poison = |data: &[u8]| data.ends_with(b"7");
    let simulation = Simulation::for_each_batch(move |sink: Sink, batch: RecordBatch| async move {
        for record in &batch {
            if poison(&record.data) {
                return Err("poison".into());
            }
            sink.write(record, batch.fence()).await?;
        }
        Ok(())
    });
    simulation.settings(settings).workers(1).shards(2).records(150).seeds(3_000..3_040).check();
}

/// Buffers records, writes ten at a time, and takes its checkpoints itself.
struct Buffering {
    sink: Sink,
    waiting: Vec<RecordBatch>,
}

impl Buffering {
    async fn flush(&mut self, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        for record in self.waiting.iter().flatten() {
            self.sink.write(record, lease.fence()).await?;
        }
        let last = self.waiting.iter().flatten().last().cloned();
        self.waiting.clear();
        match last {
            Some(last) => Ok(lease.checkpoint(&last).await?),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl RecordProcessor for Buffering {
    async fn process(
        &mut self,
        batch: RecordBatch,
        lease: &LeaseHandle,
    ) -> Result<(), ProcessorError> {
        // A batch that failed comes again: it is not to be kept twice.
        self.waiting.retain(|kept| kept.last_position() < batch.last_position());
        self.waiting.push(batch);
        if self.waiting.iter().map(|kept| kept.len()).sum::<usize>() >= 10 {
            self.flush(lease).await?;
        }
        Ok(())
    }

    async fn stop(&mut self, reason: Stop, lease: &LeaseHandle) -> Result<(), ProcessorError> {
        if reason == Stop::Lost { Ok(()) } else { self.flush(lease).await }
    }
}

#[test]
fn a_processor_that_buffers_takes_its_checkpoints_itself() {
    let mut settings = Settings::default();
    settings.delivery.progress = ProgressMode::Manual;
    let simulation = Simulation::new(|sink: Sink| {
        move |_: &LeaseHandle| Buffering { sink: sink.clone(), waiting: Vec::new() }
    });
    simulation.settings(settings).workers(4).shards(3).seeds(4_000..4_050).check();
}

#[test]
fn a_fleet_that_only_grows_shrinks_and_reshards_delivers_nothing_twice() {
    let planned = [Fault::Start, Fault::Leave, Fault::Split, Fault::Merge];
    writing().faults(planned).seeds(5_000..5_040).check();
}

/// A lease was released twice, and the release without a checkpoint overtook the one that had it.
#[test]
fn a_release_that_carries_a_checkpoint_is_not_overtaken_by_one_that_does_not() {
    writing()
        .plan(
            "
         seed 5228
         workers 3
         shards 8
         records 198
         latency 40ms
         wake-ups pushed
         at 4315ms leave w2
         at 8507ms leave w0
         at 19039ms leave w1
        ",
        )
        .check();
}
