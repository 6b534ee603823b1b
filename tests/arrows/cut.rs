//! Finds the arrows in a source, and puts a switch around each.

use std::{fmt, ops::Range, path::Path};

use proc_macro2::Span;
use syn::{
    Attribute, BinOp, Block, Expr, ImplItemFn, ItemFn, ItemMod, ReturnType, Signature, Stmt,
    spanned::Spanned,
    visit::{self, Visit},
};

/// What the copy of the crate has besides its own: which arrow is removed, from the environment.
pub(crate) const SWITCH: &str = r#"
/// Whether this arrow is removed.
pub(crate) fn arrow_is_cut(number: u32) -> bool {
    use std::sync::LazyLock;
    static CUT: LazyLock<Option<u32>> =
        LazyLock::new(|| std::env::var("KCL_CUT_ARROW").ok()?.parse().ok());
    *CUT == Some(number)
}
"#;

/// One arrow.
#[derive(Debug)]
pub(crate) struct Cut {
    pub number: u32,
    pub part: &'static str,
    /// From `coordinator/` on.
    pub file: String,
    pub line: usize,
    pub function: String,
    /// The statement in one line.
    pub text: String,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{} {}: {}", self.file, self.line, self.function, self.text)
    }
}

/// Puts a switch around each arrow of a source, and adds it to the list.
pub(crate) fn cut(text: &str, file: &Path, part: &'static str, cuts: &mut Vec<Cut>) -> String {
    let parsed = syn::parse_file(text).expect("a source that compiles");
    let file = file.display().to_string();
    let mut arrows = Arrows { text, file, part, function: String::new(), cuts, edits: Vec::new() };
    arrows.visit_file(&parsed);
    apply(text, arrows.edits)
}

/// What is put in the place of what.
type Edit = (Range<usize>, String);

/// Carries edits out, the last first.
fn apply(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(place, _)| std::cmp::Reverse(place.start));
    let mut text = text.to_owned();
    for (place, put) in edits {
        text.replace_range(place, &put);
    }
    text
}

struct Arrows<'a> {
    text: &'a str,
    file: String,
    part: &'static str,
    /// The function at hand.
    function: String,
    cuts: &'a mut Vec<Cut>,
    edits: Vec<Edit>,
}

impl Arrows<'_> {
    fn function(&mut self, signature: &Signature, body: &Block) {
        let before = self.cuts.len();
        self.function = signature.ident.to_string();
        self.block(body, matches!(signature.output, ReturnType::Default));
        // The switch is read at run time.
        if let Some(constness) = signature.constness.as_ref().filter(|_| self.cuts.len() > before) {
            self.edits.push((constness.span().byte_range(), String::new()));
        }
    }

    /// A block whose value is (), if `is_unit`.
    fn block(&mut self, block: &Block, is_unit: bool) {
        let last = block.stmts.len().saturating_sub(1);
        for (place, statement) in block.stmts.iter().enumerate() {
            let Stmt::Expr(expression, semicolon) = statement else { continue };
            // What stands before a return may have moved what stands after it.
            if !matches!(expression, Expr::Return(_)) || block.stmts.len() == 1 {
                let is_unit = is_unit || semicolon.is_some() || place != last;
                self.expression(expression, statement.span(), is_unit);
            }
        }
    }

    /// An expression whose value nobody needs, if `is_unit`; it is an arrow, or has some inside.
    fn expression(&mut self, expression: &Expr, whole: Span, is_unit: bool) {
        match expression {
            Expr::If(of) => {
                self.block(&of.then_branch, is_unit);
                if let Some((_, other)) = &of.else_branch {
                    self.expression(other, other.span(), is_unit);
                }
            }
            Expr::Match(of) => {
                for arm in &of.arms {
                    self.expression(&arm.body, arm.body.span(), is_unit);
                }
            }
            Expr::Block(of) => self.block(&of.block, is_unit),
            Expr::ForLoop(of) => self.block(&of.body, true),
            Expr::While(of) => self.block(&of.body, true),
            Expr::Loop(of) => self.block(&of.body, true),
            Expr::Assign(_) | Expr::Call(_) | Expr::MethodCall(_) | Expr::Return(_) if is_unit => {
                self.arrow(expression, whole);
            }
            Expr::Binary(of) if is_unit && is_assignment(&of.op) => self.arrow(expression, whole),
            _ => {}
        }
    }

    fn arrow(&mut self, expression: &Expr, whole: Span) {
        let place = whole.byte_range();
        let number = u32::try_from(self.cuts.len()).expect("few arrows");
        let text: Vec<&str> = self.text[place.clone()].split_whitespace().collect();
        self.cuts.push(Cut {
            number,
            part: self.part,
            file: self.file.clone(),
            line: expression.span().start().line,
            function: self.function.clone(),
            text: text.join(" "),
        });
        let open = format!("if !crate::arrow_is_cut({number}) {{ ");
        self.edits.push((place.start..place.start, open));
        self.edits.push((place.end..place.end, " }".to_owned()));
    }
}

impl<'ast> Visit<'ast> for Arrows<'_> {
    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        if !is_for_tests(&function.attrs) {
            self.function(&function.sig, &function.block);
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            self.function(&function.sig, &function.block);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_for_tests(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|what| what == "test")
    })
}

const fn is_assignment(operator: &BinOp) -> bool {
    matches!(
        operator,
        BinOp::AddAssign(_) | BinOp::SubAssign(_) | BinOp::BitOrAssign(_) | BinOp::BitAndAssign(_)
    )
}
