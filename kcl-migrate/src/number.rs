//! Reads numbers as DynamoDB returns them: decimal, sometimes with an exponent (`1.2E-5`).

/// The value of a text that is a whole number of 64 bits, like `12`, `1.2E1` or `+120E-1`; `None`
/// for anything else, such as a fraction or a negative number.
pub(crate) fn whole(text: &str) -> Option<u64> {
    let text = text.strip_prefix('+').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let are_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if before.len() + after.len() == 0 || !are_digits(before) || !are_digits(after) {
        return None;
    }
    let digits = format!("{before}{after}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let scale = exponent.checked_sub(i32::try_from(after.len()).ok()?)?;
    if scale >= 0 {
        let zeros = usize::try_from(scale).ok().filter(|zeros| *zeros <= 20)?;
        return format!("{digits}{}", "0".repeat(zeros)).parse().ok();
    }
    let cut = usize::try_from(scale.unsigned_abs()).ok()?;
    let keep = digits.len().checked_sub(cut)?;
    let (kept, fraction) = digits.split_at(keep);
    let is_whole = fraction.bytes().all(|b| b == b'0');
    (is_whole && !kept.is_empty()).then(|| kept.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::whole;

    #[test]
    fn numbers_are_read_however_they_are_written() {
        for (text, number) in [
            ("0", 0),
            ("7", 7),
            ("+7", 7),
            ("007", 7),
            ("7.0", 7),
            ("1E+2", 100),
            ("1.2E1", 12),
            ("1200E-2", 12),
            ("0E-5", 0),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(whole(text), Some(number), "{text}");
        }
        let bad =
            ["", ".", "-1", "1.5", "1.2E-5", "x", "1E", "1E99", "18446744073709551616", "1e-"];
        for text in bad {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_whole_number_is_the_same_with_an_exponent(number: u64, zeros in 0_u32..5) {
            prop_assert_eq!(whole(&number.to_string()), Some(number));
            let padded = format!("{number}{}E-{zeros}", "0".repeat(zeros as usize));
            prop_assert_eq!(whole(&padded), Some(number));
        }

        #[test]
        fn reading_never_panics(text: String) {
            let _ = whole(&text);
        }
    }
}
