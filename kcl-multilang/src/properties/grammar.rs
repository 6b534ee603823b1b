//! Reads the file format of `java.util.Properties`: keys and values in Latin-1, comments,
//! continued lines, escapes.
//!
//! A natural line is one line of the file. A logical line is a natural line with those that
//! continue it: each but the last ends with an odd number of backslashes.

/// A key and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// The key, without escapes.
    pub key: String,
    /// The value, without escapes; blanks at its end are kept, as in Java.
    pub value: String,
    /// The number of the line that the property begins on, from 1.
    pub line: usize,
}

/// The file is malformed. The only possible error is a `\u` without four hexadecimal digits, or
/// with half of a surrogate pair.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "line {line}: \\u wants four hexadecimal digits behind it, like \\u00e9; write \\\\u for \
     a \\ and a u"
)]
#[non_exhaustive]
pub struct InvalidProperties {
    /// The number of the line that the property begins on, from 1.
    pub line: usize,
}

/// Reads the properties of a file, in its order. If a key occurs twice, the last one counts, as in
/// Java.
///
/// # Errors
/// A `\u` escape is malformed.
pub fn parse(bytes: &[u8]) -> Result<Vec<Property>, InvalidProperties> {
    // A byte of Latin-1 is the character with the same number.
    let text: Vec<char> = bytes.iter().map(|byte| char::from(*byte)).collect();
    let mut found: Vec<Property> = Vec::new();
    for (line, characters) in logical_lines(&text) {
        let (key, value) = cut(&characters);
        let (key, value) = (unescape(key, line)?, unescape(value, line)?);
        found.retain(|earlier| earlier.key != key);
        found.push(Property { key, value, line });
    }
    Ok(found)
}

/// Whether Java counts the character as a blank: also a form feed, but no line end.
fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\u{c}')
}

/// The logical lines, without comments and blank lines, each with the number of its first natural
/// line.
fn logical_lines(text: &[char]) -> Vec<(usize, Vec<char>)> {
    let mut lines = Vec::new();
    let mut open: Option<(usize, Vec<char>)> = None;
    for (number, line) in natural_lines(text) {
        let begin = line.iter().position(|it| !is_blank(*it)).unwrap_or(line.len());
        let line = line.get(begin..).unwrap_or_default();
        if open.is_none() && matches!(line.first(), None | Some('#' | '!')) {
            continue;
        }
        let slashes = line.iter().rev().take_while(|it| **it == '\\').count();
        let goes_on = slashes % 2 == 1;
        let kept = line.get(..line.len() - usize::from(goes_on)).unwrap_or_default();
        open.get_or_insert_with(|| (number, Vec::new())).1.extend(kept);
        if !goes_on {
            lines.extend(open.take());
        }
    }
    lines.extend(open);
    lines
}

/// The natural lines with their numbers. A line ends with a line feed, a carriage return, or both.
fn natural_lines(text: &[char]) -> impl Iterator<Item = (usize, &[char])> {
    let mut rest = Some(text);
    let lines = std::iter::from_fn(move || {
        let all = rest?;
        let Some(end) = all.iter().position(|it| matches!(it, '\n' | '\r')) else {
            rest = None;
            return Some(all);
        };
        let both = all.get(end..end + 2) == Some(&['\r', '\n']);
        rest = all.get(end + 1 + usize::from(both)..);
        all.get(..end)
    });
    (1..).zip(lines)
}

/// Splits a logical line into key and value. The key ends at the first blank, `=` or `:` without a
/// backslash before it. Blanks, and at most one `=` or `:`, separate key and value.
fn cut(line: &[char]) -> (&[char], &[char]) {
    let mut escaped = false;
    let ends = |it: &char| {
        let ends = !escaped && (is_blank(*it) || matches!(it, '=' | ':'));
        escaped = *it == '\\' && !escaped;
        ends
    };
    let end = line.iter().position(ends).unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    let rest = skip_blanks(rest);
    let rest = match rest {
        ['=' | ':', rest @ ..] => skip_blanks(rest),
        rest => rest,
    };
    (key, rest)
}

fn skip_blanks(text: &[char]) -> &[char] {
    let begin = text.iter().position(|it| !is_blank(*it)).unwrap_or(text.len());
    text.get(begin..).unwrap_or_default()
}

/// Replaces the escapes of a key or a value. A backslash before any other character is dropped.
fn unescape(text: &[char], line: usize) -> Result<String, InvalidProperties> {
    // A `\u` escape is a unit of UTF-16: a character may need two of them.
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        let mut character = *first;
        if character == '\\' {
            let [escaped, after @ ..] = rest else { break };
            rest = after;
            character = match escaped {
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                'f' => '\u{c}',
                'u' => {
                    units.push(unit(rest).ok_or(InvalidProperties { line })?);
                    rest = rest.get(4..).unwrap_or_default();
                    continue;
                }
                other => *other,
            };
        }
        units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
    }
    String::from_utf16(&units).map_err(|_| InvalidProperties { line })
}

/// The number in the first four characters, in hexadecimal.
fn unit(text: &[char]) -> Option<u16> {
    let digits: String = text.get(..4)?.iter().collect();
    let plain = digits.chars().all(|it| it.is_ascii_hexdigit());
    if plain { u16::from_str_radix(&digits, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Vec<(String, String)> {
        let bytes: Vec<u8> = text.chars().map(|it| u8::try_from(it).unwrap()).collect();
        let read = parse(&bytes).unwrap();
        read.into_iter().map(|property| (property.key, property.value)).collect()
    }

    fn one(text: &str) -> (String, String) {
        let mut all = read(text);
        assert_eq!(all.len(), 1, "{text:?}: {all:?}");
        all.remove(0)
    }

    #[test]
    fn keys_and_values_are_cut_as_java_does() {
        for (text, key, value) in [
            ("a=b", "a", "b"),
            ("a:b", "a", "b"),
            ("a b", "a", "b"),
            ("  a \t= \x0c b ", "a", "b "),
            ("a==b", "a", "=b"),
            ("a = : b", "a", ": b"),
            ("a", "a", ""),
            ("a=", "a", ""),
            ("=b", "", "b"),
            ("a\\=b\\:c\\ d=e", "a=b:c d", "e"),
            ("a\\\\=b", "a\\", "b"),
            ("a=b\\\n   c", "a", "bc"),
            ("a=b\\\\\n", "a", "b\\"),
            ("a=b\\\r\n\tc\\\r d", "a", "bcd"),
            ("a=b\\\n# no comment", "a", "b# no comment"),
            ("a=1\\\n", "a", "1"),
            ("a=\\t\\n\\r\\f\\q\\\"", "a", "\t\n\r\x0cq\""),
            ("a=\\u00e9\\uD83D\\uDE00", "a", "é😀"),
            ("# x\n! y\n\n  \n \t# z\na=b", "a", "b"),
            ("# a comment is not continued \\\na=b", "a", "b"),
            ("a=1\na=2", "a", "2"),
            ("a=\u{e9}", "a", "é"),
        ] {
            assert_eq!(one(text), (key.to_owned(), value.to_owned()), "{text:?}");
        }
        assert!(read("# nothing\n\n").is_empty());
    }

    #[test]
    fn a_bad_escape_is_an_error_with_its_line() {
        for text in ["a=b\n\nb=\\u12\n", "a=b\n\nb=\\uxyzw", "a\n\nb\\u12 =", "a\n\nb=\\ud800"] {
            assert_eq!(parse(text.as_bytes()), Err(InvalidProperties { line: 3 }), "{text:?}");
        }
        let error = parse(b"a=\\u+123").unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("\\u00e9"), "{error}");
    }

    #[test]
    fn the_line_is_the_one_on_which_a_property_begins() {
        let lines: Vec<usize> =
            parse(b"\na=\\\n b\r\n#\rc=d").unwrap().iter().map(|it| it.line).collect();
        assert_eq!(lines, [2, 5]);
    }

    /// The text with the escapes that Java's `Properties.store` writes.
    fn escape(text: &str, key: bool) -> String {
        let mut out = String::new();
        for (n, character) in text.chars().enumerate() {
            match character {
                ' ' if key || n == 0 => out.push_str("\\ "),
                '\\' | '=' | ':' | '#' | '!' => out.extend(['\\', character]),
                ' '..='~' => out.push(character),
                _ => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        out.push_str(&format!("\\u{unit:04X}"));
                    }
                }
            }
        }
        out
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(key in "[^\u{0}]{1,12}", value in any::<String>()) {
            let text = format!("{}={}\n", escape(&key, true), escape(&value, false));
            prop_assert_eq!(one(&text), (key, value));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(parse(&bytes));
        }
    }
}
