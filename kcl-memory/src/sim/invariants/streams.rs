//! Streams: an application reads one at a time, and each worker its own.

use crate::sim::{
    fact::Fact,
    invariant::{Excuse, Invariant},
    known::Known,
};

/// No worker runs a lease of another stream than its source's.
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

/// Nobody joins an application that reads another stream, and none is changed to another stream
/// while who joined it lives.
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

/// In the end everybody who stays reads the stream that the store names.
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

/// A worker leaves for another stream only if somebody ever read one.
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
