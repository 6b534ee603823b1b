//! Streams: an application reads one stream at a time, and each worker runs leases of its own
//! stream only.

use crate::sim::{
    fact::Fact,
    invariant::{Excuse, Invariant},
    known::Known,
};

/// No worker runs a lease of another stream than the one its own source reads.
///
/// Broken by a `RunStarted` fact that is not `own`.
#[derive(Debug)]
pub(super) struct OwnLeasesOnly;

impl Invariant for OwnLeasesOnly {
    fn name(&self) -> &'static str {
        "a worker runs leases of its own stream"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::RunStarted { worker, key, own: false } => {
                Err(format!("{worker} reads another stream and runs {key}"))
            }
            _ => Ok(()),
        }
    }
}

/// No worker joins an application that reads another stream, and an application changes its stream
/// only when no live session is left that joined for the former one.
///
/// Broken by a `Joined` fact of a `stranger`, and by a `Switched` fact that names such a session.
/// No longer checked once the store has lost its last writes (`Excuse::Streams`).
#[derive(Debug)]
pub(super) struct OneAtATime;

impl Invariant for OneAtATime {
    fn name(&self) -> &'static str {
        "one stream at a time"
    }

    fn until(&self) -> Option<Excuse> {
        Some(Excuse::Streams)
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::Joined { session, stranger: true } => {
                Err(format!("{session} joined, and the application reads another stream"))
            }
            Fact::Switched { still: Some(session) } => {
                Err(format!("the application changed streams, and {session} reads the former"))
            }
            _ => Ok(()),
        }
    }
}

/// When the run is due and at its end, every worker that stays reads the stream that the store
/// names.
///
/// Broken by a `Settled` picture with a `stranger` among these workers.
#[derive(Debug)]
pub(super) struct OneInTheEnd;

impl Invariant for OneInTheEnd {
    fn name(&self) -> &'static str {
        "one stream in the end"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        let (Fact::Due(settled) | Fact::Settled(settled)) = fact else { return Ok(()) };
        let strangers =
            settled.running.iter().filter(|(_, worker)| worker.stays && worker.stranger);
        strangers.map(|(session, _)| session).next().map_or(Ok(()), |session| {
            Err(format!("{session} is there, and reads another stream than the application"))
        })
    }
}

/// A worker leaves because the application reads another stream only if the run ever had a worker
/// of another stream.
///
/// Broken by a `LeftForStream` fact without `rivals`.
#[derive(Debug)]
pub(super) struct NobodyLeavesForNothing;

impl Invariant for NobodyLeavesForNothing {
    fn name(&self) -> &'static str {
        "nobody leaves for a stream that nobody reads"
    }

    fn check(&mut self, fact: &Fact<'_>, _: &Known) -> Result<(), String> {
        match fact {
            Fact::LeftForStream { worker, rivals: false } => {
                Err(format!("{worker} left for another stream, and nobody else lives who reads it"))
            }
            _ => Ok(()),
        }
    }
}
