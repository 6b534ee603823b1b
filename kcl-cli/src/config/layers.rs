//! Merges the layers of settings into one tree, and reads it as a [`Config`].
//!
//! A later layer overrides an earlier one, key by key. The defaults are added at the end, below all
//! layers: they depend on the profile, which any layer may set.

use anyhow::{Context, anyhow, bail};
use kcl_core::settings::Coordination;
use serde_json::{Map, Value};

use super::{
    keys,
    model::{Config, START},
    profile::Profile,
};
use crate::start_at;

/// All layers so far, without the defaults.
#[derive(Debug, Default)]
pub(super) struct Tree(Map<String, Value>);

impl Tree {
    /// Adds a layer over those before it. `from` names its source, for errors.
    ///
    /// # Errors
    /// The layer has an unknown key, or is no mapping.
    pub(super) fn lay(&mut self, from: &str, mut layer: Value) -> anyhow::Result<()> {
        keys::leave_out_idle(&mut layer);
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

    /// Removes the endpoints of single services: an `aws.endpoint` overrides those of all earlier
    /// layers.
    fn forget_endpoints(&mut self) {
        for service in ["kinesis", "dynamodb", "cloudwatch"] {
            if let Some(Value::Object(service)) = self.0.get_mut(service) {
                service.remove("endpoint");
            }
        }
    }

    /// The settings, with the defaults of their profile where no layer sets a value.
    ///
    /// # Errors
    /// A value is invalid. The message has its path.
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
        read_start(&mut all)?;
        serde_path_to_error::deserialize(Value::Object(all)).map_err(|error| {
            let refusal = error.inner().to_string();
            anyhow!("the setting `{}`: {refusal}{}", error.path(), example(&refusal))
        })
    }
}

/// Overrides the values of `below` with those of `above`, at every depth.
fn merge(below: &mut Map<String, Value>, above: Map<String, Value>) {
    for (key, value) in above {
        match (below.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            // An empty section sets nothing.
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

/// Replaces the text of `coordination.initial_position`, like `latest` or a time, by the value that
/// the settings hold.
fn read_start(all: &mut Map<String, Value>) -> anyhow::Result<()> {
    let start = all.get_mut("coordination").and_then(|times| times.get_mut("initial_position"));
    let Some(start) = start else { return Ok(()) };
    let text = start.as_str().map_or_else(|| start.to_string(), str::to_owned);
    let read = match &*start {
        Value::String(text) => start_at::parse(text),
        _ => Err(format!("expected {}", start_at::ACCEPTED)),
    };
    let read = read.map_err(|refusal| {
        anyhow!("the setting `{START}`: {text:?} is no start of reading: {refusal}")
    })?;
    *start = serde_json::to_value(read)?;
    Ok(())
}

/// The examples that serde's message about a duration lacks.
fn example(refusal: &str) -> &'static str {
    if refusal.ends_with("expected a duration") { " like `1500ms`, `6s` or `2m`" } else { "" }
}
