//! Rows to JSON and back: an object, with a member for each field.

use std::borrow::Cow;

use kcl_core::store::codec::{BadRow, Field, Form, Row, Source, Value};
use serde_json::{Map, Value as Json, json};

/// A row as the file has it.
pub(crate) fn to_json<R: Row>(row: &R) -> Json {
    let mut members = Map::new();
    row.write_to(&mut |field, value| {
        let member = match value {
            Some(Value::Text(text)) => json!(text),
            Some(Value::Number(number)) => json!(number),
            Some(Value::List(items)) => json!(items),
            Some(Value::Bytes(bytes)) => json!(bytes),
            None => return,
        };
        members.insert(field.column.to_owned(), member);
    });
    members.into()
}

/// Reads a row back.
pub(crate) fn from_json<R: Row>(name: &str, json: &Json) -> Result<R, BadRow> {
    R::read(name, &Members(json))
}

struct Members<'a>(&'a Json);

impl Source for Members<'_> {
    fn get(&self, field: &Field) -> Result<Option<Value<'_>>, String> {
        let Some(member) = self.0.get(field.column) else { return Ok(None) };
        let read = match field.form {
            Form::Text => member.as_str().map(|text| Value::Text(text.into())),
            Form::Number => member.as_u64().map(Value::Number),
            Form::List => texts(member).map(Value::List),
            Form::Bytes => bytes(member).map(|bytes| Value::Bytes(bytes.into())),
        };
        read.map(Some).ok_or_else(|| format!("is no {}", field.form))
    }

    fn name_of(&self, field: &'static Field) -> &'static str {
        field.column
    }
}

fn texts(json: &Json) -> Option<Vec<Cow<'_, str>>> {
    json.as_array()?.iter().map(|item| item.as_str().map(Cow::from)).collect()
}

fn bytes(json: &Json) -> Option<Vec<u8>> {
    json.as_array()?.iter().map(|byte| byte.as_u64()?.try_into().ok()).collect()
}
