//! Listing all shards of a stream, page by page, and repeating calls that were throttled.

use std::{collections::BTreeMap, future::Future, time::Duration};

use kcl_core::{
    env::{Env, Rng},
    stream::{Shard, ShardId, SourceErrorKind},
};

use crate::service::{Failure, Page, Service, convert};

/// Lists every shard, closed ones included, in the order of their ids.
///
/// The next page is requested by its token. If the server refuses the token, the listing goes on
/// after the id of the last shard it has seen: every server knows that parameter and orders the
/// pages by id. A token is refused after it has expired (300 s), or because the server does not
/// accept its own tokens (ferrokinesis 0.7.0 finds no stream for them).
///
/// A list is never taken for complete by accident: an answer without a list of shards is an error,
/// and so is a list without shards, since every stream has some. After an empty token the listing
/// goes on by id as well, until a page holds no new shard.
pub(crate) async fn shards(service: &Service, env: &Env) -> Result<Vec<Shard>, Failure> {
    let mut found: BTreeMap<ShardId, Shard> = BTreeMap::new();
    let mut last = String::new();
    let mut tokens_work = true;
    let mut page = Page::First;
    loop {
        let answer = match patiently(env, || service.list_shards(page.clone())).await {
            Ok(answer) => answer,
            Err(failure) if matches!(page, Page::Next(_)) && is_about_token(&failure) => {
                tokens_work = false;
                page = Page::After(last.clone());
                continue;
            }
            Err(failure) => return Err(failure),
        };
        let before = found.len();
        let listed = answer.shards;
        for raw in listed.ok_or_else(|| Failure::corrupt("the answer holds no list of shards"))? {
            last.clone_from(&raw.shard_id);
            let shard = convert::shard(raw).map_err(Failure::corrupt)?;
            found.insert(shard.id.clone(), shard);
        }
        let is_new = found.len() > before;
        page = match answer.next_token {
            Some(token) if token.is_empty() && is_new => Page::After(last.clone()),
            Some(token) if !token.is_empty() && !is_new => {
                return Err(Failure::corrupt("a page promised more shards and held no new one"));
            }
            Some(token) if !token.is_empty() && tokens_work => Page::Next(token),
            Some(token) if !token.is_empty() => Page::After(last.clone()),
            _ if found.is_empty() => {
                let what = "the stream lists no shards: it may be in the making";
                return Err(Failure::new(SourceErrorKind::Unavailable, what));
            }
            _ => return Ok(found.into_values().collect()),
        };
    }
}

/// True if the call failed because the server did not accept the token.
fn is_about_token(failure: &Failure) -> bool {
    failure.is("ExpiredNextTokenException")
        || matches!(failure.kind(), SourceErrorKind::NoStream | SourceErrorKind::Misconfigured)
}

/// Repeats a call while it is throttled, up to six times, at doubling intervals with jitter.
pub(crate) async fn patiently<T, F>(env: &Env, mut call: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    const FIRST: Duration = Duration::from_millis(100);
    const DOUBLINGS: u32 = 6;
    let mut jitter = Rng::new(env.entropy.next_u64());
    for doubling in 0..DOUBLINGS {
        match call().await {
            Err(failure) if failure.kind() == SourceErrorKind::Throttled => {
                let pause = FIRST * 2_u32.pow(doubling);
                env.clock.sleep(pause / 2 + jitter.span(pause / 2)).await;
            }
            outcome => return outcome,
        }
    }
    call().await
}

#[cfg(test)]
mod tests;
