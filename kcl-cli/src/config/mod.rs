//! Reads the settings of the command from a YAML file, the environment and flags, in rising
//! precedence.
//!
//! ```text
//! defaults < profile < file < environment < properties of kcl multilang < flags, --set
//! ```
//!
//! `layers` merges all sources into one tree, `keys` checks the keys of each, and the tree is read
//! as a [`Config`] at the end. So an error names a wrong value by its path, from whichever source.

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

/// Settings from another file than the settings file: the properties of `kcl multilang`.
#[derive(Clone, Debug, Default)]
pub struct Between {
    /// The name of the file, for messages.
    pub from: String,
    /// Values by paths that every other source overrides.
    pub defaults: BTreeMap<String, Value>,
    /// Values by paths that override the environment, and that the command line overrides.
    pub settings: BTreeMap<String, Value>,
}

/// A layer of values by paths.
fn layer_of(settings: &BTreeMap<String, Value>) -> Value {
    let mut layer = Value::Object(serde_json::Map::new());
    for (path, value) in settings {
        layers::put(&mut layer, path, value.clone());
    }
    layer
}

impl Config {
    /// Reads all sources.
    ///
    /// # Errors
    /// The file cannot be read or parsed, a key is unknown, or a value is invalid. The message
    /// names the file or the path, and the remedy.
    pub fn load(args: &SettingsArgs, environment: &Environment) -> anyhow::Result<Self> {
        Self::load_with(args, environment, &Between::default())
    }

    /// Reads all sources, and those of another file.
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

/// Reads the text of a settings file without any other source.
#[cfg(any(test, fuzzing))]
pub(crate) fn read_file(text: &str) -> anyhow::Result<Config> {
    let mut tree = Tree::default();
    tree.lay("settings.yaml", yaml::parse("settings.yaml", "", text)?)?;
    tree.read()
}

/// The layer of the flags. `--set` is weaker than a flag for the same setting.
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
