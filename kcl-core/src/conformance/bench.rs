//! What one case works with.

use std::sync::Arc;

use super::{
    Capabilities, Change, Failure, StoreFactory,
    change::{Judge, story},
    failure::Check,
    script::Script,
};
use crate::{env::Rng, store::LeaseStore};

/// A fresh namespace on the server under test, and a seed.
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

    /// A prepared client of the case's application. Each call gives another client.
    pub(super) async fn store(&self) -> Result<Arc<dyn LeaseStore>, Failure> {
        self.neighbour("").await
    }

    /// A prepared client of another application, whose name goes on with `suffix`.
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

    /// A client of a home of its own that nobody has prepared.
    pub(super) async fn unprepared(&self) -> Result<Arc<dyn LeaseStore>, Failure> {
        Ok(self.factory.open_apart(&self.application).await?)
    }

    /// A script on the case's application.
    pub(super) async fn script(&self) -> Result<Script, Failure> {
        Ok(Script::on(self.store().await?))
    }

    /// A script on a fresh application; a number each.
    pub(super) async fn script_apart(&self, number: u64) -> Result<Script, Failure> {
        Ok(Script::on(self.neighbour(&format!("-{number}")).await?))
    }

    /// Hands the history of one row to the suite's judge, if it has one.
    pub(super) fn judge(&self, changes: &[Change]) -> Check {
        let verdict = self.judge.as_ref().map_or(Ok(()), |judge| judge(changes));
        verdict.map_err(|why| {
            Failure::new(format!("the judge objects: {why}\n    changes:{}", story(changes)))
        })
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        self.factory.capabilities()
    }

    /// Randomness fixed by the suite's seed; `stream` keeps several uses apart.
    pub(super) fn rng(&self, stream: u64) -> Rng {
        Rng::new(self.seed.wrapping_mul(0x9e37_79b9).wrapping_add(stream))
    }
}
