//! Draws a picture as SVG. `page` writes shapes and text from top to bottom; `panel` draws the
//! faults, the axis and the rows; this module adds the headline and the legend. The file needs no
//! script and no font of its own.

mod page;
mod panel;

use self::{
    page::{BAD, DARK, GOOD, GREY, Page, RIGHT, WIDTH, width_of},
    panel::Panel,
};
use super::{ink::hex, picture::Picture};

/// The text of the file: the headline, the whole run, and a close-up of its end if an invariant
/// broke.
pub(crate) fn draw(picture: &Picture, headline: &[String]) -> String {
    let mut page = Page::new();
    head(&mut page, headline, picture.broken.is_some());
    workers(&mut page, picture);
    signs(&mut page, picture);
    Panel::new(&mut page, picture).draw();
    if let Some(close_up) = picture.close_up() {
        page.down(22.0);
        let style = format!("font-size=\"14\" font-weight=\"bold\" fill=\"{DARK}\"");
        page.text((16.0, page.y), &style, &close_up.caption());
        page.down(18.0);
        Panel::new(&mut page, &close_up).draw();
    }
    page.finish()
}

/// The headline: the verdict in large letters, and details below.
fn head(page: &mut Page, lines: &[String], is_broken: bool) {
    page.down(34.0);
    let fill = if is_broken { BAD } else { GOOD };
    for (number, line) in lines.iter().enumerate() {
        let (size, style) = match number {
            0 => (20.0, format!("font-weight=\"bold\" fill=\"{fill}\"")),
            1 if is_broken => (14.0, format!("font-weight=\"bold\" fill=\"{DARK}\"")),
            _ => (12.0, format!("fill=\"{GREY}\"")),
        };
        for line in wrapped(line, size) {
            page.text((16.0, page.y), &format!("font-size=\"{size}\" {style}"), &line);
            page.down(size + 6.0);
        }
    }
    page.down(4.0);
}

/// The legend of the workers' colours.
fn workers(page: &mut Page, picture: &Picture) {
    let mut x = 16.0;
    for (at, worker) in picture.seen() {
        let name = worker.to_string();
        let width = 32.0 + width_of(&name, 11.0);
        if x + width > WIDTH - RIGHT {
            x = 16.0;
            page.down(17.0);
        }
        page.rect((x, page.y - 10.0), (12.0, 12.0), &format!("fill=\"{}\" rx=\"2\"", hex(at)), "");
        page.text((x + 17.0, page.y), &format!("fill=\"{DARK}\""), &name);
        x += width;
    }
    page.down(20.0);
}

/// The legend of the signs.
fn signs(page: &mut Page, picture: &Picture) {
    let bar = "fill=\"#6b7280\"";
    let pale = "fill=\"#6b7280\" fill-opacity=\"0.35\"";
    let free = "fill=\"#fde9c8\" stroke=\"#d9a441\" stroke-width=\"0.6\"";
    let (one, two) = ("fill=\"#6b7280\"", "fill=\"#b9bec7\"");
    let frame = "fill=\"none\" stroke=\"#000000\" stroke-width=\"1.6\"";
    let mut x = 16.0;
    let mut entry = |page: &mut Page, boxes: &[(f64, f64, &str)], text: &str| {
        for (top, height, style) in boxes {
            page.rect((x, page.y - 11.0 + top), (24.0, *height), style, "");
        }
        page.text((x + 30.0, page.y), &format!("fill=\"{GREY}\""), text);
        x += 46.0 + width_of(text, 11.0);
    };
    entry(page, &[(0.0, 14.0, pale), (3.5, 7.0, bar)], "holds and reads");
    if picture.rows.iter().any(|row| row.held != row.run) {
        entry(page, &[(0.0, 14.0, pale)], "holds, does not read");
        entry(page, &[(3.5, 7.0, bar)], "reads, does not hold");
    }
    entry(page, &[(0.0, 14.0, free)], "nobody holds it");
    entry(page, &[(0.0, 7.0, one), (7.0, 7.0, two), (0.0, 14.0, frame)], "two read it");
    if picture.rows.iter().any(|row| !row.parents.is_empty()) {
        entry(page, &[(6.0, 1.4, "fill=\"#222222\"")], "split or merge");
    }
    if picture.rows.iter().any(|row| row.name.ends_with('\'')) {
        entry(page, &[], "0' is of the stream made again");
    }
    page.down(14.0);
}

/// A text in lines that fit the page, broken between words.
fn wrapped(text: &str, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let fits = |line: &&mut String| width_of(line, size) + width_of(word, size) < WIDTH - 60.0;
        match lines.last_mut().filter(fits) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}
