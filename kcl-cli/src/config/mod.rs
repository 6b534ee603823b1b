//! Settings from a YAML file, the environment and flags, in rising precedence.
//!
//! All layers are laid over the defaults as one tree, whose keys are checked, and which is read as
//! a [`Config`] at the end. So a wrong value is named by its path, wherever it comes from.

mod args;
mod environment;
mod keys;
mod layers;
mod metrics;
mod model;
mod profile;
#[cfg(test)]
mod tests;
mod yaml;

pub use args::SettingsArgs;
pub use environment::Environment;
pub use metrics::{Cloudwatch, CloudwatchMetrics, CloudwatchNames, Level, Metrics};
pub use model::{AssignmentMode, Aws, Config, Consumer, Dynamodb, Kinesis, Producer};
pub use profile::Profile;

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::Value;

use self::layers::Tree;

/// Settings of another file than that of settings.
#[derive(Clone, Debug, Default)]
pub struct Between {
    /// Which file, for messages.
    pub from: String,
    /// By their paths: weaker than everything else.
    pub defaults: BTreeMap<String, Value>,
    /// By their paths: stronger than the environment, weaker than the command line.
    pub settings: BTreeMap<String, Value>,
}

/// Settings by their paths, as a layer.
fn layer_of(settings: &BTreeMap<String, Value>) -> Value {
    let mut layer = Value::Object(serde_json::Map::new());
    for (path, value) in settings {
        layers::put(&mut layer, path, value.clone());
    }
    layer
}

impl Config {
    /// Reads every layer.
    ///
    /// # Errors
    /// A file that cannot be read or parsed, a key that does not exist, a value that makes no
    /// sense: named by file or path, with the remedy.
    pub fn load(args: &SettingsArgs, environment: &Environment) -> anyhow::Result<Self> {
        Self::load_with(args, environment, &Between::default())
    }

    /// Reads every layer, and those of another file.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_with(
        args: &SettingsArgs,
        environment: &Environment,
        between: &Between,
    ) -> anyhow::Result<Self> {
        let mut tree = Tree::default();
        tree.lay(&between.from, layer_of(&between.defaults))?;
        if let Some(path) = &args.config {
            let from = path.display().to_string();
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the settings file {from} cannot be read"))?;
            tree.lay(&from, yaml::parse(&from, "", &text)?)?;
        }
        tree.lay("the environment", environment.layer()?)?;
        tree.lay(&between.from, layer_of(&between.settings))?;
        tree.lay("the command line", flags(args)?)?;
        tree.read()
    }
}

/// Reads a file's settings alone.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_file(text: &str) -> anyhow::Result<Config> {
    let mut tree = Tree::default();
    tree.lay("settings.yaml", yaml::parse("settings.yaml", "", text)?)?;
    tree.read()
}

/// What the flags say.
fn flags(args: &SettingsArgs) -> anyhow::Result<Value> {
    let mut layer = Value::Object(serde_json::Map::new());
    for setting in &args.set {
        let (path, value) = setting.split_once('=').with_context(|| {
            format!("--set {setting}: expected PATH=VALUE, like coordination.session_timeout=10s")
        })?;
        layers::put(&mut layer, path, yaml::parse("--set", path, value)?);
    }
    let text = |value: &Option<String>| value.clone().map(Value::String);
    let profile = args.profile.map(serde_json::to_value).transpose()?;
    let named = [
        ("profile", profile),
        ("aws.region", text(&args.region)),
        ("aws.endpoint", text(&args.endpoint)),
        ("kinesis.endpoint", text(&args.kinesis_endpoint)),
        ("dynamodb.endpoint", text(&args.dynamodb_endpoint)),
        ("cloudwatch.endpoint", text(&args.cloudwatch_endpoint)),
    ];
    for (path, value) in named {
        if let Some(value) = value {
            layers::put(&mut layer, path, value);
        }
    }
    Ok(layer)
}
