//! Carrying out the coordinator's calls on a real store.

use std::{sync::Arc, time::Duration};

use tracing::{debug, warn};

use crate::{
    coordinator::{StoreCall, StoreOutcome, StoreReply},
    env::Clock,
    store::{LeaseStore, LeaseStoreExt, StoreErrorKind, StoreResult},
};

/// Carries out a call, for at most `deadline`: what has not been answered by then has an unknown
/// outcome.
pub(super) async fn carry_out(
    store: Arc<dyn LeaseStore>,
    clock: Arc<dyn Clock>,
    call: StoreCall,
    deadline: Duration,
) -> StoreOutcome {
    let name = call.name();
    tokio::select! {
        biased;
        answer = ask(&*store, call) => match answer {
            Ok(reply) => Ok(reply),
            Err(error) => {
                log(name, &error);
                Err(error.kind)
            }
        },
        () = clock.sleep(deadline) => {
            warn!(op = name, ?deadline, "kcl.store.timeout");
            Err(StoreErrorKind::Unknown)
        }
    }
}

fn log(op: &'static str, error: &crate::store::StoreError) {
    let source = error.source.as_deref().map(ToString::to_string).unwrap_or_default();
    if error.is_retryable() {
        debug!(op, %error, source, "kcl.store.failed");
    } else {
        warn!(op, %error, source, "kcl.store.failed");
    }
}

async fn ask(store: &dyn LeaseStore, call: StoreCall) -> StoreResult<StoreReply> {
    Ok(match call {
        StoreCall::Register(session) => StoreReply::Beat(store.register(session).await?),
        StoreCall::Beat(beat) => StoreReply::Beat(store.beat(beat).await?),
        StoreCall::EndSession(end) => StoreReply::SessionWrite(store.end_session(end).await?),
        StoreCall::Forget(forget) => StoreReply::SessionWrite(store.forget(forget).await?),
        StoreCall::Session(id, consistency) => {
            StoreReply::Session(store.session(&id, consistency).await?)
        }
        StoreCall::Sessions(consistency) => {
            StoreReply::Sessions(store.all_sessions(consistency).await?)
        }
        StoreCall::Wake(id) => {
            store.wake(&id).await?;
            StoreReply::Woken
        }
        StoreCall::Create(lease) => StoreReply::LeaseWrite(store.create(lease).await?),
        StoreCall::Lease(key) => StoreReply::Lease(store.lease(&key).await?),
        StoreCall::Leases => StoreReply::Leases(store.all_leases().await?),
        StoreCall::Acquire(acquire) => StoreReply::LeaseWrite(store.acquire(acquire).await?),
        StoreCall::Advance(advance) => StoreReply::LeaseWrite(store.advance(advance).await?),
        StoreCall::Release(release) => StoreReply::LeaseWrite(store.release(release).await?),
        StoreCall::Delete(delete) => StoreReply::LeaseWrite(store.delete(delete).await?),
        StoreCall::Doc(name) => StoreReply::Doc(store.doc(&name).await?),
        StoreCall::PutDoc(put) => StoreReply::DocWrite(store.put_doc(put).await?),
        StoreCall::DeleteDoc(delete) => StoreReply::DocWrite(store.delete_doc(delete).await?),
    })
}
