//! Workers' settings in a script: only those that differ from the default, in the form that a file
//! of settings has.
//!
//! They go through `serde`, so a new setting needs no code here.

use kcl_core::settings::Coordination;
use serde_json::{Map, Value};

/// The settings that differ from the `usual` ones, as pairs of name and value.
pub(super) fn differing(settings: &Coordination, usual: &Coordination) -> Vec<(String, String)> {
    if settings == usual {
        return Vec::new();
    }
    let usual = fields(usual);
    let differs = |(name, value): &(String, Value)| usual.get(name) != Some(value);
    let changed = fields(settings).into_iter().filter(differs);
    changed.map(|(name, value)| (name, show(&value))).collect()
}

/// The settings with the value of one of them replaced.
///
/// # Errors
/// The error of `serde` if there is no setting of this name, or if it cannot have this
/// value.
pub(super) fn changed(
    settings: &Coordination,
    name: &str,
    value: &str,
) -> Result<Coordination, serde_json::Error> {
    let mut fields = fields(settings);
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    fields.insert(name.to_owned(), value);
    serde_json::from_value(Value::Object(fields))
}

fn fields(settings: &Coordination) -> Map<String, Value> {
    // Plain structs with text keys always serialise, and to an object.
    match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

/// Text stands without quotes, unless it could be taken for something else.
fn show(value: &Value) -> String {
    match value {
        Value::String(text) if serde_json::from_str::<Value>(text).is_err() => text.clone(),
        other => other.to_string(),
    }
}
