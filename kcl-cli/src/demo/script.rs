//! Plays the demo: start, split, join, crash, leave, end. After each cue it waits until the fleet
//! is in balance.

use std::{fmt, time::Duration};

use anyhow::{Context, Result, bail};
use kcl_core::{
    env::{Env, Rng, Task},
    stream::Shard,
};
use tokio::sync::oneshot;

use super::{
    args::DemoArgs,
    facts::{Cue, History, Millis, WorkerNo},
    fleet::Fleet,
    ledger::Ledger,
    producer::{Producer, Stop},
    store::DemoStore,
    stream::DemoStream,
    view::{Act, Scene, View},
};

/// How many shards the stream has at first, and how many of them are split.
const SHARDS: i32 = 20;
const SPLITS: usize = 10;

/// The workers that start, and those that join.
const FIRST: [WorkerNo; 3] = [WorkerNo(1), WorkerNo(2), WorkerNo(3)];
const JOINING: [WorkerNo; 2] = [WorkerNo(4), WorkerNo(5)];

/// How long the script waits for balance after a cue, and for the last records.
const PATIENCE: Millis = 15_000;

/// The expected length of a run, for the picture: five times the calm, and a rest, most of which is
/// the time until the crash is noticed.
const ACTS_WITH_CALM: Millis = 5;
const REST: Millis = 10_000;

/// The interval at which the script checks the fleet and draws the picture.
const FRAME: Duration = Duration::from_millis(100);

/// Everything that the script moves.
pub(super) struct Stage {
    env: Env,
    ledger: Ledger,
    stream: DemoStream,
    fleet: Fleet,
    /// Asks the producer to finish.
    producer: Stop,
    /// How the producer ended.
    produced: oneshot::Receiver<Result<()>>,
    /// Draws the shards to split and the worker that leaves, from the seed.
    rng: Rng,
    /// How long the fleet must stay in balance before the next cue.
    calm: Millis,
    /// Workers that were asked to leave.
    leaving: Vec<WorkerNo>,
    /// The parts of the script that have begun, for the picture.
    acts: Vec<Act>,
}

impl Stage {
    /// Creates the stream and starts the producer. No worker runs yet.
    ///
    /// # Errors
    /// The server fails.
    pub(super) async fn set(
        args: &DemoArgs,
        url: &str,
        store: DemoStore,
        ledger: Ledger,
        env: Env,
    ) -> Result<Self> {
        let stream = DemoStream::create(url, SHARDS, env.clone()).await?;
        let producer = Stop::default();
        let working =
            Producer::new(stream.clone(), ledger.clone(), &env, args.rate, producer.clone());
        let produced = beside(&env, "producer", working.run());
        Ok(Self {
            fleet: Fleet::new(stream.clone(), store, ledger.clone()),
            rng: Rng::new(args.seed),
            calm: Millis::from(args.calm) * 1_000,
            leaving: Vec::new(),
            acts: Vec::new(),
            env,
            ledger,
            stream,
            producer,
            produced,
        })
    }

    /// Plays the whole script. The history ends when the last record was processed.
    ///
    /// # Errors
    /// A worker or the producer failed.
    pub(super) async fn play(&mut self, view: &mut View) -> Result<History> {
        self.start(view).await?;
        self.split(view).await?;
        self.join(view).await?;
        self.crash(view).await?;
        self.leave(view).await?;
        self.end(view).await
    }

    /// Switches all workers off that still run.
    pub(super) fn stop(&mut self) {
        let running: Vec<WorkerNo> = self.fleet.workers().collect();
        for worker in running {
            self.fleet.crash(worker);
        }
    }

    /// Starts the first workers.
    async fn start(&mut self, view: &mut View) -> Result<()> {
        let open = self.stream.open_shards().await?;
        let open = open.into_iter().map(|shard| shard.id).collect();
        self.begin("start", format!("{} workers start on {SHARDS} shards", FIRST.len()));
        let at = self.cue(Cue::Start(FIRST.to_vec(), open));
        for worker in FIRST {
            self.fleet.start(worker)?;
        }
        self.balance(view, at).await
    }

    /// Splits random shards, in a task of their own, so that frames go on.
    async fn split(&mut self, view: &mut View) -> Result<()> {
        let mut open = self.stream.open_shards().await?;
        let chosen: Vec<Shard> = (0..SPLITS.min(open.len()))
            .map(|_| {
                let at = self.draw(open.len());
                open.swap_remove(at)
            })
            .collect();
        let after = open.len() + 2 * chosen.len();
        self.begin("split", format!("{} shards split: {SHARDS} → {after} open", chosen.len()));
        let at = self.ledger.now();
        let stream = self.stream.clone();
        let mut split = beside(&self.env, "splits", async move { stream.split(&chosen).await });
        let splits = loop {
            self.frame(view).await?;
            if let Ok(splits) = split.try_recv() {
                break splits?;
            }
        };
        self.ledger.cue(Cue::Split(splits), at);
        self.balance(view, at).await
    }

    /// Starts more workers.
    async fn join(&mut self, view: &mut View) -> Result<()> {
        let (before, more) = (FIRST.len(), JOINING.len());
        self.begin("join", format!("{more} workers join: {before} → {}", before + more));
        let at = self.cue(Cue::Join(JOINING.to_vec()));
        for worker in JOINING {
            self.fleet.start(worker)?;
        }
        self.balance(view, at).await
    }

    /// Switches the planner off: the loss of no other worker takes the fleet as long to repair.
    async fn crash(&mut self, view: &mut View) -> Result<()> {
        let planner = self.fleet.planner();
        let worker = planner.or_else(|| self.fleet.workers().next()).context("no worker runs")?;
        let what = if planner.is_some() { ", the planner of the fleet," } else { "" };
        self.begin("crash", format!("{worker}{what} crashes"));
        self.fleet.crash(worker);
        let at = self.cue(Cue::Crash(worker));
        self.balance(view, at).await
    }

    /// Asks a random worker to leave.
    async fn leave(&mut self, view: &mut View) -> Result<()> {
        let workers: Vec<WorkerNo> = self.fleet.workers().collect();
        let worker = *workers.get(self.draw(workers.len())).context("no worker runs")?;
        self.begin("leave", format!("{worker} leaves gracefully"));
        self.leaving.push(worker);
        let at = self.cue(Cue::Leave(worker));
        self.fleet.ask_to_leave(worker);
        self.balance(view, at).await
    }

    /// Stops the producer, waits until every record was processed, and lets all workers leave.
    async fn end(&mut self, view: &mut View) -> Result<History> {
        self.begin("end", "the last records are processed".to_owned());
        self.producer.ask();
        let since = self.ledger.now();
        let mut finished = false;
        loop {
            if !finished && let Ok(result) = self.produced.try_recv() {
                result?;
                finished = true;
            }
            let all = {
                let book = self.ledger.book();
                book.processed >= book.history.produced.len()
            };
            if finished && all || self.ledger.now() > since + PATIENCE {
                break;
            }
            self.frame(view).await?;
        }
        self.finish(Some(self.ledger.now() - since));
        let history = self.ledger.history();
        self.fleet.stop(&self.env).await?;
        Ok(history)
    }

    /// Waits until the fleet has been in balance for `calm`, or [`PATIENCE`] is over: then the
    /// judge reports it. `since` is the time of the cue.
    async fn balance(&mut self, view: &mut View, since: Millis) -> Result<()> {
        let asked = self.ledger.now();
        let mut even_since = None;
        loop {
            self.frame(view).await?;
            if let Ok(result) = self.produced.try_recv() {
                result?;
                bail!("the producer stopped although nobody asked it to");
            }
            let now = self.ledger.now();
            if self.ledger.book().holdings.is_even() {
                let at = *even_since.get_or_insert(now);
                self.finish(Some(at - since));
                if now >= at + self.calm {
                    return Ok(());
                }
            } else {
                even_since = None;
                self.finish(None);
                if now > asked + PATIENCE {
                    return Ok(());
                }
            }
        }
    }

    /// Removes workers that have left, draws a frame, and waits for the next one.
    async fn frame(&mut self, view: &mut View) -> Result<()> {
        self.fleet.reap(&self.leaving).await?;
        let scene = Scene::of(&self.ledger, &self.acts, self.fleet.planner());
        view.draw(&scene.lasting(self.calm * ACTS_WITH_CALM + REST))?;
        self.env.clock.sleep(FRAME).await;
        Ok(())
    }

    /// Notes a cue as given now. The answer is that time.
    fn cue(&self, cue: Cue) -> Millis {
        let at = self.ledger.now();
        self.ledger.cue(cue, at);
        at
    }

    /// Begins a part of the script, for the picture.
    fn begin(&mut self, name: &'static str, headline: String) {
        self.acts.push(Act { name, headline, took: None });
    }

    /// Notes when the fleet was in balance after the current part.
    fn finish(&mut self, took: Option<Millis>) {
        if let Some(act) = self.acts.last_mut() {
            act.took = took;
        }
    }

    /// A random index into a list of this length.
    fn draw(&mut self, length: usize) -> usize {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        usize::try_from(self.rng.below(length)).unwrap_or(0)
    }
}

/// Runs `work` in a task of its own. The receiver gets its result.
fn beside<T: Send + 'static>(
    env: &Env,
    name: &'static str,
    work: impl Future<Output = T> + Send + 'static,
) -> oneshot::Receiver<T> {
    let (done, result) = oneshot::channel();
    let work: Task = Box::pin(async move {
        // The receiver is gone if the demo has ended.
        let _ = done.send(work.await);
    });
    drop(env.spawner.spawn(name, work));
    result
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stage").field("fleet", &self.fleet).finish_non_exhaustive()
    }
}
