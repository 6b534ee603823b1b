//! Settings as one tree, laid over the defaults layer by layer.

use anyhow::{Context, anyhow, bail};
use kcl_core::settings::Coordination;
use serde_json::{Map, Value};

use super::{Config, keys};
use crate::cli::Profile;

/// Everything that was set, without the defaults.
#[derive(Debug, Default)]
pub(super) struct Tree(Map<String, Value>);

impl Tree {
    /// Lays one source of settings over those before it.
    ///
    /// # Errors
    /// A key that does not exist.
    pub(super) fn lay(&mut self, from: &str, layer: Value) -> anyhow::Result<()> {
        keys::check(from, &layer, &serde_json::to_value(Config::default())?)?;
        let Value::Object(layer) = layer else {
            bail!("{from}: expected settings by name, like `kinesis: {{stream_name: orders}}`");
        };
        if layer.get("aws").and_then(|aws| aws.get("endpoint")).is_some() {
            self.forget_endpoints();
        }
        merge(&mut self.0, layer);
        Ok(())
    }

    /// A common endpoint is stronger than any endpoint from further below.
    fn forget_endpoints(&mut self) {
        for service in ["kinesis", "dynamodb"] {
            if let Some(Value::Object(service)) = self.0.get_mut(service) {
                service.remove("endpoint");
            }
        }
    }

    /// The settings, with the defaults of their profile.
    ///
    /// # Errors
    /// A value that makes no sense, with its path.
    pub(super) fn read(self) -> anyhow::Result<Config> {
        let mut config = Config::default();
        if let Some(profile) = self.0.get("profile") {
            let profile = serde_json::from_value(profile.clone());
            config.profile = profile.context("profile: expected `default` or `fast`")?;
        }
        if config.profile == Profile::Fast {
            config.coordination = Coordination::fast();
        }
        let Value::Object(mut all) = serde_json::to_value(&config)? else {
            bail!("the default settings are no object");
        };
        merge(&mut all, self.0);
        serde_path_to_error::deserialize(Value::Object(all))
            .map_err(|error| anyhow!("the setting `{}`: {}", error.path(), error.inner()))
    }
}

fn merge(below: &mut Map<String, Value>, above: Map<String, Value>) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            // A section that was left empty says nothing.
            (Some(Value::Object(_)), Value::Null) => {}
            (_, value) => {
                below.insert(key, value);
            }
        }
    }
}

/// Sets the value at a path like `coordination.session_timeout`.
pub(super) fn put(layer: &mut Value, path: &str, value: Value) {
    let mut node = layer;
    for key in path.trim().split('.') {
        if !node.is_object() {
            *node = Value::Object(Map::new());
        }
        let Value::Object(object) = node else { return };
        node = object.entry(key).or_insert(Value::Null);
    }
    *node = value;
}

/// Reads YAML; an empty file has no settings.
pub(super) fn parse_yaml(from: &str, text: &str) -> anyhow::Result<Value> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Value::Object(Map::new()));
    }
    serde_saphyr::from_str(text).map_err(|error| anyhow!("{from} is no valid YAML: {error}"))
}
