//! An item of a table, without the SDK's types: what is parsed is plain data.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::number::whole;

/// One attribute's value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A text.
    S(String),
    /// A number, as it was written.
    N(String),
    /// A set of texts.
    Ss(Vec<String>),
    /// Of another type: nothing here reads it.
    Other(String),
}

/// An item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item(BTreeMap<String, Value>);

impl Item {
    /// An item of these attributes.
    #[must_use]
    pub fn new(attributes: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self(attributes.into_iter().collect())
    }

    /// An attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether there is such an attribute.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text that is not empty; `None` if there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Value::S(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// A whole number; `None` if there is none.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.0.get(name)? {
            Value::N(text) => whole(text),
            _ => None,
        }
    }

    /// An attribute as it was written, for comparisons; empty if there is none.
    pub(crate) fn written(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Value::S(text) | Value::N(text)) => text,
            _ => "",
        }
    }

    /// Its attributes, as the SDK takes them; those of another type are left out.
    pub fn attributes(&self) -> impl Iterator<Item = (String, AttributeValue)> + '_ {
        self.0.iter().filter_map(|(name, value)| Some((name.clone(), value.attribute()?)))
    }

    /// An item as the SDK gives it.
    pub(crate) fn of(attributes: impl IntoIterator<Item = (String, AttributeValue)>) -> Self {
        let value = |value| match value {
            AttributeValue::S(text) => Value::S(text),
            AttributeValue::N(text) => Value::N(text),
            AttributeValue::Ss(texts) => Value::Ss(texts),
            _ => Value::Other("another type".to_owned()),
        };
        Self::new(attributes.into_iter().map(|(name, it)| (name, value(it))))
    }
}

impl Value {
    /// As the SDK takes it.
    pub(crate) fn attribute(&self) -> Option<AttributeValue> {
        Some(match self {
            Self::S(text) => AttributeValue::S(text.clone()),
            Self::N(text) => AttributeValue::N(text.clone()),
            Self::Ss(texts) => AttributeValue::Ss(texts.clone()),
            Self::Other(_) => return None,
        })
    }
}

/// A text that is no answer of `aws dynamodb scan`.
#[derive(Debug, thiserror::Error)]
#[error("this is no answer of `aws dynamodb scan`: {0}")]
pub struct InvalidScan(String);

/// The items of what `aws dynamodb scan` writes: `{"Items": […]}`.
///
/// # Errors
/// It is something else.
pub fn items_of_scan(text: &str) -> Result<Vec<Item>, InvalidScan> {
    let scan: serde_json::Value =
        serde_json::from_str(text).map_err(|error| InvalidScan(error.to_string()))?;
    let items = scan["Items"].as_array().ok_or_else(|| InvalidScan("it has no Items".into()))?;
    items.iter().map(item).collect()
}

fn item(json: &serde_json::Value) -> Result<Item, InvalidScan> {
    let refuse = |why: &str| InvalidScan(why.to_owned());
    let attributes = json.as_object().ok_or_else(|| refuse("an item is no object"))?;
    let mut item = BTreeMap::new();
    for (name, value) in attributes {
        let typed = value.as_object().and_then(|typed| typed.iter().next());
        let (kind, value) = typed.ok_or_else(|| refuse("a value has no type"))?;
        let text = || value.as_str().unwrap_or_default().to_owned();
        let texts = || {
            let each = value.as_array().map(Vec::as_slice).unwrap_or_default();
            each.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect()
        };
        let value = match kind.as_str() {
            "S" => Value::S(text()),
            "N" => Value::N(text()),
            "SS" => Value::Ss(texts()),
            other => Value::Other(other.to_owned()),
        };
        item.insert(name.clone(), value);
    }
    Ok(Item(item))
}
