//! Shows placement rules and the verdict on them, as text and as JSON.

use std::fmt::Write;

use kcl_core::assignment::placement::{Frozen, Origin, Placement, PlacementRules};
use serde_json::{Value, json};

use super::verdict::{Finding, Followed, Verdict, others};
use crate::{columns::section, marking, outlook, picture::Picture, times::rfc3339};

/// The origin of the rules, in words.
fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Declared { by, from, at, .. } => {
            format!("declared by {by} ({from}), {}", rfc3339(*at))
        }
        Origin::Command { by, at } if at.as_millis() == 0 => format!("written by {by}"),
        Origin::Command { by, at } => format!(
            "{by}, {}: maps that workers declare do not count until `kcl placement adopt`",
            rfc3339(*at)
        ),
        _ => "nobody has stated any".to_owned(),
    }
}

/// The rules and the verdict as text. `what` is the command.
pub(super) fn text(
    what: &str,
    picture: &Picture,
    stated: Option<&Placement>,
    rules: &PlacementRules,
    verdict: &Verdict,
) -> String {
    let mut text = format!("{what}: application {} in {}\n", picture.application, picture.store);
    // Writing to a string cannot fail.
    if let Some(stream) = &picture.stream {
        let _ = writeln!(text, "stream {}", stream.key.name);
    }
    if let Some(stated) = stated {
        let _ = writeln!(text, "rules: {}", origin(&stated.origin));
        if let Some(Frozen { by, since }) = &stated.frozen {
            let _ = writeln!(
                text,
                "frozen since {} by {by}: nothing that is held moves",
                rfc3339(*since)
            );
        }
    }
    let _ = writeln!(text, "shards that no rule covers: {}", others(rules));
    for line in stated.iter().flat_map(|stated| marking::told(&stated.marks)) {
        let _ = writeln!(text, "{line}");
    }
    text.push('\n');
    text += &section(&["RULE", "WORKER", "ALIVE", "MODE", "OPEN SHARDS"], &verdict.rules, rule);
    text += &outlook::moves(&verdict.moves);
    text += &outlook::unread(&verdict.unread);
    for unknown in &verdict.unknown {
        let _ = writeln!(text, "? {unknown}");
    }
    for Finding { kind, what, remedy } in &verdict.findings {
        let _ = writeln!(text, "! {kind}: {what}\n    {remedy}");
    }
    text
}

/// A row of the table of rules. It names at most three shards.
fn rule(rule: &Followed) -> Vec<String> {
    let target = match &rule.stream {
        Some(stream) => format!("{stream}: {}", rule.target),
        None => rule.target.clone(),
    };
    let alive = if rule.alive { "yes" } else { "NO" };
    let shards = match rule.shards.len() {
        0 => "-".to_owned(),
        1..=3 => rule.shards.join(", "),
        more => format!("{}, … ({more})", rule.shards[..3].join(", ")),
    };
    vec![target, rule.worker.clone(), alive.to_owned(), rule.mode.to_owned(), shards]
}

/// The rules and the verdict as JSON.
pub(super) fn json(
    what: &str,
    picture: &Picture,
    stated: Option<&Placement>,
    rules: &PlacementRules,
    verdict: &Verdict,
) -> anyhow::Result<Value> {
    Ok(json!({
        "what": what,
        "application": picture.application,
        "store": picture.store,
        "stream": picture.stream.as_ref().map(|stream| stream.key.name.to_string()),
        "origin": stated.map(|it| serde_json::to_value(&it.origin)).transpose()?,
        "frozen": stated.map(|it| serde_json::to_value(&it.frozen)).transpose()?,
        "marks": stated.map(|it| marking::json(&it.marks)),
        "uncovered": others(rules),
        "rules": serde_json::to_value(&verdict.rules)?,
        "moves": serde_json::to_value(&verdict.moves)?,
        "unread": serde_json::to_value(&verdict.unread)?,
        "findings": serde_json::to_value(&verdict.findings)?,
        "unknown": serde_json::to_value(&verdict.unknown)?,
    }))
}
