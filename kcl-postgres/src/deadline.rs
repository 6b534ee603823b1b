//! Work with a deadline.

use kcl_core::env::{Env, Time};

/// The outcome of `work`; `None` if the deadline comes first, which drops `work`.
pub(crate) async fn within<T>(deadline: Time, work: impl Future<Output = T>) -> Option<T> {
    let clock = Env::system().clock;
    tokio::select! {
        biased;
        outcome = work => Some(outcome),
        () = clock.sleep_until(deadline) => None,
    }
}
