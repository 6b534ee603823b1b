//! Sends changes to pages as server-sent events, one task for each page that watches.
//!
//! A task waits until the feed has a new version, and sends what the page lacks. A slow page does
//! not make a queue: when it can take more, it gets all the missed versions at once.

use std::{convert::Infallible, fmt::Write, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use kcl_core::env::Env;

use crate::dashboard::{
    feed::{Feed, Update, Version},
    site::Site,
};

/// The longest time without an event. Then a comment is sent, because a proxy may close a
/// connection that is silent.
const SILENCE: Duration = Duration::from_secs(15);

/// How many chunks wait for a slow page at most.
const WAITING: usize = 2;

/// For how long changes of several applications are gathered into one event of the overview.
const GATHERED: Duration = Duration::from_millis(300);

/// The pause, in milliseconds, after which a page reconnects.
const BACK_AFTER: u64 = 1_000;

/// The sending end of an answer's body. A send fails once the page is gone.
type Listener = Sender<Bytes, Infallible>;

/// The events of one application, from the version `has` on.
pub(super) fn of_feed(feed: Arc<Feed>, has: Option<Version>) -> Channel<Bytes, Infallible> {
    let (listener, body) = Channel::new(WAITING);
    Env::system().spawner.spawn("dashboard events", Box::pin(tell(feed, has, listener)));
    body
}

/// The events of the overview of all applications.
pub(super) fn of_all(site: Arc<Site>) -> Channel<Bytes, Infallible> {
    let (listener, body) = Channel::new(WAITING);
    Env::system().spawner.spawn("dashboard events", Box::pin(tell_of_all(site, listener)));
    body
}

/// Sends the events of one application until the page is gone.
async fn tell(feed: Arc<Feed>, mut has: Option<Version>, mut listener: Listener) {
    let clock = Env::system().clock;
    let mut newest = feed.newest();
    let mut text = format!("retry: {BACK_AFTER}\n\n");
    loop {
        newest.borrow_and_update();
        for update in feed.since(has) {
            has = Some(update.version);
            append(&mut text, &update);
        }
        if !text.is_empty() && listener.send_data(std::mem::take(&mut text).into()).await.is_err() {
            return;
        }
        tokio::select! {
            changed = newest.changed() => if changed.is_err() { return },
            () = clock.sleep(SILENCE) => text.push_str(": still here\n\n"),
        }
    }
}

/// Appends an event in the form of server-sent events.
fn append(text: &mut String, update: &Update) {
    let Update { kind, version, text: data } = update;
    // Writing to a string cannot fail.
    let _ = write!(text, "id: {version}\nevent: {kind}\ndata: {data}\n\n");
}

/// Sends the overview whenever it differs from the one that was sent last, until the page is gone.
async fn tell_of_all(site: Arc<Site>, mut listener: Listener) {
    let clock = Env::system().clock;
    let mut any = site.any.subscribe();
    let mut said = String::new();
    let mut text = format!("retry: {BACK_AFTER}\n\n");
    loop {
        any.borrow_and_update();
        let heads = site.heads().to_string();
        if heads != said {
            let _ = write!(text, "event: heads\ndata: {heads}\n\n");
            said = heads;
        }
        if !text.is_empty() && listener.send_data(std::mem::take(&mut text).into()).await.is_err() {
            return;
        }
        tokio::select! {
            changed = any.changed() => match changed {
                Ok(()) => clock.sleep(GATHERED).await,
                Err(_) => return,
            },
            () = clock.sleep(SILENCE) => text.push_str(": still here\n\n"),
        }
    }
}
