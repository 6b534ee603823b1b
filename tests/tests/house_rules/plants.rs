//! A bug that can be planted is named in a small function whose name says the true rule, so that
//! the code that follows the rule reads as if there were no bugs.
//!
//! Such a function is one expression: no statement stands in it, nor in a block of it. It may weigh
//! two or three things, and no more.

use syn::{
    Block, Expr, ImplItemFn, ItemFn, Macro, Stmt, TraitItemFn,
    visit::{self, Visit},
};

use super::{assert_none, files};

/// Expressions in such a function, with those that they consist of.
const EXPRESSIONS_MAX: usize = 24;

/// Where bugs are named in a file.
#[derive(Debug, Default)]
struct Plants {
    /// The function at hand, and whether a bug may be named there.
    inside: Vec<(String, bool)>,
    seen: usize,
    /// Where bugs are named that may not be.
    misplaced: Vec<String>,
}

impl Plants {
    fn of(text: &str) -> Self {
        let mut plants = Self::default();
        plants.visit_file(&syn::parse_file(text).unwrap());
        plants
    }

    fn function(&mut self, name: &syn::Ident, body: Option<&Block>) {
        let Some(body) = body else { return };
        self.inside.push((name.to_string(), is_one_small_expression(body)));
        self.visit_block(body);
        self.inside.pop();
    }
}

impl<'ast> Visit<'ast> for Plants {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.function(&function.sig.ident, Some(&function.block));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.function(&function.sig.ident, Some(&function.block));
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        self.function(&function.sig.ident, function.default.as_ref());
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        let is_plant = called.path.is_ident("planted");
        // What another macro is given has no grammar: no bug may be named there.
        let holds_one = !is_plant && called.tokens.to_string().contains("planted !");
        if is_plant || holds_one {
            self.seen += 1;
            let place = self.inside.last();
            if holds_one || !place.is_some_and(|(_, may)| *may) {
                let name = place.map_or("no function", |(name, _)| name);
                self.misplaced.push(format!("{name}: {}", called.tokens));
            }
        }
    }
}

/// Counts the expressions of a body, and finds statements.
#[derive(Default)]
struct Body {
    expressions: usize,
    has_statements: bool,
}

impl<'ast> Visit<'ast> for Body {
    fn visit_expr(&mut self, expression: &'ast Expr) {
        self.expressions += 1;
        visit::visit_expr(self, expression);
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.has_statements |= !matches!(block.stmts.as_slice(), [Stmt::Expr(_, None)])
            && !matches!(block.stmts.as_slice(), [Stmt::Macro(of)] if of.semi_token.is_none());
        visit::visit_block(self, block);
    }
}

fn is_one_small_expression(body: &Block) -> bool {
    let mut counted = Body::default();
    counted.visit_block(body);
    !counted.has_statements && counted.expressions <= EXPRESSIONS_MAX
}

#[test]
fn bugs_are_planted_in_small_functions_that_name_the_rule() {
    let is_source = |name: &str| name.contains("/src/") && !name.contains("/src/planted/");
    let mut seen = 0;
    let mut found = Vec::new();
    for (name, text) in files(&["rs"]).into_iter().filter(|(name, _)| is_source(name)) {
        if text.contains("planted!(") {
            let plants = Plants::of(&text);
            seen += plants.seen;
            found.extend(plants.misplaced.into_iter().map(|place| format!("{name}: {place}")));
        }
    }
    assert!(seen > 100, "the bugs are not where they are looked for");
    assert_none(&found, "bugs that are planted in the midst of other code");
}

#[test]
fn a_bug_may_stand_in_one_small_expression_alone() {
    let good = [
        "fn rises(a: u8, b: u8) -> bool { b > a || planted!(NoBump) }",
        "impl A { fn is_told() -> bool { !planted!(NotTold) } }",
        "fn at(a: u8) -> u8 { if planted!(Early) { 0 } else { a } }",
        "fn absent() -> bool { planted!(AbsentEnded) }",
    ];
    for text in good {
        let plants = Plants::of(text);
        assert_eq!((plants.seen, plants.misplaced), (1, Vec::new()), "{text}");
    }
    let bad = [
        "fn go() { if planted!(Early) { return; } go_on(); }",
        "fn go() -> u8 { let early = planted!(Early); u8::from(early) }",
        "fn at(a: u8) -> u8 { if planted!(Early) { stop(); 0 } else { a } }",
        "static EARLY: bool = planted!(Early);",
        "fn go() -> bool { matches!(a, Some(_) if planted!(Early)) }",
    ];
    for text in bad {
        assert_eq!(Plants::of(text).misplaced.len(), 1, "{text}");
    }
}
