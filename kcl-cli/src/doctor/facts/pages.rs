//! Reads whole listings page by page, and many small rows a few at a time, at a rate that leaves
//! the store to the fleet.

use std::{future::Future, time::Duration};

use kcl_core::{
    env::Clock,
    store::{Cursor, Listing, Page, StoreResult},
};
use tokio::task::JoinSet;

use super::known::within;

/// The most bytes a second that a listing reads. One partition of DynamoDB serves 3,000 read units
/// of 4 KB a second; this command takes a quarter of that.
const BYTES_A_SECOND: usize = 750 * 4_096;

/// How many reads [`each`] has in flight at most.
const AT_ONCE: usize = 16;

/// Every row of a listing. Before the next page this function waits until the bytes of the page
/// before have had their time at [`BYTES_A_SECOND`]. `bytes` estimates the size of a row.
///
/// # Errors
/// A page failed, or did not come within `patience`. The rows of earlier pages are dropped: half a
/// listing would pass for a whole one.
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

/// Calls `work` for each item, at most [`AT_ONCE`] at a time. The answers come in the order in
/// which they end, not in the order of `items`.
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
        // The answer of a task that panicked is missing from the result.
        answers.extend(answer.ok());
        if let Some(item) = items.next() {
            under_way.spawn(work(item));
        }
    }
    answers
}
