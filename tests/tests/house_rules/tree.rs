//! The files of a crate as a tree of modules: which file imports which, and the circles.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::imports::{Imports, Named, Parts};

/// How many re-exports are followed to the file that defines a name.
const REEXPORTS_MAX: usize = 16;

/// The files of a crate.
#[derive(Debug, Default)]
pub(super) struct Tree {
    files: BTreeMap<Parts, File>,
}

#[derive(Debug)]
struct File {
    name: String,
    imports: Imports,
}

/// Which file imports which, and by what path.
type Edges<'a> = BTreeMap<&'a Parts, BTreeMap<&'a Parts, String>>;

/// Files each of which imports every other, directly or round about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Circle {
    pub(super) files: Vec<String>,
    /// A file, one that it imports, and a path by which it does.
    edges: Vec<[String; 3]>,
}

impl Tree {
    /// The tree of a crate whose sources are these, each named by its path.
    ///
    /// # Errors
    /// The first file that is no Rust, by its name.
    pub(super) fn new(source: &str, files: &[(String, String)]) -> Result<Self, String> {
        let mut tree = Self::default();
        for (name, text) in files {
            let below = name.strip_prefix(source).unwrap_or(name).trim_start_matches('/');
            let imports = Imports::of(text).map_err(|error| format!("{name}: {error}"))?;
            // The library comes first; nobody can import a binary beside it.
            let file = File { name: name.clone(), imports };
            tree.files.entry(module(below)).or_insert(file);
        }
        tree.leave_tests();
        Ok(tree)
    }

    fn leave_tests(&mut self) {
        let below = |(module, file): (&Parts, &File)| {
            let of_file = |below: &Parts| [module.as_slice(), below].concat();
            file.imports.test_modules.iter().map(of_file).collect::<Vec<_>>()
        };
        let tests: Vec<Parts> = self.files.iter().flat_map(below).collect();
        self.files.retain(|module, _| !tests.iter().any(|test| module.starts_with(test)));
    }

    /// The circles, the first file's first.
    pub(super) fn circles(&self) -> Vec<Circle> {
        let edges = self.edges();
        let reached: BTreeMap<&Parts, BTreeSet<&Parts>> =
            self.files.keys().map(|file| (file, reached(&edges, file))).collect();
        let mut circles: Vec<Circle> = Vec::new();
        let mut seen: BTreeSet<&Parts> = BTreeSet::new();
        for (file, _) in reached.iter().filter(|(file, reached)| reached.contains(*file)) {
            if seen.contains(file) {
                continue;
            }
            let is_with = |other: &&&Parts| reached[**other].contains(file);
            let members: BTreeSet<&Parts> = reached[file].iter().filter(is_with).copied().collect();
            circles.push(self.circle(&members, &edges));
            seen.extend(members);
        }
        circles
    }

    fn circle(&self, members: &BTreeSet<&Parts>, edges: &Edges<'_>) -> Circle {
        let name = |file: &Parts| self.files[file].name.clone();
        let inner = members.iter().flat_map(|from| {
            let inner = edges[*from].iter().filter(|(to, _)| members.contains(**to));
            inner.map(|(to, by)| [name(from), name(to), by.clone()])
        });
        Circle { files: members.iter().map(|file| name(file)).collect(), edges: inner.collect() }
    }

    fn edges(&self) -> Edges<'_> {
        let mut edges = Edges::new();
        for (module, file) in &self.files {
            let from = edges.entry(module).or_default();
            for named in &file.imports.paths {
                let Some((to, _)) = self.target(module, named, 0) else { continue };
                if to != module {
                    from.entry(to).or_insert_with(|| named.path.join("::"));
                }
            }
        }
        edges
    }

    /// The file that a path leads to, if it stays in the crate, and whether it is all of that file:
    /// otherwise it is something in it.
    fn target(&self, from: &Parts, named: &Named, reexports: usize) -> Option<(&Parts, bool)> {
        let mut at = [from.as_slice(), &named.inside].concat();
        let mut rest = named.path.as_slice();
        match rest.first()?.as_str() {
            "crate" => (at, rest) = (Vec::new(), &rest[1..]),
            "self" if rest.len() > 1 => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|part| part == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
            }
            _ if self.is_of(from, named) => {}
            _ => return None,
        }
        let mut at = self.owner(&at)?;
        for part in rest {
            if let Some(child) = self.child(at, part) {
                at = child;
                continue;
            }
            let exports = &self.files[at].imports.exports;
            let export = exports.iter().find(|export| export.name == *part);
            let Some(export) = export.filter(|_| reexports < REEXPORTS_MAX) else {
                return Some((at, false));
            };
            let further = Named { inside: Vec::new(), path: export.path.clone() };
            match self.target(at, &further, reexports + 1) {
                Some((module, true)) => at = module,
                Some((module, false)) => return Some((module, false)),
                // Of another crate, handed on here.
                None => return Some((at, false)),
            }
        }
        Some((at, true))
    }

    /// Whether a path begins with a name of the file it stands in: that of a module below it, or
    /// one that it hands on.
    fn is_of(&self, file: &Parts, named: &Named) -> bool {
        let (Some(first), true) = (named.path.first(), named.inside.is_empty()) else {
            return false;
        };
        if named.path.len() > 1 && self.child(file, first).is_some() {
            return true;
        }
        self.files[file].imports.exports.iter().any(|export| export.name == *first)
    }

    fn child(&self, file: &Parts, name: &str) -> Option<&Parts> {
        let child = [file.as_slice(), &[name.to_owned()]].concat();
        self.files.get_key_value(&child).map(|(child, _)| child)
    }

    /// The file that holds a module, which may be one inside it.
    fn owner(&self, module: &[String]) -> Option<&Parts> {
        let lengths = (0..=module.len()).rev();
        let files = lengths.map(|length| self.files.get_key_value(&module[..length]));
        files.flatten().map(|(file, _)| file).next()
    }
}

/// The module that a file is, by its path below the crate's sources.
fn module(path: &str) -> Parts {
    let mut parts: Parts = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str())) {
        parts.pop();
    }
    parts
}

/// What a file imports, directly or round about: itself only if it is in a circle.
fn reached<'a>(edges: &Edges<'a>, file: &'a Parts) -> BTreeSet<&'a Parts> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(at) = open.pop() {
        for next in edges[at].keys() {
            if reached.insert(*next) {
                open.push(next);
            }
        }
    }
    reached
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a circle of {} files", self.files.len())?;
        for [from, to, by] in &self.edges {
            write!(f, "\n    {from} imports {to} ({by})")?;
        }
        Ok(())
    }
}
