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

/// What happens while it is watched.
enum News {
    Key(Key),
    Looked(anyhow::Result<Box<Look>>),
    /// What a pin would move.
    Previewed(anyhow::Result<Box<Preview>>),
    /// A pin was put.
    Pinned(anyhow::Result<String>),
}

/// Watches until somebody quits.
///
/// # Errors
/// The store's at the first look; the terminal's.
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

/// Looks again and again.
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
