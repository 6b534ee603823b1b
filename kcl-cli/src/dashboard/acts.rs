//! What can be changed from the page: one table, what each act would do, and doing it.
//!
//! Each is a command, too, which is shown; it is asked for with the name of the application typed,
//! and what became of it is told in the log.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use anyhow::{Context, bail, ensure};
use kcl_core::{
    change::{self, Design, Intent, Reach},
    env::Env,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::watched::Watched;
use crate::{
    app::Wish,
    leases::reset::{self, ResetArgs},
    placement::{Edit, Proposed},
};

/// Something that is to be filled in.
#[derive(Clone, Copy, Debug, Serialize)]
struct Field {
    name: &'static str,
    title: &'static str,
    /// What is offered: `shard`, `worker`, or these words.
    offers: &'static [&'static str],
    /// Whether it may be left out.
    optional: bool,
}

/// Something that can be changed.
#[derive(Clone, Copy, Debug, Serialize)]
struct Act {
    name: &'static str,
    title: &'static str,
    says: &'static str,
    fields: &'static [Field],
    #[serde(skip)]
    does: Does,
}

/// What is done.
#[derive(Clone, Copy, Debug)]
enum Does {
    Pin,
    Unpin,
    Freeze,
    Thaw,
    Reset,
    Undo,
}

const SHARD: Field = Field { name: "shard", title: "Shard", offers: &["shard"], optional: false };

/// Every act.
const ACTS: &[Act] = &[
    Act {
        name: "pin",
        title: "Pin a shard",
        says: "A rule gives the shard to a worker: the others may read it while that one is away \
               (prefer), or may not (require).",
        fields: &[
            SHARD,
            Field { name: "worker", title: "Worker", offers: &["worker"], optional: false },
            Field { name: "mode", title: "Mode", offers: &["prefer", "require"], optional: false },
        ],
        does: Does::Pin,
    },
    Act {
        name: "unpin",
        title: "Unpin a shard",
        says: "The rule of the shard is taken back, and it is balanced like the others.",
        fields: &[SHARD],
        does: Does::Unpin,
    },
    Act {
        name: "freeze",
        title: "Freeze the fleet",
        says: "Nothing moves that a live worker holds. What nobody holds is still shared out.",
        fields: &[],
        does: Does::Freeze,
    },
    Act {
        name: "thaw",
        title: "Thaw the fleet",
        says: "Leases may move again.",
        fields: &[],
        does: Does::Thaw,
    },
    Act {
        name: "reset",
        title: "Start again from another position",
        says: "Every shard, or one, is read from there on. Refused while anybody reads: stop all \
               workers before.",
        fields: &[
            Field {
                name: "to",
                title: "Position (trim-horizon, latest, or a time)",
                offers: &[],
                optional: false,
            },
            Field { name: "shard", title: "One shard alone", offers: &["shard"], optional: true },
        ],
        does: Does::Reset,
    },
    Act {
        name: "undo-reset",
        title: "Take a reset back",
        says: "The reset that was broken off, else the last one, is taken back. Refused while \
               anybody reads.",
        fields: &[],
        does: Does::Undo,
    },
];

/// What a request asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asking {
    #[serde(default)]
    fields: BTreeMap<String, String>,
    /// The application's name, typed.
    #[serde(default)]
    confirm: Option<String>,
}

impl Asking {
    /// What was filled in, if anything.
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
    }
}

/// The acts, for the page.
pub(crate) fn offered() -> Value {
    json!(ACTS)
}

/// An act with what was filled in.
struct Wanted<'a> {
    watched: &'a Watched,
    act: &'static Act,
    fields: BTreeMap<&'static str, &'a str>,
}

/// What an act would do. Changes nothing.
///
/// # Errors
/// It makes no sense; the store's and the stream's.
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

/// Does it.
///
/// # Errors
/// As [`preview`]; it is not confirmed; it is refused while anybody reads.
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
        Ok(()) => {
            tracing::warn!(application = %name, act, command, %peer, "kcl.dashboard.changed");
        }
        Err(error) => {
            let error = format!("{error:#}");
            tracing::warn!(application = %name, act, command, %peer, error, "kcl.dashboard.failed");
        }
    }
    came.map(|()| json!({ "done": true, "command": command }))
}

impl<'a> Wanted<'a> {
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

    fn field(&self, name: &str) -> &'a str {
        self.fields.get(name).copied().unwrap_or_default()
    }

    /// `shard:worker`, with a question mark behind if the worker is only preferred.
    fn pair(&self) -> anyhow::Result<String> {
        let mode = match self.field("mode") {
            "prefer" => "?",
            "require" => "",
            _ => bail!("the mode is prefer or require"),
        };
        Ok(format!("{}:{}{mode}", self.field("shard"), self.field("worker")))
    }

    fn edit(&self) -> anyhow::Result<Edit> {
        Ok(match self.act.does {
            Does::Pin => Edit::Set(self.pair()?),
            _ => Edit::Unset(self.field("shard").to_owned()),
        })
    }

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

    /// Why it is not done now, if it is one that nobody may read meanwhile.
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

    async fn preview(&self) -> anyhow::Result<Value> {
        let store = &*self.watched.sight.store;
        match self.act.does {
            Does::Pin | Does::Unpin => self.proposed().await?.shown("placement"),
            Does::Freeze | Does::Thaw => {
                let wish = Wish::read(store, matches!(self.act.does, Does::Freeze)).await?;
                let says = if wish.is_done() { "it is so already".to_owned() } else { wish.says() };
                Ok(json!({ "says": says }))
            }
            Does::Reset => {
                let prepared =
                    Box::pin(reset::prepare(&self.reset(), store, &self.watched.config)).await?;
                Ok(leases(&prepared.preview))
            }
            Does::Undo => Ok(leases(&change::preview_undo(store).await?)),
        }
    }

    async fn proposed(&self) -> anyhow::Result<Proposed> {
        let Watched { sight, config, .. } = self.watched;
        let by = format!("kcl dashboard: {}", self.act.name);
        Box::pin(Proposed::of(&self.edit()?, &by, &*sight.store, config, &*sight.clock)).await
    }

    async fn carry_out(&self) -> anyhow::Result<()> {
        let Watched { sight, config, .. } = self.watched;
        let what = format!("kcl dashboard: {}", self.act.name);
        match self.act.does {
            Does::Pin | Does::Unpin => self.proposed().await?.put(&*sight.store).await,
            Does::Freeze | Does::Thaw => {
                let wish = Wish::read(&*sight.store, matches!(self.act.does, Does::Freeze)).await?;
                wish.carry_out(&*sight.store, &what, &*sight.clock).await
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
            Does::Undo => {
                let by = change::caller(&what);
                change::apply(Intent::Undo, &by, &sight.store, None, &Env::system()).await?;
                Ok(())
            }
        }
    }
}

/// What a reset would write.
fn leases(preview: &change::Preview) -> Value {
    let moving = preview.moves.iter().filter(|it| it.reach != Reach::Stays);
    let moving: Vec<Value> = moving.map(reset::record).collect();
    json!({ "stays": preview.moves.len() - moving.len(), "leases": moving })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_act_has_a_name_of_its_own_and_says_what_it_does() {
        let mut names: Vec<_> = ACTS.iter().map(|act| act.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ACTS.len());
        assert!(ACTS.iter().all(|act| act.says.ends_with('.') && !act.title.is_empty()));
    }

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
