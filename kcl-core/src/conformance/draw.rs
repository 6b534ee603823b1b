//! Draws random commands: valid ones, stale ones, and some whose condition has never held.
//!
//! All draws come from one seed, so that a failure can be repeated. The weights make a drawn
//! history do what fleets do most: sessions beat, leases are acquired, advanced and released; a few
//! commands carry an old epoch, a foreign owner or a lower checkpoint.

use bytes::Bytes;

use super::{
    Failure,
    command::{Command, Row, RowKey},
    samples,
};
use crate::{
    coordinator::Assignment,
    env::Rng,
    lease::{
        Acquire, Advance, Beat, Checkpoint, Delete, DeleteDoc, DocName, Document, EndSession,
        Ending, Epoch, Forget, Lease, LeaseKey, PlanVersion, PutDoc, Release, Restart, Session,
        SessionId, Zone,
    },
    stream::{ShardId, StreamName},
};

/// Draws commands on a few rows.
pub(super) struct Drawer {
    rng: Rng,
    /// The sessions that own leases: two of one worker id, and one of another.
    owners: Vec<SessionId>,
    shards: Vec<ShardId>,
    streams: Vec<StreamName>,
    zones: Vec<Zone>,
    /// The rows that commands are drawn for.
    keys: Vec<RowKey>,
}

impl Drawer {
    pub(super) fn new(rng: Rng) -> Result<Self, Failure> {
        let owners = vec![
            samples::session_id("worker", 1)?,
            samples::session_id("worker", 2)?,
            samples::session_id("other", 1)?,
        ];
        let streams = (0..2).map(samples::stream).collect::<Result<_, _>>()?;
        let zones = (0..2).map(samples::zone).collect::<Result<_, _>>()?;
        let shards = (0..4).map(samples::shard).collect::<Result<_, _>>()?;
        let mut keys: Vec<_> = owners.iter().cloned().map(RowKey::Session).collect();
        keys.push(RowKey::Lease(samples::lease_key(1)?));
        keys.push(RowKey::Lease(samples::lease_key(2)?));
        keys.push(RowKey::Lease(LeaseKey::planner()));
        keys.push(RowKey::Doc(samples::doc_name("placement")?));
        keys.push(RowKey::Doc(samples::doc_name("assignment:worker")?));
        Ok(Self { rng, owners, shards, streams, zones, keys })
    }

    /// The rows that commands are drawn for.
    pub(super) fn keys(&self) -> &[RowKey] {
        &self.keys
    }

    /// A random one of the rows.
    pub(super) fn key(&mut self) -> RowKey {
        pick(&mut self.rng, &self.keys)
    }

    /// True once in `n` times.
    pub(super) fn once_in(&mut self, n: u64) -> bool {
        self.rng.below(n) == 0
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.rng.below(bound)
    }

    /// A command on the row `key` by a client that last saw the row as `seen`.
    pub(super) fn command(&mut self, key: &RowKey, seen: Option<&Row>) -> Command {
        match key {
            RowKey::Session(id) => self.on_session(id, seen.and_then(Row::session)),
            RowKey::Lease(key) => self.on_lease(key, seen.and_then(Row::lease)),
            RowKey::Doc(name) => self.on_doc(name, seen.and_then(Row::doc)),
        }
    }

    /// Draws a command on a session: three of four on a live session are beats. On a missing or
    /// ended session, a third are registrations or deletions.
    fn on_session(&mut self, id: &SessionId, seen: Option<&Session>) -> Command {
        let beat = seen.map_or(0, |row| row.beat);
        let ended = seen.is_some_and(Session::has_ended);
        match self.rng.below(if seen.is_none() || ended { 30 } else { 20 }) {
            0..2 => Command::Wake(id.clone()),
            2 => Command::Forget(Forget::new(id.clone())),
            3 => {
                let endings =
                    [Ending::Leave, Ending::Replace, Ending::Fence { beat: self.near(beat) }];
                EndSession::new(id.clone(), pick(&mut self.rng, &endings)).into()
            }
            4 => self.new_session(id).into(),
            5..20 => {
                let number = if self.once_in(4) { self.near(beat) } else { beat + 1 };
                let report = samples::report(self.small());
                let leaving = self.once_in(12);
                Beat::new(id.clone(), number, report).leaving(leaving).into()
            }
            _ if ended => Command::Forget(Forget::new(id.clone())),
            _ => self.new_session(id).into(),
        }
    }

    /// Draws a registration, half of them without a stream, and half without a zone.
    fn new_session(&mut self, id: &SessionId) -> Session {
        let mut session = samples::tacit_session(id.clone());
        session.start = self.rng.below(5);
        session.capacity = self.small();
        session.stream = self.once_in(2).then(|| pick(&mut self.rng, &self.streams));
        session.zone = self.once_in(2).then(|| pick(&mut self.rng, &self.zones));
        session
    }

    /// Draws a command on a lease. One in five has an epoch near the stored one, one in six an
    /// owner drawn at random. A missing lease is mostly created.
    fn on_lease(&mut self, key: &LeaseKey, seen: Option<&Lease>) -> Command {
        let Some(row) = seen else {
            let lease = self.new_lease(key);
            return if self.once_in(4) { self.on_lease(key, Some(&lease)) } else { lease.into() };
        };
        let epoch = if self.once_in(5) { Epoch(self.near(row.epoch.0)) } else { row.epoch };
        let owner = row.owner.clone().filter(|_| !self.once_in(6));
        let owner = owner.unwrap_or_else(|| pick(&mut self.rng, &self.owners));
        match self.rng.below(22) {
            0..6 => self.acquire(row, epoch),
            6..13 => self.advance(row, owner, epoch),
            13..17 => self.release(row, owner, epoch),
            17 => self.new_lease(key).into(),
            18..20 => self.restart(row, epoch),
            20 => Delete::ended(key.clone(), epoch).into(),
            _ if self.once_in(3) => Delete::of_gone_stream(key.clone(), epoch).into(),
            _ => Delete::ended(key.clone(), epoch).into(),
        }
    }

    /// Draws a creation, one in three of a lease with an owner.
    fn new_lease(&mut self, key: &LeaseKey) -> Lease {
        let mut lease = Lease::new(key.clone(), Checkpoint::TrimHorizon);
        lease.parents = self.some_shards();
        lease.epoch = Epoch(self.rng.below(2));
        if self.once_in(3) {
            lease.owner = Some(pick(&mut self.rng, &self.owners));
            // An owner's epoch is above the epoch of a lease that nobody has held.
            lease.epoch.0 += 1;
            lease.checkpoint = self.checkpoint(&Checkpoint::TrimHorizon);
        }
        lease
    }

    /// Draws an acquire whose new epoch may be too low. One in six expects no owner.
    fn acquire(&mut self, row: &Lease, epoch: Epoch) -> Command {
        let taker = pick(&mut self.rng, &self.owners);
        let new = Epoch(row.epoch.0 + self.rng.below(4));
        let mut acquire = Acquire::new(row, taker, new);
        acquire.seen_epoch = epoch;
        if self.once_in(6) {
            acquire.seen_owner = None;
        }
        acquire.into()
    }

    /// Draws a checkpoint, half of them with progress. At the end of a shard it has up to two
    /// children.
    fn advance(&mut self, row: &Lease, owner: SessionId, epoch: Epoch) -> Command {
        let checkpoint = self.checkpoint(&row.checkpoint);
        let children = if checkpoint.is_end() { self.some_shards() } else { Vec::new() };
        let mut advance = Advance::new(row.key.clone(), owner, epoch, checkpoint);
        if self.once_in(2) {
            advance = advance.with_progress(samples::progress(self.rng.below(50)));
        }
        advance.with_children(children).into()
    }

    /// Draws a release: half of them with a checkpoint, half with a successor.
    fn release(&mut self, row: &Lease, owner: SessionId, epoch: Epoch) -> Command {
        let mut release = Release::new(row.key.clone(), owner, epoch);
        if self.once_in(2) {
            let progress = samples::progress(self.rng.below(50));
            release = release.at(self.checkpoint(&row.checkpoint), progress);
        }
        let successor = self.once_in(2).then(|| pick(&mut self.rng, &self.owners));
        release.to(successor).avoiding(self.once_in(4)).into()
    }

    /// Draws a restart to a checkpoint near the beginning or near the stored one. Some expect
    /// another owner.
    fn restart(&mut self, row: &Lease, epoch: Epoch) -> Command {
        let new = Epoch(row.epoch.0 + self.rng.below(4));
        let to = if self.once_in(2) { Checkpoint::TrimHorizon } else { row.checkpoint.clone() };
        let to = self.checkpoint(&to);
        // Children, too, if the new checkpoint is not the end: the rule ignores them then.
        let mut restart = Restart::new(row, new, to).with_children(self.some_shards());
        restart.seen_epoch = epoch;
        if self.once_in(6) {
            restart.seen_owner = None;
        }
        if self.once_in(6) {
            restart.seen_owner = Some(pick(&mut self.rng, &self.owners));
        }
        restart.into()
    }

    /// A checkpoint near `stored`: mostly above it, sometimes the same, sometimes below.
    fn checkpoint(&mut self, stored: &Checkpoint) -> Checkpoint {
        match self.rng.below(16) {
            0 => Checkpoint::ShardEnd,
            1 => Checkpoint::TrimHorizon,
            2 => stored.clone(),
            _ => {
                let around = match stored {
                    Checkpoint::After(at) => at.sequence.as_str().parse().unwrap_or(1_u128),
                    _ => 8,
                };
                // From 8, these steps cross 9, 99 and 999, so that numbers of different lengths are
                // compared.
                let step = [0_u128, 1, 2, 5, 90, 900][usize::from(self.small_index(6))];
                let back = u128::from(self.once_in(4)) * 3;
                samples::after((around + step).saturating_sub(back), self.rng.below(3))
            }
        }
    }

    /// Draws a write or a deletion of a document, some with an old or a future version.
    fn on_doc(&mut self, name: &DocName, seen: Option<&Document>) -> Command {
        let version = seen.map(|doc| doc.version);
        let believed = match self.rng.below(5) {
            0 => Some(self.near(version.unwrap_or(0))),
            1 if self.once_in(2) => None,
            _ => version,
        };
        match believed {
            Some(version) if self.once_in(6) => DeleteDoc::new(name.clone(), version).into(),
            _ => {
                let next = believed.map_or(1, |version| version + 1);
                PutDoc::new(name.clone(), believed, self.body(name, next)).into()
            }
        }
    }

    /// A body for version `next` of a document, different each time. The term of a plan rises with
    /// the version of its document, as it does with real planners.
    fn body(&mut self, name: &DocName, next: u64) -> Bytes {
        let mut body = vec![b'x'; usize::from(self.small_index(40))];
        let mark = self.rng.next_u64();
        if name.as_str().starts_with("assignment:") {
            return self.plan(PlanVersion { term: Epoch(next), version: mark }).encode();
        }
        body.extend_from_slice(&mark.to_be_bytes());
        body.into()
    }

    /// An assignment without leases.
    fn plan(&self, version: PlanVersion) -> Assignment {
        Assignment {
            version,
            session: self.owners[0].clone(),
            planner: self.owners[2].clone(),
            standby: None,
            second: None,
            rank: 0,
            takes_children: false,
            starts: Vec::new(),
            holds: Vec::new(),
            gives: Vec::new(),
            give_within: None,
        }
    }

    /// `n`, one more or one less.
    fn near(&mut self, n: u64) -> u64 {
        (n + self.rng.below(3)).saturating_sub(1)
    }

    /// A number below 100.
    fn small(&mut self) -> u32 {
        u32::from(self.small_index(100))
    }

    /// A number below `bound`.
    fn small_index(&mut self, bound: u8) -> u8 {
        u8::try_from(self.rng.below(u64::from(bound))).unwrap_or(0)
    }

    /// None, one or two of the shards.
    fn some_shards(&mut self) -> Vec<ShardId> {
        let many = usize::from(self.small_index(3));
        (0..many).map(|_| pick(&mut self.rng, &self.shards)).collect()
    }
}

/// One of `from`, which must not be empty.
fn pick<T: Clone>(rng: &mut Rng, from: &[T]) -> T {
    let at = usize::try_from(rng.below(from.len() as u64)).unwrap_or(0);
    from[at].clone()
}
