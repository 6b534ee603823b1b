//! A line of the table.

use std::{fmt, time::Duration};

use anyhow::Result;
use kcl_core::env::Env;

use crate::{
    arguments::Arguments,
    backend::{Backend, Server},
    counts::{Counter, Counts},
    fleet::{Fleet, pause, settings},
};

/// What the columns are called.
pub(crate) const HEAD: &str = "\
| store | load | operations/s | beats/s | checkpoints/s | other writes/s | reads/s | rows written \
to keep all sessions alive, each heartbeat interval | server, cores |
|---|---|---|---|---|---|---|---|---|";

/// What a store was asked for a while.
#[derive(Debug)]
pub(crate) struct Row {
    store: &'static str,
    load: &'static str,
    counts: Counts,
    took: Duration,
    /// Hundredths of a second of one core.
    processor: Option<u64>,
}

impl Row {
    /// Measures a fleet that has nothing to do, and one that writes a checkpoint for every lease
    /// each second.
    pub(crate) async fn measure(backend: Backend, arguments: &Arguments) -> Result<[Self; 2]> {
        let (server, counter) = (backend.start()?, Counter::default());
        let fleet = Fleet::start(&server, &counter, arguments).await?;
        let watch = Watch { server: &server, counter: &counter, window: arguments.window };
        let idle = watch.row(backend, "idle", || Ok(())).await?;
        // Until checkpoints flow.
        let put = || fleet.put_everywhere();
        Watch { window: Duration::from_secs(3), ..watch }.row(backend, "", put).await?;
        let busy = watch.row(backend, "a checkpoint per lease and second", put).await?;
        fleet.stop().await?;
        Ok([idle, busy])
    }

    fn per_second(&self, wanted: impl Fn(&str, bool) -> bool) -> f64 {
        let counted = self.counts.iter().filter(|(op, (writes, _))| wanted(op, *writes));
        let sum: u64 = counted.map(|(_, (_, count))| count).sum();
        sum as f64 / self.took.as_secs_f64()
    }
}

/// Counts for a while.
#[derive(Clone, Copy)]
struct Watch<'a> {
    server: &'a Server,
    counter: &'a Counter,
    window: Duration,
}

impl Watch<'_> {
    /// Counts while something happens each second.
    async fn row(
        &self,
        backend: Backend,
        load: &'static str,
        each_second: impl Fn() -> Result<()>,
    ) -> Result<Row> {
        let clock = Env::system().clock;
        let (began, before) = (clock.now(), self.server.processor_time()?);
        drop(self.counter.take());
        let mut seconds = 0;
        while clock.now().since(began) < self.window {
            each_second()?;
            seconds += 1;
            let next = began + Duration::from_secs(seconds);
            pause(next.since(clock.now())).await;
        }
        let (counts, took) = (self.counter.take(), clock.now().since(began));
        for (op, (_, count)) in &counts {
            eprintln!("    {load} {op}: {:.1}/s", *count as f64 / took.as_secs_f64());
        }
        let after = self.server.processor_time()?;
        let processor = after.zip(before).map(|(after, before)| after.saturating_sub(before));
        Ok(Row { store: backend.name(), load, counts, took, processor })
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let beats = self.per_second(|op, _| op == "beat");
        let checkpoints = self.per_second(|op, _| op == "advance");
        let all = self.per_second(|_, _| true);
        let reads = self.per_second(|_, writes| !writes);
        let others = self.per_second(|op, writes| writes && op != "beat" && op != "advance");
        let each = beats * settings().coordination.heartbeat_interval.as_secs_f64();
        let (store, load) = (self.store, self.load);
        write!(f, "| {store} | {load} | {all:.0} | {beats:.1} | {checkpoints:.0} | {others:.1} |")?;
        write!(f, " {reads:.1} | {each:.1} |")?;
        match self.processor {
            Some(ticks) => write!(f, " {:.2} |", ticks as f64 / 100.0 / self.took.as_secs_f64()),
            None => write!(f, " – |"),
        }
    }
}
