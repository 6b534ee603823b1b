//! Links lead to a file that is there, and to a heading that it has.

use anyhow::{Result, ensure};

use super::{pages, root};

/// A heading as a link names it.
fn slug(heading: &str) -> String {
    let kept = |it: &char| it.is_alphanumeric() || *it == ' ' || *it == '-' || *it == '_';
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars().filter(kept).map(|it| if it == ' ' { '-' } else { it }).collect()
}

fn headings(page: &str) -> Vec<String> {
    let mut is_block = false;
    let outside = page.lines().filter(|line| {
        is_block ^= line.trim_start().starts_with("```");
        !is_block
    });
    outside.filter(|line| line.starts_with('#')).map(slug).collect()
}

/// The addresses that a page links to.
fn targets(page: &str) -> Vec<String> {
    let joined = page.replace('\n', " ");
    let rest = joined.split("](").skip(1);
    rest.filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

#[test]
fn links_between_pages_lead_somewhere() -> Result<()> {
    let pages = pages()?;
    let mut broken = Vec::new();
    let mut seen = 0;
    for (name, text) in &pages {
        let folder =
            root().join(name).parent().map(std::path::Path::to_path_buf).unwrap_or_default();
        for target in targets(text).iter().filter(|it| !it.contains("://")) {
            seen += 1;
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { root().join(name) } else { folder.join(path) };
            let is_there = file.exists();
            let has_it = || {
                let page = std::fs::read_to_string(&file).unwrap_or_default();
                heading.is_empty() || headings(&page).iter().any(|it| it == heading)
            };
            if !is_there || !has_it() {
                broken.push(format!("{name}: {target}"));
            }
        }
    }
    ensure!(seen > 40, "links are not where they are looked for");
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(())
}
