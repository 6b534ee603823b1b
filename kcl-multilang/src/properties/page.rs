//! Compares the table in docs/MULTILANG.md with the table of the code. `KCL_WRITE_TABLES=1 cargo
//! test` writes it anew.

use std::{fmt::Write, fs, path::Path};

use super::table::{Does, Row, TABLE};

const BEGIN: &str = "<!-- properties: made of kcl-multilang/src/properties/table.rs -->\n";
const END: &str = "<!-- /properties -->";

/// The second cell of a row.
fn becomes(row: &Row) -> String {
    let setting = match row.does {
        Does::Text(path)
        | Does::Millis(path)
        | Does::Count(path)
        | Does::Switch(path)
        | Does::Credentials(path) => format!("`{path}`"),
        Does::Own => return row.says.to_owned(),
        Does::Nothing => return format!("accepted: {}", row.says),
    };
    if row.says.is_empty() { setting } else { format!("{setting}; {}", row.says) }
}

fn table() -> String {
    let mut text = "| property | what becomes of it |\n|---|---|\n".to_owned();
    for row in TABLE {
        writeln!(text, "| `{}` | {} |", row.name, becomes(row)).unwrap();
    }
    text
}

#[test]
fn the_page_has_the_table_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/MULTILANG.md");
    let page = fs::read_to_string(&file).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (_, tail) = rest.split_once(END).unwrap();
    let made = format!("{head}{BEGIN}{}{END}{tail}", table());
    if std::env::var_os("KCL_WRITE_TABLES").is_some() {
        fs::write(&file, &made).unwrap();
        return;
    }
    assert!(page == made, "docs/MULTILANG.md is not what the code says: KCL_WRITE_TABLES=1");
}
