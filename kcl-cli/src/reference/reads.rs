//! Tests that the code reads every setting: a setting that is parsed and checked but that changes
//! nothing would be a trap for its user.
//!
//! The test parses all source files with `syn` and collects the field accesses, like
//! `config.consumer`. It knows no types, so it compares names: [`HELD_AS`] lists the variables and
//! fields that hold a value of each settings type.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Expr, Item, Member, Pat, visit::Visit};

use super::declared::settings;

/// For each settings type, the names of the variables and fields that hold its values. A pattern
/// that names the type counts too, and needs no entry.
const HELD_AS: [(&str, &[&str]); 15] = [
    ("Config", &["config", "self"]),
    ("Aws", &["aws"]),
    ("Kinesis", &["kinesis"]),
    ("Dynamodb", &["dynamodb"]),
    ("Cloudwatch", &["cloudwatch"]),
    ("Producer", &["producer"]),
    ("Consumer", &["consumer"]),
    ("Metrics", &["metrics"]),
    ("CloudwatchMetrics", &["cloudwatch"]),
    ("Coordination", &["settings", "coordination"]),
    ("Delivery", &["delivery"]),
    ("Limits", &["self"]),
    ("Weighting", &["weighting"]),
    ("stop-shard", &[]),
    ("skip-record", &[]),
];

/// Whether a file does not count as a reader: it only declares, sets, checks or documents settings.
fn is_no_reader(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let parts = ["/tests/", "/tests.rs", "/args.rs", "/application.rs", "/reference/"];
    parts.iter().any(|part| text.contains(part)) || text.contains("/kcl-core/src/settings/")
}

/// The field accesses found: the last name before the dot, and the field.
#[derive(Default)]
struct Reads {
    fields: BTreeSet<(String, String)>,
}

fn ends_with(path: &syn::Path, name: &str) -> bool {
    path.segments.last().is_some_and(|last| last.ident == name)
}

impl<'ast> Visit<'ast> for Reads {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            // To print a value in debug output is not to use it.
            Item::Impl(it) if it.trait_.as_ref().is_some_and(|(of, _)| ends_with(of, "Debug")) => {
                return;
            }
            Item::Fn(it) => &it.attrs,
            Item::Mod(it) => &it.attrs,
            _ => return syn::visit::visit_item(self, item),
        };
        // A test that reads a setting does not prove that the program does.
        let is_test = |it: &syn::Attribute| {
            it.path().is_ident("test")
                || it.meta.require_list().is_ok_and(|list| list.tokens.to_string().contains("test"))
        };
        if !attributes.iter().any(is_test) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_expr_assign(&mut self, assigned: &'ast syn::ExprAssign) {
        // The left side is written, so only the right side is searched.
        self.visit_expr(&assigned.right);
    }

    fn visit_expr_field(&mut self, field: &'ast syn::ExprField) {
        let base = match &*field.base {
            Expr::Path(path) => path.path.segments.last().map(|it| it.ident.to_string()),
            Expr::Field(inner) => match &inner.member {
                Member::Named(name) => Some(name.to_string()),
                Member::Unnamed(_) => None,
            },
            Expr::MethodCall(_) | Expr::Call(_) => Some(String::new()),
            _ => None,
        };
        if let (Some(base), Member::Named(name)) = (base, &field.member) {
            self.fields.insert((base, name.to_string()));
        }
        syn::visit::visit_expr_field(self, field);
    }

    /// The arguments of a macro are tokens, which `syn` does not parse as expressions. So names
    /// around a dot or a brace are found in their text, like `shared.delivery.watchdog` in a
    /// `select!`.
    fn visit_macro(&mut self, of: &'ast syn::Macro) {
        let text = of.tokens.to_string().replace('.', " . ").replace('{', " { ");
        let is_kept = |it: char| it.is_alphanumeric() || "_.{".contains(it);
        let text: String = text.chars().map(|it| if is_kept(it) { it } else { ' ' }).collect();
        let words: Vec<&str> = text.split_whitespace().collect();
        for read in words.windows(3).filter(|words| matches!(words[1], "." | "{")) {
            self.fields.insert((read[0].to_owned(), read[2].to_owned()));
        }
    }

    fn visit_pat_struct(&mut self, pattern: &'ast syn::PatStruct) {
        let of = pattern.path.segments.last().map(|last| last.ident.to_string());
        for field in pattern.fields.iter().filter(|it| !matches!(*it.pat, Pat::Wild(_))) {
            if let (Some(of), Member::Named(name)) = (&of, &field.member) {
                self.fields.insert((of.clone(), name.to_string()));
            }
        }
        syn::visit::visit_pat_struct(self, pattern);
    }
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") && !is_no_reader(&path) {
            found.push(path);
        }
    }
}

#[test]
fn every_setting_is_read_where_it_is_used() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["kcl-cli/src", "kcl-core/src"] {
        sources(&root.join(folder), &mut files);
    }
    assert!(files.len() > 200, "the sources are not where they are looked for");
    let mut reads = Reads::default();
    for file in files {
        reads.visit_file(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap());
    }
    let held_as: BTreeMap<&str, &[&str]> = HELD_AS.into_iter().collect();
    let mut unread = Vec::new();
    for setting in settings() {
        let names = held_as.get(setting.of.as_str());
        let names = names.unwrap_or_else(|| panic!("{}: how is it held?", setting.of));
        let camel = |word: &str| word[..1].to_uppercase() + &word[1..];
        let of: String = setting.of.split('-').map(camel).collect();
        let all = names.iter().map(|name| (*name).to_owned()).chain([of, "Self".to_owned()]);
        let is_read = all.map(|name| (name, setting.field.clone()));
        if !is_read.into_iter().any(|read| reads.fields.contains(&read)) {
            unread.push(setting.path);
        }
    }
    assert_eq!(unread, Vec::<String>::new(), "settings that nobody reads");
}

#[test]
fn a_setting_that_is_only_written_or_passed_over_counts_as_unread() {
    let code = "fn f(config: &mut Config) { config.store = None; let Aws { region: _, .. } = a; \
                let Producer { batch_size, .. } = p; g(config.consumer.worker_id); \
                select! { () = sleep(shared.delivery.watchdog) => {} } }";
    let mut reads = Reads::default();
    reads.visit_file(&syn::parse_file(code).unwrap());
    let read = |base: &str, field: &str| reads.fields.contains(&(base.into(), field.into()));
    assert!(read("Producer", "batch_size") && read("consumer", "worker_id"));
    assert!(read("delivery", "watchdog"));
    assert!(!read("config", "store") && !read("Aws", "region"));
}
