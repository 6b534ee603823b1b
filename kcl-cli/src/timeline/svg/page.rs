//! Writes the shapes and texts of an SVG page, from top to bottom.

use std::fmt::Write;

/// Sizes in pixels.
pub(super) const WIDTH: f64 = 1_280.0;
pub(super) const RIGHT: f64 = 30.0;

/// Red: for violations only.
pub(super) const BAD: &str = "#c8102e";
pub(super) const GOOD: &str = "#1b7a3d";
pub(super) const DARK: &str = "#222222";
pub(super) const GREY: &str = "#6b7280";

/// A page that is written from top to bottom.
#[derive(Debug)]
pub(super) struct Page {
    /// The elements that are written.
    out: String,
    /// The y coordinate below everything that is drawn.
    pub(super) y: f64,
}

impl Page {
    pub(super) const fn new() -> Self {
        Self { out: String::new(), y: 0.0 }
    }

    /// Moves `y` down.
    pub(super) fn down(&mut self, by: f64) {
        self.y += by;
    }

    /// A text whose baseline begins at a point.
    pub(super) fn text(&mut self, (x, y): (f64, f64), style: &str, text: &str) {
        let text = escaped(text);
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{text}</text>");
    }

    /// A rectangle with a tooltip.
    pub(super) fn rect(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        style: &str,
        title: &str,
    ) {
        let _ = write!(
            self.out,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" {style}"
        );
        if title.is_empty() {
            self.out.push_str("/>\n");
        } else {
            let _ = writeln!(self.out, "><title>{}</title></rect>", escaped(title));
        }
    }

    pub(super) fn path(&mut self, path: &str, style: &str) {
        let _ = writeln!(self.out, "<path d=\"{path}\" {style}/>");
    }

    /// A vertical line.
    pub(super) fn upright(&mut self, x: f64, (from, to): (f64, f64), style: &str) {
        self.path(&format!("M {x:.1} {from:.1} V {to:.1}"), style);
    }

    pub(super) fn ring(&mut self, (x, y): (f64, f64), radius: f64, style: &str) {
        let _ = writeln!(self.out, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" {style}/>");
    }

    /// The text of the file. It has a light background, because it may be shown on dark pages.
    pub(super) fn finish(self) -> String {
        let height = self.y + 16.0;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {WIDTH} {height:.0}\" \
             font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\" font-size=\"11\">\n\
             <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"#ffffff\"/>\n{}</svg>\n",
            self.out
        )
    }
}

/// An upper estimate of the width of a text in this font size.
pub(super) fn width_of(text: &str, size: f64) -> f64 {
    let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    f64::from(characters) * size * 0.62
}

/// The text with the special characters of XML escaped.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
