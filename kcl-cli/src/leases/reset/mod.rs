//! `kcl leases reset`: start again from another position, or take that back.

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

/// Shows what the reset does, asks, and does it.
///
/// # Errors
/// It cannot be done; workers live; nobody agreed; the store's and the stream's.
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

/// A reset, with what it would do.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) reset: Reset,
    pub(crate) source: KinesisSource,
    pub(crate) preview: Preview,
}

/// Looks at what the reset that is asked for would do.
///
/// # Errors
/// It cannot be done; the store's and the stream's.
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

/// A number that the lease has not come to yet may be no record's: past the end, whatever is put
/// next would be passed over.
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
