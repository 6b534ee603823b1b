//! What is served: applications that are looked at, what of them is offered, and the page.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::watch;

use super::{acts, assets::Assets, server::Guard, watched::Watched};

/// What is served.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) guard: Guard,
    /// In the order in which they were named.
    pub(crate) applications: Vec<Arc<Watched>>,
    pub(crate) assets: Assets,
    /// Whether records may be looked at.
    pub(crate) records: bool,
    /// Told whenever anything changes.
    pub(crate) any: watch::Sender<()>,
}

impl Site {
    /// The application of this name.
    pub(crate) fn find(&self, name: &str) -> Option<&Arc<Watched>> {
        self.applications.iter().find(|it| it.name == name)
    }

    /// Somebody asks for what is known of all.
    pub(crate) fn ask(&self) {
        self.applications.iter().for_each(|watched| watched.ask());
    }

    /// Every application in short, and what is offered.
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
