//! What the simulation is for: it finds what is wrong with a user's processor, and lets pass what
//! is right.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what goes wrong here fails the test")]

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use kcl_core::{
    processor::{LeaseHandle, RecordBatch},
    settings::{ProgressMode, Settings},
};
use kcl_memory::sim::{Broken, Failure, Fault, Plan, Simulation, Sink, SinkError};

use crate::processors::{Actor, Flusher, Forgetful};

fn failure(simulation: &Simulation) -> Box<Failure> {
    simulation.run().expect_err("the bug is not found")
}

fn manual() -> Settings {
    let mut settings = Settings::default();
    settings.delivery.progress = ProgressMode::Manual;
    settings
}

/// Writes each record and waits for the answer.
async fn write_all(sink: Sink, batch: RecordBatch) -> Result<(), SinkError> {
    for record in &batch {
        sink.write(record, batch.fence()).await?;
    }
    Ok(())
}

#[test]
fn a_right_processor_passes() {
    Simulation::for_each_batch(|sink, batch| async move { Ok(write_all(sink, batch).await?) })
        .check();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what users do")]
fn acknowledging_before_the_write_is_done_loses_what_a_crash_interrupts() {
    let simulation = Simulation::for_each_batch(|sink, batch| async move {
        tokio::spawn(write_all(sink, batch));
        Ok(())
    });
    let simulation = simulation.unordered().faults([Fault::Crash, Fault::Start, Fault::Leave]);
    let failure = failure(&simulation);
    assert_eq!(failure.broken, Broken::Skipped);
    assert!(failure.plan.steps.len() <= 3, "{failure}");
    let told = failure.to_string();
    for part in ["acknowledges", "was never written", "KCL_PLAN=", "seed ", "sequence number 49"] {
        assert!(told.contains(part), "{part:?} is not told:\n{told}");
    }
}

#[test]
fn an_error_that_is_swallowed_loses_the_record() {
    let simulation = Simulation::for_each_batch(|sink, batch| async move {
        let _ = write_all(sink, batch).await;
        Ok(())
    });
    let failure = failure(&simulation);
    assert!(matches!(failure.broken, Broken::Skipped | Broken::Misordered), "{failure}");
    assert!(failure.to_string().contains("the sink is not available"), "{failure}");
    assert_eq!(failure.plan.steps.len(), 1, "{failure}");
}

#[test]
fn a_checkpoint_at_what_is_only_buffered_loses_the_buffer() {
    let simulation =
        Simulation::new(|sink: Sink| move |_: &LeaseHandle| Forgetful::new(sink.clone()));
    let failure = failure(&simulation.settings(manual()));
    assert!(matches!(failure.broken, Broken::Skipped | Broken::Misordered), "{failure}");
    assert!(failure.plan.steps.len() <= 2, "{failure}");
}

#[test]
fn what_is_kept_beyond_the_lease_is_written_after_the_successor() {
    let zombie = Simulation::new(|sink: Sink| {
        let flusher = Flusher::start(sink);
        move |_: &LeaseHandle| flusher.clone()
    });
    // A panic would end its task, which is another mistake.
    let zombie = zombie.unordered().settings(manual()).without([Fault::SinkPanics]);
    zombie.check();
    let failure = failure(&zombie.no_stale_writes());
    assert_eq!(failure.broken, Broken::Stale);
    assert!(failure.what.contains(" under epoch "), "{failure}");
    assert!(failure.what.contains(" had written record "), "{failure}");
}

#[test]
fn a_sink_that_compares_tokens_keeps_former_owners_out() {
    Simulation::for_each_batch(|sink, batch| async move {
        for record in &batch {
            sink.write_fenced(record, batch.fence()).await?;
        }
        Ok(())
    })
    .no_stale_writes()
    .check();
}

#[test]
fn without_such_a_sink_a_write_that_hangs_is_enough_to_be_late() {
    let blind =
        Simulation::for_each_batch(|s, batch| async move { Ok(write_all(s, batch).await?) });
    let failure =
        failure(&blind.faults([Fault::SinkHangs, Fault::Cut]).no_stale_writes().seeds(0..50));
    assert_eq!(failure.broken, Broken::Stale);
    let needed = &failure.plan.steps;
    assert!(needed.iter().any(|step| step.fault == Fault::SinkHangs), "{failure}");
    assert!(needed.len() <= 4, "{failure}");
}

#[test]
fn a_sink_that_remembers_positions_has_each_effect_once() {
    let simulation = |key: fn(&RecordBatch, usize, u64) -> String| {
        let attempts = AtomicU64::new(0);
        Simulation::new(move |sink: Sink| {
            let attempt = attempts.fetch_add(1, Ordering::Relaxed);
            kcl_core::processor::from_batches(move |batch: RecordBatch| {
                let sink = sink.clone();
                async move {
                    for (record, n) in batch.iter().zip(0..) {
                        sink.write_once(key(&batch, n, attempt), record, batch.fence()).await?;
                    }
                    Ok(())
                }
            })
        })
        .exactly_once()
    };
    simulation(|batch, n, _| batch[n].position.to_string()).check();
    let by_owner = |batch: &RecordBatch, n: usize, _: u64| {
        format!("{} {}", batch.fence().epoch, batch[n].position)
    };
    assert_eq!(failure(&simulation(by_owner)).broken, Broken::Repeated);
    let too_short = |batch: &RecordBatch, n: usize, _: u64| batch[n].partition_key.clone().unwrap();
    let failure = failure(&simulation(too_short));
    assert!(matches!(failure.broken, Broken::Skipped | Broken::Misordered), "{failure}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "what users do")]
fn writes_side_by_side_overtake_each_other() {
    let side_by_side = Simulation::for_each_batch(|sink, batch: RecordBatch| async move {
        let write = |n: usize| {
            let (sink, batch) = (sink.clone(), batch.clone());
            tokio::spawn(async move { sink.write(&batch[n], batch.fence()).await })
        };
        let writes: Vec<_> = (0..batch.len()).map(write).collect();
        for write in writes {
            write.await??;
        }
        Ok(())
    });
    let failure = failure(&side_by_side.clone().faults([]));
    assert_eq!(failure.broken, Broken::Misordered);
    assert_eq!((failure.plan.workers, failure.plan.shards), (1, 1));
    assert!(failure.plan.records < 10, "{failure}");
    side_by_side.unordered().check();
}

#[test]
fn a_task_for_each_key_keeps_the_order_of_the_keys() {
    let by_key = Simulation::for_each_batch(|sink, batch: RecordBatch| async move {
        let mut keys = BTreeMap::<Option<String>, Vec<_>>::new();
        for record in &batch {
            keys.entry(record.partition_key.clone()).or_default().push(record.clone());
        }
        let mut tasks = tokio::task::JoinSet::new();
        for records in keys.into_values() {
            let (sink, fence) = (sink.clone(), batch.fence().clone());
            tasks.spawn(async move {
                for record in &records {
                    sink.write(record, &fence).await?;
                }
                Ok::<(), SinkError>(())
            });
        }
        while let Some(task) = tasks.join_next().await {
            task??;
        }
        Ok(())
    });
    by_key.clone().ordered_by_key().check();
    assert_eq!(failure(&by_key.faults([])).broken, Broken::Misordered);
}

#[test]
fn tasks_channels_and_timers_of_a_processor_are_simulated_with_it() {
    let actor = Simulation::new(|sink: Sink| move |_: &LeaseHandle| Actor::start(sink.clone()));
    actor.clone().without([Fault::SinkPanics]).check();
    // Its task dies, and it never starts another one.
    let failure = failure(&actor.faults([Fault::SinkPanics]));
    assert_eq!(failure.broken, Broken::Stuck);
    assert!(failure.to_string().contains("channel closed"), "{failure}");
}

#[test]
fn a_processor_that_never_comes_back_is_found() {
    let stuck = Simulation::for_each_batch(|sink: Sink, batch: RecordBatch| async move {
        if batch.iter().any(|record| record.data.ends_with(b"42")) {
            std::future::pending::<()>().await;
        }
        Ok(write_all(sink, batch).await?)
    });
    let failure = failure(&stuck.faults([]).seeds(0..1));
    assert_eq!(failure.broken, Broken::Stuck);
    assert!(failure.what.contains("was delivered, but neither written nor acknowledged"));
}

/// A table of a user's own: how often each order was counted.
#[derive(Debug, Default)]
struct Table(Mutex<BTreeMap<u64, u32>>);

#[test]
fn a_sink_of_ones_own_says_itself_when_something_has_its_effect() {
    let counting = |times: fn(u32) -> u32| {
        let count = Simulation::for_each_batch(move |sink: Sink, batch: RecordBatch| async move {
            for record in &batch {
                let order: u64 = std::str::from_utf8(&record.data)?.parse()?;
                sink.reach().await?;
                let table = sink.shared::<Table>();
                let mut rows = table.0.lock().unwrap();
                let row = rows.entry(order).or_default();
                *row = times(*row);
                drop(rows);
                sink.note(order, None);
            }
            Ok(())
        });
        count.produce(|n| (format!("customer-{}", n % 9), n.to_string())).records(90).verify(
            |table: &Table| {
                let rows = table.0.lock().unwrap();
                match rows.iter().find(|(_, times)| **times != 1) {
                    Some((order, times)) => Err(format!("order {order} counts {times} times")),
                    None => Ok(()),
                }
            },
        )
    };
    counting(|_| 1).check();
    let failure = failure(&counting(|times| times + 1));
    assert_eq!(failure.broken, Broken::Expectation);
    assert!(failure.what.ends_with("counts 2 times"), "{failure}");
}

#[test]
fn records_that_a_processor_passes_over_need_no_effect() {
    let every_third = Simulation::for_each_batch(|sink: Sink, batch: RecordBatch| async move {
        for record in batch.iter().filter(|record| record.data[0] % 3 == 0) {
            sink.write(record, batch.fence()).await?;
        }
        Ok(())
    });
    let every_third =
        every_third.produce(|n| (n.to_string(), vec![u8::try_from(n % 200).unwrap()]));
    let every_third = every_third.seeds(0..3);
    assert_eq!(failure(&every_third).broken, Broken::Misordered);
    every_third.only(|record| record.data[0] % 3 == 0).check();
}

#[test]
fn what_depends_on_chance_is_told_not_to_be_repeatable() {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let chancy = Simulation::for_each_batch(|sink: Sink, batch: RecordBatch| async move {
        let pause = Duration::from_millis(RUNS.fetch_add(1, Ordering::Relaxed));
        #[expect(clippy::disallowed_methods, reason = "what users do")]
        tokio::time::sleep(pause).await;
        Ok(write_all(sink, batch).await?)
    });
    let failure = failure(&chancy.seeds(0..1));
    assert_eq!(failure.broken, Broken::NotRepeatable);
    assert!(failure.what.contains("order of a HashMap"), "{failure}");
}

#[test]
fn a_plan_that_was_kept_shows_the_same_again_with_everything_that_happened() {
    let careless = Simulation::for_each_batch(|sink, batch| async move {
        let _ = write_all(sink, batch).await;
        Ok(())
    });
    let first = failure(&careless);
    let file = std::fs::read_to_string(first.file.as_ref().unwrap()).unwrap();
    assert_eq!(file.parse::<Plan>().unwrap(), first.plan);
    let again = failure(&careless.clone().plan(&file));
    assert_eq!((again.broken, &again.what), (first.broken, &first.what));
    assert!(again.to_string().contains("everything that happened:"));
    assert!(again.to_string().contains("w0 starts"));
    let refused = failure(&careless.plan("at noon crash w1"));
    assert_eq!(refused.broken, Broken::Settings);
    assert!(refused.what.contains("\"noon\" is no time"), "{refused}");
}

#[test]
fn settings_that_cannot_work_are_refused_before_anything_runs() {
    let mut settings = Settings::default();
    settings.delivery.max_batch = 0;
    let simulation =
        Simulation::for_each_batch(|s, batch| async move { Ok(write_all(s, batch).await?) });
    let refused = failure(&simulation.settings(settings));
    assert_eq!(refused.broken, Broken::Settings);
    assert!(refused.what.contains("max_batch"), "{refused}");
}

#[tokio::test]
#[should_panic(expected = "call it from a plain #[test]")]
async fn a_test_with_a_runtime_of_its_own_is_told_what_to_do() {
    Simulation::for_each_batch(|sink, batch| async move { Ok(write_all(sink, batch).await?) })
        .check();
}
