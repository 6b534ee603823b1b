//! Runs one case in a task of its own, so that a panic or a hang fails that case only.

use std::{future::Future, pin::Pin, time::Duration};

use tokio::task::JoinSet;

use super::{
    failure::{Check, Failure},
    report::CaseReport,
};
use crate::env::Env;

/// A case that runs.
pub(super) type Play = Pin<Box<dyn Future<Output = Check> + Send>>;

/// The longest time that a case may take. A case that hangs fails after it.
const LONGEST: Duration = Duration::from_secs(180);

/// Runs a case and reports its time and its failure.
pub(super) async fn play(name: &'static str, play: Play) -> CaseReport {
    let clock = Env::system().clock;
    let started = clock.now();
    let failure = guarded(play).await.err();
    CaseReport { name, took: clock.now().since(started), failure }
}

/// Runs the case as a task. A panic or the time limit is a failure.
#[expect(clippy::disallowed_methods, reason = "a watchdog of tests, no part of any simulation")]
async fn guarded(play: Play) -> Check {
    let mut task = JoinSet::new();
    task.spawn(play);
    match tokio::time::timeout(LONGEST, task.join_next()).await {
        Err(_) => Err(Failure::new(format!("not done after {} s", LONGEST.as_secs()))),
        Ok(Some(Ok(check))) => check,
        Ok(Some(Err(panic))) => Err(Failure::from(panic)),
        Ok(None) => Err(Failure::new("the case did not start")),
    }
}
