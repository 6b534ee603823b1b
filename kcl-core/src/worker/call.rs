//! Executes the coordinator's [`StoreCall`]s on a real store, with a deadline each.
//!
//! [`Calls`] runs each call as a task of its own, so that a slow call delays no other, and hands
//! the answers to the keeper. A call without an answer by its deadline, or with a panic in the
//! store, has the outcome [`StoreErrorKind::Unknown`]: the write may have been applied.

use std::{future::Future, time::Duration};

use tokio::sync::mpsc;
use tracing::warn;

use super::catch::CatchPanic;
use crate::{
    coordinator::{CallId, StoreCall, StoreOutcome, StoreReply, operations},
    env::Spawner,
    observe::WatchedStore,
    store::{LeaseStore, LeaseStoreExt, StoreErrorKind, StoreResult},
};

/// The calls under way, each a task of its own. Calls that nobody awaits any more run to their end.
pub(super) struct Calls {
    sender: mpsc::UnboundedSender<(CallId, StoreOutcome)>,
    answers: mpsc::UnboundedReceiver<(CallId, StoreOutcome)>,
}

impl Calls {
    pub(super) fn new() -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        Self { sender, answers }
    }

    /// Starts a call. A panic in it becomes [`StoreErrorKind::Unknown`].
    pub(super) fn start(
        &self,
        spawner: &dyn Spawner,
        id: CallId,
        call: impl Future<Output = StoreOutcome> + Send + 'static,
    ) {
        let sender = self.sender.clone();
        let task = async move {
            let outcome = CatchPanic(Box::pin(call)).await.unwrap_or_else(|error| {
                warn!(error, "kcl.store.panicked");
                Err(StoreErrorKind::Unknown)
            });
            // The keeper may be gone by now.
            let _ = sender.send((id, outcome));
        };
        drop(spawner.spawn("kcl-call", Box::pin(task)));
    }

    /// Waits for the next answer, in the order in which the calls end.
    ///
    /// # Cancel safety
    /// Safe: an answer that is not taken stays in the channel.
    pub(super) async fn next(&mut self) -> (CallId, StoreOutcome) {
        match self.answers.recv().await {
            Some(answer) => answer,
            // Cannot happen: `self.sender` keeps the channel open.
            None => std::future::pending().await,
        }
    }
}

/// Executes one call within `deadline`, and reduces an error to its kind. A call that has not been
/// answered by then fails with [`StoreErrorKind::Unknown`].
pub(crate) async fn carry_out(
    store: &WatchedStore,
    call: StoreCall,
    deadline: Duration,
) -> StoreOutcome {
    call.carry_out(&store.within(deadline)).await.map_err(|error| error.kind)
}

/// Makes [`StoreCall::carry_out`] from the table `operations!`: one match arm for each operation.
macro_rules! carries_out {
    ($(
        $name:ident $(($($of:ident: $type:ty),+))?, $log:literal => $kind:ident($reply:ty),
        |$store:ident| $method:expr;
    )+) => {
        impl StoreCall {
            /// Executes the operation on `store`.
            ///
            /// # Errors
            /// The error of the store.
            #[allow(unreachable_pub, reason = "reachable with the feature unstable-simulation")]
            pub async fn carry_out<S: LeaseStore + ?Sized>(
                self,
                store: &S,
            ) -> StoreResult<StoreReply> {
                Ok(match self {
                    $(Self::$name $(($($of),+))? => {
                        let $store = store;
                        StoreReply::$kind($method.await?)
                    })+
                })
            }
        }
    };
}

operations!(carries_out);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Env;

    #[test]
    fn a_store_that_panics_leaves_the_outcome_of_the_call_unknown() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut calls = Calls::new();
            let call = async { panic!("a defect of the store") };
            calls.start(&*Env::system().spawner, CallId(7), call);
            let (id, outcome) = calls.next().await;
            assert_eq!((id, outcome.err()), (CallId(7), Some(StoreErrorKind::Unknown)));
        });
    }
}
