//! Finds differences about the stream and about the time: this command, the workers and the rows
//! may name different streams, or different lives of one; and their clocks may differ.

use std::time::Duration;

use kcl_core::{env::WallTime, lease::Streams};

use super::case::Case;
use crate::{
    doctor::{
        finding::{Finding, Kind, Severity},
        words::{said, some},
    },
    times::rfc3339,
};

/// The difference between two clocks from which it is a finding. Smaller ones may come from the
/// `Date` header, which has whole seconds, and from the time that an answer takes.
const CLOCKS_APART: Duration = Duration::from_secs(5);

/// How far the highest epoch may lie ahead of this machine's clock.
const AHEAD: Duration = Duration::from_secs(60);

/// All findings of this topic.
pub(super) fn judge(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(another_asked(case));
    findings.extend(another_life(case));
    findings.extend(readers_of_another(case));
    findings.extend(clock(case));
    findings.extend(workers_clocks(case));
    findings.extend(ahead(case));
    findings
}

/// The document that names the application's stream; `None` if it is unknown or absent.
fn streams<'f>(case: &Case<'f>) -> Option<&'f Streams> {
    case.facts.documents.get()?.streams.as_ref()
}

/// The stream that was asked is not the one that the application reads.
fn another_asked(case: &Case<'_>) -> Option<Finding> {
    let asked = &case.facts.stream.get()?.description.name;
    let read = streams(case)?.name().filter(|name| *name != asked)?;
    let says = format!(
        "the application reads the stream {read}, and this command asked {asked}: what is said of \
         shards and lag is about the latter"
    );
    let short = read.as_str().rsplit(':').next().unwrap_or_default();
    let look = case.shell.doctor("ask the stream that is read", &format!("--stream {short}"));
    Some(Finding::new(Severity::Problem, Kind::OtherStream, says, look))
}

/// The stream was deleted and made again: its creation time differs from the application's
/// document.
fn another_life(case: &Case<'_>) -> Option<Finding> {
    let is = &case.facts.stream.get()?.description;
    let life = streams(case)?.life_of(&is.name).filter(|life| *life != is.key.created)?;
    let says = format!(
        "the application reads the stream {} that was created at {}, and there is one that was \
         created at {}: a worker that starts finds that out",
        is.name,
        rfc3339(life),
        rfc3339(is.key.created)
    );
    let start = case.shell.start("start a worker anew", None);
    Some(Finding::new(Severity::Problem, Kind::OtherStream, says, start))
}

/// Live workers whose session names another stream.
fn readers_of_another(case: &Case<'_>) -> Option<Finding> {
    let name = streams(case)?.name()?;
    let others = case.fleet.live().filter(|session| !session.may_read(Some(name)));
    let others: Vec<_> = others.map(|session| &session.id.worker).collect();
    let says = format!(
        "workers started for another stream than {name}, which the application reads: {}; they \
         leave, or wait for the others to go",
        some(&others)
    );
    let list = case.shell.leases("see which workers there are", "list");
    let finding = || Finding::new(Severity::Warning, Kind::OtherStream, says, list);
    (!others.is_empty()).then(|| finding().of_workers(&others))
}

/// The finding that this machine's clock differs from the clock of the stream's service.
fn clock(case: &Case<'_>) -> Option<Finding> {
    let told = case.facts.stream.get()?;
    let (theirs, ours) = (told.description.server_time, told.heard);
    let apart = ours.since(theirs).max(theirs.since(ours));
    let says = format!(
        "this machine's clock is {} {} the stream's: ages that are told here are off by that",
        said(apart),
        if ours > theirs { "ahead of" } else { "behind" }
    );
    let again = case.shell.doctor("set the clock (NTP), then look again", "--json");
    (apart > CLOCKS_APART).then(|| Finding::new(Severity::Warning, Kind::ClockOff, says, again))
}

/// Workers' clocks differ from the store's clock, by the workers' own reports.
fn workers_clocks(case: &Case<'_>) -> Option<Finding> {
    let off = case.told().filter_map(|(worker, told)| {
        let ahead = told.value.clock_ahead()?;
        let apart = Duration::from_millis(ahead.unsigned_abs());
        let how = if ahead > 0 { "ahead" } else { "behind" };
        (apart > CLOCKS_APART).then(|| (worker, format!("{worker} {} {how}", said(apart))))
    });
    let (workers, how): (Vec<_>, Vec<_>) = off.unzip();
    let says = format!(
        "the clocks of workers differ from the store's: {}; ages in their logs and figures are off \
         by that",
        some(&how)
    );
    let again = case.shell.doctor("set their clocks (NTP), then look again", "--json");
    let finding = || Finding::new(Severity::Warning, Kind::ClockOff, says, again);
    (!workers.is_empty()).then(|| finding().of_workers(workers))
}

/// The highest epoch lies in the future. An epoch follows the store's clock, and only grows: so
/// either clock is wrong, or the store's clock was wrong at some time.
fn ahead(case: &Case<'_>) -> Option<Finding> {
    let leases = case.facts.leases.get()?;
    let highest = leases.rows.iter().map(|lease| lease.epoch.0).max()?;
    let ahead = WallTime::from_millis(highest).since(case.facts.wall);
    let says = format!(
        "an epoch, which follows the store's clock, lies {} ahead of this machine's: one of the \
         two is wrong, or the store's was",
        said(ahead)
    );
    let again = case.shell.doctor("set both clocks (NTP), then look again", "--json");
    (ahead > AHEAD).then(|| Finding::new(Severity::Warning, Kind::ClockOff, says, again))
}
