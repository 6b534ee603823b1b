//! Getting the sources ready, before the worker joins.

use std::time::Duration;

use tracing::warn;

use super::run::Backoff;
use crate::{
    env::Env,
    stream::{SourceResult, Sources, StreamSource},
};

/// Pauses between attempts that fail.
const PAUSE: Duration = Duration::from_millis(200);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// Prepares every source; what may pass is waited out.
///
/// # Errors
/// What somebody has to mend.
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
