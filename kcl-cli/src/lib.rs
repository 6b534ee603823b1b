//! The `kcl` command as a library: the binary only calls its [`main`].
//!
//! | module | what it is for |
//! |---|---|
//! | [`cli`] | the arguments of all commands |
//! | `consume` | `kcl consume`: runs a worker that writes records to stdout |
//! | `multilang` | `kcl multilang`, `kcl-java`: runs a worker with processors in any language |
//! | `produce` | `kcl produce`: puts records into a stream |
//! | `peek` | `kcl peek`: shows some records of a shard |
//! | `stream` | `kcl stream`: creates, describes, reshards and deletes a stream |
//! | `leases` | `kcl leases`: shows owners, checkpoints and lag; moves, pauses and resets leases |
//! | `doctor` | `kcl doctor`: finds what is wrong with an application, why, and what helps |
//! | `dashboard` | `kcl dashboard`: serves a page that shows and changes applications |
//! | `import`, `export` | `kcl import`, `kcl export`: leases of other libraries and of files |
//! | `workers` | `kcl workers`: lists and drains workers |
//! | `plan` | `kcl plan`: shows which leases would move with other workers or shards |
//! | `placement` | `kcl placement`: shows, checks and changes placement rules |
//! | `app` | `kcl app`: freezes and thaws a fleet |
//! | `simulate` | `kcl simulate`: plays and explains a simulated fleet under faults |
//! | `demo` | `kcl demo`: plays a real fleet with its stream in one process (feature `demo`) |
//! | `convert` | `kcl config convert`: makes a settings file of a properties file |
//! | `properties` | reads the properties file of a MultiLangDaemon |
//! | `connect`, [`store_url`] | make sources, clients and stores from the settings |
//! | `credentials` | finds credentials for AWS, as the settings say |
//! | `mapping`, `edit` | parse placement rules of files and settings; change rules |
//! | `member` | the worker of a command: its arguments, metrics, signals, mounted rules |
//! | `application` | the arguments that name an application |
//! | `beats`, `look` | which workers live; workers and leases as rows |
//! | `picture`, `outlook` | one reading of an application; the effect of a change on its leases |
//! | `marking` | sets and removes marks on workers and leases |
//! | `snapshot`, `transfer` | all rows of an application as one value; their copy |
//! | `line` | a record as a line of JSON |
//! | `timeline` | draws a run: a row for each shard, a bar for each span of a worker |
//! | `ask`, `columns` | ask the user before a change; align tables |
//! | [`config`] | settings from a file, the environment and flags |
//! | `reference` | makes docs/CONFIGURATION.md from the types of the settings (tests only) |
//!
//! A command uses the shared modules, and no other command. The exception is `dashboard`: it shows
//! what `doctor` finds, and offers changes of `placement`, `app`, `leases` and `workers`.
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
