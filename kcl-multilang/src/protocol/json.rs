//! Writes JSON in ASCII only, so that a client reads it correctly in every locale. All other
//! characters are written as `\u` escapes.

use std::io::Write;

/// Appends a text in quotes, with escapes where it needs them.
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    // Partition keys and sequence numbers mostly need no escapes.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        out.extend_from_slice(text.as_bytes());
    } else {
        text.chars().for_each(|character| one(out, character));
    }
    out.push(b'"');
}

/// Appends one character, with an escape if it needs one.
fn one(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        ' '..='~' => out.push(u8::try_from(character).unwrap_or(b'?')),
        _ => escape(out, character),
    }
}

/// Appends a text in quotes, or `null`.
pub(super) fn optional(out: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(value) => text(out, value),
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends a number.
pub(super) fn number(out: &mut Vec<u8>, number: impl std::fmt::Display) {
    // A write to a vector cannot fail.
    let _ = write!(out, "{number}");
}

/// Appends a character as one or two units of UTF-16, as JSON demands.
fn escape(out: &mut Vec<u8>, character: char) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let digit = |unit: u16, shift: u32| DIGITS[usize::from(unit >> shift & 0xf)];
    for unit in character.encode_utf16(&mut [0; 2]) {
        let digits = [12, 8, 4, 0].map(|shift| digit(*unit, shift));
        out.extend_from_slice(b"\\u");
        out.extend_from_slice(&digits);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_ascii_and_reads_back(wanted in any::<String>()) {
            let mut out = Vec::new();
            text(&mut out, &wanted);
            prop_assert!(out.iter().all(|byte| matches!(byte, b' '..=b'~')));
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), wanted);
        }
    }
}
