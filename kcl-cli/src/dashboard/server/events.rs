//! Server-sent events: what changes, told for as long as somebody listens.

use std::{convert::Infallible, fmt::Write, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::channel::{Channel, Sender};
use kcl_core::env::Env;

use crate::dashboard::{
    feed::{Feed, Update, Version},
    site::Site,
};

/// How long nothing may be said: something on the way may take silence for an end.
const SILENCE: Duration = Duration::from_secs(15);

/// How many pieces wait for a listener that is slow. What it misses meanwhile it is told at once.
const WAITING: usize = 2;

/// How long changes of several applications are gathered.
const GATHERED: Duration = Duration::from_millis(300);

/// The pause, in milliseconds, after which a page that was cut off is to come back.
const BACK_AFTER: u64 = 1_000;

type Listener = Sender<Bytes, Infallible>;

/// Tells of one application from this version on.
pub(super) fn of_feed(feed: Arc<Feed>, has: Option<Version>) -> Channel<Bytes, Infallible> {
    let (listener, body) = Channel::new(WAITING);
    Env::system().spawner.spawn("dashboard events", Box::pin(tell(feed, has, listener)));
    body
}

/// Tells of all applications in short.
pub(super) fn of_all(site: Arc<Site>) -> Channel<Bytes, Infallible> {
    let (listener, body) = Channel::new(WAITING);
    Env::system().spawner.spawn("dashboard events", Box::pin(tell_of_all(site, listener)));
    body
}

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

fn append(text: &mut String, update: &Update) {
    let Update { kind, version, text: data } = update;
    // Writing to a string cannot fail.
    let _ = write!(text, "id: {version}\nevent: {kind}\ndata: {data}\n\n");
}

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
