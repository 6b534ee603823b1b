//! Serves the page's files. They are a part of the program, and the page loads nothing from
//! elsewhere.
//!
//! Each file has the hash of all files in its path. So a browser may cache it for ever, and a page
//! never mixes the files of two builds.

use std::hash::{DefaultHasher, Hash, Hasher};

use hyper::{Response, StatusCode};

use super::server::respond::{self, Body};

/// The page. It contains [`VERSION`] wherever the hash of the files belongs.
const PAGE: &str = include_str!("assets/index.html");
/// The text in the page for which the hash is filled in.
const VERSION: &str = "@VERSION@";

/// Every other file: its name, its media type and its text.
const FILES: &[(&str, &str, &str)] = &[
    ("style.css", "text/css; charset=utf-8", include_str!("assets/style.css")),
    ("main.js", SCRIPT, include_str!("assets/main.js")),
    ("feed.js", SCRIPT, include_str!("assets/feed.js")),
    ("dom.js", SCRIPT, include_str!("assets/dom.js")),
    ("say.js", SCRIPT, include_str!("assets/say.js")),
    ("grid.js", SCRIPT, include_str!("assets/grid.js")),
    ("overview.js", SCRIPT, include_str!("assets/overview.js")),
    ("shards.js", SCRIPT, include_str!("assets/shards.js")),
    ("workers.js", SCRIPT, include_str!("assets/workers.js")),
    ("why.js", SCRIPT, include_str!("assets/why.js")),
    ("map.js", SCRIPT, include_str!("assets/map.js")),
    ("moves.js", SCRIPT, include_str!("assets/moves.js")),
    ("lineage.js", SCRIPT, include_str!("assets/lineage.js")),
    ("failures.js", SCRIPT, include_str!("assets/failures.js")),
    ("records.js", SCRIPT, include_str!("assets/records.js")),
    ("act.js", SCRIPT, include_str!("assets/act.js")),
];

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The caching of a file whose path contains its version: it never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The page's files, and their version.
#[derive(Debug)]
pub(crate) struct Assets {
    /// The hash of all files, in hexadecimal.
    version: String,
    /// The page with that hash filled in.
    page: String,
}

impl Assets {
    /// The files that this program was built with.
    pub(crate) fn new() -> Self {
        let mut hash = DefaultHasher::new();
        (PAGE, FILES).hash(&mut hash);
        let version = format!("{:016x}", hash.finish());
        Self { page: PAGE.replace(VERSION, &version), version }
    }

    /// The page itself. The browser asks for it anew each time, because its path has no version.
    pub(crate) fn page(&self) -> Response<Body> {
        respond::whole(StatusCode::OK, "text/html; charset=utf-8", "no-cache", self.page.clone())
    }

    /// A file of the page; `None` for an unknown name or another version.
    pub(crate) fn file(&self, version: &str, name: &str) -> Option<Response<Body>> {
        let file = FILES.iter().find(|(of, ..)| *of == name && self.version == version);
        file.map(|(_, media, text)| respond::whole(StatusCode::OK, media, FOR_EVER, *text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_that_the_page_asks_for_is_served_and_none_is_left_over() {
        let imported = FILES.iter().flat_map(|(_, _, text)| {
            text.split(" from \"./").skip(1).filter_map(|rest| rest.split('"').next())
        });
        let named = PAGE.split("@VERSION@/").skip(1).filter_map(|rest| rest.split('"').next());
        let mut asked: Vec<&str> = imported.chain(named).collect();
        asked.sort_unstable();
        asked.dedup();
        let mut served: Vec<&str> = FILES.iter().map(|(name, ..)| *name).collect();
        served.sort_unstable();
        assert_eq!(asked, served);
    }

    #[test]
    fn no_text_is_made_markup_script_or_style_and_nothing_is_loaded_from_elsewhere() {
        let banned = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
            "DOMParser",
            "srcdoc",
            "setAttribute(\"style\"",
            "setAttribute(\"on",
            "http:",
            "https:",
            "document.cookie",
            "localStorage",
        ];
        for (name, _, text) in FILES.iter().chain(&[("index.html", "", PAGE)]) {
            for word in banned {
                // The namespace of SVG looks like an address, and nothing is loaded from it.
                let text = text.replace("http://www.w3.org/2000/svg", "");
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
        for inline in ["<script>", "style=", " onclick", "javascript:"] {
            assert!(!PAGE.contains(inline), "{inline}");
        }
    }
}
