//! Finds the arrows in a source, and puts a switch around each.

use std::{fmt, path::Path};

use proc_macro2::{LineColumn, Span};
use syn::{
    Arm, Attribute, BinOp, Block, Expr, ImplItemFn, ItemFn, ItemMod, ReturnType, Signature, Stmt,
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
    pub part: String,
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
pub(crate) fn cut(text: &str, file: &Path, part: &str, cuts: &mut Vec<Cut>) -> String {
    let parsed = syn::parse_file(text).expect("a source that compiles");
    let mut arrows =
        Arrows { lines: line_starts(text), text, edits: Vec::new(), found: Vec::new() };
    arrows.visit_file(&parsed);
    for found in &mut arrows.found {
        found.cut.file = file.display().to_string();
        part.clone_into(&mut found.cut.part);
    }
    for (number, mut found) in (cuts.len()..).zip(arrows.found) {
        found.cut.number = u32::try_from(number).expect("few arrows");
        let open = format!("if !crate::arrow_is_cut({number}) {{ ");
        arrows.edits.push((found.start, 0, open));
        arrows.edits.push((found.end, 0, " }".to_owned()));
        cuts.push(found.cut);
    }
    apply(text, arrows.edits)
}

/// Carries edits out, the last first.
fn apply(text: &str, mut edits: Vec<(usize, usize, String)>) -> String {
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.0));
    let mut text = text.to_owned();
    for (at, length, put) in edits {
        text.replace_range(at..at + length, &put);
    }
    text
}

struct Found {
    start: usize,
    end: usize,
    cut: Cut,
}

struct Arrows<'a> {
    text: &'a str,
    lines: Vec<usize>,
    /// Where, how many bytes are taken out, what is put in.
    edits: Vec<(usize, usize, String)>,
    found: Vec<Found>,
}

impl Arrows<'_> {
    fn offset(&self, at: LineColumn) -> usize {
        let line = &self.text[self.lines[at.line - 1]..];
        let column: usize = line.chars().take(at.column).map(char::len_utf8).sum();
        self.lines[at.line - 1] + column
    }

    fn function(&mut self, signature: &Signature, body: &Block) {
        let before = self.found.len();
        self.block(body, matches!(signature.output, ReturnType::Default));
        for found in &mut self.found[before..] {
            found.cut.function = signature.ident.to_string();
        }
        // The switch is read at run time.
        if let Some(constness) = signature.constness.as_ref().filter(|_| self.found.len() > before)
        {
            let start = self.offset(constness.span().start());
            self.edits.push((start, "const".len(), String::new()));
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
            Expr::Match(of) => of.arms.iter().for_each(|arm| self.arm(arm, is_unit)),
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

    fn arm(&mut self, arm: &Arm, is_unit: bool) {
        self.expression(&arm.body, arm.body.span(), is_unit);
    }

    fn arrow(&mut self, expression: &Expr, whole: Span) {
        let (start, end) = (self.offset(whole.start()), self.offset(whole.end()));
        let text: Vec<&str> = self.text[start..end].split_whitespace().collect();
        let cut = Cut {
            number: 0,
            part: String::new(),
            file: String::new(),
            line: expression.span().start().line,
            function: String::new(),
            text: text.join(" "),
        };
        self.found.push(Found { start, end, cut });
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

fn line_starts(text: &str) -> Vec<usize> {
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
    [0].into_iter().chain(breaks).collect()
}
