//! `kcl dashboard` beside real fleets, streams and stores: what it serves, whom it refuses, what it
//! changes, and the page itself in a browser.

mod acting;
mod browser;
mod many;
mod markup;
mod refusing;
mod serving;
