//! Writes what a reset would do and what it did: as tables, or as JSON.

use std::fmt::Write;

use kcl_core::{
    change::{Changed, Move, Preview, Reach},
    lease::Changing,
};
use serde_json::{Value, json};

use crate::{
    columns::columns,
    leases::format::Format,
    report,
    times::{millis, rfc3339, span},
};

/// Writes from where to where each lease would move.
///
/// # Errors
/// The preview cannot be written as JSON.
#[expect(clippy::print_stdout, reason = "this is where data goes")]
pub(super) fn preview(
    application: &str,
    store: &str,
    what: &str,
    preview: &Preview,
    format: Format,
) -> anyhow::Result<()> {
    match format {
        Format::Table => print!("{}", draw(application, store, what, preview)),
        Format::Json => {
            let closed = preview.changing.as_ref().filter(|it| it.is_closed());
            let shown = json!({
                "application": application,
                "store": store,
                "what": what,
                "closed_by": closed.map(|it| it.by.clone()),
                "leases": preview.moves.iter().map(record).collect::<Vec<_>>(),
            });
            println!("{}", serde_json::to_string(&shown)?);
        }
    }
    Ok(())
}

/// The result as JSON.
fn outcome(changed: &Changed) -> Value {
    json!({
        "change": changed.number,
        "leases": changed.leases,
        "undone": changed.undone,
    })
}

/// Writes that the change is made.
///
/// # Errors
/// The result cannot be written as JSON.
#[expect(clippy::print_stdout, reason = "this is where data goes")]
pub(super) fn done(changed: &Changed, format: Format) -> anyhow::Result<()> {
    match format {
        Format::Table if changed.undone && changed.leases == 0 => {
            report::progress("nothing had been changed yet; the application is open");
        }
        Format::Table if changed.undone => report::progress(&format!(
            "{} leases are where they stood before; the application is open",
            changed.leases
        )),
        Format::Table => report::progress(&format!(
            "{} leases are written; the application is open. `kcl leases reset --undo` takes it \
             back",
            changed.leases
        )),
        Format::Json => println!("{}", serde_json::to_string(&outcome(changed))?),
    }
    Ok(())
}

/// The leases that would move, as a table, and how many stay.
fn draw(application: &str, store: &str, what: &str, preview: &Preview) -> String {
    let mut text = format!("{what}: application {application} in {store}\n");
    if let Some(changing) = preview.changing.as_ref().filter(|it| it.is_closed()) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", already_closed(changing));
    }
    let (moving, staying): (Vec<&Move>, Vec<&Move>) =
        preview.moves.iter().partition(|it| it.reach != Reach::Stays);
    text.push('\n');
    let head = ["SHARD", "FROM", "TO", "TIME"].map(str::to_owned).to_vec();
    let rows = moving.iter().map(|it| row(it));
    text += &columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
    if !staying.is_empty() {
        let _ = writeln!(text, "\n{} leases stay where they are", staying.len());
    }
    text
}

/// The note that an interrupted change is continued.
fn already_closed(changing: &Changing) -> String {
    format!(
        "the application is closed by {} since {}: the same command goes on with what was planned \
         then",
        changing.by,
        rfc3339(changing.since)
    )
}

fn row(it: &Move) -> Vec<String> {
    let from = it.from.as_ref().map_or_else(|| "(no lease)".to_owned(), ToString::to_string);
    vec![shard(it), from, it.to.to_string(), reach(it.reach)]
}

fn shard(it: &Move) -> String {
    it.lease.shard().map_or_else(|| it.lease.to_string(), |shard| shard.to_string())
}

fn reach(reach: Reach) -> String {
    match reach {
        Reach::Stays => "-".to_owned(),
        Reach::Back(by) => format!("{} back", span(millis(by))),
        Reach::BackAtMost(by) => format!("up to {} back", span(millis(by))),
        Reach::Forward(by) => format!("{} forward", span(millis(by))),
        _ => "unknown".to_owned(),
    }
}

/// The move of one lease as JSON.
pub(crate) fn record(it: &Move) -> Value {
    let (kind, span) = match it.reach {
        Reach::Stays => ("stays", None),
        Reach::Back(span) => ("back", Some(span)),
        Reach::BackAtMost(span) => ("back-at-most", Some(span)),
        Reach::Forward(span) => ("forward", Some(span)),
        _ => ("unknown", None),
    };
    json!({
        "lease": it.lease.as_str(),
        "shard": shard(it),
        "from": it.from.as_ref().map(ToString::to_string),
        "to": it.to.to_string(),
        "last_arrival": it.arrival.map(rfc3339),
        "move": kind,
        "ms": span.map(millis),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kcl_core::lease::Checkpoint;

    use super::*;

    #[test]
    fn a_preview_names_what_moves_and_counts_what_stays() {
        let it = |shard: &str, reach| {
            let lease = format!("orders/7/{shard}").parse().unwrap();
            let mut it = Move::to(lease, Checkpoint::TrimHorizon);
            it.from = (shard != "shardId-1").then_some(Checkpoint::ShardEnd);
            it.reach = reach;
            it
        };
        let hours = |n: u64| Duration::from_secs(n * 3_600);
        let moves = vec![
            it("shardId-0", Reach::BackAtMost(hours(24))),
            it("shardId-1", Reach::Unknown),
            it("shardId-2", Reach::Stays),
        ];
        let shown = draw(
            "indexer",
            "redis://h",
            "leases reset --to trim-horizon",
            &Preview::new(moves, None),
        );
        let expected = "\
leases reset --to trim-horizon: application indexer in redis://h

SHARD      FROM        TO            TIME
shardId-0  SHARD_END   TRIM_HORIZON  up to 24 h back
shardId-1  (no lease)  TRIM_HORIZON  unknown

1 leases stay where they are
";
        assert_eq!(shown, expected);
    }
}
