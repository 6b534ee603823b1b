//! The `kcl` command as a library: its [`main`] is all that the binary adds.
//!
//! | module | what it is for |
//! |---|---|
//! | [`cli`] | the arguments of all commands, put together |
//! | `consume` | `kcl consume`: a member of a fleet that writes records to stdout |
//! | `multilang` | `kcl multilang`, and `kcl-java` in place of java: processors in any language |
//! | `produce` | `kcl produce`: records into a stream |
//! | `peek` | `kcl peek`: some records of a shard |
//! | `stream` | `kcl stream`: create, describe, reshard, split, merge, delete |
//! | `leases` | `kcl leases`: who reads what, and how far they are |
//! | `doctor` | `kcl doctor`: what is wrong, why, and what helps |
//! | `dashboard` | `kcl dashboard`: a page that shows applications, and what helps them |
//! | `import`, `export` | leases from tables of other libraries and files, and back |
//! | `workers` | `kcl workers`: who works, and who is to get nothing for a while |
//! | `plan` | `kcl plan`: what would move with other workers or shards |
//! | `placement` | `kcl placement`: which shards go to which workers, and what is wrong with that |
//! | `app` | `kcl app`: freeze and thaw a fleet |
//! | `simulate` | `kcl simulate`: one simulated fleet under faults, played and explained |
//! | `demo` | `kcl demo`: a fleet, its stream and its troubles in one process (feature `demo`) |
//! | `convert` | `kcl config convert`: a settings file of a properties file |
//! | `properties` | the properties file of a MultiLangDaemon |
//! | `connect`, [`store_url`] | sources, clients and stores, made from the settings |
//! | `credentials` | where credentials for AWS are from |
//! | `mapping`, `edit` | placement rules as they stand in files and settings; changing them |
//! | `member` | a worker of the command: its arguments, figures, signals, mounted rules |
//! | `application` | the arguments that name an application |
//! | `beats`, `look` | who is alive; workers and leases as they stand in the store |
//! | `picture`, `outlook` | an application as it was found; what would become of its leases |
//! | `marking` | saying something of single workers and leases |
//! | `snapshot`, `transfer` | everything of an application as one value; from store to store |
//! | `line` | a record as a line of JSON |
//! | `timeline` | a run as a picture: a row for each shard, a bar for each time a worker read it |
//! | `ask`, `columns` | asking before a change; tables |
//! | [`config`] | settings from a file, the environment and flags: below all of these |
//! | `reference` | docs/CONFIGURATION.md, made of the settings' types (tests only) |
//!
//! A command knows what stands below all of them, and no other command; but `dashboard` does, which
//! shows what `doctor` sees and judges, and offers what `placement`, `app` and `leases` do.
//!
//! Data goes to stdout, everything else to stderr.

mod app;
mod application;
mod ask;
mod beats;
pub mod cli;
mod columns;
pub mod config;
mod connect;
mod consume;
mod convert;
mod credentials;
mod dashboard;
#[cfg(feature = "demo")]
pub mod demo;
mod doctor;
mod edit;
mod export;
mod glance;
mod import;
mod leases;
mod line;
mod logging;
mod look;
mod mapping;
mod marking;
mod member;
mod multilang;
mod onlooker;
mod outlook;
mod peek;
mod picture;
mod placement;
mod plan;
mod produce;
mod properties;
#[cfg(test)]
mod reference;
mod report;
mod signals;
mod simulate;
mod snapshot;
mod start_at;
mod stdout;
pub mod store_url;
mod stream;
mod timeline;
mod times;
mod transfer;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod untrusted_input;
mod workers;

use std::process::ExitCode;

use clap::Parser;

use self::{
    cli::{Cli, Command},
    config::Config,
};

/// Runs the command with the process's arguments and environment.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match multilang::in_place_of_java(std::env::args_os()) {
        Some(Ok(arguments)) => Cli::parse_from(arguments),
        Some(Err(error)) => {
            report::failure(&error);
            return ExitCode::FAILURE;
        }
        None => Cli::parse(),
    };
    run(cli).unwrap_or_else(|error| {
        if stdout::is_reader_gone(&error) {
            return ExitCode::from(stdout::READER_GONE);
        }
        report::failure(&error);
        ExitCode::FAILURE
    })
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    logging::start(&cli.logging, cli.command.default_log())?;
    let config = || Config::load(&cli.settings, &config::Environment::of_process());
    match cli.command {
        Command::Consume(args) => consume::run(&args, &args.apply_to(config()?)),
        Command::Config(args) => convert::run(&args),
        Command::Multilang(args) => multilang::run(&args, &cli.settings),
        Command::Produce(args) => {
            let config = args.apply_to(config()?);
            config.refuse_other_region(cli.settings.region.as_deref())?;
            produce::run(&args, &config)
        }
        Command::Peek(args) => peek::run(&args, &args.apply_to(config()?)),
        Command::Stream(args) => {
            let config = args.apply_to(config()?);
            config.refuse_other_region(cli.settings.region.as_deref())?;
            stream::run(&args, &config)
        }
        Command::Leases(args) => leases::run(&args, &args.apply_to(config()?)),
        Command::Import(args) => import::run(&args, &args.apply_to(config()?)),
        Command::Export(args) => export::run(&args, &args.apply_to(config()?)),
        Command::Doctor(args) => doctor::run(&args, &cli.settings, config()),
        Command::Dashboard(args) => dashboard::run(&args, &cli.settings, &config()?),
        Command::Placement(args) => Ok(placement::run(&args, &args.apply_to(config()?))),
        Command::Workers(args) => workers::run(&args, &args.apply_to(config()?)),
        Command::Plan(args) => plan::run(&args, &args.apply_to(config()?)),
        Command::App(args) => app::run(&args, &args.of.apply_to(config()?)),
        Command::Simulate(args) => Ok(simulate::run(&args, &cli.settings)),
        #[cfg(feature = "demo")]
        Command::Demo(args) => demo::run(&args, &config()?),
    }
}
