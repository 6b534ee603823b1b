//! `kcl app`: freezes and thaws the fleet of an application.
//!
//! The planner of a frozen fleet moves no lease that a live worker holds. The freeze is a field of
//! the placement document, which is written by compare-and-set.

use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use kcl_core::{
    assignment::placement::{Frozen, Placement},
    change,
    env::{Clock, Env},
    placing::{self, Stored},
    store::LeaseStore,
};
use serde_json::json;

use crate::{
    application::ApplicationArgs, ask, config::Config, stdout, store_url::StoreUrl, times::rfc3339,
};

/// The arguments of `kcl app`.
#[derive(Args, Clone, Debug)]
pub struct AppArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
    /// The application.
    #[command(flatten)]
    pub of: ApplicationArgs,
}

/// What to do with an application.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Keep every lease of a live worker where it is, whatever workers join, and whatever rules and
    /// limits say. Leases without an owner are still assigned: dead workers are replaced.
    Freeze {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Allow leases to move again.
    Thaw {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

/// Runs the command.
///
/// # Errors
/// The store fails, the user says no, or another command changed the document meanwhile.
pub(crate) fn run(args: &AppArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store = StoreUrl::of(config)?.open_shared(config)?;
    let (freeze, yes) = match args.action {
        Action::Freeze { yes } => (true, yes),
        Action::Thaw { yes } => (false, yes),
    };
    runtime.block_on(set(&*store, freeze, yes, &*Env::system().clock))?;
    Ok(ExitCode::SUCCESS)
}

/// Freezes or thaws the fleet. It writes nothing if the fleet is frozen or thawed already.
async fn set(
    store: &dyn LeaseStore,
    freeze: bool,
    yes: bool,
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    let what = if freeze { "app freeze" } else { "app thaw" };
    let change = FreezeChange::read(store, freeze).await?;
    if !change.is_done() {
        if !yes {
            ask::agreed(&format!("{}: {}?", store.application(), change.says()))?;
        }
        change.carry_out(store, &format!("kcl {what}"), clock).await?;
    }
    stdout::line(json!({
        "application": store.application(),
        "frozen": freeze,
        "changed": !change.is_done(),
    }))
}

/// A change that freezes or thaws a fleet, with the document as it was read.
#[derive(Debug)]
pub(crate) struct FreezeChange {
    stored: Stored,
    before: Placement,
    freeze: bool,
}

impl FreezeChange {
    /// Reads the document.
    ///
    /// # Errors
    /// The store fails, or the document cannot be decoded.
    pub(crate) async fn read(store: &dyn LeaseStore, freeze: bool) -> anyhow::Result<Self> {
        let stored = placing::read(store).await?;
        if let Some(problem) = &stored.problem {
            bail!(
                "the placement rules in {} make no sense ({problem}), and whether the fleet is \
                 frozen stands beside them: replace them first, with `kcl placement apply FILE`",
                store.location()
            );
        }
        let before = stored.placement.clone().unwrap_or_default();
        Ok(Self { stored, before, freeze })
    }

    /// Whether the fleet is frozen or thawed already, as the change wants it.
    pub(crate) const fn is_done(&self) -> bool {
        self.before.frozen.is_some() == self.freeze
    }

    /// The change in words, for a question.
    pub(crate) fn says(&self) -> String {
        question(&self.before, self.freeze)
    }

    /// Makes the change, unless it is made already. `what` is the command, for the document.
    ///
    /// # Errors
    /// The store fails, or another command changed the document since it was read.
    pub(crate) async fn carry_out(
        &self,
        store: &dyn LeaseStore,
        what: &str,
        clock: &dyn Clock,
    ) -> anyhow::Result<()> {
        if self.is_done() {
            return Ok(());
        }
        let by = change::caller(what);
        let frozen = self.freeze.then(|| Frozen { by, since: clock.wall() });
        let put = placing::put(store, &self.stored, &self.before.clone().frozen(frozen)).await;
        put.with_context(|| format!("{what}: the application in {}", store.location()))
    }
}

/// The change as the end of a question.
fn question(before: &Placement, freeze: bool) -> String {
    match &before.frozen {
        Some(Frozen { by, since }) => {
            format!("let leases move again, which {by} forbade at {}", rfc3339(*since))
        }
        None if freeze => "let nothing move that a live worker holds".to_owned(),
        None => "let leases move".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use kcl_core::assignment::placement::Origin;
    use kcl_memory::MemoryStore;

    use super::*;

    #[tokio::test]
    async fn a_fleet_is_frozen_once_and_thawed_and_its_rules_stay_whose_they_are() {
        let store = MemoryStore::new("indexer");
        let clock = Env::system().clock;
        let frozen = async || placing::read(&store).await.unwrap().placement.unwrap().frozen;
        set(&store, true, true, &*clock).await.unwrap();
        let first = frozen().await.unwrap();
        assert!(first.by.contains("kcl app freeze"), "{first:?}");
        set(&store, true, true, &*clock).await.unwrap();
        assert_eq!(frozen().await, Some(first), "it is frozen since the first time");
        set(&store, false, true, &*clock).await.unwrap();
        let thawed = placing::read(&store).await.unwrap().placement.unwrap();
        assert_eq!((thawed.frozen, thawed.origin), (None, Origin::Nobody));
    }

    #[tokio::test]
    async fn nobody_is_frozen_beside_rules_that_make_no_sense() {
        use kcl_core::lease::{DocName, PutDoc};
        let store = MemoryStore::new("indexer");
        let put = PutDoc::new(DocName::placement(), None, "{".into());
        assert!(store.put_doc(put).await.unwrap().is_done());
        let refused = set(&store, true, true, &*Env::system().clock).await.unwrap_err();
        assert!(refused.to_string().contains("kcl placement apply FILE"), "{refused}");
    }
}
