//! Writes the verdict in a few lines of text.

use super::{
    line::{Ink, Line},
    plain::seconds,
};
use crate::demo::{facts::Millis, judge::EventReport, verdict::Verdict};

/// The lines of a verdict.
pub(super) fn summary(verdict: &Verdict) -> Vec<Line> {
    let mut lines: Vec<Line> = verdict.events().iter().map(event).collect();
    lines.push(Line::default());
    let records = verdict.records();
    let lag = verdict.lag();
    lines.push(Line::of(
        Ink::Usual,
        format!(
            " {} records produced, {} processed, {} lost, {} duplicates; lag p50 {} ms, p99 {} ms",
            records.produced,
            records.processed,
            records.lost,
            records.duplicates,
            lag.p50(),
            lag.p99(),
        ),
    ));
    let disorder = records.out_of_order_shard + records.before_parent;
    lines.push(Line::of(
        Ink::Usual,
        format!(
            " out of order: {disorder} in their shards, {} among their partition keys",
            records.out_of_order_key
        ),
    ));
    lines.push(Line::of(Ink::Usual, format!(" leases in {}", verdict.store())));
    if verdict.is_ok() {
        lines.push(Line::of(Ink::Good, " ✓ ok"));
    } else {
        lines.push(Line::of(Ink::Bad, " ✗ bad"));
    }
    let problem = |text: &String| Line::of(Ink::Bad, format!("   {text}"));
    lines.extend(verdict.problems().iter().map(problem));
    lines
}

fn event(report: &EventReport) -> Line {
    let line = match report.balanced_after_ms {
        Some(after) => Line::of(Ink::Good, " ✓ ")
            .with(Ink::Usual, format!("{:<6} balanced after {:>6}", report.event, span(after))),
        None => Line::of(Ink::Bad, " ✗ ")
            .with(Ink::Usual, format!("{:<6} not balanced        ", report.event)),
    };
    let line = line
        .with(Ink::Usual, format!("   {:>2} moves (optimum {:>2})", report.moves, report.optimum));
    match report.read_again_after_ms {
        Some(after) => line.with(Ink::Usual, format!("   read again after {}", span(after))),
        None => line,
    }
}

/// A time like `1.2 s`, or `345 ms`.
fn span(millis: Millis) -> String {
    if millis < 1_000 { format!("{millis} ms") } else { seconds(millis) }
}
