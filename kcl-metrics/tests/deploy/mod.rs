//! What is generated for Prometheus and Grafana: alert rules, recording rules, a board. Each file
//! is compared with what the tables here and the table of instruments make; `KCL_WRITE_TABLES=1`
//! writes them anew. `promtool` checks the rules, and plays them on series made by hand.

pub(crate) mod alerts;
mod board;
mod names;
mod panels;
mod promtool;
mod renamed;
mod rules;
mod yaml;

/// Fails unless the file of this name in the workspace says this.
pub(crate) fn compare(name: &str, made: &str) {
    let path = format!("{}/../{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("KCL_WRITE_TABLES").is_some() {
        std::fs::write(&path, made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(written == made, "{name} is not what the tables say: KCL_WRITE_TABLES=1");
}
