//! Encodes rows as named values, for implementors of stores.
//!
//! A store writes the values that [`Fields::write_to`] gives it, and reads a row with [`Row::read`]
//! from its stored values, which it offers as a [`Source`]. This module alone decides which fields
//! a row has, their names, which of them may be missing, and which values are invalid.
//!
//! Releases may differ: a release ignores fields that it does not know, and takes a missing field
//! of an older release as [`Field::optional`] says.
//!
//! ```
//! use std::collections::BTreeMap;
//!
//! use kcl_core::{
//!     lease::{Checkpoint, Lease, LeaseKey},
//!     store::codec::{Field, Fields, Form, Row, Source, Value},
//! };
//!
//! /// A server that keeps texts.
//! struct Texts(BTreeMap<String, String>);
//!
//! impl Source for Texts {
//!     fn get(&self, field: &Field) -> Result<Option<Value<'_>>, String> {
//!         let Some(text) = self.0.get(field.name) else { return Ok(None) };
//!         Ok(Some(match field.form {
//!             Form::Text => Value::Text(text.into()),
//!             Form::Number => Value::Number(text.parse().map_err(|_| format!("is {text:?}"))?),
//!             Form::List => Value::List(text.split(',').map(Into::into).collect()),
//!             Form::Bytes => Value::Bytes(text.as_bytes().into()),
//!         }))
//!     }
//! }
//!
//! let lease = Lease::new(LeaseKey::planner(), Checkpoint::TrimHorizon);
//! let mut texts = Texts(BTreeMap::new());
//! lease.write_to(&mut |field, value| {
//!     let text = match value {
//!         Some(Value::Text(text)) => text.into_owned(),
//!         Some(Value::Number(number)) => number.to_string(),
//!         Some(Value::List(items)) if !items.is_empty() => items.join(","),
//!         _ => return,
//!     };
//!     texts.0.insert(field.name.to_owned(), text);
//! });
//! assert_eq!(texts.0["ck"], "TRIM_HORIZON");
//! assert_eq!(Lease::read("@planner", &texts), Ok(lease));
//!
//! texts.0.insert("e".to_owned(), "soon".to_owned());
//! let bad = Lease::read("@planner", &texts).unwrap_err();
//! assert_eq!(bad.to_string(), r#"the lease "@planner": field "e" is "soon""#);
//! ```

mod error;
mod field;
mod fields;
mod kept;
mod rows;

pub use error::{BadField, BadRow, RowKind};
pub use field::{Field, Form, Value};
pub use fields::{Fields, Source};
pub use rows::Row;

#[cfg(test)]
mod tests;
