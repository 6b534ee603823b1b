//! An item of a DynamoDB table without the SDK's types, so that the modules that read items are
//! pure, and tests can read what `aws dynamodb scan` wrote.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;

use crate::number::whole;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value {
    /// A text.
    S(String),
    /// A number, as the text that DynamoDB returned.
    N(String),
    /// A set of texts.
    Ss(Vec<String>),
    /// A value of another type, which nothing here reads. The text names the type.
    Other(String),
}

/// An item: attributes by their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item(BTreeMap<String, Value>);

impl Item {
    /// An item of these attributes.
    #[must_use]
    pub fn new(attributes: impl IntoIterator<Item = (String, Value)>) -> Self {
        Self(attributes.into_iter().collect())
    }

    /// The value of an attribute; `None` if the item has no such attribute.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether the item has an attribute of this name, of any type.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The text of an attribute; `None` if it is absent, empty or of another type.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name)? {
            Value::S(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The number of an attribute; `None` if it is absent, no whole number of 64 bits, or of
    /// another type.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.0.get(name)? {
            Value::N(text) => whole(text),
            _ => None,
        }
    }

    /// The text of an attribute of type text or number, for comparisons; empty if it is absent or
    /// of another type.
    pub(crate) fn written(&self, name: &str) -> &str {
        match self.0.get(name) {
            Some(Value::S(text) | Value::N(text)) => text,
            _ => "",
        }
    }

    /// The attributes as types of the SDK, without those of [`Value::Other`].
    pub fn attributes(&self) -> impl Iterator<Item = (String, AttributeValue)> + '_ {
        self.0.iter().filter_map(|(name, value)| Some((name.clone(), value.attribute()?)))
    }

    /// The item of attributes of the SDK.
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
    /// The value as a type of the SDK; `None` for [`Value::Other`].
    pub(crate) fn attribute(&self) -> Option<AttributeValue> {
        Some(match self {
            Self::S(text) => AttributeValue::S(text.clone()),
            Self::N(text) => AttributeValue::N(text.clone()),
            Self::Ss(texts) => AttributeValue::Ss(texts.clone()),
            Self::Other(_) => return None,
        })
    }
}

/// A text is no answer of `aws dynamodb scan`. Holds the reason.
#[derive(Debug, thiserror::Error)]
#[error("this is no answer of `aws dynamodb scan`: {0}")]
pub struct InvalidScan(String);

/// The items of an answer of `aws dynamodb scan`: `{"Items": […]}`.
///
/// # Errors
/// The text is no JSON, or has no list `Items` of typed attributes.
///
/// ```
/// let scan = r#"{"Items": [{"leaseKey": {"S": "shardId-000000000000"}}]}"#;
/// let items = kcl_migrate::items_of_scan(scan).unwrap();
/// assert_eq!(items[0].text("leaseKey"), Some("shardId-000000000000"));
/// ```
pub fn items_of_scan(text: &str) -> Result<Vec<Item>, InvalidScan> {
    let scan: serde_json::Value =
        serde_json::from_str(text).map_err(|error| InvalidScan(error.to_string()))?;
    let items = scan["Items"].as_array().ok_or_else(|| InvalidScan("it has no Items".into()))?;
    items.iter().map(item).collect()
}

/// One item of the answer.
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
