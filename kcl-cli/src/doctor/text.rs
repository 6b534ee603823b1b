//! Writes a reading and its verdict as one screen of text: first what was read, then the findings,
//! then what is unknown, and last one line with the conclusion.

use std::{fmt::Write, time::Duration};

use kcl_core::{env::Time, lease::LeaseKey};

use super::{
    facts::{Facts, Known, Progress, Right, age},
    finding::{Finding, Severity, Unknown},
    judge::Verdict,
    told,
    words::listed,
};
use crate::{
    columns::columns,
    times::{millis, span},
};

/// How many shards the table of lag shows: those that are the furthest behind.
const SHARDS: usize = 5;

/// The whole screen.
pub(super) fn draw(facts: &Facts, progress: &Progress, verdict: &Verdict, now: Time) -> String {
    let mut text = head(facts);
    text += &counted(verdict);
    text += &told::lines(facts);
    text += &lag(facts, progress);
    text += &read(facts, now);
    text += &rights(facts);
    for finding in &verdict.findings {
        text.push('\n');
        text += &told(finding);
    }
    text += &unknown(&verdict.unknown);
    text.push('\n');
    text += &conclusion(verdict);
    text
}

/// The first lines: the application, its store and its stream.
fn head(facts: &Facts) -> String {
    let mut text = format!("application {} in {}\n", facts.application, facts.store);
    match (facts.stream.get(), &facts.stream_asked) {
        (Some(it), _) => {
            let open = facts.shards.get().map(|it| it.iter().filter(|it| !it.closed).count());
            let open = open.map_or_else(|| "unknown".to_owned(), |open| open.to_string());
            let _ = writeln!(
                text,
                "stream {}, open shards: {open}, records are kept for {}",
                it.description.name,
                span(millis(it.description.retention))
            );
        }
        (None, Some(asked)) => text += &format!("stream {asked}: unknown\n"),
        (None, None) => text += "stream: unknown\n",
    }
    text
}

/// One line: how many workers and leases there are. `?` stands for an unknown count.
fn counted(verdict: &Verdict) -> String {
    let counts = &verdict.counts;
    let said = |count: Option<usize>| count.map_or_else(|| "?".to_owned(), |it| it.to_string());
    format!(
        "workers: {} live, {} silent; leases: {} open, {} of them read by live workers, {} ended\n",
        said(counts.workers),
        said(counts.silent),
        said(counts.open),
        said(counts.read),
        said(counts.ended)
    )
}

/// The largest lag, and a table of the shards that are the furthest behind.
fn lag(facts: &Facts, progress: &Progress) -> String {
    let Some(lags) = facts.lags.get() else { return "lag: unknown\n".to_owned() };
    let known = lags.iter().filter_map(|(key, lag)| Some((key, age(lag, facts.wall)?)));
    let mut known: Vec<(&LeaseKey, Duration)> = known.collect();
    known.sort_by_key(|(_, age)| std::cmp::Reverse(*age));
    let most = known.first().map_or_else(|| "unknown".to_owned(), |(_, age)| span(millis(*age)));
    let mut text = format!("lag: {most} at most, of {} shards that were asked\n", lags.len());
    let behind: Vec<_> = known.iter().filter(|(_, age)| !age.is_zero()).take(SHARDS).collect();
    if !behind.is_empty() {
        let head = ["  SHARD", "OLDEST UNREAD", "TREND"].map(str::to_owned).to_vec();
        let rows = behind.into_iter().map(|(key, age)| {
            let shard = key.shard().map(|shard| shard.to_string()).unwrap_or_default();
            vec![format!("  {shard}"), span(millis(*age)), trend(progress.trend(key)).to_owned()]
        });
        text += &columns(&std::iter::once(head).chain(rows).collect::<Vec<_>>());
    }
    text
}

/// The trend of a lag as a word. `by` is its growth in milliseconds a second; up to 100 either way
/// counts as steady. `?` stands for an unknown trend.
pub(super) const fn trend(by: Option<i64>) -> &'static str {
    const STEADY: i64 = 100;
    match by {
        None => "?",
        Some(by) if by > STEADY => "grows",
        Some(by) if by < -STEADY => "shrinks",
        Some(_) => "steady",
    }
}

/// One line: how long ago each source was read.
fn read(facts: &Facts, now: Time) -> String {
    let parts = sources(facts, now).into_iter().map(|(name, age, _)| match age {
        Some(age) => format!("{name} {} ago", span(millis(age))),
        None => format!("{name} unknown"),
    });
    format!("read: {}\n", parts.collect::<Vec<_>>().join(", "))
}

/// Each source with its name and its age. The age is `None` if the source is unknown, and the text
/// says why.
pub(super) fn sources(facts: &Facts, now: Time) -> [(&'static str, Option<Duration>, String); 6] {
    [
        of("sessions", &facts.sessions, now),
        of("leases", &facts.leases, now),
        of("documents", &facts.documents, now),
        of("stream", &facts.stream, now),
        of("shards", &facts.shards, now),
        of("lag", &facts.lags, now),
    ]
}

/// One source for [`sources`].
fn of<T>(
    name: &'static str,
    known: &Known<T>,
    now: Time,
) -> (&'static str, Option<Duration>, String) {
    match known {
        Known::Read { at, .. } => (name, Some(now.since(*at)), String::new()),
        Known::Failed(why) => (name, None, why.clone()),
        Known::LeftOut(why) => (name, None, (*why).to_owned()),
    }
}

/// One line: the rights that were tested, and whose. The text says that the workers may have other
/// ones: they run with other credentials.
fn rights(facts: &Facts) -> String {
    if facts.rights.is_empty() {
        return String::new();
    }
    let who = match &facts.identity {
        Known::Read { value, .. } => value.clone(),
        Known::Failed(why) => format!("unknown ({why})"),
        Known::LeftOut(why) => format!("unknown ({why})"),
    };
    let one = |right: &Right| format!("{} {} ({})", right.action, right.outcome, right.how);
    let all: Vec<String> = facts.rights.iter().map(one).collect();
    format!("rights of this command ({who}), not of the workers: {}\n", all.join(", "))
}

/// One finding, with its causes and the commands that help.
fn told(finding: &Finding) -> String {
    let severity = match finding.severity {
        Severity::Problem => "PROBLEM",
        Severity::Warning => "WARNING",
    };
    let mut text = format!("{severity} {}: {}\n", finding.kind.name(), finding.says);
    for why in &finding.because {
        let _ = writeln!(text, "  because {why}");
    }
    for remedy in &finding.remedies {
        let _ = writeln!(text, "  to do: {}\n    {}", remedy.does, remedy.command);
    }
    text
}

/// What could not be judged, with each cause once.
fn unknown(all: &[Unknown]) -> String {
    let mut by_cause: Vec<(&str, Vec<&Unknown>)> = Vec::new();
    for unknown in all {
        let cause = unknown.cause();
        match by_cause.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, alike)) => alike.push(unknown),
            None => by_cause.push((cause, vec![unknown])),
        }
    }
    let mut text = String::new();
    if !all.is_empty() {
        text += "\nunknown:\n";
    }
    for (cause, alike) in by_cause {
        if let [one] = alike.as_slice() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {}: {}", one.what, one.why);
            continue;
        }
        for unknown in alike {
            let _ = writeln!(text, "  {}", unknown.what);
        }
        let _ = writeln!(text, "    because {cause}");
    }
    text
}

/// The last line. It agrees with the exit code.
fn conclusion(verdict: &Verdict) -> String {
    let problems = |wanted| verdict.findings.iter().filter(|it| it.severity == wanted).count();
    let (problems, warnings) = (problems(Severity::Problem), problems(Severity::Warning));
    match verdict.exit_code() {
        0 => "healthy\n".to_owned(),
        1 => format!("{}, {}\n", listed(problems, "problem"), listed(warnings, "warning")),
        _ => "nothing wrong was seen, but not everything could be judged\n".to_owned(),
    }
}
