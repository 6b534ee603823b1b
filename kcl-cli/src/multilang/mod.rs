//! `kcl multilang`: a worker whose processors are child processes, written in any language; and
//! `kcl-java`, which launchers of the MultiLangDaemon start in place of java.
//!
//! - `java` translates the command line of the daemon into arguments of `kcl multilang`.
//! - `check` shows how each property is converted, and starts nothing.
//! - `old_fleet` refuses to begin anew beside a lease table of another library that was not
//!   imported.
//!
//! The crate `kcl-multilang` reads the properties and drives the child processes.

mod args;
mod check;
mod java;
mod old_fleet;

use std::{path::Path, process::ExitCode, sync::Arc};

use anyhow::{Context, bail};
use kcl_core::env::{Clock, Env};
use kcl_multilang::{
    ChildProcessors, Options, Transcript,
    child::Executable,
    properties::{Converted, Verdict},
};
use tokio_util::sync::CancellationToken;

pub(crate) use args::MultilangArgs;
pub(crate) use java::in_place_of_java;

use crate::{
    config::{Between, Config, Environment, SettingsArgs},
    member::{self, Leaving, Member},
    properties,
    store_url::StoreUrl,
};

/// Reads the properties, and runs the worker until a signal ends it. With `--check` it only shows
/// how each property is converted.
///
/// # Errors
/// A property is refused, the program of the children does not exist, an old fleet's table was not
/// imported, or the worker fails in a way that a retry does not mend.
pub(crate) fn run(args: &MultilangArgs, settings: &SettingsArgs) -> anyhow::Result<ExitCode> {
    let converted = properties::read(&args.properties)?;
    let config = || load(args, settings, &converted);
    if args.check {
        return check::run(&converted, config);
    }
    refuse(&args.properties, &converted)?;
    let config = config()?;
    if let Some(file) = &args.log_configuration {
        let file = file.display();
        tracing::warn!(%file, "kcl.multilang.log_configuration_ignored");
    }
    for told in &converted.told {
        if let Verdict::Unknown(says) = &told.verdict {
            tracing::warn!(
                key = told.key,
                line = told.line,
                says,
                "kcl.multilang.unknown_property"
            );
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work(args, &config, &converted));
    runtime.shutdown_background();
    result
}

/// Fails if a property is refused. The message lists all refusals.
fn refuse(file: &Path, converted: &Converted) -> anyhow::Result<()> {
    let refusals: Vec<String> = converted.refusals().collect();
    if refusals.is_empty() {
        return Ok(());
    }
    bail!(
        "{} cannot be used:\n  {}\nkcl multilang --check --properties {} says what becomes of each \
         property",
        file.display(),
        refusals.join("\n  "),
        file.display()
    )
}

/// The settings. A property overrides the environment, and a flag overrides a property.
fn load(
    args: &MultilangArgs,
    settings: &SettingsArgs,
    converted: &Converted,
) -> anyhow::Result<Config> {
    let between = Between {
        from: args.properties.display().to_string(),
        defaults: converted.defaults.clone(),
        settings: converted.settings.clone(),
    };
    let config = Config::load_with(settings, &Environment::of_process(), &between)?;
    Ok(args.member.apply_to(config))
}

/// Runs the worker, and waits until all children have ended.
async fn work(
    args: &MultilangArgs,
    config: &Config,
    converted: &Converted,
) -> anyhow::Result<ExitCode> {
    let executable = Executable::find(converted.executable.as_deref().unwrap_or_default())?;
    let url = StoreUrl::of(config)?;
    let store = url.open(config)?;
    let old_table = converted.old_table.as_deref();
    if !args.fresh {
        old_fleet::check(old_table, &url, &*store, config).await?;
    }
    let clock = Env::system().clock;
    let options = options(args, config, converted, &clock)?;
    let processors = ChildProcessors::new(executable, config.application()?, options);
    // An empty batch shows that a child has died, also while its shard has no records.
    let mut seeing = config.clone();
    seeing.delivery.empty_batches = true;
    let builder = member::builder(&seeing, store)?
        .processor(processors.clone())
        .observer(processors.observer());
    let member = Member::new(&args.member, config, builder, false)?;
    let children = processors.children();
    let leaving = Leaving {
        give_up: CancellationToken::new(),
        // A process that is forced to end must leave no child process behind.
        at_once: Box::new(move || children.kill_all()),
    };
    let ended = member.run(&args.member, config, leaving).await;
    // Also after an error: no child process may be left behind.
    processors.gone().await;
    ended?;
    Ok(ExitCode::SUCCESS)
}

/// The options of the children, from the properties, the settings and the arguments.
fn options(
    args: &MultilangArgs,
    config: &Config,
    converted: &Converted,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Options> {
    let mut options = Options::default();
    if let Some(timeout) = converted.timeout {
        options.timeout = timeout;
    }
    options.slow = Some(config.delivery.watchdog);
    options.empty_batches = config.consumer.call_process_records_even_for_empty_list;
    if let Some(file) = &args.record {
        let transcript = Transcript::open(file, Arc::clone(clock));
        let cannot = || format!("the transcript {} cannot be written", file.display());
        options.transcript = Some(transcript.with_context(cannot)?);
        tracing::warn!(file = %file.display(), "kcl.multilang.recording");
    }
    Ok(options)
}
