//! Parses method and path into a [`Route`]. Pure.

use hyper::Method;
use percent_encoding::percent_decode_str;

use super::guard::Asked;

/// The views of an application, each with the table that `NAME.json` returns. Views with `None`
/// have no table.
const VIEWS: [(&str, Option<&str>); 9] = [
    ("shards", Some("shards")),
    ("workers", Some("workers")),
    ("why", Some("findings")),
    ("map", Some("shards")),
    ("moves", Some("moves")),
    ("lineage", Some("shards")),
    ("failures", Some("failures")),
    ("records", None),
    ("act", None),
];

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/`, `/app/NAME` and `/app/NAME/VIEW`: the page. Its script shows the view.
    Page,
    /// `/assets/VERSION/NAME`: a file of the page.
    Asset { version: String, name: String },
    /// `/apps.json`: the overview of all applications, and what this dashboard offers.
    Applications,
    /// `/events`: the overview as events.
    ApplicationsEvents,
    /// `/app/NAME/all.json`: the whole model of an application.
    All { application: String },
    /// `/app/NAME/VIEW.json`: one table of the model.
    Table { application: String, table: &'static str },
    /// `/app/NAME/events`: the model as events, first a snapshot, then deltas.
    Events { application: String },
    /// `/app/NAME/records.json`: records of a shard.
    Records { application: String },
    /// `POST /app/NAME/act/ACT/preview`: what a change would do.
    Preview { application: String, act: String },
    /// `POST /app/NAME/act/ACT`: a change.
    Act { application: String, act: String },
}

/// Why a request has no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// No route has this path.
    NotFound,
    /// The path takes other methods: these.
    OtherMethod(&'static str),
}

impl Route {
    /// The route of a method and a path. Each part of the path is percent-decoded.
    ///
    /// # Errors
    /// No route has this path, or it takes other methods.
    pub(crate) fn of(method: &Method, path: &str) -> Result<Self, NoRoute> {
        let parts: Option<Vec<String>> = path.split('/').skip(1).map(decoded).collect();
        let parts = parts.ok_or(NoRoute::NotFound)?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let route = Self::of_parts(&parts).ok_or(NoRoute::NotFound)?;
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        match (route.asked() == Asked::Change, is_read, *method == Method::POST) {
            (false, true, _) | (true, _, true) => Ok(route),
            (false, ..) => Err(NoRoute::OtherMethod("GET, HEAD")),
            (true, ..) => Err(NoRoute::OtherMethod("POST")),
        }
    }

    /// The route of the parts of a path; `None` if there is none.
    fn of_parts(parts: &[&str]) -> Option<Self> {
        Some(match *parts {
            [""] | ["app", _] => Self::Page,
            ["app", _, view] if VIEWS.iter().any(|(name, _)| *name == view) => Self::Page,
            ["assets", version, name] => {
                Self::Asset { version: version.to_owned(), name: name.to_owned() }
            }
            ["apps.json"] => Self::Applications,
            ["events"] => Self::ApplicationsEvents,
            ["app", application, what] => {
                let application = application.to_owned();
                match what {
                    "all.json" => Self::All { application },
                    "events" => Self::Events { application },
                    "records.json" => Self::Records { application },
                    _ => {
                        let view = what.strip_suffix(".json")?;
                        let table = VIEWS.iter().find(|(name, _)| *name == view)?.1?;
                        Self::Table { application, table }
                    }
                }
            }
            ["app", application, "act", act] => {
                Self::Act { application: application.to_owned(), act: act.to_owned() }
            }
            ["app", application, "act", act, "preview"] => {
                Self::Preview { application: application.to_owned(), act: act.to_owned() }
            }
            _ => return None,
        })
    }

    /// Which checks of the guard the route needs.
    pub(crate) const fn asked(&self) -> Asked {
        match self {
            Self::Page | Self::Asset { .. } => Asked::Page,
            Self::Act { .. } | Self::Preview { .. } => Asked::Change,
            _ => Asked::Data,
        }
    }
}

/// A part of a path, percent-decoded; `None` unless that is UTF-8.
fn decoded(part: &str) -> Option<String> {
    Some(percent_decode_str(part).decode_utf8().ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Result<Route, NoRoute> {
        Route::of(&Method::GET, path)
    }

    #[test]
    fn each_view_is_a_page_with_its_rows_beside_it() {
        for path in ["/", "/app/orders", "/app/orders/shards", "/app/a%2Fb%20c/act"] {
            assert_eq!(get(path), Ok(Route::Page), "{path}");
        }
        let application = || "a/b c".to_owned();
        let table = Route::Table { application: application(), table: "findings" };
        assert_eq!(get("/app/a%2Fb%20c/why.json"), Ok(table));
        assert_eq!(get("/app/a%2Fb%20c/events"), Ok(Route::Events { application: application() }));
        for path in ["/app", "/app/x/nothing", "/app/x/act.json", "/etc/passwd", "//", "/app/%ff"] {
            assert_eq!(get(path), Err(NoRoute::NotFound), "{path}");
        }
    }

    #[test]
    fn a_change_is_posted_and_everything_else_is_got() {
        let act = || Route::Act { application: "x".into(), act: "pin".into() };
        assert_eq!(Route::of(&Method::POST, "/app/x/act/pin"), Ok(act()));
        assert_eq!(act().asked(), Asked::Change);
        let preview = Route::of(&Method::POST, "/app/x/act/pin/preview").unwrap();
        assert_eq!(preview.asked(), Asked::Change);
        assert_eq!(get("/app/x/act/pin"), Err(NoRoute::OtherMethod("POST")));
        let posted = Route::of(&Method::POST, "/apps.json");
        assert_eq!(posted, Err(NoRoute::OtherMethod("GET, HEAD")));
    }
}
