//! Draws one panel: lanes of faults, an axis of time, and a row for each shard.

use super::{
    super::{
        ink::{hex, hex_on},
        lanes::Lanes,
        picture::{Bar, Picture, Row},
        scale::{Scale, seconds},
    },
    page::{BAD, DARK, GREY, Page, RIGHT, WIDTH, width_of},
};

/// The width of the column with the names of shards.
const LEFT: f64 = 92.0;
/// The height of a lane of faults.
const LANE: f64 = 17.0;
const LANES_MAX: usize = 12;
/// Places on the axis: tenths of a pixel.
const PLACES: usize = 11_580;

/// Draws the span of one picture.
pub(super) struct Panel<'a> {
    page: &'a mut Page,
    picture: &'a Picture,
    scale: Scale,
    /// The height of a row.
    height: f64,
    /// The y coordinates of the rows' upper and lower edge.
    top: f64,
    bottom: f64,
}

impl<'a> Panel<'a> {
    /// A panel for a picture. The more rows it has, the lower they are.
    pub(super) fn new(page: &'a mut Page, picture: &'a Picture) -> Self {
        let scale = Scale::new((picture.from, picture.to), PLACES);
        let height = match picture.rows.len() {
            0..=8 => 26.0,
            9..=30 => 20.0,
            31..=70 => 14.0,
            _ => 8.0,
        };
        Self { page, picture, scale, height, top: 0.0, bottom: 0.0 }
    }

    /// Draws the panel below what the page has.
    pub(super) fn draw(mut self) {
        self.faults();
        self.top = self.page.y + 22.0;
        self.bottom = self.y_of(self.picture.rows.len());
        self.guilty();
        self.axis();
        for (at, row) in self.picture.rows.iter().enumerate() {
            self.row(row, self.y_of(at));
        }
        self.lineage();
        self.fault_lines();
        self.broken();
        self.page.y = self.bottom + 22.0;
    }

    /// The x coordinate of a time.
    fn x(&self, at: u64) -> f64 {
        LEFT + tenths(self.scale.place(at))
    }

    /// The y coordinate of a row's upper edge.
    fn y_of(&self, row: usize) -> f64 {
        self.top + self.height * number(row)
    }

    /// The lanes of faults.
    fn faults(&mut self) {
        let mut lanes = Lanes::new(PLACES, LANES_MAX);
        let mut hidden = 0;
        let top = self.page.y;
        for fault in self.picture.faults_by_weight() {
            let [from, to] = [fault.from, fault.to].map(|at| self.scale.place(at));
            let label = fault.what.chars().count() * 68 + 80;
            let Some(place) = lanes.put((from, to), label) else {
                hidden += 1;
                continue;
            };
            let y = top + LANE * number(place.lane);
            let (x, end) = (LEFT + tenths(from), LEFT + tenths(to));
            let size = ((end - x).max(2.0), LANE - 3.0);
            let style = "fill=\"#9aa3af\" fill-opacity=\"0.4\"";
            let title = format!("{} at {}", fault.what, seconds(fault.from));
            self.page.rect((x, y), size, style, &title);
            let (x, anchor) = if place.flipped { (x - 3.0, "end") } else { (x + 4.0, "start") };
            let style = format!("fill=\"{DARK}\" text-anchor=\"{anchor}\"");
            self.page.text((x, y + 11.0), &style, &fault.what);
        }
        self.page.y = top + LANE * number(lanes.count());
        if hidden > 0 {
            self.page.down(12.0);
            let text = format!("and {hidden} more, each a dotted line");
            self.page.text((LEFT, self.page.y), &format!("fill=\"{GREY}\""), &text);
            self.page.down(4.0);
        }
    }

    /// Marks the rows of the shards that the violation names.
    fn guilty(&mut self) {
        for (at, _) in self.picture.rows.iter().enumerate().filter(|(_, row)| row.guilty) {
            let (at, size) = ((0.0, self.y_of(at)), (WIDTH, self.height));
            self.page.rect(at, size, "fill=\"#fbdcdf\"", "the violation names it");
        }
    }

    /// The axis of time, with its marks above and below the rows.
    fn axis(&mut self) {
        let style = format!("fill=\"{GREY}\" text-anchor=\"middle\"");
        let broken = self.picture.broken.map(|at| self.x(at));
        for at in self.scale.ticks(14) {
            let x = self.x(at);
            let line = "stroke=\"#e1e4e8\" stroke-width=\"1\"";
            self.page.upright(x, (self.top, self.bottom), line);
            // The space left of the violation's flag stays free.
            if broken.is_none_or(|broken| x < broken - 160.0) {
                self.page.text((x, self.top - 6.0), &style, &seconds(at));
            }
            self.page.text((x, self.bottom + 14.0), &style, &seconds(at));
        }
        let style = format!("fill=\"{GREY}\" text-anchor=\"end\"");
        self.page.text((LEFT - 18.0, self.top - 6.0), &style, "shard");
    }

    /// A row: the name of the shard; pale bars for owners, slim bars for readers above them, and
    /// both readers where there are two.
    fn row(&mut self, row: &Row, y: f64) {
        let (fill, weight) = if row.guilty { (BAD, "bold") } else { (DARK, "normal") };
        let size = (self.height - 1.0).min(12.0);
        let style = format!(
            "fill=\"{fill}\" font-weight=\"{weight}\" font-size=\"{size}\" text-anchor=\"end\""
        );
        self.page.text((LEFT - 10.0, y + self.height * 0.5 + size * 0.36), &style, &row.name);
        let whole = (y + 1.5, self.height - 3.0);
        let free = "fill=\"#fde9c8\" stroke=\"#d9a441\" stroke-width=\"0.6\"";
        self.bar((row.from, row.to), whole, free, "nobody holds it");
        for bar in &row.held {
            let style = format!("fill=\"{}\" fill-opacity=\"0.35\"", hex(bar.worker));
            // The colour is translucent: the colour below it must be white.
            self.bar((bar.from, bar.to), whole, "fill=\"#ffffff\"", "");
            self.bar((bar.from, bar.to), whole, &style, &self.says(bar, "holds"));
        }
        let slim = (y + self.height * 0.24, self.height * 0.52);
        for bar in &row.run {
            let style = format!("fill=\"{}\"", hex(bar.worker));
            self.bar((bar.from, bar.to), slim, &style, &self.says(bar, "reads"));
        }
        for (one, two) in &row.overlaps {
            let half = whole.1 * 0.5;
            for (bar, y) in [(one, whole.0), (two, whole.0 + half)] {
                let style = format!("fill=\"{}\"", hex(bar.worker));
                self.bar((bar.from, bar.to), (y, half), &style, "");
            }
            let frame = "fill-opacity=\"0\" stroke=\"#000000\" stroke-width=\"1.6\"";
            self.bar((one.from, one.to), whole, frame, "two read it");
        }
        if self.height > 12.0 {
            row.run.iter().for_each(|bar| self.name(bar, y));
        }
    }

    /// Writes the worker's name into a bar that is wide enough.
    fn name(&mut self, bar: &Bar, y: f64) {
        let Some(worker) = self.picture.workers.get(bar.worker) else { return };
        let name = worker.to_string();
        let (left, right) = (self.x(bar.from.max(self.picture.from)), self.x(bar.to));
        let size = (self.height * 0.45).min(10.0);
        if right - left < width_of(&name, size) + 8.0 {
            return;
        }
        let fill = hex_on(bar.worker);
        let style = format!("fill=\"{fill}\" font-size=\"{size}\" font-weight=\"bold\"");
        self.page.text((left + 4.0, y + self.height * 0.5 + size * 0.36), &style, &name);
    }

    /// The tooltip of a bar.
    fn says(&self, bar: &Bar, does: &str) -> String {
        let worker = self.picture.workers.get(bar.worker);
        let worker = worker.map(ToString::to_string).unwrap_or_default();
        format!("{worker} {does} it, {} to {}", seconds(bar.from), seconds(bar.to))
    }

    /// A bar over the visible part of a span.
    fn bar(&mut self, (from, to): (u64, u64), (y, height): (f64, f64), style: &str, title: &str) {
        if to <= self.picture.from || from >= self.picture.to {
            return;
        }
        let (left, right) = (self.x(from), self.x(to));
        self.page.rect((left, y), ((right - left).max(0.8), height), style, title);
    }

    /// Lines from the end of each parent to the start of its child.
    fn lineage(&mut self) {
        for (at, row) in self.picture.rows.iter().enumerate() {
            let (x, y) = (self.x(row.from), self.y_of(at) + self.height * 0.5);
            for parent in &row.parents {
                let Some(ended) = self.picture.rows.get(*parent).map(|parent| parent.to) else {
                    continue;
                };
                let from = (self.x(ended), self.y_of(*parent) + self.height * 0.5);
                let path = format!("M {:.1} {:.1} H {x:.1} V {y:.1}", from.0, from.1);
                let style = "fill=\"none\" stroke=\"#222222\" stroke-width=\"1.1\"";
                self.page.path(&path, style);
                self.page.ring((x, y), 2.2, "fill=\"#222222\"");
            }
        }
    }

    /// A dotted line across all rows at the start of each fault.
    fn fault_lines(&mut self) {
        for fault in self.picture.faults.iter().filter(|fault| fault.from >= self.picture.from) {
            let style = "stroke=\"#222222\" stroke-width=\"0.8\" stroke-dasharray=\"1.5 3\" \
                         stroke-opacity=\"0.55\"";
            self.page.upright(self.x(fault.from), (self.top - 20.0, self.bottom), style);
        }
    }

    /// A flag at the moment of the violation, and a ring at each shard that it names.
    fn broken(&mut self) {
        let Some(at) = self.picture.broken else { return };
        let x = self.x(at);
        let line = format!("stroke=\"{BAD}\" stroke-width=\"2.5\"");
        self.page.upright(x, (self.top - 4.0, self.bottom + 2.0), &line);
        let text = format!("BROKEN at {}", seconds(at));
        let width = width_of(&text, 12.0) + 14.0;
        let left = (x - width * 0.5).min(WIDTH - RIGHT + 14.0 - width).max(LEFT);
        let flag = format!("fill=\"{BAD}\" rx=\"3\"");
        self.page.rect((left, self.top - 20.0), (width, 17.0), &flag, "");
        let style = "fill=\"#ffffff\" font-weight=\"bold\" font-size=\"12\"";
        let anchored = format!("{style} text-anchor=\"middle\"");
        self.page.text((left + width * 0.5, self.top - 7.5), &anchored, &text);
        for (at, _) in self.picture.rows.iter().enumerate().filter(|(_, row)| row.guilty) {
            let y = self.y_of(at) + self.height * 0.5;
            let ring = format!("fill=\"none\" stroke=\"{BAD}\" stroke-width=\"2.5\"");
            self.page.ring((x, y), (self.height * 0.55).min(11.0), &ring);
        }
    }
}

/// A place on the axis in pixels.
fn tenths(place: usize) -> f64 {
    number(place) / 10.0
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}
