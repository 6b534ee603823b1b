//! What the judge of simulated runs says of every write that lands in the small world, and of every
//! record that is processed.
//!
//! Made once by telling `kcl_memory::sim::Judge` of each; the search looks up what it said. Nothing
//! of it is written down here.

use kcl_core::{
    coordinator::StoreCall,
    env::Time,
    lease::{Epoch, WorkerId},
    stream::{HashRange, Shard},
};
use kcl_memory::sim::{Delivered, Judge, Violation};

use super::{
    tables::Tables,
    world::{Letter, Row, SessionNo, World},
};

/// The invariants that steps of the small world may break.
const INVARIANTS: [&str; 6] = [
    "no checkpoint regresses",
    "nothing is skipped",
    "no stale write is accepted",
    "only the holder writes",
    "one session per epoch",
    "epochs increase",
];

/// Invariants that were broken: a bit for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Broken(u8);

impl Broken {
    fn of(violations: &[Violation]) -> Self {
        violations
            .iter()
            .fold(Self::default(), |all, violation| all | Self::one(violation.invariant))
    }

    fn one(invariant: &str) -> Self {
        let bit = INVARIANTS.iter().position(|name| *name == invariant);
        Self(1 << bit.unwrap_or_else(|| panic!("\"{invariant}\" is broken: no property says so")))
    }

    /// Whether this invariant is broken.
    pub(crate) fn has(self, invariant: &str) -> bool {
        // Asked in every state, of which hardly one is broken.
        self.0 != 0 && self.0 & Self::one(invariant).0 != 0
    }
}

impl std::ops::BitOr for Broken {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitOrAssign for Broken {
    fn bitor_assign(&mut self, other: Self) {
        *self = *self | other;
    }
}

/// What the judge says.
#[derive(Debug)]
pub(crate) struct Verdicts {
    letters: usize,
    holders: usize,
    records: usize,
    /// By row, letter, who was given the row's epoch, and how many records are processed.
    landed: Vec<Broken>,
    /// By record, and how many were processed before.
    processed: Vec<Broken>,
    /// Whether two workers may dispatch at once; and where that is excused.
    may_overlap: [bool; 2],
    /// Whether a shard may end whose child has no row.
    may_end_childless: bool,
}

impl Verdicts {
    pub(crate) fn new(world: &World, tables: &Tables) -> Self {
        let records = usize::from(world.bounds.records) + 1;
        let holders = usize::from(world.sessions()) + 1;
        let mut landed = Vec::new();
        for (number, before) in world.rows().into_iter().enumerate() {
            for letter in &world.letters {
                let after = tables.landed(number, world.number(*letter));
                let holders = std::iter::once(None).chain((0..world.sessions()).map(Some));
                for holder in holders {
                    landed.extend((0..=world.bounds.records).map(|processed| {
                        after.map_or_else(Broken::default, |after| {
                            judge_write(world, (before, *letter, after), holder, processed)
                        })
                    }));
                }
            }
        }
        let all = 0..=world.bounds.records;
        let processed = all.clone().flat_map(|record| {
            all.clone().map(move |processed| judge_record(world, record, processed))
        });
        Self {
            letters: world.letters.len(),
            holders,
            records,
            landed,
            processed: processed.collect(),
            may_overlap: [false, true].map(|excused| judge_overlap(world, excused)),
            may_end_childless: judge_end(world),
        }
    }

    /// What is broken when a letter makes what it makes of a row whose epoch was given to `holder`,
    /// with so many records processed.
    pub(crate) fn landed(
        &self,
        row: usize,
        letter: usize,
        holder: Option<SessionNo>,
        processed: u8,
    ) -> Broken {
        let holder = holder.map_or(0, |holder| usize::from(holder) + 1);
        let at = (row * self.letters + letter) * self.holders + holder;
        self.landed[at * self.records + usize::from(processed)]
    }

    /// What is broken when a record is processed after so many.
    pub(crate) fn processed(&self, record: u8, processed: u8) -> Broken {
        self.processed[usize::from(record) * self.records + usize::from(processed)]
    }

    /// Whether two workers may dispatch at once.
    pub(crate) const fn may_overlap(&self, excused: bool) -> bool {
        self.may_overlap[excused as usize]
    }

    /// Whether a shard may end whose child has no row.
    pub(crate) const fn may_end_childless(&self) -> bool {
        self.may_end_childless
    }
}

/// A judge of the world's shard, of which so many records have been processed.
fn judge(world: &World, processed: u8) -> Judge {
    let mut judge = Judge::new([(shard(world), world.bounds.records.into())]);
    for record in 1..=world.bounds.records {
        judge.put(record.into(), "key");
    }
    for record in 1..=processed {
        assert_eq!(deliver(&mut judge, world, (1, record), None), []);
    }
    judge
}

fn shard(world: &World) -> Shard {
    let key = world.lease(Row { owner: None, epoch: 0, checkpoint: 0 }).key;
    Shard::open(key.shard().unwrap(), HashRange::ALL)
}

/// Worker `a` is given a record under an epoch, while `beside` has records in hand.
fn deliver<'j>(
    judge: &'j mut Judge,
    world: &World,
    (epoch, place): (u64, u8),
    beside: Option<&WorkerId>,
) -> &'j [Violation] {
    let (worker, shard) = (&"a".parse().unwrap(), &shard(world).id);
    let (epoch, place, record) = (Epoch(epoch), place.into(), Some(place.into()));
    judge.delivered(Time::ZERO, &Delivered { worker, life: 0, shard, epoch, place, record, beside })
}

fn judge_record(world: &World, record: u8, processed: u8) -> Broken {
    if record == 0 {
        return Broken::default();
    }
    // Whoever holds the lease next begins with it.
    Broken::of(deliver(&mut judge(world, processed), world, (2, record), None))
}

fn judge_write(
    world: &World,
    (before, letter, after): (Row, Letter, Row),
    holder: Option<SessionNo>,
    processed: u8,
) -> Broken {
    let mut judge = judge(world, processed);
    let passed = |row: Row| u64::from(row.checkpoint.min(world.bounds.records));
    let mut wrote = |call: &StoreCall, before: Row, after: Row| {
        let (before, lease) = (world.lease(before), world.lease(after));
        Broken::of(judge.wrote(Time::ZERO, call, Some(&before), (&lease, passed(after))))
    };
    // What went before, whatever is said of it: the epoch was given to its holder, who wrote.
    if let (Some(holder), Some(former)) = (holder, before.epoch.checked_sub(1)) {
        let (held, free) =
            (Row { owner: Some(holder), ..before }, Row { owner: None, epoch: former, ..before });
        wrote(&StoreCall::Acquire(world.acquire(free, holder)), free, held);
        wrote(&StoreCall::Advance(world.advance(holder, before.epoch, 1)), held, held);
    }
    let call = match letter {
        Letter::Acquire { seen_owner, seen_epoch, by } => {
            let seen = Row { owner: seen_owner, epoch: seen_epoch, checkpoint: 0 };
            StoreCall::Acquire(world.acquire(seen, by))
        }
        Letter::Advance { by, epoch, checkpoint } => {
            StoreCall::Advance(world.advance(by, epoch, checkpoint))
        }
        Letter::Release { by, epoch, checkpoint } => {
            StoreCall::Release(world.release(by, epoch, checkpoint))
        }
    };
    wrote(&call, before, after)
}

fn judge_overlap(world: &World, excused: bool) -> bool {
    let mut judge = judge(world, 0);
    if excused {
        judge.excuse_overlap();
    }
    let other = "b".parse().unwrap();
    let broken = deliver(&mut judge, world, (1, 1), Some(&other));
    let expected = |violation: &Violation| violation.invariant == "one dispatcher per shard";
    assert!(broken.iter().all(expected), "{broken:?}");
    broken.is_empty()
}

fn judge_end(world: &World) -> bool {
    let end = world.lease(Row { owner: None, epoch: 1, checkpoint: world.end() });
    let mut judge = judge(world, world.bounds.records);
    let child = "orders/1/shardId-000000000001".parse().unwrap();
    let broken = judge.ended(Time::ZERO, &end, vec![child]);
    let expected = |violation: &Violation| violation.invariant == "children are put before the end";
    assert!(broken.iter().all(expected), "{broken:?}");
    broken.is_empty()
}

/// The searches break one invariant at a time, and end there: each of the judge's by itself.
#[test]
fn the_judge_objects_to_each_thing_that_must_not_happen() {
    let world = World::new(super::world::Bounds { epochs: 3, records: 2, lives: 2 });
    let held = |owner, epoch, checkpoint| Row { owner: Some(owner), epoch, checkpoint };
    let advance = |by, epoch, checkpoint| Letter::Advance { by, epoch, checkpoint };
    let (before, after) = (held(0, 1, 1), held(0, 1, 2));
    let of_holder = |step, holder, processed| judge_write(&world, step, Some(holder), processed);
    assert_eq!(of_holder((before, advance(0, 1, 2), after), 0, 2), Broken::default());
    let broken = |step, processed, names: &[&str]| {
        let expected = names.iter().fold(Broken::default(), |all, name| all | Broken::one(name));
        assert_eq!(of_holder(step, 0, processed), expected, "{names:?}");
    };
    broken((after, advance(0, 1, 1), before), 2, &["no checkpoint regresses"]);
    broken((before, advance(0, 1, 2), after), 1, &["nothing is skipped"]);
    let end = Row { owner: None, epoch: 1, checkpoint: world.end() };
    broken((before, advance(0, 1, world.end()), end), 1, &["nothing is skipped"]);
    let newer = (held(0, 2, 1), advance(0, 1, 2), held(0, 2, 2));
    broken(newer, 2, &["no stale write is accepted"]);
    let other = (before, advance(1, 1, 2), after);
    let all = ["no stale write is accepted", "only the holder writes", "one session per epoch"];
    broken(other, 2, &all);
    let former = (held(0, 2, 1), advance(1, 1, 2), held(0, 2, 2));
    broken(former, 2, &["no stale write is accepted", "only the holder writes"]);
    let again = Letter::Acquire { seen_owner: Some(0), seen_epoch: 1, by: 1 };
    broken((before, again, held(1, 1, 1)), 1, &["epochs increase"]);
    assert_eq!(judge_record(&world, 2, 1), Broken::default());
    assert_eq!(judge_record(&world, 2, 0), Broken::one("nothing is skipped"));
    assert_eq!([false, true].map(|excused| judge_overlap(&world, excused)), [false, true]);
    assert!(!judge_end(&world));
}
