//! The scripts that run on the server.

use std::sync::OnceLock;

/// A script. The server knows it by the hash of its text.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) text: &'static str,
    hash: OnceLock<String>,
}

macro_rules! script {
    ($file:literal) => {
        Script {
            text: concat!(include_str!("lua/rows.lua"), include_str!($file)),
            hash: OnceLock::new(),
        }
    };
}

/// Creates a row if there is none.
pub(crate) static PUT: Script = script!("lua/put.lua");
/// Changes a row under conditions.
pub(crate) static CHANGE: Script = script!("lua/change.lua");
/// Deletes a row under conditions.
pub(crate) static REMOVE: Script = script!("lua/remove.lua");
/// Lists a page of rows.
pub(crate) static PAGE: Script =
    Script { text: include_str!("lua/page.lua"), hash: OnceLock::new() };

impl Script {
    /// The hash by which the server knows the script.
    pub(crate) fn hash(&self) -> &str {
        self.hash.get_or_init(|| redis::Script::new(self.text).get_hash().to_owned())
    }
}
