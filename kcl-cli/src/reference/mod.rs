//! Makes `docs/CONFIGURATION.md`, the page of all settings, from the types that hold them. Tests
//! only.
//!
//! | part | what it gives |
//! |---|---|
//! | `declared` | paths, types and meanings, from the source text of the types |
//! | `facts` | units, limits and the reasons of defaults, which no type states |
//! | `flags` | the flag of each setting, from the flags' own help |
//! | `reads` | tests that the code reads every setting |
//! | `page` | the page |
//! | `limits` | tests that try the limits of `facts` on the real settings |
//!
//! A test compares the page with the file. `KCL_WRITE_TABLES=1 cargo test` writes the file anew.

mod declared;
mod facts;
mod flags;
mod limits;
mod page;
mod reads;

/// The page, as the types make it.
#[test]
fn the_page_of_settings_is_made_of_their_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/CONFIGURATION.md");
    let made = page::made();
    if std::env::var_os("KCL_WRITE_TABLES").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == made, "docs/CONFIGURATION.md is not what the types say: KCL_WRITE_TABLES=1");
}
