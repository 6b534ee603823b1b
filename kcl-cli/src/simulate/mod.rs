//! `kcl simulate`: plays one simulated fleet, and explains the run.
//!
//! The simulator runs the real coordination code on virtual time. A seed or a script says which
//! faults occur. Every invariant is checked at every step. The command writes a timeline of owners
//! and readers, and the verdict, to stdout; with `--format json` it writes one object instead:
//!
//! | key | meaning |
//! |---|---|
//! | `verdict` | `ok`, or `bad` if an invariant is broken |
//! | `violation.invariant`, `.at_ms`, `.what` | what broke, when and how; absent if nothing did |
//! | `replay` | the command that plays this run again; the shortest one, if one was written |
//! | `shortest.file`, `.script` | the shortest script that breaks the same, and where it is |
//! | `seed`, `workers`, `shards`, `steps` | as given or drawn |
//! | `lasted_ms`, `events` | the length of the run, in simulated time and in events |
//! | `records.processed`, `.duplicates` | records processed at least once, and again |
//! | `acquires` | how often a lease got an owner |
//! | `faults` | faults that took effect, by kind |
//! | `leases` | leases held at the end, by worker |
//! | `digest` | equal for equal runs |
//! | `trace` | what happened, line by line, with `--trace` |

mod args;
mod played;
mod recorded;
mod shortest;
#[cfg(test)]
mod tests;
mod text;

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

pub(crate) use self::args::SimulateArgs;
use self::{args::Format, played::Played, shortest::Shortest};
use crate::{
    config::SettingsArgs,
    report,
    timeline::{Picture, file, ink::Ink, scale, svg},
};

/// The exit code if there is no verdict, or if it could not be written.
const NO_VERDICT: u8 = 2;

/// Plays a run, and writes its verdict. The exit code is 0 if every invariant held, 1 if one broke,
/// and 2 if there is no verdict.
pub(crate) fn run(args: &SimulateArgs, settings: &SettingsArgs) -> ExitCode {
    play(args, settings).unwrap_or_else(|error| {
        report::failure(&error);
        ExitCode::from(NO_VERDICT)
    })
}

/// Plays the run, and writes everything that the arguments ask for. The verdict is written also if
/// the drawing or the script cannot be.
fn play(args: &SimulateArgs, settings: &SettingsArgs) -> Result<ExitCode> {
    refuse_settings(settings)?;
    let script = args.read_script()?;
    let mut played = Played::of(script, args.trace, args.replay());
    let picture = recorded::picture(&played.report, played.violation.as_ref());
    // The picture comes before the search for the shortest script, which may take long.
    if args.format == Format::Text {
        or_unread(tell(&played, &picture))?;
    }
    let drawn = args.svg.as_ref().map(|to| {
        let svg = svg::draw(&picture, &played.headline());
        file::write(to, &svg)
    });
    let finding = played.finding().filter(|_| !args.no_shrink);
    let kept = finding.map(|finding| Shortest::of(&finding, args)).transpose();
    let kept = kept.map(|shortest| played.shortest = shortest);
    or_unread(match args.format {
        Format::Text => writeln!(io::stdout(), "{}", played.way_on()),
        Format::Json => writeln!(io::stdout(), "{:#}", played.as_json()),
    })?;
    // The verdict is written, whatever else fails.
    drawn.transpose()?;
    kept?;
    Ok(if played.violation.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Writes the trace, the timeline and the verdict as text.
fn tell(played: &Played, picture: &Picture) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in &played.report.trace {
        writeln!(out, "{line}")?;
    }
    let ink = Ink::new(out.is_terminal());
    let width = scale::terminal_width();
    write!(out, "{}", text::draw(picture, width, ink))?;
    if let Some(close_up) = picture.close_up() {
        write!(out, "\n{}:\n{}", close_up.caption(), text::draw(&close_up, width, ink))?;
    }
    write!(out, "\n{}", played.as_text(ink))
}

/// A closed pipe is no error: the reader of stdout may have seen enough.
fn or_unread(told: io::Result<()>) -> Result<()> {
    match told {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        told => told.context("cannot write to stdout"),
    }
}

/// Refuses settings of the command line: the script sets those of the simulated workers, and others
/// would be ignored silently.
fn refuse_settings(settings: &SettingsArgs) -> Result<()> {
    if let Some(setting) = settings.set.first() {
        bail!(
            "--set {setting}: a simulated fleet has the settings that its script says; write \
             `set session_timeout 10s` or the like there"
        );
    }
    if settings.profile.is_some() {
        bail!("--profile: a simulated fleet has the settings that its script says; leave it out");
    }
    Ok(())
}
