//! Answers a request: finds its route, asks the guard, and calls the part that has the answer.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::{Request, Response, StatusCode, body::Incoming};
use kcl_core::env::Env;
use serde_json::{Value, json};

use super::{
    events,
    guard::{Asked, Refusal},
    respond::{self, Body},
    route::{NoRoute, Route},
};
use crate::dashboard::{
    acts::{self, Asking},
    feed::Version,
    records,
    site::Site,
    watched::Watched,
};

/// How many bytes the body of a request may have.
const BODY: usize = 16_384;
/// How long the body of a request may take to arrive.
const BODY_WITHIN: Duration = Duration::from_secs(5);

/// The header in which a browser that reconnects names the last event that it got.
const LAST_EVENT_ID: &str = "last-event-id";

/// The answer to a request. A refusal is an answer, too.
pub(super) async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    site: Arc<Site>,
) -> Response<Body> {
    answered(request, peer, &site).await.unwrap_or_else(|refusal| respond::refusal(&refusal))
}

/// The answer, or the refusal that becomes the answer.
async fn answered(
    request: Request<Incoming>,
    peer: SocketAddr,
    site: &Arc<Site>,
) -> Result<Response<Body>, Refusal> {
    let route = Route::of(request.method(), request.uri().path());
    // The guard comes first: a client that may not ask must not learn which paths exist, either.
    // A path that does not exist tells nothing, and is checked like the page.
    let asked = route.as_ref().map_or(Asked::Data, Route::asked);
    let asked = if route == Err(NoRoute::NotFound) { Asked::Page } else { asked };
    site.guard.check(asked, request.headers()).inspect_err(|refusal| {
        tracing::debug!(%peer, status = refusal.status.as_u16(), "kcl.dashboard.refused");
    })?;
    let route = match route {
        Ok(route) => route,
        Err(NoRoute::NotFound) => return Err(not_found("there is nothing at this path")),
        Err(NoRoute::OtherMethod(methods)) => return Ok(respond::other_method(methods)),
    };
    match route {
        Route::Page => Ok(site.assets.page()),
        Route::Asset { version, name } => {
            site.assets.file(&version, &name).ok_or_else(|| not_found("there is no such file"))
        }
        Route::Applications => {
            site.ask();
            Ok(respond::value(StatusCode::OK, &site.heads()))
        }
        Route::ApplicationsEvents => Ok(respond::events(events::of_all(Arc::clone(site)))),
        Route::All { application } => {
            let watched = found(site, &application)?;
            let model = watched.feed.model().ok_or_else(not_yet)?;
            Ok(respond::value(StatusCode::OK, &model.json()))
        }
        Route::Table { application, table } => of_table(found(site, &application)?, table),
        Route::Events { application } => {
            let has = request.headers().get(LAST_EVENT_ID).and_then(|it| it.to_str().ok());
            let feed = Arc::clone(&found(site, &application)?.feed);
            Ok(respond::events(events::of_feed(feed, has.and_then(Version::parse))))
        }
        Route::Records { application } => {
            let watched = found(site, &application)?;
            if !site.records {
                return Err(Refusal::new(
                    StatusCode::FORBIDDEN,
                    "records are not shown here: this dashboard was started with --no-records",
                ));
            }
            let query = request.uri().query().unwrap_or_default();
            told(records::look(watched, query).await)
        }
        Route::Preview { application, act } => {
            let watched = found(site, &application)?;
            let asking = body(request).await?;
            told(acts::preview(watched, &act, &asking).await)
        }
        Route::Act { application, act } => {
            let watched = found(site, &application)?;
            let asking = body(request).await?;
            told(acts::act(watched, &act, &asking, peer).await)
        }
    }
}

/// One table of an application, with the name of the application and the time of the reading.
fn of_table(watched: &Watched, table: &'static str) -> Result<Response<Body>, Refusal> {
    let model = watched.feed.model().ok_or_else(not_yet)?;
    let rows = model.tables.get(table).ok_or_else(|| not_found("there is no such table"))?;
    let mut value = rows.json();
    value["application"] = json!(watched.name);
    value["at_ms"] = model.head.get("at_ms").cloned().unwrap_or(Value::Null);
    Ok(respond::value(StatusCode::OK, &value))
}

/// The application of this name. The request counts as one that watches it for a while.
fn found<'s>(site: &'s Site, name: &str) -> Result<&'s Arc<Watched>, Refusal> {
    site.find(name).inspect(|watched| watched.ask()).ok_or_else(|| {
        not_found("this dashboard shows no application of this name: start it with --app NAME")
    })
}

fn not_found(says: &str) -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, says)
}

/// The refusal before the first reading of an application.
fn not_yet() -> Refusal {
    let says = "the store was not read yet: ask again in some seconds";
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, says)
}

/// The value as JSON. An error has the status 422: the request is well-formed, and the store, the
/// stream or the change refused it.
fn told(came: anyhow::Result<Value>) -> Result<Response<Body>, Refusal> {
    match came {
        Ok(value) => Ok(respond::value(StatusCode::OK, &value)),
        Err(error) => Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{error:#}"))),
    }
}

/// The body of the request, decoded from JSON.
async fn body(request: Request<Incoming>) -> Result<Asking, Refusal> {
    let clock = Env::system().clock;
    let all = Limited::new(request.into_body(), BODY).collect();
    let all: Bytes = tokio::select! {
        all = all => all.map(|it| it.to_bytes()).map_err(|_| {
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "the request is larger than 16 KB")
        })?,
        () = clock.sleep(BODY_WITHIN) => {
            return Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, "the request did not come"));
        }
    };
    serde_json::from_slice(&all).map_err(|error| {
        Refusal::new(StatusCode::BAD_REQUEST, format!("the request makes no sense: {error}"))
    })
}
