//! `kcl plan`: shows which leases would move if the fleet had other workers or more shards. It
//! writes nothing.
//!
//! `suppose` changes a [`Picture`] of the application in memory; the planner's own function then
//! makes the plan of it. Loads are unknown here: with `balance: weighted` all shards weigh the
//! same.

mod args;
mod suppose;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt::Write, process::ExitCode};

use kcl_core::{
    env::{Clock, Env},
    store::LeaseStore,
};
use serde_json::json;

pub(crate) use args::PlanArgs;

use self::{args::Number, suppose::Supposed};
use crate::{
    config::Config,
    outlook::{self, Outlook, Share},
    picture::Picture,
    stdout,
    store_url::StoreUrl,
};

/// Runs the command.
///
/// # Errors
/// The store fails, or the supposed fleet is impossible: for example, fewer shards.
pub(crate) fn run(args: &PlanArgs, config: &Config) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let store = StoreUrl::of(config)?.open_shared(config)?;
    let clock = Env::system().clock;
    runtime.block_on(act(args, &*store, config, &*clock))?;
    Ok(ExitCode::SUCCESS)
}

async fn act(
    args: &PlanArgs,
    store: &dyn LeaseStore,
    config: &Config,
    clock: &dyn Clock,
) -> anyhow::Result<()> {
    let picture = Picture::take(store, config, clock).await?;
    let (application, store) = (picture.application.clone(), picture.store.clone());
    let planned = Planned::of(picture, args.workers, args.shards)?;
    if args.json {
        return stdout::line(planned.json(&application, &store)?);
    }
    stdout::write(&format!("plan: application {application} in {store}\n{}", planned.text()))
}

/// The plan of the supposed fleet.
#[derive(Debug)]
struct Planned {
    /// The supposed differences.
    supposed: Supposed,
    /// The effect of the plan; its shares begin with the real fleet.
    outlook: Outlook,
    /// What could not be known, and why; empty if everything was.
    unknown: Vec<String>,
}

impl Planned {
    /// Plans the application of `picture` with these numbers of workers and shards; `None` keeps
    /// the present number.
    fn of(
        mut picture: Picture,
        workers: Option<Number>,
        shards: Option<Number>,
    ) -> anyhow::Result<Self> {
        let document = outlook::document(&picture.readable()?)?;
        let before = Outlook::of(&picture, &document);
        let mut supposed = Supposed::default();
        if let Some(shards) = shards {
            supposed.shards(&mut picture, shards)?;
        }
        if let Some(workers) = workers {
            supposed.workers(&mut picture, workers)?;
        }
        let mut outlook = Outlook::of(&picture, &document);
        let held: BTreeMap<String, String> = picture
            .rows
            .iter()
            .filter_map(|row| Some((row.key.shard()?.to_string(), row.owner.as_ref()?)))
            .filter(|(_, owner)| supposed.left.contains(&owner.worker))
            .map(|(shard, owner)| (shard, owner.worker.to_string()))
            .collect();
        for it in outlook.moves.iter_mut().filter(|it| it.from.is_none()) {
            it.from = held.get(&it.shard).cloned();
        }
        outlook.workers = shares(&before.workers, &outlook.workers);
        let mut unknown = Vec::new();
        match (&picture.stream, &picture.listed) {
            (None, _) => unknown.push(
                "no worker has read a stream yet, and none is named: nothing is known of leases"
                    .to_owned(),
            ),
            (_, Err(why)) => unknown.push(format!(
                "the stream could not be listed, so that shards are told by their leases alone: \
                 {why}"
            )),
            _ => {}
        }
        Ok(Self { supposed, outlook, unknown })
    }

    /// The plan as text.
    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let names = |text: &mut String, what: &str, names: Vec<&str>| {
            if !names.is_empty() {
                let _ = writeln!(text, "supposed: {what} {}", names.join(", "));
            }
        };
        let Supposed { joined, left, split } = &self.supposed;
        names(&mut text, "new workers", joined.iter().map(|it| it.as_str()).collect());
        names(&mut text, "without", left.iter().map(|it| it.as_str()).collect());
        names(&mut text, "split", split.iter().map(|it| it.as_str()).collect());
        text.push('\n');
        text += &outlook::workers(&self.outlook.workers);
        text += &outlook::moves(&self.outlook.moves);
        text += &outlook::unread(&self.outlook.unread);
        let _ = writeln!(text, "{} leases would move", self.outlook.moves.len());
        for unknown in &self.unknown {
            let _ = writeln!(text, "? {unknown}");
        }
        text
    }

    /// The plan as JSON.
    fn json(&self, application: &str, store: &str) -> anyhow::Result<serde_json::Value> {
        let Supposed { joined, left, split } = &self.supposed;
        let joined: Vec<&str> = joined.iter().map(|it| it.as_str()).collect();
        let left: Vec<&str> = left.iter().map(|it| it.as_str()).collect();
        let split: Vec<&str> = split.iter().map(|it| it.as_str()).collect();
        Ok(json!({
            "application": application,
            "store": store,
            "supposed": {"joined": joined, "left": left, "split": split},
            "workers": serde_json::to_value(&self.outlook.workers)?,
            "moves": serde_json::to_value(&self.outlook.moves)?,
            "unread": serde_json::to_value(&self.outlook.unread)?,
            "unknown": self.unknown,
        }))
    }
}

/// The share of each worker: the leases that it holds in the real fleet, and those that it would
/// hold in the supposed one.
fn shares(now: &[Share], then: &[Share]) -> Vec<Share> {
    let mut all: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for share in now {
        all.entry(&share.worker).or_default().0 = share.before;
    }
    for share in then {
        all.entry(&share.worker).or_default().1 = share.after;
    }
    let share = |(worker, (before, after)): (&str, (usize, usize))| Share {
        worker: worker.to_owned(),
        before,
        after,
    };
    all.into_iter().map(share).collect()
}
