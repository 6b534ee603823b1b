//! Builds the condition and update expressions of a conditional write.

use aws_sdk_dynamodb::types::AttributeValue;
use kcl_core::store::codec::Fields;

use crate::codec::attribute;

/// The conditions and the changes of one conditional write.
///
/// Expressions contain attribute names without placeholders: none of our names is a reserved word
/// of DynamoDB.
#[derive(Clone, Debug, Default)]
pub(crate) struct Change {
    /// The assignments of the `SET` clause.
    sets: Vec<String>,
    /// The attributes of the `REMOVE` clause.
    removes: Vec<&'static str>,
    /// The conditions, all of which must hold.
    conditions: Vec<&'static str>,
    /// The values of the placeholders in all expressions.
    pub(crate) values: Vec<(String, AttributeValue)>,
}

impl Change {
    /// A change without conditions.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a condition.
    pub(crate) fn when(mut self, condition: &'static str) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Sets the value of a placeholder in a condition.
    pub(crate) fn bind(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.push((placeholder.to_owned(), value));
        self
    }

    /// Writes an attribute.
    pub(crate) fn set(mut self, name: &str, value: AttributeValue) -> Self {
        self.put(name, value);
        self
    }

    /// Adds an assignment. The placeholder has the name of the attribute.
    fn put(&mut self, name: &str, value: AttributeValue) {
        self.sets.push(format!("{name}=:{name}"));
        self.values.push((format!(":{name}"), value));
    }

    /// Writes every field of a part of a row; removes those without a value.
    pub(crate) fn write(mut self, part: &impl Fields) -> Self {
        part.write_to(&mut |field, value| match value.and_then(attribute) {
            Some(value) => self.put(field.name, value),
            None => self.removes.push(field.name),
        });
        self
    }

    /// Adds one to an attribute, which must exist.
    pub(crate) fn count(mut self, name: &str) -> Self {
        self.sets.push(format!("{name}={name}+:one"));
        self.bind(":one", AttributeValue::N("1".into()))
    }

    /// Removes an attribute.
    pub(crate) fn remove(mut self, name: &'static str) -> Self {
        self.removes.push(name);
        self
    }

    /// Writes an attribute; removes it if `value` is `None`.
    pub(crate) fn set_or_remove(self, name: &'static str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.set(name, value),
            None => self.remove(name),
        }
    }

    /// The condition expression.
    pub(crate) fn condition(&self) -> String {
        self.conditions.join(" AND ")
    }

    /// The update expression.
    pub(crate) fn update(&self) -> String {
        let mut clauses = Vec::new();
        if !self.sets.is_empty() {
            clauses.push(format!("SET {}", self.sets.join(",")));
        }
        if !self.removes.is_empty() {
            clauses.push(format!("REMOVE {}", self.removes.join(",")));
        }
        clauses.join(" ")
    }
}
