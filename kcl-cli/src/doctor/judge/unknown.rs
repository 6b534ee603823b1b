//! Lists what could not be judged: sources that failed, workers that were not watched for long
//! enough, and shards whose lag could not be read. Sources that the user left out are no entries.

use super::{case::Case, fleet::Presence};
use crate::doctor::{
    facts::Lag,
    finding::Unknown,
    words::{listed, some},
};

/// The entries, in a fixed order.
pub(super) fn of(case: &Case<'_>) -> Vec<Unknown> {
    let facts = case.facts;
    let sources = [
        ("who lives, and what follows from that", facts.sessions.failed()),
        ("the leases, and what follows from them", facts.leases.failed()),
        ("the documents: rules, plan, what is being changed", facts.documents.failed()),
        ("the stream: its retention and clock", facts.stream.failed()),
        ("the stream's shards: holes, missing and forgotten leases", facts.shards.failed()),
        ("lag: how old unread records are", facts.lags.failed()),
    ];
    let mut unknown: Vec<Unknown> =
        sources.into_iter().filter_map(|(what, why)| Some(one(what, why?))).collect();
    let unread = facts.documents.get().into_iter().flat_map(|it| &it.unread);
    unknown.extend(unread.map(|(name, why)| one(&format!("the document {name}"), why)));
    let unseen = case.fleet.open().filter(|it| case.fleet.of_session(&it.id) == Presence::Unseen);
    let unseen: Vec<_> = unseen.map(|session| &session.id.worker).collect();
    if !unseen.is_empty() {
        let what = format!("whether {} live", some(&unseen));
        unknown.push(one(&what, "their heartbeats are longer than was waited: use --watch"));
    }
    unknown.extend(of_lags(case));
    unknown
}

/// One entry for the shards whose lag could not be read although the lag of others could. If no lag
/// could be read, the source `lags` has failed as a whole.
fn of_lags(case: &Case<'_>) -> Option<Unknown> {
    let lags = case.facts.lags.get()?;
    let failed = lags.iter().filter_map(|(key, lag)| match lag {
        Lag::Unknown(why) => Some((key, why)),
        _ => None,
    });
    let failed: Vec<_> = failed.collect();
    let (_, why) = failed.first()?;
    let shards = some(failed.iter().filter_map(|(key, _)| key.shard()));
    Some(one(&format!("the lag of {}: {shards}", listed(failed.len(), "shard")), why))
}

fn one(what: &str, why: &str) -> Unknown {
    Unknown { what: what.to_owned(), why: why.to_owned() }
}
