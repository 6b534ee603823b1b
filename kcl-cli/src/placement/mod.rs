//! `kcl placement`: shows, checks and changes the placement rules, which say which worker must or
//! should read a shard.
//!
//! Each action reads the application once, makes the new rules, and computes their effect by the
//! planner's own functions. A change is shown, agreed to, and written by compare-and-set: it fails
//! if another command has changed the document meanwhile.
//!
//! | part | its question |
//! |---|---|
//! | `args` | which action with which arguments? |
//! | `verdict` | which shards follow each rule, what would move, what is wrong? Pure |
//! | `names` | which worker ids change at each start? Pure |
//! | `show` | how is a verdict shown? |
//! | `change` | how do the dashboard and the screen change one rule? |
//!
//! `edit`, beside this folder, makes the new rules of the old ones.

mod args;
mod change;
mod names;
mod show;
#[cfg(test)]
mod tests;
mod verdict;

use std::{path::Path, process::ExitCode};

use anyhow::{Context, bail};
use kcl_core::{
    assignment::placement::{Declaration, Placement, PlacementRules, Uncovered},
    change::caller,
    env::{Clock, Env},
    placing,
    store::LeaseStore,
};

pub(crate) use self::{
    args::PlacementArgs,
    change::{Edit, Proposed},
};

use self::{
    args::Action,
    verdict::{Finding, Verdict},
};
use crate::{
    ask::{self, Consent},
    config::Config,
    edit, mapping, outlook,
    picture::Picture,
    report, stdout,
    store_url::StoreUrl,
};

/// The exit code of a check that failed before it could judge the rules.
const NO_VERDICT: u8 = 2;

/// Runs the command, and reports an error itself, because the exit code of a check depends on it:
/// 1 if the check has findings, [`NO_VERDICT`] if it failed.
pub(crate) fn run(args: &PlacementArgs, config: &Config) -> ExitCode {
    let is_check = matches!(args.action, Action::Check { .. });
    let done = || -> anyhow::Result<bool> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let store = StoreUrl::of(config)?.open_shared(config)?;
        let clock = Env::system().clock;
        runtime.block_on(act(args, &*store, config, &*clock))
    };
    match done() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) if stdout::is_reader_gone(&error) => ExitCode::from(stdout::READER_GONE),
        Err(error) => {
            report::failure(&error);
            if is_check { ExitCode::from(NO_VERDICT) } else { ExitCode::FAILURE }
        }
    }
}

/// Carries out the action. Returns `false` only if a check has findings.
async fn act(
    args: &PlacementArgs,
    store: &dyn LeaseStore,
    config: &Config,
    clock: &dyn Clock,
) -> anyhow::Result<bool> {
    let picture = Picture::take(store, config, clock).await?;
    let (next, what, consent) = match &args.action {
        Action::Show => return show(&picture, args.json),
        Action::Check { file } => return check(&picture, file.as_deref(), args.json),
        Action::Set { pairs, range, uncovered, consent } => {
            (set(&picture, pairs, range, uncovered.map(Into::into))?, "placement set", consent)
        }
        Action::Unset { shards, range, all, consent } => {
            (unset(&picture, shards, range, *all)?, "placement unset", consent)
        }
        Action::Apply { file, consent } => (applied(&picture, file)?, "placement apply", consent),
        Action::Adopt { consent } => {
            let placement = picture.readable()?.adopting();
            return change(&picture, placement, "placement adopt", *consent, args.json, store)
                .await;
        }
    };
    let by = caller(&format!("kcl {what}"));
    let before = picture.stored.placement.clone().unwrap_or_default();
    let placement = before.commanded(next, &by, clock.wall());
    change(&picture, placement, what, *consent, args.json, store).await
}

/// The rules of `placement set`: those in force, with the new ones in place of rules for the same
/// targets.
fn set(
    picture: &Picture,
    pairs: &[String],
    ranges: &[String],
    uncovered: Option<Uncovered>,
) -> anyhow::Result<PlacementRules> {
    if pairs.is_empty() && ranges.is_empty() && uncovered.is_none() {
        bail!("nothing is to be set: name SHARD:WORKER, --range START-END:WORKER or --uncovered");
    }
    let stream = picture.stream_name()?;
    let asked = edit::asked(pairs, ranges, stream)?;
    edit::with(&picture.readable()?.rules, asked, uncovered, stream)
}

/// The rules of `placement unset`: those in force without the named ones.
fn unset(
    picture: &Picture,
    shards: &[String],
    ranges: &[String],
    all: bool,
) -> anyhow::Result<PlacementRules> {
    if all {
        return Ok(PlacementRules::default());
    }
    if shards.is_empty() && ranges.is_empty() {
        bail!("nothing is to be taken back: name SHARD, --range START-END or --all");
    }
    let rules = picture.readable()?.rules;
    edit::without(&rules, &edit::named(shards, ranges)?, picture.stream_name()?)
}

/// The rules of `placement apply`: those of a file, in place of those in force for this stream.
/// Stored rules that cannot be decoded are replaced, too.
fn applied(picture: &Picture, file: &Path) -> anyhow::Result<PlacementRules> {
    let rules = mapping::of_file(file)?.rules(picture.rules().uncovered())?;
    let declared = Declaration::new(rules, "").for_stream(picture.stream_name()?)?;
    Ok(declared.over(&picture.rules())?)
}

/// Shows the rules in force. Findings do not make it fail.
fn show(picture: &Picture, json: bool) -> anyhow::Result<bool> {
    judged(picture, picture.stored.placement.as_ref(), "placement show", json)?;
    Ok(true)
}

/// Checks the rules in force, or those of a file. Returns whether there is no finding.
///
/// # Errors
/// The stream could not be listed: a verdict on unknown shards proves nothing.
fn check(picture: &Picture, file: Option<&Path>, json: bool) -> anyhow::Result<bool> {
    let verdict = match file {
        None => judged(picture, picture.stored.placement.as_ref(), "placement check", json)?,
        Some(file) => {
            let rules = applied(picture, file)?;
            let before = picture.stored.placement.clone().unwrap_or_default();
            let placement = before.with_rules(rules);
            judged(picture, Some(&placement), "placement check", json)?
        }
    };
    if picture.listed.is_err() {
        let unknown = verdict.unknown.join("; ");
        bail!("there is no verdict: {unknown}");
    }
    Ok(verdict.findings.is_empty())
}

/// Judges rules, and shows the verdict. `stated` is the document they are in, if there is one.
fn judged(
    picture: &Picture,
    stated: Option<&Placement>,
    what: &str,
    json: bool,
) -> anyhow::Result<Verdict> {
    let placement = stated.cloned().unwrap_or_default();
    let mut verdict = Verdict::of(picture, &placement.rules, &outlook::document(&placement)?);
    if let Some(problem) = picture.stored.problem.as_ref().filter(|_| stated.is_none()) {
        verdict.findings.push(Finding {
            kind: "unreadable-rules",
            what: format!("the rules make no sense: {problem}; each lease stays where it is"),
            remedy: "kcl placement apply FILE".to_owned(),
        });
    }
    if json {
        stdout::line(show::json(what, picture, stated, &placement.rules, &verdict)?)?;
    } else {
        stdout::write(&show::text(what, picture, stated, &placement.rules, &verdict))?;
    }
    Ok(verdict)
}

/// Shows the effect of a change, asks the user, and writes it.
async fn change(
    picture: &Picture,
    placement: Placement,
    what: &str,
    consent: Consent,
    json: bool,
    store: &dyn LeaseStore,
) -> anyhow::Result<bool> {
    judged(picture, Some(&placement), what, json)?;
    if consent.dry_run {
        return Ok(true);
    }
    if !consent.yes {
        ask::agreed("Change the placement rules?")?;
    }
    let put = placing::put(store, &picture.stored, &placement).await;
    put.with_context(|| format!("kcl {what}: the rules in {}", picture.store))?;
    report::progress("the rules are changed; the planner is told");
    Ok(true)
}
