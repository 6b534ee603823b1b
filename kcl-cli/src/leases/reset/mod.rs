//! `kcl leases reset`: lets an application read on from another position, or takes that back.
//!
//! The change itself is `kcl_core::change`: it closes the application, proves that no worker lives,
//! copies the rows, and writes the new checkpoints. This module makes the plan of the change from
//! the arguments, shows it, and asks. The dashboard uses [`prepare`] for its preview.

mod args;
mod show;

use std::sync::Arc;

use anyhow::bail;
use kcl_core::{
    change::{self, Design, Intent, Place, Preview, Reset},
    env::Env,
    lease::LeaseKey,
    store::LeaseStore,
    stream::StreamSource,
};
use kcl_kinesis::KinesisSource;

pub(crate) use self::{args::ResetArgs, show::record};

use crate::{ask, config::Config, connect, report};

/// Shows what the reset does, asks, and makes it.
///
/// # Errors
/// The arguments name no possible reset, a worker lives, the user says no, or the store or the
/// stream fails.
pub(super) async fn run(
    args: &ResetArgs,
    store: &Arc<dyn LeaseStore>,
    config: &Config,
) -> anyhow::Result<()> {
    if args.undo {
        let preview = change::preview_undo(&**store).await?;
        let what = "leases reset --undo";
        return decide(args, Intent::Undo, what, &preview, store, None).await;
    }
    let Prepared { reset, source, preview } = prepare(args, &**store, config).await?;
    let what = format!("leases {}", reset.what());
    decide(args, Intent::Make(Arc::new(reset)), &what, &preview, store, Some(&source)).await
}

/// A reset that is ready to be made.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) reset: Reset,
    /// The stream of the application.
    pub(crate) source: KinesisSource,
    /// For each lease, from where to where it would move.
    pub(crate) preview: Preview,
}

/// Computes what the reset would do. It changes nothing.
///
/// # Errors
/// The arguments name no possible reset, or the store or the stream fails.
pub(crate) async fn prepare(
    args: &ResetArgs,
    store: &dyn LeaseStore,
    config: &Config,
) -> anyhow::Result<Prepared> {
    let reset = args.reset()?;
    let source = connect::source_of_leases(store, config).await?;
    let preview = change::preview(&reset, store, &source).await?;
    check_record(&reset, &preview, &source).await?;
    Ok(Prepared { reset, source, preview })
}

/// Shows the preview, asks, and makes the change or the undo.
async fn decide(
    args: &ResetArgs,
    intent: Intent,
    what: &str,
    preview: &Preview,
    store: &Arc<dyn LeaseStore>,
    source: Option<&dyn StreamSource>,
) -> anyhow::Result<()> {
    show::preview(store.application(), &store.location(), what, preview, args.format)?;
    if args.dry_run {
        return Ok(());
    }
    if !args.yes {
        ask::agreed("Stop all workers first. Change this?")?;
    }
    let by = change::caller(&format!("kcl {what}"));
    report::progress("closing the application; one that died without a word is waited for");
    let changed = change::apply(intent, &by, store, source, &Env::system()).await;
    show::done(&changed?, args.format)
}

/// Fails if the new position lies after the checkpoint and is not the position of a record. A
/// position after the end of the shard would skip the records that are put next.
async fn check_record(
    reset: &Reset,
    preview: &Preview,
    source: &dyn StreamSource,
) -> anyhow::Result<()> {
    let Reset::One { lease, to: Place::After(position), .. } = reset else { return Ok(()) };
    let shard = |key: &LeaseKey| key.shard().filter(|it| it.as_str() == &**lease);
    let is_meant = |key: &LeaseKey| key.as_str() == &**lease || shard(key).is_some();
    let Some(it) = preview.moves.iter().find(|it| is_meant(&it.lease)) else { return Ok(()) };
    let stands = it.from.as_ref();
    if stands.is_some_and(|from| from.may_follow(&position.clone().into())) {
        return Ok(());
    }
    if change::has_record(source, &it.lease, &position.sequence).await? {
        return Ok(());
    }
    bail!(
        "{lease} has no record {position}, as far as it can be read; records that are put next \
         might be passed over: take the sequence number of one of its records, or latest"
    )
}
