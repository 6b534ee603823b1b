//! `kcl multilang --check`: shows how each property is converted, and every reason why a worker
//! could not start. It makes no call to AWS or to the store.

use std::process::ExitCode;

use kcl_multilang::{
    child::Executable,
    properties::{Converted, Told, Verdict},
};

use crate::{columns::section, config::Config, connect, stdout, store_url::StoreUrl};

/// Writes the table and the problems. The exit code is 0 if a worker could start.
///
/// # Errors
/// Standard output cannot be written.
pub(super) fn run(
    converted: &Converted,
    config: impl Fn() -> anyhow::Result<Config>,
) -> anyhow::Result<ExitCode> {
    let (told, problems) = (&converted.told, problems(converted, config));
    let mut text = section(&["PROPERTY", "LINE", "", "WHAT BECOMES OF IT"], told, cells);
    for problem in &problems {
        text += &format!("not startable: {problem}\n");
    }
    let is_fine = problems.is_empty() && converted.refusals().next().is_none();
    text += if is_fine { "a worker can be started\n" } else { "a worker does not start\n" };
    stdout::write(&text)?;
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A row of the table.
fn cells(told: &Told) -> Vec<String> {
    let (kind, says) = match &told.verdict {
        Verdict::Mapped(says) => ("mapped", says),
        Verdict::Noted(says) => ("accepted", says),
        Verdict::Unknown(says) => ("unknown", says),
        Verdict::Refused(says) => ("REFUSED", says),
    };
    let line = told.line.map(|line| line.to_string()).unwrap_or_default();
    vec![told.key.clone(), line, kind.to_owned(), shown(&told.key, says)]
}

/// The value of a property as it may be shown: the address of a store without its password.
fn shown(key: &str, says: &str) -> String {
    let url = says.strip_prefix("store: ").filter(|_| key == "kclStore");
    match url.map(str::parse::<StoreUrl>) {
        Some(Ok(url)) => format!("store: {url}"),
        Some(Err(_)) => "store: a text that names none".to_owned(),
        None => says.to_owned(),
    }
}

/// The reasons why a worker could not start, apart from refused properties.
fn problems(converted: &Converted, config: impl Fn() -> anyhow::Result<Config>) -> Vec<String> {
    let mut problems = Vec::new();
    if let Some(executable) = &converted.executable
        && let Err(error) = Executable::find(executable)
    {
        problems.push(error.to_string());
    }
    if converted.refusals().next().is_none()
        && let Err(error) = config().and_then(|config| settle(&config))
    {
        problems.push(format!("{error:#}"));
    }
    problems
}

/// Fails as the start of a worker would, without a connection.
fn settle(config: &Config) -> anyhow::Result<()> {
    connect::source(config)?;
    StoreUrl::of(config)?.open(config)?;
    config.worker_settings()?;
    config.metrics_address()?;
    Ok(())
}
