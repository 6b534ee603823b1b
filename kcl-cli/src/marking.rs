//! Sets and removes the operator's marks on workers and leases: `kcl workers drain`, `kcl leases
//! move`, `pause`, `skip` and so on.
//!
//! Each such command is a change, an implementation of [`MarkEdit`]. [`carry_out`] reads the
//! application, has the change made to the marks, makes the plan that the planner would make with
//! them, shows its effect, asks the user, and writes the document by compare-and-set. If another
//! command has changed the document meanwhile, it starts again, and writes only if the effect is
//! still the one that the user agreed to.
//!
//! Nothing moves here: the planner and the workers notice the new document and act on it.

use std::fmt::Write;

use anyhow::{Context, bail};
use kcl_core::{
    assignment::placement::{Frozen, GivenUp, LetGo, Marks, Placement, Said, Sent},
    change,
    env::Clock,
    placing::{self, NotPlaced},
    store::LeaseStore,
};
use serde_json::{Value, json};

use crate::{
    ask::{self, Consent},
    config::Config,
    outlook::{self, Outlook, shard_of},
    picture::Picture,
    report, stdout,
    times::rfc3339,
};

/// How many times a write is tried if others change the document meanwhile.
const TRIES: usize = 5;

/// A change of the operator's marks.
pub(crate) trait MarkEdit: Send + Sync {
    /// The command, without `kcl`.
    fn what(&self) -> &'static str;

    /// The question to the user.
    fn question(&self) -> String;

    /// Makes the change to `marks`, and returns the result. `said` names the user, and the time.
    ///
    /// # Errors
    /// The change is not possible in this application. Nothing is written then.
    fn mark(&self, picture: &Picture, said: &Said, marks: Marks) -> anyhow::Result<Marks>;

    /// Notes for the user about the effect.
    ///
    /// # Errors
    /// The mark would not have the effect that the user wants. Nothing is written then.
    fn judge(&self, picture: &Picture, outlook: &Outlook) -> anyhow::Result<Vec<String>>;
}

/// Shows the effect of a change, asks the user, and writes the change. Changes that other commands
/// make meanwhile are kept.
///
/// # Errors
/// The change is not possible, the user says no, the store fails, or a change by others has altered
/// the effect that the user agreed to.
pub(crate) async fn carry_out(
    edit: &dyn MarkEdit,
    store: &dyn LeaseStore,
    config: &Config,
    clock: &dyn Clock,
    consent: Consent,
    json: bool,
) -> anyhow::Result<()> {
    let mut agreed: Option<Outlook> = None;
    for _ in 0..TRIES {
        let weighed =
            Weighed::of(edit, &format!("kcl {}", edit.what()), store, config, clock).await?;
        match &agreed {
            None => {
                weighed.show(edit.what(), json)?;
                if consent.dry_run || !weighed.changes {
                    return Ok(());
                }
                if !consent.yes {
                    ask::agreed(&edit.question())?;
                }
            }
            Some(former) if former.is_like(&weighed.outlook) => {}
            Some(_) => bail!(
                "somebody else changed the application just now, and kcl {} would come to \
                 something else than what was shown: nothing was changed; look again and say it \
                 again",
                edit.what()
            ),
        }
        match weighed.put(store).await {
            Ok(()) => {
                report::progress("it is written; the planner is told");
                return Ok(());
            }
            Err(NotPlaced::Raced) => agreed = Some(weighed.outlook),
            Err(error) => {
                let store = weighed.picture.store;
                return Err(error).with_context(|| format!("kcl {} in {store}", edit.what()));
            }
        }
    }
    bail!(
        "others change the operator's document all the time: nothing was changed; try kcl {} again",
        edit.what()
    )
}

/// A change, and its effect in the application as it was read.
pub(crate) struct Weighed {
    /// The reading.
    picture: Picture,
    /// The document after the change.
    next: Placement,
    /// The effect.
    outlook: Outlook,
    /// Notes for the user about the effect.
    notes: Vec<String>,
    /// Whether the document differs from the stored one.
    pub(crate) changes: bool,
}

impl Weighed {
    /// Reads the application, and computes the effect of the change. It writes nothing. `by` names
    /// the command, for the mark.
    ///
    /// # Errors
    /// The change is not possible, or the store fails.
    pub(crate) async fn of(
        edit: &dyn MarkEdit,
        by: &str,
        store: &dyn LeaseStore,
        config: &Config,
        clock: &dyn Clock,
    ) -> anyhow::Result<Self> {
        let picture = Picture::take(store, config, clock).await?;
        let before = picture.readable()?;
        let (by, since) = (change::caller(by), clock.wall());
        let marks = edit.mark(&picture, &Said { by, since }, before.marks.clone())?;
        let changes = marks != before.marks;
        let next = before.marked(marks.tidied(picture.now, &picture.rows));
        let outlook = Outlook::of(&picture, &outlook::document(&next)?);
        let notes = edit.judge(&picture, &outlook)?;
        Ok(Self { picture, next, outlook, notes, changes })
    }

    /// Writes the document by compare-and-set, and wakes the planner.
    ///
    /// # Errors
    /// Another command changed the document since it was read, or the store failed.
    pub(crate) async fn put(&self, store: &dyn LeaseStore) -> Result<(), NotPlaced> {
        placing::put(store, &self.picture.stored, &self.next).await
    }

    /// The effect as JSON. `what` is the command.
    ///
    /// # Errors
    /// A part cannot be serialised.
    pub(crate) fn json(&self, what: &str) -> anyhow::Result<Value> {
        let Self { picture, outlook, notes, changes, .. } = self;
        Ok(json!({
            "what": what,
            "application": picture.application,
            "store": picture.store,
            "stream": picture.stream.as_ref().map(|stream| stream.key.name.to_string()),
            "changes": changes,
            "moves": serde_json::to_value(&outlook.moves)?,
            "unread": serde_json::to_value(&outlook.unread)?,
            "workers": serde_json::to_value(&outlook.workers)?,
            "notes": notes,
        }))
    }

    /// Shows the effect to the user, as tables or as JSON.
    fn show(&self, what: &str, json: bool) -> anyhow::Result<()> {
        if json {
            return stdout::line(self.json(what)?);
        }
        let Self { picture, outlook, notes, changes, .. } = self;
        let mut text =
            format!("{what}: application {} in {}\n", picture.application, picture.store);
        // Writing to a string cannot fail.
        if let Some(stream) = &picture.stream {
            let _ = writeln!(text, "stream {}", stream.key.name);
        }
        text.push('\n');
        text += &outlook::workers(&outlook.workers);
        text += &outlook::moves(&outlook.moves);
        text += &outlook::unread(&outlook.unread);
        for note in notes {
            let _ = writeln!(text, "! {note}");
        }
        if !changes {
            text += "it is so already: nothing is to be changed\n";
        }
        stdout::write(&text)
    }
}

/// Fails if the fleet is frozen: the planner of a frozen fleet moves no held lease, so a mark that
/// moves one would have no effect.
///
/// # Errors
/// The fleet is frozen. The message says by whom and since when.
pub(crate) fn ensure_thawed(placement: &Placement) -> anyhow::Result<()> {
    if let Some(Frozen { by, since }) = &placement.frozen {
        bail!(
            "the fleet is frozen since {} by {by}: nothing moves that a live worker holds; `kcl \
             app thaw` lets leases move again",
            rfc3339(*since)
        );
    }
    Ok(())
}

/// The marks as text, one on each line, with the user and the time.
pub(crate) fn told(marks: &Marks) -> Vec<String> {
    let by = |said: &Said| format!("{}, {}", said.by, rfc3339(said.since));
    let drained = marks.drained.iter();
    let drained = drained.map(|(worker, said)| format!("drained: {worker} ({})", by(said)));
    let paused = marks.paused.iter();
    let paused = paused.map(|(lease, said)| format!("paused: {} ({})", shard_of(lease), by(said)));
    let sent = marks.sent.iter().map(|(lease, Sent { to, until, said })| {
        format!("moved: {} to {to}, until {} ({})", shard_of(lease), rfc3339(*until), by(said))
    });
    let let_go = marks.let_go.iter().map(|(lease, LetGo { epoch, said })| {
        format!("released: {}, held under epoch {epoch} ({})", shard_of(lease), by(said))
    });
    let given_up = marks.given_up.iter().map(|((lease, at), GivenUp { until, said, .. })| {
        format!("given up: {at} of {}, until {} ({})", shard_of(lease), rfc3339(*until), by(said))
    });
    drained.chain(paused).chain(sent).chain(let_go).chain(given_up).collect()
}

/// The marks as JSON: a list for each kind.
pub(crate) fn json(marks: &Marks) -> Value {
    let said = |said: &Said| json!({"by": said.by, "since": rfc3339(said.since)});
    let with = |mut said: Value, more: Value| {
        if let (Value::Object(said), Value::Object(more)) = (&mut said, more) {
            said.extend(more);
        }
        said
    };
    let drained: Vec<Value> = marks
        .drained
        .iter()
        .map(|(worker, it)| with(said(it), json!({"worker": worker.as_str()})))
        .collect();
    let paused: Vec<Value> = marks
        .paused
        .iter()
        .map(|(lease, it)| with(said(it), json!({"shard": shard_of(lease)})))
        .collect();
    let sent: Vec<Value> = marks
        .sent
        .iter()
        .map(|(lease, it)| {
            let (to, until) = (it.to.as_str(), rfc3339(it.until));
            with(said(&it.said), json!({"shard": shard_of(lease), "to": to, "until": until}))
        })
        .collect();
    let let_go: Vec<Value> = marks
        .let_go
        .iter()
        .map(|(lease, it)| {
            with(said(&it.said), json!({"shard": shard_of(lease), "epoch": it.epoch.0}))
        })
        .collect();
    let given_up: Vec<Value> = marks
        .given_up
        .iter()
        .map(|((lease, at), it)| {
            let (at, until) = (at.to_string(), rfc3339(it.until));
            let more = json!({"shard": shard_of(lease), "record": at, "until": until});
            with(said(&it.said), more)
        })
        .collect();
    json!({
        "drained": drained,
        "paused": paused,
        "moved": sent,
        "released": let_go,
        "given_up": given_up,
    })
}

#[cfg(test)]
mod tests;
