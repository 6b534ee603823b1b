//! `kcl leases reset`: start again from another position, or take that back.

mod args;
mod show;

use std::{
    io::{BufRead, IsTerminal, Write},
    sync::Arc,
};

use anyhow::{Context, bail};
use kcl_core::{
    change::{self, Design, Intent, Place, Preview, Reset},
    env::Env,
    lease::LeaseKey,
    store::{LeaseStore, LeaseStoreExt},
    stream::StreamSource,
};

pub(crate) use args::ResetArgs;

use crate::{config::Config, connect};

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
    let reset = args.reset()?;
    let source = source(&**store, config).await?;
    let preview = change::preview(&reset, &**store, &source).await?;
    check_record(&reset, &preview, &source).await?;
    let what = format!("leases {}", reset.what());
    decide(args, Intent::Make(Arc::new(reset)), &what, &preview, store, Some(&source)).await
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
        ask()?;
    }
    let by = change::caller(&format!("kcl {what}"));
    show::progress("closing the application; one that died without a word is waited for");
    let changed = change::apply(intent, &by, store, source, &Env::system()).await;
    show::done(&changed?, args.format)
}

/// The stream that the settings name; else the one whose leases these are.
async fn source(
    store: &dyn LeaseStore,
    config: &Config,
) -> anyhow::Result<kcl_kinesis::KinesisSource> {
    if config.kinesis.stream_name.is_some() {
        return connect::source(config);
    }
    let rows = store.all_leases().await?;
    let mut names: Vec<_> =
        rows.iter().filter_map(|row| Some(row.key.stream()?.name.to_string())).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        bail!(
            "the application {} has no leases in {}: a first start begins where initial_position \
             says; check the names of application and store",
            store.application(),
            store.location()
        );
    }
    let [name] = &names[..] else {
        bail!(
            "the application {} in {} has leases of {} streams: name one with --stream",
            store.application(),
            store.location(),
            names.len()
        );
    };
    let mut config = config.clone();
    config.kinesis.stream_name = Some(name.clone());
    connect::source(&config)
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

/// Asks on the terminal.
#[expect(clippy::print_stderr, reason = "this is where people are asked")]
fn ask() -> anyhow::Result<()> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        bail!("nothing was changed: there is no terminal to ask on; say --yes to agree beforehand");
    }
    eprint!("Stop all workers first. Change this? [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).context("no answer can be read")?;
    if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    bail!("nothing was changed")
}
