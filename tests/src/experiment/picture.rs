//! Draws the number of leases of each pod over time, with the steps of the timeline, as SVG.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use crate::fleet::{Reading, shares};

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 50.0;
const TOP: f64 = 30.0;

/// Colours that colour-blind readers can distinguish.
const COLOURS: [&str; 5] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"];

/// Draws a line for each pod, and the steps below. `begun` is the start of the timeline.
pub(super) fn draw(readings: &[Reading], told: &[(f64, String)], begun: f64) -> String {
    let seconds = |reading: &Reading| (reading.seen - begun) / 1e3;
    let held: Vec<(f64, BTreeMap<String, usize>)> =
        readings.iter().map(|reading| (seconds(reading), shares(&reading.rows))).collect();
    let pods: BTreeSet<&String> = held.iter().flat_map(|(_, shares)| shares.keys()).collect();
    let most = held.iter().flat_map(|(_, shares)| shares.values()).max().copied().unwrap_or(1);
    let end = held.last().map_or(1.0, |(at, _)| at.max(1.0));
    let x = |at: f64| LEFT + at.max(0.0) / end * (WIDTH - 2.0 * LEFT);
    let y = |leases: usize| TOP + HEIGHT - leases as f64 / most as f64 * HEIGHT;
    let below = TOP + HEIGHT + 40.0 + 18.0 * told.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {below}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n<title>Leases of each pod</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut line = |text: String| svg.extend([&*text, "\n"]);
    for leases in 0..=most {
        let y = y(leases);
        let right = WIDTH - LEFT;
        line(format!(
            "<path d=\"M{LEFT} {y:.1}H{right}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" \
             text-anchor=\"end\">{leases}</text>",
            LEFT - 6.0,
            y + 4.0
        ));
    }
    for (number, pod) in pods.iter().enumerate() {
        let colour = COLOURS[number % COLOURS.len()];
        let mut path = String::new();
        let mut last = None;
        for (at, shares) in &held {
            let leases = shares.get(*pod).copied().unwrap_or(0);
            if last != Some(leases) || *at >= end {
                let start = if last.is_none() { 'M' } else { 'H' };
                let (x, y) = (x(*at), y(leases));
                let to = if last.is_none() { format!(" {y:.1}") } else { format!("V{y:.1}") };
                write!(path, "{start}{x:.1}{to}").unwrap_or_default();
                last = Some(leases);
            }
        }
        line(format!("<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"));
        let right = LEFT + 90.0 * number as f64;
        line(format!("<text x=\"{right}\" y=\"18\" fill=\"{colour}\">{pod}</text>"));
    }
    for (number, (at, what)) in told.iter().enumerate() {
        let (x, y) = (x(*at), TOP + HEIGHT + 30.0 + 18.0 * number as f64);
        line(format!("<path d=\"M{x:.1} {TOP}V{}\" stroke=\"#999\"/>", TOP + HEIGHT));
        line(format!("<text x=\"{LEFT}\" y=\"{y:.0}\">{at:.2} s  {}</text>", escaped(what)));
    }
    svg.push_str("</svg>\n");
    svg
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_without_readings_is_one_all_the_same() {
        let svg = draw(&[], &[(0.5, "3 < 5 pods".to_owned())], 0.0);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("0.50 s  3 &lt; 5 pods"));
    }
}
