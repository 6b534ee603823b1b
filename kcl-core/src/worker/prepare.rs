//! Prepares the stream sources before the worker joins, for example by registering a consumer.

use std::time::Duration;

use tracing::warn;

use super::run::Backoff;
use crate::{
    env::Env,
    stream::{SourceResult, Sources, StreamSource},
};

/// The first and the longest pause between two failing attempts.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Prepares every source. Retries a retryable error for ever.
///
/// # Errors
/// The first error that is not retryable.
pub(super) async fn prepare(sources: &Sources, env: &Env) -> SourceResult<()> {
    for source in sources.all() {
        prepare_one(&**source, env).await?;
    }
    Ok(())
}

async fn prepare_one(source: &dyn StreamSource, env: &Env) -> SourceResult<()> {
    let mut backoff = Backoff::new(PAUSE, PAUSE_MAX, &*env.entropy);
    loop {
        match source.prepare().await {
            Err(error) if error.is_retryable() => {
                let source = error.source.as_deref().map(ToString::to_string).unwrap_or_default();
                warn!(%error, source, "kcl.source.unprepared");
                env.clock.sleep(backoff.next()).await;
            }
            result => return result,
        }
    }
}
