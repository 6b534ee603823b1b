//! The environment of one case: clients of a fresh application, and randomness.

use std::sync::Arc;

use super::{
    Capabilities, Change, Failure, StoreFactory,
    change::{Judge, story},
    failure::Check,
    script::Script,
};
use crate::{env::Rng, store::LeaseStore};

/// A fresh application on the server under test, and a seed.
#[derive(Clone)]
pub(super) struct Bench {
    factory: Arc<dyn StoreFactory>,
    application: String,
    seed: u64,
    judge: Option<Judge>,
}

impl Bench {
    pub(super) const fn new(
        factory: Arc<dyn StoreFactory>,
        application: String,
        seed: u64,
        judge: Option<Judge>,
    ) -> Self {
        Self { factory, application, seed, judge }
    }

    /// Makes one more prepared client of the case's application.
    pub(super) async fn store(&self) -> Result<Arc<dyn LeaseStore>, Failure> {
        self.neighbour("").await
    }

    /// Makes a prepared client of another application: the case's name followed by `suffix`.
    /// Retries a retryable error up to 50 times.
    pub(super) async fn neighbour(&self, suffix: &str) -> Result<Arc<dyn LeaseStore>, Failure> {
        const TRIES: usize = 50;
        let store = self.factory.open(&format!("{}{suffix}", self.application)).await?;
        let mut tries = 1;
        loop {
            match store.prepare().await {
                Ok(()) => return Ok(store),
                Err(error) if error.is_retryable() && tries < TRIES => tries += 1,
                Err(error) => return Err(Failure::from(error).during("prepare")),
            }
        }
    }

    /// Makes a client in a table or schema of its own, which nobody has prepared.
    pub(super) async fn unprepared(&self) -> Result<Arc<dyn LeaseStore>, Failure> {
        Ok(self.factory.open_apart(&self.application).await?)
    }

    /// Starts a script on the case's application.
    pub(super) async fn script(&self) -> Result<Script, Failure> {
        Ok(Script::on(self.store().await?))
    }

    /// Starts a script on another application; each `number` has one of its own.
    pub(super) async fn script_apart(&self, number: u64) -> Result<Script, Failure> {
        Ok(Script::on(self.neighbour(&format!("-{number}")).await?))
    }

    /// Passes the changes of one row to the suite's judge, if there is one.
    pub(super) fn judge(&self, changes: &[Change]) -> Check {
        let verdict = self.judge.as_ref().map_or(Ok(()), |judge| judge(changes));
        verdict.map_err(|why| {
            Failure::new(format!("the judge objects: {why}\n    changes:{}", story(changes)))
        })
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        self.factory.capabilities()
    }

    /// Randomness from the suite's seed. Different values of `stream` give independent sequences.
    pub(super) fn rng(&self, stream: u64) -> Rng {
        Rng::new(self.seed.wrapping_mul(0x9e37_79b9).wrapping_add(stream))
    }
}
