//! Holds what the server needs to answer a request: the guard, the applications, and the files of
//! the page. There is one [`Site`] for each process.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{acts, assets::Assets, server::Guard, watched::Watched};

/// Everything that one dashboard serves.
#[derive(Debug)]
pub(crate) struct Site {
    /// Decides who may ask what.
    pub(crate) guard: Guard,
    /// The applications, in the order of the command line.
    pub(crate) applications: Vec<Arc<Watched>>,
    /// The page's files.
    pub(crate) assets: Assets,
    /// Whether the page may show records (without `--no-records`).
    pub(crate) records: bool,
    /// Notifies the overview after each reading of any application.
    pub(crate) any: watch::Sender<()>,
}

impl Site {
    /// The application of this name; `None` if this dashboard does not show it.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Watched>> {
        self.applications.iter().find(|it| it.name == name)
    }

    /// Notes a request that concerns all applications: for a while they are read as often as if a
    /// page watched them.
    pub(crate) fn ask(&self) {
        self.applications.iter().for_each(|watched| watched.ask());
    }

    /// The overview as JSON: the head of every application, and what this dashboard offers. An
    /// application that was not read yet has the state `looking`.
    pub(crate) fn heads(&self) -> Value {
        let head = |it: &Arc<Watched>| match it.feed.model() {
            Some(model) => Value::Object(model.head.clone()),
            None => json!({ "application": it.name, "state": "looking" }),
        };
        let changes = self.guard.allows_changes();
        json!({
            "kcl": env!("CARGO_PKG_VERSION"),
            "changes": changes,
            "records": self.records,
            "acts": acts::offered(),
            "applications": self.applications.iter().map(head).collect::<Vec<_>>(),
        })
    }
}
