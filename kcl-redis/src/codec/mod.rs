//! Converts rows to stored values and back: a flat JSON object of strings under the short names of
//! the fields. The body of a document follows it after a line feed.

use std::{borrow::Cow, collections::BTreeMap};

use kcl_core::{
    store::codec::{BadRow, Field, Form, Row, Source, Value},
    stream::ShardId,
};

/// Separates the fields of a row from its body.
const SEPARATOR: u8 = b'\n';

/// A value as text; `None` for an empty list and for bytes. The items of a list are joined by
/// commas, which no item contains.
pub(crate) fn text(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Text(text) => Some(text),
        Value::Number(number) => Some(number.to_string().into()),
        Value::List(items) => (!items.is_empty()).then(|| items.join(",").into()),
        Value::Bytes(_) => None,
    }
}

/// Shard ids as the text of a field; `None` for an empty list.
pub(crate) fn shards(shards: &[ShardId]) -> Option<Cow<'_, str>> {
    text(Value::List(shards.iter().map(|shard| shard.as_str().into()).collect()))
}

/// The stored value of a row.
pub(crate) fn encode<R: Row>(row: &R) -> Vec<u8> {
    let (mut fields, mut body) = (BTreeMap::new(), None);
    row.write_to(&mut |field, value| match value {
        Some(Value::Bytes(bytes)) => body = Some(bytes.into_owned()),
        value => fields.extend(value.and_then(text).map(|it| (field.name, it.into_owned()))),
    });
    // Serialising strings cannot fail.
    let mut stored = serde_json::to_vec(&fields).unwrap_or_default();
    if let Some(body) = body {
        stored.push(SEPARATOR);
        stored.extend_from_slice(&body);
    }
    stored
}

/// Reads a row from the value that is stored under `name`.
pub(crate) fn decode<R: Row>(name: &str, stored: &[u8]) -> Result<R, BadRow> {
    let at = stored.iter().position(|byte| *byte == SEPARATOR).unwrap_or(stored.len());
    let (head, body) = stored.split_at(at);
    let fields = serde_json::from_slice(head).map_err(|why| {
        BadRow::new(R::KIND, name, format!("it is no JSON object of strings: {why}"))
    })?;
    R::read(name, &Stored { fields, body: body.get(1..).unwrap_or_default() })
}

/// The stored fields of a row, as the codec of `kcl-core` reads them.
struct Stored<'a> {
    fields: BTreeMap<String, String>,
    body: &'a [u8],
}

impl Source for Stored<'_> {
    fn get(&self, field: &Field) -> Result<Option<Value<'_>>, String> {
        if field.form == Form::Bytes {
            return Ok(Some(Value::Bytes(self.body.into())));
        }
        let Some(text) = self.fields.get(field.name) else { return Ok(None) };
        Ok(Some(match field.form {
            Form::Number => Value::Number(whole(text)?),
            Form::List => Value::List(text.split(',').map(Cow::from).collect()),
            Form::Text | Form::Bytes => Value::Text(text.into()),
        }))
    }
}

fn whole(digits: &str) -> Result<u64, String> {
    let shown: String = digits.chars().take(40).collect();
    digits.parse().map_err(|_| format!("is no whole number in range: {shown:?}"))
}

#[cfg(test)]
mod tests;
