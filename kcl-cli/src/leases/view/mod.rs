//! `kcl leases watch` on a terminal: workers with bars, moves as they happen, lag; keys to sort,
//! filter, pin and quit.
//!
//! A loop waits for keys, readings and results. Each one changes `state`, and then `draw` makes all
//! lines of the screen anew. A slow store delays readings, but not keys.
//!
//! | part | what it does |
//! |---|---|
//! | `keys` | decodes the keys |
//! | `state` | holds what is shown, and the meaning of each key. Pure |
//! | `draw` | makes lines of the state. Pure |
//! | `line` | is a line of coloured text |
//! | `terminal` | draws on the terminal, and restores it at the end, also after a panic |
//! | `pin` | computes what a new placement rule would move, and writes the rule |

mod draw;
mod keys;
mod line;
mod pin;
mod state;
mod terminal;
#[cfg(test)]
mod tests;

use std::{io::IsTerminal, sync::Arc, time::Duration};

use kcl_core::{
    env::{Clock, Env},
    store::LeaseStore,
};
use tokio::{sync::mpsc, task::JoinSet};

use self::{
    keys::Key,
    pin::Preview,
    state::{Effect, View},
    terminal::Terminal,
};
use super::watch::Seen;
use crate::{config::Config, look::Look, signals::Signals};

/// Whether there is a terminal to draw on and to read keys from.
pub(super) fn is_possible() -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    !dumb && std::io::stdout().is_terminal() && std::io::stdin().is_terminal()
}

/// The messages that the loop of [`watch`] handles, each from a task or thread of its own.
enum News {
    Key(Key),
    /// A new reading of the lease table.
    Looked(anyhow::Result<Box<Look>>),
    /// What a pin would move, for the question whether to write it.
    Previewed(anyhow::Result<Box<Preview>>),
    /// The pin was written, or the write failed.
    Pinned(anyhow::Result<String>),
}

/// Shows the screen until the user quits or a signal arrives. It reads the table each `every`.
///
/// # Errors
/// The first reading fails, or the terminal cannot be used. A later reading that fails only appears
/// on the screen.
pub(super) async fn watch(
    store: &Arc<dyn LeaseStore>,
    config: &Config,
    every: Duration,
) -> anyhow::Result<()> {
    let clock = Env::system().clock;
    let mut signals = Signals::listen()?;
    let (news, mut heard) = mpsc::channel(16);
    let mut tasks = JoinSet::new();
    // The first reading is made before the terminal is changed: its error is shown as by any
    // other command.
    let mut seen = Seen::nothing(store);
    let first = tokio::select! {
        _ = signals.next() => return Ok(()),
        first = seen.look(&**store, &*clock) => first?,
    };
    let mut view = View::new(every);
    view.looked(first);
    let mut terminal = Terminal::take()?;
    keys::listen(news.clone(), News::Key);
    tasks.spawn(look_on(Arc::clone(store), Arc::clone(&clock), seen, every, news.clone()));
    loop {
        terminal.draw(|width, height| draw::draw(&view, width, height))?;
        let happened = tokio::select! {
            _ = signals.next() => return Ok(()),
            happened = heard.recv() => happened,
        };
        let Some(happened) = happened else { return Ok(()) };
        let effect = match happened {
            News::Key(key) => view.pressed(key),
            News::Looked(Ok(look)) => {
                view.looked(*look);
                Effect::None
            }
            News::Looked(Err(error)) => {
                view.failed(&format!("{error:#}"));
                Effect::None
            }
            News::Previewed(preview) => {
                view.previewed(preview);
                Effect::None
            }
            News::Pinned(done) => {
                view.pinned(done);
                Effect::None
            }
        };
        let (store, config) = (Arc::clone(store), config.clone());
        let (clock, news) = (Arc::clone(&clock), news.clone());
        match effect {
            Effect::None => {}
            Effect::Quit => return Ok(()),
            Effect::Preview(pin) => drop(tasks.spawn(async move {
                let preview = Preview::of(&*store, &config, &*clock, pin).await.map(Box::new);
                let _ = news.send(News::Previewed(preview)).await;
            })),
            Effect::Put(preview) => drop(tasks.spawn(async move {
                let done = preview.put(&*store).await.map(|()| preview.pin.to_string());
                let _ = news.send(News::Pinned(done)).await;
            })),
        }
    }
}

/// Reads the lease table each `every` and sends the readings, until the screen is gone.
async fn look_on(
    store: Arc<dyn LeaseStore>,
    clock: Arc<dyn Clock>,
    mut seen: Seen,
    every: Duration,
    news: mpsc::Sender<News>,
) {
    loop {
        clock.sleep(every).await;
        let looked = seen.look(&*store, &*clock).await.map(Box::new);
        if news.send(News::Looked(looked)).await.is_err() {
            return;
        }
    }
}
