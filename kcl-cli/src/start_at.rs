//! Parses a start or a position, the same for flags, files and the environment.

use kcl_core::{env::WallTime, settings::InitialPosition, stream::StartAt};

/// The accepted forms, for error messages.
pub(crate) const ACCEPTED: &str = "trim-horizon, latest (or TRIM_HORIZON, LATEST), a time like \
    2026-01-31T09:00:00Z, or seconds since 1970 like 1769850000 (with 13 digits: milliseconds)";

/// From this value on a bare number counts as milliseconds. As seconds it would lie after the year
/// 5138.
const MILLISECONDS_FROM: u64 = 100_000_000_000;

/// From this many digits on a number is a sequence number, and not a time.
const DIGITS_OF_RECORDS: usize = 20;

/// Parses a start.
///
/// # Errors
/// The text is no start. The message lists the accepted forms.
pub(crate) fn parse(text: &str) -> Result<InitialPosition, String> {
    let text = text.trim();
    let refused = || format!("expected {ACCEPTED}");
    match text.to_ascii_lowercase().replace('_', "-").as_str() {
        "trim-horizon" => return Ok(InitialPosition::TrimHorizon),
        "latest" => return Ok(InitialPosition::Latest),
        _ => {}
    }
    let millis = if let Some(millis) = bare_number(text) {
        millis
    } else {
        let at: jiff::Timestamp = text.parse().map_err(|_| refused())?;
        u64::try_from(at.as_millisecond()).map_err(|_| "expected a time after 1970".to_owned())?
    };
    Ok(InitialPosition::AtTimestamp(WallTime::from_millis(millis)))
}

/// Parses a position in a shard: a start, or the sequence number of a record.
///
/// # Errors
/// The text is neither. The message lists the accepted forms.
pub(crate) fn place(text: &str) -> Result<StartAt, String> {
    let text = text.trim();
    let is_record =
        text.len() >= DIGITS_OF_RECORDS && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_record {
        return text.parse().map(StartAt::At).map_err(|error| format!("{error}"));
    }
    let refused = |why| format!("{why}, or a record's sequence number");
    Ok(match parse(text).map_err(refused)? {
        InitialPosition::Latest => StartAt::Latest,
        InitialPosition::AtTimestamp(at) => StartAt::AtTimestamp(at),
        _ => StartAt::TrimHorizon,
    })
}

/// Parses a bare number into milliseconds since 1970. It counts seconds, with a fraction as the AWS
/// CLI writes it, or milliseconds. `None` if the text is no number.
fn bare_number(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    if whole >= MILLISECONDS_FROM {
        return Some(whole);
    }
    let thousandths: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(whole * 1_000 + thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_told_from_a_record_by_its_digits() {
        let record = "49590338271490256608559692538361571095921575989136588898";
        assert_eq!(place(record), Ok(StartAt::At(record.parse().unwrap())));
        let time = StartAt::AtTimestamp(WallTime::from_millis(1_769_850_000_000));
        assert_eq!(place("1769850000"), Ok(time));
        assert_eq!(place("LATEST"), Ok(StartAt::Latest));
        let refused = place("yesterday").unwrap_err();
        assert!(refused.contains("sequence number") && refused.contains("trim-horizon"));
    }

    #[test]
    fn a_start_is_a_name_a_time_or_a_number_of_seconds() {
        use InitialPosition::{AtTimestamp, Latest, TrimHorizon};
        let at = |millis| AtTimestamp(WallTime::from_millis(millis));
        let cases = [
            ("trim-horizon", TrimHorizon),
            ("TRIM_HORIZON", TrimHorizon),
            ("Latest", Latest),
            ("LATEST", Latest),
            ("2026-01-31T09:00:00Z", at(1_769_850_000_000)),
            ("2026-01-31T10:00:00.5+01:00", at(1_769_850_000_500)),
            ("1769850000", at(1_769_850_000_000)),
            ("1769850000.25", at(1_769_850_000_250)),
            ("1769850000123", at(1_769_850_000_123)),
            ("0", at(0)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_start_is_refused_with_everything_that_is_one() {
        for text in ["", "earliest", "at-timestamp", "yesterday", "1.2.3", "-5", "1e9", "."] {
            let refused = parse(text).unwrap_err();
            for accepted in ["trim-horizon", "TRIM_HORIZON", "latest", "T09:00:00Z", "seconds"] {
                assert!(refused.contains(accepted), "{text}: {refused}");
            }
        }
        assert!(parse("1969-01-01T00:00:00Z").unwrap_err().contains("1970"));
    }
}
