use std::{borrow::Cow, collections::BTreeMap, fmt::Debug};

use proptest::prelude::*;

use super::*;
use crate::{
    conformance::rows,
    lease::{Checkpoint, Document, Lease, Progress, Report, Session},
};

/// A server that stores values unchanged, under the names that `named` returns.
struct Kept {
    named: fn(&Field) -> &'static str,
    values: BTreeMap<&'static str, Value<'static>>,
}

impl Source for Kept {
    fn get(&self, field: &Field) -> Result<Option<Value<'_>>, String> {
        Ok(self.values.get((self.named)(field)).cloned())
    }

    fn name_of(&self, field: &'static Field) -> &'static str {
        (self.named)(field)
    }
}

fn name(field: &Field) -> &'static str {
    field.name
}

fn column(field: &Field) -> &'static str {
    field.column
}

fn owned(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
        Value::Number(number) => Value::Number(number),
        Value::List(items) => {
            Value::List(items.into_iter().map(|item| Cow::Owned(item.into_owned())).collect())
        }
        Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
    }
}

fn kept(row: &impl Fields, named: fn(&Field) -> &'static str) -> Kept {
    let mut values = BTreeMap::new();
    row.write_to(&mut |field, value| {
        if let Some(value) = value {
            values.insert(named(field), owned(value));
        }
    });
    Kept { named, values }
}

fn reads_back<R: Row + PartialEq>(row: &R) {
    for named in [name, column] {
        let read = R::read(&R::key_text(row.key()), &kept(row, named));
        assert_eq!(read.as_ref(), Ok(row));
    }
}

proptest! {
    #[test]
    fn any_row_reads_back(seed: u64) {
        reads_back(&rows::any_session(seed).unwrap());
        reads_back(&rows::any_lease(seed).unwrap());
        reads_back(&rows::any_document(seed).unwrap());
    }
}

/// The fields of a row as a table: short name, column, form, and a mark if it is optional.
fn table<R: Fields>() -> Vec<String> {
    let line = |field: &Field| {
        let mark = if field.optional { "?" } else { "" };
        format!("{} {} {}{mark}", field.name, field.column, field.form)
    };
    R::FIELDS.iter().map(line).collect()
}

#[test]
fn names_and_forms_are_for_ever() {
    let report = [
        "pt seen_term number",
        "pv seen_version number",
        "ch changes number",
        "cf conflicts number",
        "w watched number",
    ];
    let session = [
        "b beat number",
        "st state text",
        "mb mailbox number",
        "n start number",
        "t timeout_ms number",
        "h interval_ms number",
        "c capacity number",
        "s stream text?",
        "z zone text?",
    ];
    let lease = [
        "o owner text?",
        "e epoch number",
        "pa parents list",
        "cd children list",
        "hr hash_range text?",
        "su successor text?",
        "av avoid text?",
    ];
    let checkpoint = ["k checkpoint text", "ck kind text"];
    let progress = ["ca arrival_ms number?", "cl lag_ms number?", "r rate number"];
    assert_eq!(table::<Report>(), report);
    assert_eq!(table::<Checkpoint>(), checkpoint);
    assert_eq!(table::<Progress>(), progress);
    assert_eq!(table::<Session>(), [&session[..], &report].concat());
    assert_eq!(table::<Lease>(), [&lease[..], &checkpoint, &progress].concat());
    assert_eq!(table::<Document>(), ["v version number", "d body bytes"]);
}

#[test]
fn no_two_fields_of_a_row_have_one_name() {
    fn distinct<R: Fields>() {
        for named in [name, column] {
            let mut names: Vec<_> = R::FIELDS.iter().map(named).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), R::FIELDS.len());
        }
    }
    distinct::<Session>();
    distinct::<Lease>();
    distinct::<Document>();
}

/// The error of reading a row whose field is changed or removed; "" if it can be read.
fn complaint<R: Row>(row: &R, field: &'static str, value: Option<Value<'static>>) -> String {
    let mut kept = kept(row, name);
    kept.values.remove(field);
    kept.values.extend(value.map(|value| (field, value)));
    let read = R::read(&R::key_text(row.key()), &kept);
    read.err().map(|bad| bad.to_string()).unwrap_or_default()
}

fn what_is_wrong_is_named<R: Row>(row: &R) {
    let key = R::key_text(row.key());
    for field in R::FIELDS {
        let said = complaint(row, field.name, None);
        if field.optional || matches!(field.form, Form::List | Form::Bytes) {
            assert_eq!(said, "", "{} is not needed", field.name);
        } else {
            let kind = R::KIND;
            assert_eq!(said, format!("the {kind} {key:?}: field {:?} is missing", field.name));
        }
        let other = match field.form {
            Form::Number => Value::Text("x".into()),
            Form::Text | Form::List | Form::Bytes => Value::Number(7),
        };
        let said = complaint(row, field.name, Some(other));
        assert!(said.contains(&format!("field {:?} is no {}", field.name, field.form)), "{said}");
        if matches!(field.form, Form::Text) {
            let said = complaint(row, field.name, Some(Value::Text("no\nsuch thing".into())));
            assert!(said.contains("no\\nsuch thing"), "{said}");
        }
    }
}

#[test]
fn a_row_a_field_and_a_value_that_make_no_sense_are_named() {
    what_is_wrong_is_named(&rows::full_session().unwrap());
    what_is_wrong_is_named(&rows::full_lease().unwrap());
    what_is_wrong_is_named(&rows::any_document(1).unwrap());

    let session = rows::full_session().unwrap();
    let said = complaint(&session, "w", Some(Value::Number(1 << 32)));
    assert!(said.contains("\"w\" is out of range: 4294967296 is above 4294967295"), "{said}");
    let said = complaint(&rows::full_lease().unwrap(), "hr", Some(Value::Text("0-z".into())));
    assert!(said.contains("\"hr\" is bad: \"0-z\": invalid digit"), "{said}");
    let read = Lease::read("no key", &kept(&rows::full_lease().unwrap(), name));
    let said = read.unwrap_err().to_string();
    assert!(said.starts_with("the lease \"no key\": its key is bad"), "{said}");
    let long = "x".repeat(100_000);
    let said = complaint(&session, "st", Some(Value::Text(long.into())));
    assert!(said.len() < 1_000, "a message of {} bytes", said.len());
}

#[test]
fn nothing_of_a_body_is_shown() {
    let mut kept = kept(&rows::any_document(1).unwrap(), name);
    kept.values.insert("v", Value::Bytes(b"secret".as_slice().into()));
    let said = format!("{:?}", Document::read("placement", &kept).unwrap_err());
    assert!(said.contains("is no number") && !said.contains("secret"), "{said}");
}

/// In a row with all fields each field has a different value, so that swapped fields are noticed.
#[test]
fn what_one_field_holds_no_other_does() {
    fn all_differ<R: Row + Debug>(row: &R) {
        let mut values: Vec<_> =
            kept(row, name).values.into_values().map(|it| format!("{it:?}")).collect();
        assert_eq!(values.len(), R::FIELDS.len(), "{row:?} is without some");
        values.sort();
        values.dedup();
        assert_eq!(values.len(), R::FIELDS.len(), "{row:?} has some twice");
    }
    all_differ(&rows::full_session().unwrap());
    all_differ(&rows::full_lease().unwrap());
}
