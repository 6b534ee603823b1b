//! Writes the figures as text: a summary, a table of events, and a table of unread shards.

use std::fmt::Write;

use super::measure::{Answer, Findings, Unread};
use crate::{columns::section, times::span};

/// How many shards the table lists: those that went unread for the longest time.
const SHARDS_MAX: usize = 20;

/// The summary, both tables, and a line for each problem.
pub(super) fn text(findings: &Findings) -> String {
    let mut text = String::new();
    for line in headline(findings) {
        let _ = writeln!(text, "{line}");
    }
    text.push('\n');
    let head = ["AT", "EVENT", "CONVERGED", "MOVED", "HAD TO", "TAKEN", "UNREAD", "LEASES"];
    text += &section(&head, &findings.events, event);
    let unread: Vec<&Unread> = findings.shards.iter().filter(|it| it.total_ms > 0).collect();
    let listed = &unread[..unread.len().min(SHARDS_MAX)];
    text += &section(&["SHARD", "READERS", "UNREAD AT MOST", "IN ALL", ""], listed, |it| {
        let left = if it.read { "" } else { "read by nobody in the end" };
        vec![
            it.shard.clone(),
            it.readers.to_string(),
            span(it.longest_ms),
            span(it.total_ms),
            left.to_owned(),
        ]
    });
    if unread.len() > listed.len() {
        let _ = writeln!(text, "and {} shards more that went unread", unread.len() - listed.len());
    }
    if findings.overlaps > 0 {
        let _ = writeln!(
            text,
            "! {} times two workers read one shard, as far as the machines' clocks agree",
            findings.overlaps
        );
    }
    for answer in findings.events.iter().filter(|it| it.converged_ms.is_none()) {
        let _ = writeln!(text, "! {}: shards were left unread until the next event", answer.what);
    }
    text
}

fn event(it: &Answer) -> Vec<String> {
    let leases: Vec<String> =
        it.leases.iter().map(|(worker, count)| format!("{worker} {count}")).collect();
    vec![
        span(it.at_ms),
        it.what.clone(),
        it.converged_ms.map_or_else(|| "never".to_owned(), span),
        it.moves.to_string(),
        it.optimum.to_string(),
        it.taken.to_string(),
        span(it.unread_ms),
        leases.join(", "),
    ]
}

/// The summary, which the drawing shows, too.
pub(super) fn headline(findings: &Findings) -> Vec<String> {
    let slowest = findings.events.iter().filter_map(|it| it.converged_ms).max().unwrap_or(0);
    let moves: usize = findings.events.iter().map(|it| it.moves).sum();
    let optimum: usize = findings.events.iter().map(|it| it.optimum).sum();
    let longest = findings.shards.first().map_or(0, |it| it.longest_ms);
    let from = match findings.source {
        "log" => "the workers' logs",
        _ => "looks at the store: as exact as they are close to each other",
    };
    vec![
        format!(
            "{} events, {} shards, {} of {}",
            findings.events.len(),
            findings.shards.len(),
            span(findings.lasts_ms),
            from
        ),
        format!(
            "converged after {} at most; {moves} leases moved, {optimum} had to; a shard went \
             unread for {} at most",
            span(slowest),
            span(longest)
        ),
    ]
}
