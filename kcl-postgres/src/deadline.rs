//! Work that has to be done by a time.

use kcl_core::env::{Env, Time};

/// The outcome of `work`, unless the deadline comes first.
pub(crate) async fn within<T>(deadline: Time, work: impl Future<Output = T>) -> Option<T> {
    let clock = Env::system().clock;
    tokio::select! {
        biased;
        outcome = work => Some(outcome),
        () = clock.sleep_until(deadline) => None,
    }
}
