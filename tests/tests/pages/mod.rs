//! What stands in the pages is true: commands are those that the program has, names are those of
//! findings, figures, events and alerts, links lead somewhere, and the guide is walked through.

mod commands;
mod guide;
mod links;
mod names;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A page's text.
fn page(name: &str) -> Result<String> {
    fs::read_to_string(root().join(name)).with_context(|| name.to_owned())
}

/// The pages that people read.
fn pages() -> Result<Vec<(String, String)>> {
    let mut names = vec!["README.md".to_owned()];
    for folder in ["docs", "docs/migrating", "deploy/iam", "deploy/kubernetes"] {
        for entry in fs::read_dir(root().join(folder))? {
            let name = entry?.file_name().into_string().unwrap_or_default();
            if name.ends_with(".md") {
                names.push(format!("{folder}/{name}"));
            }
        }
    }
    names.sort_unstable();
    names.into_iter().map(|name| Ok((name.clone(), page(&name)?))).collect()
}

/// A block of code: its language, and its lines.
#[derive(Clone, Debug)]
struct Block {
    language: String,
    text: String,
}

/// The blocks of a page, in their order.
fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block { language: language.to_owned(), text: String::new() });
            }
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => {}
        }
    }
    blocks
}

/// What stands between single backticks, outside of blocks.
fn spans(page: &str) -> Vec<String> {
    let mut outside = String::new();
    let mut is_block = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if !is_block {
            outside.push_str(line.trim());
            outside.push(' ');
        }
    }
    outside.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
