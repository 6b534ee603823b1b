//! What stands in `deploy/`: manifests, a compose file, an image. They are checked by Kubernetes'
//! own schemas, by the command's settings and arguments, and by what each has to be for a fleet.

mod compose;
mod image;
mod kubernetes;
mod scaling;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use kcl_cli::{
    cli::Cli,
    config::{Config, Environment, SettingsArgs},
};
use serde_json::Value;

/// A file or folder of the project.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// The YAML documents of a file.
fn documents(name: &str) -> Result<Vec<Value>> {
    let text = fs::read_to_string(file(name)).with_context(|| name.to_owned())?;
    serde_saphyr::from_multiple(&text).map_err(|error| anyhow::anyhow!("{name}: {error}"))
}

/// The one document of a file.
fn document(name: &str) -> Result<Value> {
    let mut all = documents(name)?;
    ensure!(all.len() == 1, "{name} holds {} documents", all.len());
    Ok(all.remove(0))
}

/// What stands at a place like `/spec/replicas`.
fn at<'a>(value: &'a Value, place: &str) -> Result<&'a Value> {
    value.pointer(place).with_context(|| format!("nothing at {place} of {value:#}"))
}

/// The text there.
fn text<'a>(value: &'a Value, place: &str) -> Result<&'a str> {
    at(value, place)?.as_str().with_context(|| format!("{place} is no text"))
}

/// The texts of a list.
fn texts(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Reads settings as the command would, from a file of its own and these variables alone.
fn settings(yaml: &str, variables: &[(&str, &str)]) -> Result<Config> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("kcl.yaml");
    fs::write(&path, yaml)?;
    let args = SettingsArgs { config: Some(path), ..SettingsArgs::default() };
    let config = Config::load(&args, &Environment::of(variables))?;
    config.worker_settings()?;
    Ok(config)
}

/// Reads arguments as the command would.
fn arguments(given: &[&str]) -> Result<()> {
    match Cli::try_parse_from([&["kcl"][..], given].concat()) {
        Ok(_) => Ok(()),
        Err(asks) if asks.kind() == clap::error::ErrorKind::DisplayHelp => Ok(()),
        Err(error) => anyhow::bail!("{given:?}: {error}"),
    }
}

/// How long a worker may take to end, by these settings: its container has to be given more.
fn longest_end(config: &Config) -> Result<u64> {
    let coordination = config.worker_settings()?.coordination;
    let longest = coordination.shutdown_grace + coordination.handoff_timeout;
    ensure!(!longest.is_zero());
    Ok(longest.as_secs())
}
