//! Changes an application on request of the page: pins, moves, drains, resets and so on.
//!
//! `table` lists the changes. Each one runs the code of a `kcl` command, and the page shows that
//! command. A request goes two steps: [`preview`] shows what the change would do, and [`act`] does
//! it. For the second step the user types the application's name. The log gets one line for each
//! change, whether it worked or failed.

mod table;

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, bail, ensure};
use kcl_core::{
    change::{self, Design, Intent, Reach},
    env::Env,
    lease::LeaseKey,
};
use serde::Deserialize;
use serde_json::{Value, json};

use self::table::{ACTS, Act, Does, UNKEPT};
use super::watched::Watched;
use crate::{
    app,
    leases::{
        self, OfLeases, Says,
        reset::{self, ResetArgs},
        skip::Skip,
    },
    marking::{MarkEdit, Weighed},
    placement::{Edit, Proposed},
    workers::OfWorkers,
};

/// For how long a request to skip a record waits for the worker's result.
const WAIT: Duration = Duration::from_secs(20);

/// The body of a request, as JSON. An unknown name in it is an error.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asking {
    /// The values of the form, by the names of the fields.
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// The application's name as the user typed it. A preview needs none.
    #[serde(default)]
    confirm: Option<String>,
}

impl Asking {
    /// The trimmed value of a field; `None` if it is absent or empty.
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }
}

/// The table of changes as JSON, for the page.
pub(crate) fn offered() -> Value {
    json!(ACTS)
}

/// A change with its values: complete, and without unknown fields.
struct Wanted<'a> {
    watched: &'a Watched,
    act: &'static Act,
    /// The values, by name. Optional fields that are empty are left out.
    fields: BTreeMap<&'static str, &'a str>,
}

/// What a change would do, as JSON, with the command and the reason why it is refused now, if it
/// is. It changes nothing.
///
/// # Errors
/// There is no such change, a field is missing or invalid, or the store or the stream fails.
pub(crate) async fn preview(
    watched: &Watched,
    act: &str,
    asking: &Asking,
) -> anyhow::Result<Value> {
    let wanted = Wanted::of(watched, act, asking)?;
    let mut shown = wanted.preview().await?;
    shown["command"] = json!(wanted.command()?);
    shown["confirm"] = json!(watched.name);
    shown["refused"] = json!(wanted.refused());
    Ok(shown)
}

/// Makes a change. `peer` goes to the log.
///
/// # Errors
/// As [`preview`]; the typed name is wrong; the change is refused while a worker lives.
pub(crate) async fn act(
    watched: &Watched,
    act: &str,
    asking: &Asking,
    peer: SocketAddr,
) -> anyhow::Result<Value> {
    let wanted = Wanted::of(watched, act, asking)?;
    let name = &watched.name;
    ensure!(
        asking.confirm.as_deref() == Some(name),
        "nothing was changed: type the application's name to confirm"
    );
    if let Some(why) = wanted.refused() {
        bail!("nothing was changed: {why}");
    }
    let command = wanted.command()?;
    let came = Box::pin(wanted.carry_out()).await;
    match &came {
        Ok(_) => {
            tracing::warn!(application = %name, act, command, %peer, "kcl.dashboard.changed");
        }
        Err(error) => {
            let error = format!("{error:#}");
            tracing::warn!(application = %name, act, command, %peer, error, "kcl.dashboard.failed");
        }
    }
    came.map(|became| json!({ "done": true, "command": command, "became": became }))
}

impl<'a> Wanted<'a> {
    /// Checks the values against the table.
    fn of(watched: &'a Watched, act: &str, asking: &'a Asking) -> anyhow::Result<Self> {
        let act = ACTS.iter().find(|it| it.name == act).context("there is no such act")?;
        let mut fields = BTreeMap::new();
        for field in act.fields {
            match asking.field(field.name) {
                Some(text) => drop(fields.insert(field.name, text)),
                None if field.optional => {}
                None => bail!("{} is to be filled in", field.title),
            }
        }
        let unknown =
            asking.fields.keys().find(|name| act.fields.iter().all(|it| it.name != **name));
        ensure!(unknown.is_none(), "{} takes no such field", act.name);
        Ok(Self { watched, act, fields })
    }

    /// The value of a field; empty if there is none.
    fn field(&self, name: &str) -> &'a str {
        self.fields.get(name).copied().unwrap_or_default()
    }

    /// The rule in the form of `kcl placement set`: `shard:worker` for `require`, `shard:worker?`
    /// for `prefer`.
    fn pair(&self) -> anyhow::Result<String> {
        let mode = match self.field("mode") {
            "prefer" => "?",
            "require" => "",
            _ => bail!("the mode is prefer or require"),
        };
        Ok(format!("{}:{}{mode}", self.field("shard"), self.field("worker")))
    }

    /// The edit of the placement rules, for `pin` and `unpin`.
    fn edit(&self) -> anyhow::Result<Edit> {
        Ok(match self.act.does {
            Does::Pin => Edit::Set(self.pair()?),
            _ => Edit::Unset(self.field("shard").to_owned()),
        })
    }

    /// The skip of a record, or its undo, and the key of its lease. It reads the worker's report.
    async fn skip(&self) -> anyhow::Result<(Skip, LeaseKey)> {
        let Watched { sight, config, .. } = self.watched;
        let record = self.field("record");
        let [refuse, all_the_same] = UNKEPT;
        let undo = matches!(self.act.does, Does::KeepAfterAll);
        let skip = Skip {
            lease: self.field("shard").to_owned(),
            at: record.parse().with_context(|| format!("the record {record:?}"))?,
            unkept: match self.field("unkept") {
                unkept if unkept == all_the_same => true,
                unkept if undo || unkept == refuse => false,
                _ => bail!("without a dead letter: {refuse}, or {all_the_same}"),
            },
            within: leases::span(leases::SKIP_WITHIN).map_err(anyhow::Error::msg)?,
            undo,
            told: None,
        };
        skip.ask_its_worker(&*sight.store, config, &*sight.clock).await
    }

    /// The mark that the change sets or takes back; `None` for a change that sets no mark.
    async fn mark_edit(&self) -> anyhow::Result<Option<Box<dyn MarkEdit>>> {
        let says = match self.act.does {
            Does::Move => {
                let within = leases::span(self.field("for")).map_err(anyhow::Error::msg)?;
                Says::Move { to: self.field("worker").parse()?, within }
            }
            Does::Release => Says::Release,
            Does::Pause => Says::Pause,
            Does::Resume => Says::Resume,
            Does::Skip | Does::KeepAfterAll => return Ok(Some(Box::new(self.skip().await?.0))),
            Does::Drain | Does::Undrain => {
                let workers = vec![self.field("worker").parse()?];
                let drain = matches!(self.act.does, Does::Drain);
                return Ok(Some(Box::new(OfWorkers { drain, workers })));
            }
            _ => return Ok(None),
        };
        Ok(Some(Box::new(OfLeases { says, leases: vec![self.field("shard").to_owned()] })))
    }

    /// The effect of a mark, by the plan that a planner would make with it.
    async fn weighed(&self, edit: &dyn MarkEdit) -> anyhow::Result<Weighed> {
        let Watched { sight, config, .. } = self.watched;
        let by = format!("kcl dashboard: {}", self.act.name);
        Box::pin(Weighed::of(edit, &by, &*sight.store, config, &*sight.clock)).await
    }

    /// The arguments of `kcl leases reset`.
    fn reset(&self) -> ResetArgs {
        ResetArgs {
            to: Some(self.field("to").to_owned()),
            lease: self.fields.get("shard").map(|&shard| shard.to_owned()),
            ..ResetArgs::default()
        }
    }

    /// The command that does the same.
    fn command(&self) -> anyhow::Result<String> {
        let shell = &self.watched.shell;
        let command = match self.act.does {
            Does::Pin => shell.placement_of("set", &[&self.pair()?]),
            Does::Unpin => shell.placement_of("unset", &[self.field("shard")]),
            Does::Move => {
                let (to, within) = (self.field("worker"), self.field("for"));
                shell.leases_of("move", &[self.field("shard"), "--to", to, "--for", within])
            }
            Does::Release | Does::Pause | Does::Resume => {
                shell.leases_of(self.act.name, &[self.field("shard")])
            }
            Does::Skip => {
                let mut words = vec![self.field("shard"), "--record", self.field("record")];
                words.extend((self.field("unkept") != UNKEPT[0]).then_some("--unkept"));
                shell.leases_of("skip", &words)
            }
            Does::KeepAfterAll => {
                let words = [self.field("shard"), "--record", self.field("record"), "--undo"];
                shell.leases_of("skip", &words)
            }
            Does::Drain | Does::Undrain => shell.workers_of(self.act.name, &[self.field("worker")]),
            Does::Freeze => shell.app("freeze"),
            Does::Thaw => shell.app("thaw"),
            Does::Undo => shell.leases_of("reset", &["--undo"]),
            Does::Reset => {
                let mut words = vec!["--to", self.field("to")];
                let shard = self.fields.get("shard");
                words.extend(shard.into_iter().flat_map(|&shard| ["--lease", shard]));
                shell.leases_of("reset", &words)
            }
        };
        Ok(command)
    }

    /// Why the change cannot be made now; `None` if it can. A reset needs that no worker lives. The
    /// newest model tells that; the reset itself checks the sessions once more.
    fn refused(&self) -> Option<String> {
        if !matches!(self.act.does, Does::Reset | Does::Undo) {
            return None;
        }
        let model = self.watched.feed.model();
        let head = model.as_ref().map(|model| &model.head);
        match head.and_then(|head| head["counts"]["workers"].as_u64()) {
            Some(0) => None,
            Some(1) => Some("a worker lives: stop it first".to_owned()),
            Some(live) => Some(format!("{live} workers live: stop them first")),
            None => Some("whether a worker lives is not known".to_owned()),
        }
    }

    /// The effect of the change as JSON, by the code of the command.
    async fn preview(&self) -> anyhow::Result<Value> {
        let store = &*self.watched.sight.store;
        if let Some(edit) = self.mark_edit().await? {
            let weighed = self.weighed(&*edit).await?;
            let mut shown = weighed.json(edit.what())?;
            shown["already"] = json!(!weighed.changes);
            return Ok(shown);
        }
        match self.act.does {
            Does::Pin | Does::Unpin => self.proposed().await?.shown("placement"),
            Does::Freeze | Does::Thaw => {
                let edit =
                    app::FreezeChange::read(store, matches!(self.act.does, Does::Freeze)).await?;
                Ok(json!({ "says": edit.says(), "already": edit.is_done() }))
            }
            Does::Reset => {
                let prepared =
                    Box::pin(reset::prepare(&self.reset(), store, &self.watched.config)).await?;
                Ok(rewritten(&prepared.preview))
            }
            _ => Ok(rewritten(&change::preview_undo(store).await?)),
        }
    }

    /// The effect of an edit of the rules.
    async fn proposed(&self) -> anyhow::Result<Proposed> {
        let Watched { sight, config, .. } = self.watched;
        let by = format!("kcl dashboard: {}", self.act.name);
        Box::pin(Proposed::of(&self.edit()?, &by, &*sight.store, config, &*sight.clock)).await
    }

    /// Makes the change. The answer is what became of a skipped record; `None` for other changes.
    async fn carry_out(&self) -> anyhow::Result<Option<String>> {
        let Watched { sight, .. } = self.watched;
        if matches!(self.act.does, Does::Skip) {
            let (skip, key) = self.skip().await?;
            self.weighed(&skip).await?.put(&*sight.store).await?;
            return skip.became(&sight.store, &key, WAIT, &*sight.clock).await.map(Some);
        }
        if let Some(edit) = self.mark_edit().await? {
            self.weighed(&*edit).await?.put(&*sight.store).await?;
            return Ok(None);
        }
        self.change().await?;
        Ok(None)
    }

    /// Makes a change that sets no mark: of the rules, the freeze, or all rows.
    async fn change(&self) -> anyhow::Result<()> {
        let Watched { sight, config, .. } = self.watched;
        let what = format!("kcl dashboard: {}", self.act.name);
        match self.act.does {
            Does::Pin | Does::Unpin => self.proposed().await?.put(&*sight.store).await,
            Does::Freeze | Does::Thaw => {
                let edit =
                    app::FreezeChange::read(&*sight.store, matches!(self.act.does, Does::Freeze))
                        .await?;
                edit.carry_out(&*sight.store, &what, &*sight.clock).await
            }
            Does::Reset => {
                let prepared =
                    Box::pin(reset::prepare(&self.reset(), &*sight.store, config)).await?;
                let reset::Prepared { reset, source, .. } = prepared;
                let what = format!("{what}: {}", reset.what());
                let intent = Intent::Make(Arc::new(reset));
                let by = change::caller(&what);
                change::apply(intent, &by, &sight.store, Some(&source), &Env::system()).await?;
                Ok(())
            }
            _ => {
                let by = change::caller(&what);
                change::apply(Intent::Undo, &by, &sight.store, None, &Env::system()).await?;
                Ok(())
            }
        }
    }
}

/// The effect of a reset as JSON: the leases that move, and how many stay.
fn rewritten(preview: &change::Preview) -> Value {
    let moving = preview.moves.iter().filter(|it| it.reach != Reach::Stays);
    let moving: Vec<Value> = moving.map(reset::record).collect();
    json!({ "stays": preview.moves.len() - moving.len(), "leases": moving })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_does_not_know_is_refused() {
        let read = serde_json::from_str::<Asking>;
        let asking =
            read(r#"{"fields":{"shard":" s-0 ","worker":""},"confirm":"orders"}"#).unwrap();
        assert_eq!((asking.field("shard"), asking.field("worker")), (Some("s-0"), None));
        for odd in ["", "7", r#"{"fields":{"shard":7}}"#, r#"{"yes":true}"#] {
            assert!(read(odd).is_err(), "{odd}");
        }
    }
}
