//! A handoff with its context: events go in; calls, orders to runs, signals and notices come out.

use std::time::Duration;

mod checkpoints;
mod children;
mod ending;
mod giving;
mod leaving;
mod memory;
mod merging;
mod recovery;
mod streams;
mod taking;
mod wanted;

use super::{signal::Signal, *};
use crate::{
    assignment::placement::Taking,
    coordinator::{
        command::Command,
        document::{Hold, Origin, Revoke, Transfer},
        op::StoreCall,
        signal::Signal as Any,
        tests::{self, Done, asked, at, context, done, id, said, session},
    },
    env::WallTime,
    lease::{
        Acquire, Advance, Checkpoint, Incarnation, Lease, PlanVersion, Progress, Release, Write,
    },
    settings::Coordination,
    store::{Consistency, StoreErrorKind},
    stream::{HashRange, Position, Shard, ShardId, StreamDescription, StreamKey, StreamName},
};

struct Scene {
    handoff: Handoff,
    ctx: Context,
    version: u64,
}

fn key(number: u8) -> LeaseKey {
    format!("orders/5/shardId-{number:012}").parse().unwrap()
}

fn shard(number: u8) -> ShardId {
    format!("shardId-{number:012}").parse().unwrap()
}

fn after(sequence: u128) -> Checkpoint {
    Checkpoint::After(Position::new(sequence.into(), 0))
}

/// A row without an owner.
fn free(number: u8, epoch: u64) -> Lease {
    Lease { epoch: Epoch(epoch), ..Lease::new(key(number), after(5)) }
}

fn held(number: u8, worker: &str, epoch: u64) -> Lease {
    Lease { owner: Some(id(worker)), ..free(number, epoch) }
}

/// The row of a shard that was read to its end.
fn ended(number: u8, epoch: u64) -> Lease {
    Lease { checkpoint: Checkpoint::ShardEnd, ..free(number, epoch) }
}

/// A shard with these parents.
fn child_of(parents: &[u8], number: u8) -> Shard {
    let mut child = Shard::open(shard(number), HashRange::ALL);
    child.parents = parents.iter().map(|number| shard(*number)).collect();
    child
}

fn read(number: u8) -> StoreCall {
    StoreCall::Lease(key(number))
}

fn look_at(worker: &str) -> StoreCall {
    StoreCall::Session(id(worker), Consistency::Strong)
}

/// Epochs are milliseconds of the store's clock, which here was at 7 or 8 when the scene began.
fn acquire(seen: &Lease, epoch: u64) -> StoreCall {
    StoreCall::Acquire(Acquire::new(seen, id("me"), Epoch(epoch)))
}

fn hold(number: u8, from: Option<Origin>) -> Hold {
    Hold { key: key(number), from, children: Taking::None }
}

fn origin(owner: Option<&str>, epoch: u64, how: Transfer) -> Option<Origin> {
    Some(Origin { owner: owner.map(id), epoch: Epoch(epoch), how })
}

fn advance(epoch: u64, checkpoint: Checkpoint) -> StoreCall {
    StoreCall::Advance(Advance::new(key(0), id("me"), Epoch(epoch), checkpoint))
}

/// A row that was held here under epoch 8, put again.
fn put_at(number: u8, checkpoint: Checkpoint) -> StoreCall {
    StoreCall::Create(Lease { checkpoint, ..free(number, 8) })
}

/// The row of a wanted lease was read.
fn row(number: u8, row: Option<Lease>) -> Reply {
    Reply::WantedRow(key(number), Ok(row))
}

/// A lease was acquired.
fn granted(number: u8, epoch: u64) -> Reply {
    Reply::Acquire(key(number), Epoch(epoch), Ok(Write::Done(held(number, "me", epoch))))
}

/// The acquire was refused: another was faster, or the row was not as expected.
fn refused(number: u8, epoch: u64, row: Option<Lease>) -> Reply {
    Reply::Acquire(key(number), Epoch(epoch), Ok(Write::Refused(row)))
}

/// The release of the lease 0 under epoch 8.
fn release() -> Release {
    Release::new(key(0), id("me"), Epoch(8))
}

fn released() -> Release {
    release().to(Some(id("next")))
}

/// The orders to runs.
fn orders(done: Done) -> Vec<RunOrder> {
    let orders = done.other.into_iter().filter_map(|command| match command {
        Command::Run(run) => Some(run.order),
        _ => None,
    });
    orders.collect()
}

impl Scene {
    fn new() -> Self {
        let mut scene = Self {
            handoff: Handoff::new(id("me")),
            ctx: context(Coordination::default()),
            version: 0,
        };
        scene.describe(5);
        scene
    }

    /// The source describes the stream in this life.
    fn describe(&mut self, life: u64) {
        let of = self.ctx.reads.name().cloned();
        let key = StreamKey::new("orders", WallTime::from_millis(life));
        let (name, day) = ("orders".parse().unwrap(), Duration::from_hours(24));
        let orders = StreamDescription::new(name, key, day, WallTime::from_millis(9));
        let _ = self.ctx.reads.on_described(of, Ok(orders), self.ctx.now);
    }

    /// The next document.
    fn document(&mut self, holds: Vec<Hold>, gives: Vec<Revoke>) -> Assignment {
        self.version += 1;
        let version = PlanVersion { term: Epoch(1), version: self.version };
        Assignment { holds, gives, ..tests::assignment("planner", "me", version) }
    }

    fn follow(&mut self, told: Assignment) -> Done {
        self.handoff.apply(told, &mut self.ctx);
        done(&mut self.ctx)
    }

    /// What follows when the plan is this.
    fn plan(&mut self, holds: Vec<Hold>, gives: Vec<Revoke>) -> Done {
        let told = self.document(holds, gives);
        self.follow(told)
    }

    /// The calls when the plan is this.
    fn planned(&mut self, holds: Vec<Hold>, gives: Vec<Revoke>) -> Vec<StoreCall> {
        self.plan(holds, gives).asked
    }

    /// The calls when the document of a former life names these leases.
    fn taken_back(&mut self, holds: Vec<Hold>) -> Vec<StoreCall> {
        let former = self.document(holds, Vec::new());
        self.handoff.take_back(&former, &mut self.ctx);
        asked(&mut self.ctx)
    }

    fn answer(&mut self, answer: Reply) -> Done {
        self.handoff.on_answer(answer, &mut self.ctx);
        done(&mut self.ctx)
    }

    fn after(&mut self, answer: Reply) -> Vec<StoreCall> {
        self.answer(answer).asked
    }

    fn run(&mut self, epoch: u64, news: RunNews) -> Done {
        self.run_of(0, epoch, news)
    }

    fn run_of(&mut self, number: u8, epoch: u64, news: RunNews) -> Done {
        let event = RunEvent { key: key(number), epoch: Epoch(epoch), news };
        self.handoff.on_run(event, &mut self.ctx);
        done(&mut self.ctx)
    }

    /// The run of the lease 0 made progress, and its processor waits for the checkpoint.
    fn progress(&mut self, epoch: u64, checkpoint: Checkpoint) -> Vec<StoreCall> {
        let progress = Progress::NONE;
        self.run(epoch, RunNews::Progress { checkpoint, progress, flush: true }).asked
    }

    /// The calls once the end of this lease is written; its child, the lease 9, has these parents.
    fn ends(&mut self, number: u8, epoch: u64, parents: &[u8]) -> Vec<StoreCall> {
        let child = child_of(parents, 9);
        let row = Lease::new(key(9), Checkpoint::TrimHorizon);
        let _ = self.run_of(number, epoch, RunNews::Ended { children: vec![child] });
        let put = Ok(Write::Done(row));
        let _ = self.after(Reply::PutChild(key(number), Epoch(epoch), shard(9), put));
        let written = Ok(Write::Done(ended(number, epoch)));
        self.after(Reply::WriteEnd(key(number), Epoch(epoch), written))
    }

    fn tick(&mut self, millis: u64) -> Done {
        self.ctx.now = at(millis);
        self.handoff.on_tick(&mut self.ctx);
        done(&mut self.ctx)
    }

    /// When the handoff is to be woken.
    fn wakes(&mut self) -> Time {
        self.handoff.tell_deadlines(&mut self.ctx);
        self.ctx.deadlines.first()
    }

    /// A beat was answered.
    fn beaten(&mut self) -> Done {
        self.handoff.on_beat(&mut self.ctx);
        done(&mut self.ctx)
    }

    /// What follows when this happens to the session.
    fn on(&mut self, event: impl FnOnce(&mut Handoff, &mut Context)) -> Done {
        event(&mut self.handoff, &mut self.ctx);
        done(&mut self.ctx)
    }

    fn said(&mut self) -> Vec<Signal> {
        let own = said(&mut self.ctx).into_iter().map(|signal| match signal {
            Any::Handoff(signal) => signal,
            other => panic!("{other:?}"),
        });
        own.collect()
    }

    /// The leases held.
    fn holds(&self) -> Vec<LeaseKey> {
        self.handoff.held().map(|(key, _)| key.clone()).collect()
    }

    /// A handoff that holds the lease 0 under epoch 8, as planned.
    fn holding() -> Self {
        let mut scene = Self::new();
        let plan = vec![hold(0, origin(None, 7, Transfer::Unowned))];
        assert_eq!(scene.planned(plan, Vec::new()), [acquire(&free(0, 7), 8)]);
        assert_eq!(scene.wakes(), Time::NEVER, "the answer is waited for");
        let done = scene.answer(granted(0, 8));
        assert_eq!(done.noted, [Notice::Gained(key(0), Epoch(8))]);
        assert_eq!(orders(done), [RunOrder::Start(Box::new(held(0, "me", 8)))]);
        assert_eq!(scene.said(), []);
        scene
    }

    fn give(to: &str) -> Vec<Revoke> {
        vec![Revoke { key: key(0), epoch: Epoch(8), to: Some(id(to)) }]
    }

    /// A handoff whose run was ordered to finish its batch, for another session.
    fn draining() -> Self {
        let mut scene = Self::holding();
        // The longest a handoff may take, without the guard.
        let done = scene.plan(Vec::new(), Self::give("next"));
        assert_eq!(orders(done), [RunOrder::Drain { until: at(29_700) }]);
        scene
    }
}
