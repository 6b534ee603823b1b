//! The little YAML that rule files are made of.

use std::fmt::Write;

/// A text in quotes: every string of JSON is one of YAML.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// `key: |-` and the lines of a text below it, at this depth.
pub(super) fn block(to: &mut String, depth: usize, key: &str, text: &str) {
    let space = " ".repeat(depth);
    writeln!(to, "{space}{key}: |-").unwrap();
    for line in text.lines() {
        writeln!(to, "{space}  {line}").unwrap();
    }
}

/// `input_series` of a test of rules: name with labels, and values a minute apart.
pub(super) fn series(to: &mut String, series: &[(&str, &str)]) {
    to.push_str("    input_series:\n");
    for (name, values) in series {
        let (name, values) = (quoted(name), quoted(values));
        writeln!(to, "      - {{series: {name}, values: {values}}}").unwrap();
    }
}

/// A query of a test of rules, and the one number that it has to give; `None`: nothing.
pub(super) fn query(to: &mut String, at: &str, expression: &str, number: Option<f64>) {
    writeln!(to, "      - eval_time: {at}").unwrap();
    block(to, 8, "expr", expression);
    match number {
        Some(number) => {
            writeln!(to, "        exp_samples: [{{labels: \"{{}}\", value: {number}}}]").unwrap();
        }
        None => to.push_str("        exp_samples: []\n"),
    }
}
