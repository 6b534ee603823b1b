//! Whole listings, no faster than a fleet's store bears beside its work; and many small reads, a
//! few at once.

use std::{future::Future, time::Duration};

use kcl_core::{
    env::Clock,
    store::{Cursor, Listing, Page, StoreResult},
};
use tokio::task::JoinSet;

use super::known::within;

/// A partition of DynamoDB gives 3,000 read units of 4 KB a second: a quarter of them is ours.
const BYTES_A_SECOND: usize = 750 * 4_096;

/// How many small reads are under way at once.
const AT_ONCE: usize = 16;

/// Every row, page by page: the next page is asked for when the one before has been paid for.
pub(super) async fn all<T, F>(
    clock: &dyn Clock,
    patience: Duration,
    page: impl Fn(Option<Cursor>) -> F,
    bytes: impl Fn(&T) -> usize,
) -> Result<Listing<T>, String>
where
    F: Future<Output = StoreResult<Page<T>>>,
{
    let (mut listing, mut from) = (Listing::default(), None);
    loop {
        let asked = clock.now();
        let page = within(clock, patience, page(from)).await?;
        let weight: usize = page.items.iter().map(&bytes).sum();
        listing.rows.extend(page.items);
        listing.unreadable.extend(page.unreadable);
        from = page.next;
        if from.is_none() {
            return Ok(listing);
        }
        let micros = weight.saturating_mul(1_000_000) / BYTES_A_SECOND;
        let micros = u64::try_from(micros).unwrap_or(u64::MAX);
        clock.sleep_until(asked + Duration::from_micros(micros)).await;
    }
}

/// Does this for each, a few at once. The answers come in no promised order.
pub(super) async fn each<I, T, F>(items: Vec<I>, work: impl Fn(I) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let mut items = items.into_iter();
    let mut under_way = JoinSet::new();
    let mut answers = Vec::with_capacity(items.len());
    for item in items.by_ref().take(AT_ONCE) {
        under_way.spawn(work(item));
    }
    while let Some(answer) = under_way.join_next().await {
        // A task that panicked tells nothing.
        answers.extend(answer.ok());
        if let Some(item) = items.next() {
            under_way.spawn(work(item));
        }
    }
    answers
}
