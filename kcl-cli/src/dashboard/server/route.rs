//! What a path asks for. Pure.

use hyper::Method;
use percent_encoding::percent_decode_str;

use super::guard::Asked;

/// The views of an application, each with the table that stands beside it as JSON.
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

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// The page, whatever it is to show.
    Page,
    /// A part of the page: of which version, and its name.
    Asset { version: String, name: String },
    /// Every application in short, and what this dashboard offers.
    Applications,
    /// The same, again and again.
    ApplicationsEvents,
    /// All that is known of an application.
    All { application: String },
    /// One table of it.
    Table { application: String, table: &'static str },
    /// All of it, and then what changes.
    Events { application: String },
    /// Records of a shard.
    Records { application: String },
    /// What a change would do.
    Preview { application: String, act: String },
    /// A change.
    Act { application: String, act: String },
}

/// Why there is no such thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// The path leads nowhere.
    NotFound,
    /// It is asked for in another way: by these methods.
    OtherMethod(&'static str),
}

impl Route {
    /// What this path asks for.
    ///
    /// # Errors
    /// There is no such thing.
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

    /// Who has to be asked whether it may be answered.
    pub(crate) const fn asked(&self) -> Asked {
        match self {
            Self::Page | Self::Asset { .. } => Asked::Page,
            Self::Act { .. } | Self::Preview { .. } => Asked::Change,
            _ => Asked::Data,
        }
    }
}

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
