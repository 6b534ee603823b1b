//! Reads settings from environment variables.
//!
//! Every setting below a section has a variable: `KCL_`, then its path in upper case with `__`
//! between the parts. Some settings have a second variable of their own, which takes precedence.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{layers, yaml};

/// The beginning of a setting's variable, like `KCL_COORDINATION__SESSION_TIMEOUT=10s`.
const PREFIX: &str = "KCL_";

/// The text between the parts of a path in such a variable.
const JOINT: &str = "__";

/// Environment variables: those of the process, or given ones.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables with a name of their own, and the settings that they set. `POD_NAME` is not
    /// among them: the worker itself reads it, as the default of its id.
    pub(crate) const NAMED: [(&str, &str); 10] = [
        ("APP_NAME", "consumer.application_name"),
        ("STREAM_NAME", "kinesis.stream_name"),
        ("AWS_REGION", "aws.region"),
        ("AWS_ENDPOINT_URL", "aws.endpoint"),
        ("AWS_ENDPOINT_URL_KINESIS", "kinesis.endpoint"),
        ("AWS_ENDPOINT_URL_DYNAMODB", "dynamodb.endpoint"),
        ("AWS_ENDPOINT_URL_CLOUDWATCH", "cloudwatch.endpoint"),
        ("KCL_STORE", "store"),
        ("KCL_ZONE", "coordination.zone"),
        ("SHARD_MAPPING", "consumer.shard_mapping"),
    ];

    /// The variable of the setting at a path.
    #[cfg(test)]
    pub(crate) fn variable(path: &str) -> String {
        format!("{PREFIX}{}", path.to_uppercase().replace('.', JOINT))
    }

    /// The variables of this process. Those that are not UTF-8 are left out.
    #[must_use]
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// These variables, in place of the process's.
    #[must_use]
    pub fn of(variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self(variables.iter().map(owned).collect())
    }

    /// The settings of the variables, as a layer. Empty variables count as unset. Unknown variables
    /// are ignored, unless they have the form of a setting's: then the key check refuses them.
    pub(super) fn layer(&self) -> anyhow::Result<Value> {
        let mut layer = Value::Object(Map::new());
        let set = |(_, value): &(&String, &String)| !value.is_empty();
        for (name, value) in self.0.iter().filter(set) {
            let Some(path) = name.strip_prefix(PREFIX).filter(|path| path.contains(JOINT)) else {
                continue;
            };
            let path = path.to_lowercase().replace(JOINT, ".");
            layers::put(&mut layer, &path, yaml::parse(name, &path, value)?);
        }
        for (name, path) in Self::NAMED {
            if let Some(value) = self.0.get(name).filter(|value| !value.trim().is_empty()) {
                layers::put(&mut layer, path, Value::String(value.clone()));
            }
        }
        Ok(layer)
    }
}
