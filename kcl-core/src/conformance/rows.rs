//! Sample rows for tests of a store's encoding: rows with a value in every field, rows with as few
//! values as possible, and random rows.
//!
//! Each row is made with all its fields by name. So a new field does not compile here until the
//! samples have it, and with them the tests of every store.

use std::time::Duration;

use bytes::Bytes;

use super::{Failure, samples};
use crate::{
    env::{Rng, WallTime},
    lease::{
        Checkpoint, DocName, Document, EndReason, Epoch, Incarnation, Lease, LeaseKey, PlanVersion,
        Progress, Report, Session, SessionId, SessionState, WorkerId, Zone,
    },
    stream::{HashRange, Position, SequenceNumber, ShardId, StreamKey, StreamName},
};

/// A session with a different value in every field.
///
/// # Errors
/// Only with a defect of the samples: a name in it is invalid.
pub fn full_session() -> Result<Session, Failure> {
    Ok(Session {
        id: samples::session_id("pod-7", 0x0123_4567_89ab_cdef_0011_2233_4455_6677)?,
        start: 3,
        timeout: Duration::from_millis(6_001),
        interval: Duration::from_millis(1_502),
        capacity: 12,
        stream: Some(samples::stream(1)?),
        zone: Some(samples::zone(4)?),
        beat: samples::HIGHEST,
        state: SessionState::Leaving,
        mailbox: 7,
        report: Report {
            seen: PlanVersion { term: Epoch(1_700_000_000_001), version: 9 },
            changes: 21,
            conflicts: 32,
            watched: 103,
        },
    })
}

/// A session without any optional value.
///
/// # Errors
/// Only with a defect of the samples: a name in it is invalid.
pub fn bare_session() -> Result<Session, Failure> {
    let id = samples::session_id("pod-7", 1)?;
    Ok(Session::new(id, 0, Duration::from_secs(6), Duration::from_millis(1_500)))
}

/// A lease with a different value in every field.
///
/// # Errors
/// Only with a defect of the samples: a name in it is invalid.
pub fn full_lease() -> Result<Lease, Failure> {
    Ok(Lease {
        key: samples::lease_key(1)?,
        owner: Some(samples::session_id("pod-7", 7)?),
        epoch: Epoch(1_700_000_000_123),
        checkpoint: samples::after(49_590_338_271_490_256_608_559_692_538_361_571, 41),
        progress: Progress {
            arrival: Some(WallTime::from_millis(1_700_000_000_009)),
            lag: Some(Duration::from_millis(2_250)),
            rate: 9_000,
        },
        parents: vec![samples::shard(91)?, samples::shard(90)?],
        children: vec![samples::shard(93)?],
        range: Some(HashRange::new(1 << 100, HashRange::ALL.end)),
        successor: Some(samples::session_id("pod-8", 8)?),
        avoid: Some("pod-9".parse()?),
    })
}

/// A lease that nobody has held, without any optional value: `@planner`.
///
/// # Errors
/// Only with a defect of the samples: a name in it is invalid.
pub fn bare_lease() -> Result<Lease, Failure> {
    Ok(Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon))
}

/// A random session; the same for the same seed.
///
/// # Errors
/// Only with a defect of the samples: a name in it is invalid.
pub fn any_session(seed: u64) -> Result<Session, Failure> {
    let mut draw = Draw(Rng::new(seed));
    Ok(Session {
        id: draw.session()?,
        start: draw.number(),
        timeout: Duration::from_millis(draw.number()),
        interval: Duration::from_millis(draw.number()),
        capacity: draw.small(),
        stream: draw.maybe(Draw::stream)?,
        zone: draw.maybe(Draw::zone)?,
        beat: draw.number(),
        state: draw.state(),
        mailbox: draw.number(),
        report: Report {
            seen: PlanVersion { term: Epoch(draw.number()), version: draw.number() },
            changes: draw.number(),
            conflicts: draw.number(),
            watched: draw.small(),
        },
    })
}

/// A random lease; the same for the same seed.
///
/// # Errors
/// Only with a defect of the samples: a name in it is invalid.
pub fn any_lease(seed: u64) -> Result<Lease, Failure> {
    let mut draw = Draw(Rng::new(seed));
    let number = |draw: &mut Draw| Ok(draw.number());
    Ok(Lease {
        key: draw.lease_key()?,
        owner: draw.maybe(Draw::session)?,
        epoch: Epoch(draw.number()),
        checkpoint: draw.checkpoint(),
        progress: Progress {
            arrival: draw.maybe(number)?.map(WallTime::from_millis),
            lag: draw.maybe(number)?.map(Duration::from_millis),
            rate: draw.number(),
        },
        parents: draw.shards()?,
        children: draw.shards()?,
        range: draw.maybe(|draw| Ok(draw.range()))?,
        successor: draw.maybe(Draw::session)?,
        avoid: draw.maybe(Draw::worker)?,
    })
}

/// A random document; the same for the same seed.
///
/// # Errors
/// Only with a defect of the samples: a name in it is invalid.
pub fn any_document(seed: u64) -> Result<Document, Failure> {
    let mut draw = Draw(Rng::new(seed));
    Ok(Document { name: draw.doc_name()?, version: draw.number(), body: draw.body() })
}

/// Draws values that every store must hold.
struct Draw(Rng);

impl Draw {
    fn one_in(&mut self, many: u64) -> bool {
        self.0.below(many) == 0
    }

    fn maybe<T>(
        &mut self,
        value: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        if self.one_in(3) { Ok(None) } else { value(self).map(Some) }
    }

    /// A number up to [`samples::HIGHEST`]; in half of the draws one of the three lowest or the
    /// three highest.
    fn number(&mut self) -> u64 {
        match self.0.below(4) {
            0 => self.0.below(3),
            1 => samples::HIGHEST - self.0.below(3),
            _ => self.0.next_u64() & samples::HIGHEST,
        }
    }

    fn small(&mut self) -> u32 {
        let number = self.number();
        u32::try_from(number).unwrap_or(u32::MAX)
    }

    /// A name of the characters in `of`: mostly 1 to 12 long, in one of eight draws `most`.
    fn name(&mut self, most: u64, of: &[u8]) -> String {
        let length = if self.one_in(8) { most } else { 1 + self.0.below(most.min(12)) };
        let count = of.len() as u64;
        let at = |draw: &mut Self| usize::try_from(draw.0.below(count)).unwrap_or_default();
        (0..length).map(|_| char::from(of[at(self)])).collect()
    }

    fn worker(&mut self) -> Result<WorkerId, Failure> {
        Ok(self.name(WorkerId::MAX_LENGTH as u64, b"aZ09_.:@-").parse()?)
    }

    fn zone(&mut self) -> Result<Zone, Failure> {
        Ok(self.name(Zone::MAX_LENGTH as u64, b"aZ09_.:@-").parse()?)
    }

    fn stream(&mut self) -> Result<StreamName, Failure> {
        let plain = self.name(128, b"aZ09_.-");
        let whole = if self.one_in(2) { format!("123456789012:eu-west-1:{plain}") } else { plain };
        Ok(whole.parse()?)
    }

    fn session(&mut self) -> Result<SessionId, Failure> {
        Ok(SessionId::new(self.worker()?, Incarnation::from_bits(self.0.next_u128())))
    }

    fn shard(&mut self) -> Result<ShardId, Failure> {
        Ok(self.name(128, b"aZ09_.-").parse()?)
    }

    fn shards(&mut self) -> Result<Vec<ShardId>, Failure> {
        (0..self.0.below(4)).map(|_| self.shard()).collect()
    }

    fn lease_key(&mut self) -> Result<LeaseKey, Failure> {
        if self.one_in(6) {
            return Ok(LeaseKey::planner());
        }
        let (name, created) = (self.name(128, b"aZ09_.-"), WallTime::from_millis(self.number()));
        Ok(LeaseKey::of_shard(&StreamKey::new(&name, created), &self.shard()?))
    }

    fn doc_name(&mut self) -> Result<DocName, Failure> {
        Ok(self.name(DocName::MAX_LENGTH as u64, b"aZ09_.:@-").parse()?)
    }

    fn state(&mut self) -> SessionState {
        let states = [
            SessionState::Live,
            SessionState::Leaving,
            SessionState::Ended(EndReason::Left),
            SessionState::Ended(EndReason::Replaced),
            SessionState::Ended(EndReason::Fenced),
        ];
        states[usize::try_from(self.0.below(5)).unwrap_or_default()]
    }

    fn checkpoint(&mut self) -> Checkpoint {
        match self.0.below(6) {
            0 => Checkpoint::TrimHorizon,
            1 => Checkpoint::Latest,
            2 => Checkpoint::AtTimestamp(WallTime::from_millis(self.number())),
            3 => Checkpoint::ShardEnd,
            _ => {
                let sequence = SequenceNumber::from(self.0.next_u128() >> self.0.below(128));
                Checkpoint::After(Position::new(sequence, self.0.next_u64() >> self.0.below(64)))
            }
        }
    }

    fn range(&mut self) -> HashRange {
        HashRange::new(self.0.next_u128() >> self.0.below(128), self.0.next_u128())
    }

    /// A body of up to 199 random bytes; often empty.
    fn body(&mut self) -> Bytes {
        let length = if self.one_in(4) { 0 } else { self.0.below(200) };
        let byte = |draw: &mut Self| draw.0.next_u64().to_le_bytes()[0];
        (0..length).map(|_| byte(self)).collect()
    }
}
