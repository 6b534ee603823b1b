//! Parses YAML into a tree. The values of settings that are text stay exactly as written: the
//! worker id `007` does not become the number 7.

use std::fmt;

use anyhow::anyhow;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::model::START;

/// The paths of the settings whose values are text.
pub(super) const TEXTS: [&str; 16] = [
    "aws.region",
    "aws.endpoint",
    "aws.access_key",
    "aws.secret_key",
    "aws.credentials",
    "kinesis.stream_name",
    "kinesis.endpoint",
    "dynamodb.endpoint",
    "dynamodb.credentials",
    "cloudwatch.endpoint",
    "cloudwatch.credentials",
    "metrics.cloudwatch.namespace",
    "store",
    "consumer.application_name",
    "consumer.worker_id",
    START,
];

/// All values below this path are text: the workers of a shard mapping.
const TEXTS_BELOW: &str = "consumer.shard_mapping.";

/// Parses a text as the value at `path`; an empty path means a whole file. A text without settings
/// gives an empty mapping. `from` names the source, for errors.
///
/// # Errors
/// The text is no YAML.
pub(super) fn parse(from: &str, path: &str, text: &str) -> anyhow::Result<Value> {
    if text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#')) {
        return Ok(Value::Object(Map::new()));
    }
    let at = At(path.trim().to_owned());
    serde_saphyr::with_deserializer_from_str(text, |yaml| at.deserialize(yaml))
        // A text setting may have a value of another type: it is read as it is, and refused
        // later with its path.
        .or_else(|_| serde_saphyr::from_str(text))
        .map_err(|error| anyhow!("{from} is no valid YAML: {}", to_whoever_wrote_it(&error)))
}

/// The error without what only a program could do about it.
fn to_whoever_wrote_it(error: &impl fmt::Display) -> String {
    const TO_PROGRAMS: &str = ", set DuplicateKeyPolicy in Options if acceptable";
    error.to_string().replace(TO_PROGRAMS, ": remove one of the two")
}

/// Reads the value at a path like `consumer.worker_id`.
struct At(String);

impl<'de> DeserializeSeed<'de> for At {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, yaml: D) -> Result<Value, D::Error> {
        if TEXTS.contains(&self.0.as_str()) || self.0.starts_with(TEXTS_BELOW) {
            let text = Option::<String>::deserialize(yaml)?;
            return Ok(text.map_or(Value::Null, Value::String));
        }
        yaml.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a setting")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let path = if self.0.is_empty() { key.clone() } else { format!("{}.{key}", self.0) };
            let value = entries.next_value_seed(Self(path))?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Value>()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, yaml: D) -> Result<Value, D::Error> {
        yaml.deserialize_any(self)
    }
}
