//! The small world: every session, row and letter that can be, numbered.
//!
//! A letter is a conditional write on its way to the store. It may land late, more than once, or
//! never.

use kcl_core::{
    lease::{
        Acquire, Advance, Checkpoint, Epoch, Incarnation, Lease, LeaseKey, Release, SessionId,
    },
    stream::Position,
};

/// How large the world is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How often the lease changes its owner.
    pub(crate) epochs: u8,
    /// How many records the shard has before it ends.
    pub(crate) records: u8,
    /// How many lives each of the two workers has.
    pub(crate) lives: u8,
}

/// A session: the life `n` of worker `w` is `w × lives + n`.
pub(crate) type SessionNo = u8;

/// The lease row. Epochs are consecutive: only their order matters, and the store's clock can make
/// them no smaller than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Row {
    pub(crate) owner: Option<SessionNo>,
    pub(crate) epoch: u8,
    /// 0: nothing yet. Then the record up to which the shard is processed; one above the last: the
    /// shard has ended.
    pub(crate) checkpoint: u8,
}

/// A conditional write on the lease row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Letter {
    Acquire {
        seen_owner: Option<SessionNo>,
        seen_epoch: u8,
        by: SessionNo,
    },
    Advance {
        by: SessionNo,
        epoch: u8,
        checkpoint: u8,
    },
    /// Checkpoint 0: keep the stored one.
    Release {
        by: SessionNo,
        epoch: u8,
        checkpoint: u8,
    },
}

impl Letter {
    pub(crate) const fn by(self) -> SessionNo {
        match self {
            Self::Acquire { by, .. } | Self::Advance { by, .. } | Self::Release { by, .. } => by,
        }
    }
}

/// The letters on their way: each may land any number of times.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Letters([u64; 4]);

impl Letters {
    pub(crate) const fn add(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    pub(crate) const fn has(&self, number: usize) -> bool {
        self.0[number / 64] & (1 << (number % 64)) != 0
    }

    pub(crate) fn only(&self, kept: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & kept.0[i]))
    }

    pub(crate) fn without(&self, dropped: &Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] & !dropped.0[i]))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0 == [0; 4]
    }

    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> + use<> {
        let words = self.0;
        (0..4).flat_map(move |word| {
            let mut left: u64 = words[word];
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                (left != 0).then(|| {
                    left &= left - 1;
                    word * 64 + bit
                })
            })
        })
    }
}

/// The numbering, and the real types behind the numbers.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) bounds: Bounds,
    pub(crate) letters: Vec<Letter>,
    names: Vec<SessionId>,
    key: LeaseKey,
}

impl World {
    pub(crate) fn new(bounds: Bounds) -> Self {
        let life = |worker: &str, life: u8| {
            SessionId::new(worker.parse().unwrap(), Incarnation::from_bits(life.into()))
        };
        let names = ["a", "b"].iter().flat_map(|w| (0..bounds.lives).map(move |n| life(w, n)));
        let mut world = Self {
            bounds,
            letters: Vec::new(),
            names: names.collect(),
            key: "orders/1/shardId-000000000000".parse().unwrap(),
        };
        world.letters = world.all_letters();
        assert!(world.letters.len() <= 256, "a set of letters has 256 bits");
        for (number, letter) in world.letters.iter().enumerate() {
            assert_eq!(world.number(*letter), number);
        }
        world
    }

    pub(crate) const fn sessions(&self) -> u8 {
        self.bounds.lives * 2
    }

    /// The checkpoint of a shard that has ended.
    pub(crate) const fn end(&self) -> u8 {
        self.bounds.records + 1
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for owner in self.owners() {
            for epoch in 0..=self.bounds.epochs {
                for checkpoint in 0..=self.end() {
                    rows.push(Row { owner, epoch, checkpoint });
                }
            }
        }
        rows
    }

    pub(crate) fn row_number(&self, row: Row) -> usize {
        let epochs = usize::from(self.bounds.epochs) + 1;
        let checkpoints = usize::from(self.end()) + 1;
        (owner_number(row.owner) * epochs + usize::from(row.epoch)) * checkpoints
            + usize::from(row.checkpoint)
    }

    /// The place of a letter in [`Self::letters`].
    pub(crate) fn number(&self, letter: Letter) -> usize {
        let sessions = usize::from(self.sessions());
        let epochs = usize::from(self.bounds.epochs);
        let end = usize::from(self.end());
        let written = |by: u8, epoch: u8, checkpoint: u8| {
            (usize::from(by) * epochs + usize::from(epoch) - 1) * end + usize::from(checkpoint)
        };
        let acquires = (sessions + 1) * epochs * sessions;
        match letter {
            Letter::Acquire { seen_owner, seen_epoch, by } => {
                (owner_number(seen_owner) * epochs + usize::from(seen_epoch)) * sessions
                    + usize::from(by)
            }
            Letter::Advance { by, epoch, checkpoint } => {
                acquires + written(by, epoch, checkpoint - 1)
            }
            Letter::Release { by, epoch, checkpoint } => {
                acquires + sessions * epochs * end + written(by, epoch, checkpoint)
            }
        }
    }

    fn owners(&self) -> impl Iterator<Item = Option<SessionNo>> + use<> {
        std::iter::once(None).chain((0..self.sessions()).map(Some))
    }

    fn all_letters(&self) -> Vec<Letter> {
        let Bounds { epochs, records, .. } = self.bounds;
        let mut letters = Vec::new();
        for seen_owner in self.owners() {
            for seen_epoch in 0..epochs {
                let all = 0..self.sessions();
                letters.extend(all.map(|by| Letter::Acquire { seen_owner, seen_epoch, by }));
            }
        }
        for by in 0..self.sessions() {
            for epoch in 1..=epochs {
                let all = 1..=self.end();
                letters.extend(all.map(|checkpoint| Letter::Advance { by, epoch, checkpoint }));
            }
        }
        for by in 0..self.sessions() {
            for epoch in 1..=epochs {
                let all = 0..=records;
                letters.extend(all.map(|checkpoint| Letter::Release { by, epoch, checkpoint }));
            }
        }
        letters
    }

    /// The row as the rules know it.
    pub(crate) fn lease(&self, row: Row) -> Lease {
        let mut lease = Lease::new(self.key.clone(), self.checkpoint(row.checkpoint));
        lease.owner = row.owner.map(|owner| self.name(owner));
        lease.epoch = Epoch(row.epoch.into());
        lease
    }

    /// The number of a row that the rules made.
    pub(crate) fn row(&self, lease: &Lease) -> Row {
        let owner = lease.owner.as_ref().map(|owner| {
            u8::try_from(self.names.iter().position(|name| name == owner).unwrap()).unwrap()
        });
        let same = |n: &u8| self.checkpoint(*n) == lease.checkpoint;
        let checkpoint = (0..=self.end()).find(same).unwrap();
        Row { owner, epoch: u8::try_from(lease.epoch.0).unwrap(), checkpoint }
    }

    pub(crate) fn name(&self, session: SessionNo) -> SessionId {
        self.names[usize::from(session)].clone()
    }

    pub(crate) fn checkpoint(&self, number: u8) -> Checkpoint {
        match number {
            0 => Checkpoint::TrimHorizon,
            end if end == self.end() => Checkpoint::ShardEnd,
            record => Checkpoint::After(Position::new(u128::from(record).into(), 0)),
        }
    }

    pub(crate) fn acquire(&self, seen: Row, by: SessionNo) -> Acquire {
        let epoch = Epoch(u64::from(seen.epoch) + 1);
        Acquire::new(&self.lease(seen), self.name(by), epoch)
    }

    pub(crate) fn advance(&self, by: SessionNo, epoch: u8, checkpoint: u8) -> Advance {
        let (key, epoch) = (self.key.clone(), Epoch(epoch.into()));
        Advance::new(key, self.name(by), epoch, self.checkpoint(checkpoint))
    }

    pub(crate) fn release(&self, by: SessionNo, epoch: u8, checkpoint: u8) -> Release {
        let release = Release::new(self.key.clone(), self.name(by), Epoch(epoch.into()));
        if checkpoint == 0 {
            return release;
        }
        release.at(self.checkpoint(checkpoint), kcl_core::lease::Progress::NONE)
    }
}

fn owner_number(owner: Option<SessionNo>) -> usize {
    owner.map_or(0, |session| usize::from(session) + 1)
}

/// Shown as letters, not as bits, where a path is printed.
impl std::fmt::Debug for Letters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.numbers()).finish()
    }
}
