//! What one file imports: its `use` paths, and the paths that stand in its code.

use syn::{
    Attribute, ImplItem, Item, ItemMod, ItemUse, Macro, Meta, MetaList, Token, UseTree, Visibility,
    buffer::{Cursor, TokenBuffer},
    punctuated::Punctuated,
    visit::{self, Visit},
};

/// A path, part by part, like `super`, `config`, `Config`.
pub(super) type Parts = Vec<String>;

/// A path that a file names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Named {
    /// The modules inside the file that it stands in; mostly none.
    pub(super) inside: Parts,
    pub(super) path: Parts,
}

/// A name that a file hands on: `pub use`, for however many.
#[derive(Clone, Debug)]
pub(super) struct Export {
    pub(super) name: String,
    pub(super) path: Parts,
}

/// What one file imports and hands on, outside tests.
#[derive(Clone, Debug, Default)]
pub(super) struct Imports {
    pub(super) paths: Vec<Named>,
    pub(super) exports: Vec<Export>,
    /// Modules with a file of their own that are there for tests alone.
    pub(super) test_modules: Vec<Parts>,
    inside: Parts,
}

impl Imports {
    /// What this text imports.
    ///
    /// # Errors
    /// It is no Rust.
    pub(super) fn of(text: &str) -> syn::Result<Self> {
        let file = syn::parse_file(text)?;
        let mut imports = Self::default();
        if !is_for_tests(&file.attrs) {
            imports.visit_file(&file);
        }
        Ok(imports)
    }

    fn name(&mut self, path: Parts) {
        self.paths.push(Named { inside: self.inside.clone(), path });
    }

    /// Finds the paths in what a macro or an attribute is given, which has no grammar.
    fn scan(&mut self, mut at: Cursor<'_>) {
        let mut path: Parts = Vec::new();
        // How many of `::` were seen since the last part, and whether a field or method comes.
        let (mut colons, mut is_member) = (0, false);
        while !at.eof() {
            if let Some((inner, _, _, rest)) = at.any_group() {
                // What stands after `pub` says who sees it, and imports nothing.
                let is_visibility = path == ["pub"];
                self.end(&mut path);
                if !is_visibility {
                    self.scan(inner);
                }
                (at, colons, is_member) = (rest, 0, false);
            } else if let Some((ident, rest)) = at.ident() {
                if colons != 2 {
                    self.end(&mut path);
                }
                if !is_member {
                    path.push(ident.to_string());
                }
                (at, colons, is_member) = (rest, 0, false);
            } else if let Some((punct, rest)) = at.punct() {
                match punct.as_char() {
                    ':' => colons += 1,
                    other => {
                        self.end(&mut path);
                        (colons, is_member) = (0, other == '.');
                    }
                }
                at = rest;
            } else {
                self.end(&mut path);
                let Some((_, rest)) = at.token_tree() else { return };
                (at, colons, is_member) = (rest, 0, false);
            }
        }
        self.end(&mut path);
    }

    fn end(&mut self, path: &mut Parts) {
        if !path.is_empty() {
            self.name(std::mem::take(path));
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item(&mut self, item: &'ast Item) {
        if let Item::Mod(module) = item
            && module.content.is_none()
            && is_for_tests(&module.attrs)
        {
            let below = [self.inside.clone(), vec![module.ident.to_string()]].concat();
            self.test_modules.push(below);
        } else if !is_for_tests(attributes(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        match item {
            ImplItem::Fn(function) if is_for_tests(&function.attrs) => {}
            _ => visit::visit_impl_item(self, item),
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.inside.push(module.ident.to_string());
        visit::visit_item_mod(self, module);
        self.inside.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_some() {
            return;
        }
        for (name, path) in flat(&item.tree, &[]) {
            match (&item.vis, name) {
                (Visibility::Inherited, _) | (_, None) => self.name(path),
                (_, Some(name)) => self.exports.push(Export { name, path }),
            }
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.leading_colon.is_none() {
            self.name(path.segments.iter().map(|part| part.ident.to_string()).collect());
        }
        // Types in angle brackets are paths, too.
        visit::visit_path(self, path);
    }

    /// `pub(in path)` says who may look, and imports nothing.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}

    fn visit_macro(&mut self, call: &'ast Macro) {
        self.visit_path(&call.path);
        self.scan(TokenBuffer::new2(call.tokens.clone()).begin());
    }

    fn visit_meta_list(&mut self, list: &'ast MetaList) {
        self.scan(TokenBuffer::new2(list.tokens.clone()).begin());
    }
}

/// The paths of a `use`, each with the name that it gives; a glob gives none.
fn flat(tree: &UseTree, before: &[String]) -> Vec<(Option<String>, Parts)> {
    let with = |part: &syn::Ident| [before, &[part.to_string()]].concat();
    match tree {
        UseTree::Path(path) => flat(&path.tree, &with(&path.ident)),
        // `a::{self}` is `a`.
        UseTree::Name(name) if name.ident == "self" && !before.is_empty() => {
            vec![(before.last().cloned(), before.to_vec())]
        }
        UseTree::Name(name) => vec![(Some(name.ident.to_string()), with(&name.ident))],
        UseTree::Rename(name) if name.ident == "self" && !before.is_empty() => {
            vec![(Some(name.rename.to_string()), before.to_vec())]
        }
        UseTree::Rename(name) => vec![(Some(name.rename.to_string()), with(&name.ident))],
        UseTree::Glob(_) => vec![(None, before.to_vec())],
        UseTree::Group(group) => group.items.iter().flat_map(|tree| flat(tree, before)).collect(),
    }
}

/// Whether something is there for tests alone.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    let cfgs = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    cfgs.filter_map(|cfg| cfg.parse_args::<Meta>().ok()).any(|cfg| needs_test(&cfg))
}

fn needs_test(cfg: &Meta) -> bool {
    let Meta::List(list) = cfg else { return cfg.path().is_ident("test") };
    let Ok(parts) = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated) else {
        return false;
    };
    match list.path.get_ident().map(ToString::to_string).as_deref() {
        Some("all") => parts.iter().any(needs_test),
        Some("any") => parts.iter().all(needs_test),
        _ => false,
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
