//! Finds all settings by parsing the source files of their types. The doc comment of a field is the
//! meaning of its setting on the page.

use std::collections::BTreeMap;

use syn::{Attribute, Expr, Fields, Item, Lit, Meta, Type};

/// The files that declare settings.
const SOURCES: [&str; 7] = [
    include_str!("../config/model.rs"),
    include_str!("../config/metrics.rs"),
    include_str!("../config/profile.rs"),
    include_str!("../../../kcl-core/src/settings/coordination.rs"),
    include_str!("../../../kcl-core/src/settings/delivery.rs"),
    include_str!("../../../kcl-core/src/assignment/limits.rs"),
    include_str!("../../../kcl-core/src/assignment/balance.rs"),
];

/// A setting.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// Its path in the settings file, like `coordination.session_timeout`.
    pub(super) path: String,
    /// The type that declares it.
    pub(super) of: String,
    /// Its field in that type.
    pub(super) field: String,
    /// Its values.
    pub(super) kind: Kind,
    /// The first paragraph of the field's doc comment.
    pub(super) meaning: String,
}

/// The values of a setting.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Values of the type of this name, which parses its own text.
    Plain(String),
    /// One of these names, each with its meaning.
    Choice(Vec<(String, String)>),
}

/// A type: its fields or its variants. A field is its name, its type and its meaning.
#[derive(Clone, Debug)]
enum Declared {
    Struct(Vec<(String, String, String)>),
    Enum(Vec<Variant>),
}

#[derive(Clone, Debug)]
struct Variant {
    name: String,
    meaning: String,
    /// The settings that only this variant has.
    fields: Vec<(String, String, String)>,
}

/// Every setting, in the order in which they are declared.
pub(super) fn settings() -> Vec<Setting> {
    let mut types = BTreeMap::new();
    for source in SOURCES {
        for item in syn::parse_file(source).unwrap().items {
            types.extend(declared(item));
        }
    }
    let mut found = Vec::new();
    below("", "Config", &types, &mut found);
    found
}

fn below(path: &str, name: &str, types: &BTreeMap<String, Declared>, found: &mut Vec<Setting>) {
    let Some(Declared::Struct(fields)) = types.get(name) else { panic!("{name} is no struct") };
    for (field, of_type, meaning) in fields {
        let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
        one(&path, (name, field), of_type, meaning, types, found);
    }
}

fn one(
    path: &str,
    (of, field): (&str, &str),
    of_type: &str,
    meaning: &str,
    types: &BTreeMap<String, Declared>,
    found: &mut Vec<Setting>,
) {
    let mut inner: &[Variant] = &[];
    let kind = match types.get(of_type) {
        Some(Declared::Struct(_)) => return below(path, of_type, types, found),
        // The file holds it as one text, although the type is an enum.
        Some(Declared::Enum(_)) if of_type == "InitialPosition" => Kind::Plain(of_type.to_owned()),
        Some(Declared::Enum(variants)) => {
            inner = variants;
            let choice = |it: &Variant| (it.name.clone(), it.meaning.clone());
            Kind::Choice(variants.iter().map(choice).collect())
        }
        None => Kind::Plain(of_type.to_owned()),
    };
    let (path, of, field) = (path.to_owned(), of.to_owned(), field.to_owned());
    found.push(Setting { path: path.clone(), of, field, kind, meaning: meaning.to_owned() });
    for variant in inner {
        let path = format!("{path}.{}", variant.name);
        for (field, of_type, meaning) in &variant.fields {
            // A tuple variant has one field without a name: a struct, which declares the settings
            // of that variant.
            let of = if field.is_empty() { of_type } else { &variant.name };
            let path = if field.is_empty() { path.clone() } else { format!("{path}.{field}") };
            one(&path, (of, field), of_type, meaning, types, found);
        }
    }
}

fn declared(item: Item) -> Option<(String, Declared)> {
    match item {
        Item::Struct(it) if it.ident != "InvalidSettings" => {
            Some((it.ident.to_string(), Declared::Struct(fields(&it.fields))))
        }
        Item::Enum(it) => {
            let lowercase = serde_renames(&it.attrs);
            let variants = it.variants.iter().map(|variant| Variant {
                name: lowercase(&variant.ident.to_string()),
                meaning: documentation(&variant.attrs),
                fields: fields(&variant.fields),
            });
            Some((it.ident.to_string(), Declared::Enum(variants.collect())))
        }
        _ => None,
    }
}

fn fields(fields: &Fields) -> Vec<(String, String, String)> {
    let field = |field: &syn::Field| {
        let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
        (name, type_name(&field.ty), documentation(&field.attrs))
    };
    fields.iter().map(field).collect()
}

/// The last part of a type's path; of an `Option`, of what is in it.
fn type_name(of: &Type) -> String {
    let Type::Path(path) = of else { panic!("a setting has a type with a name") };
    let last = path.path.segments.last().unwrap();
    if last.ident != "Option" {
        return last.ident.to_string();
    }
    let syn::PathArguments::AngleBracketed(inner) = &last.arguments else { unreachable!() };
    let Some(syn::GenericArgument::Type(inner)) = inner.args.first() else { unreachable!() };
    type_name(inner)
}

/// The function by which serde changes the names of variants: kebab-case, or else lower case.
fn serde_renames(attributes: &[Attribute]) -> fn(&str) -> String {
    let text: String = attributes
        .iter()
        .filter(|it| it.path().is_ident("serde"))
        .filter_map(|it| Some(it.meta.require_list().ok()?.tokens.to_string()))
        .collect();
    if text.contains("kebab-case") {
        return |name| {
            let mut kebab = String::new();
            for letter in name.chars() {
                if letter.is_uppercase() && !kebab.is_empty() {
                    kebab.push('-');
                }
                kebab.extend(letter.to_lowercase());
            }
            kebab
        };
    }
    |name| name.to_lowercase()
}

/// The first paragraph of a doc comment, as one line.
fn documentation(attributes: &[Attribute]) -> String {
    let line = |attribute: &Attribute| {
        let Meta::NameValue(it) = &attribute.meta else { return None };
        let Expr::Lit(literal) = &it.value else { return None };
        let Lit::Str(text) = &literal.lit else { return None };
        it.path.is_ident("doc").then(|| text.value().trim().to_owned())
    };
    let lines = attributes.iter().filter_map(line);
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[test]
fn settings_are_read_from_their_types() {
    let found = settings();
    let of = |path: &str| found.iter().find(|it| it.path == path).unwrap();
    let timeout = of("coordination.session_timeout");
    assert!(timeout.meaning.starts_with("T: a session that does not beat"), "{timeout:?}");
    assert!(matches!(&timeout.kind, Kind::Plain(name) if name == "Duration"));
    let Kind::Choice(kinds) = &of("delivery.on_failure").kind else { panic!("it is a choice") };
    let names: Vec<&str> = kinds.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["retry", "stop-shard", "skip-record"]);
    of("delivery.on_failure.skip-record.attempts");
    of("coordination.balance.weighted.floor");
    of("metrics.cloudwatch.period");
}
