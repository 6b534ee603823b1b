//! `docs/CONFIGURATION.md`: every setting, made of the types that hold them.
//!
//! Fields and their meaning are read from the source of the types, defaults are what the types
//! make, variables and flags are those that the command reads. What no type says (units, limits,
//! why a default is as it is) stands in [`facts`], which has to be complete, and whose limits are
//! tried. `KCL_WRITE_TABLES=1 cargo test` writes the page anew.

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
