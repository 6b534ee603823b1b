//! Positions in a shard: sequence numbers, and indices inside a KPL aggregate.

use std::{cmp::Ordering, fmt, str::FromStr};

/// The sequence number of a record: 1 to [`SequenceNumber::MAX_DIGITS`] decimal digits, which no
/// machine integer holds. The order is the order of the values.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SequenceNumber(Box<str>);

impl SequenceNumber {
    /// The most digits that a sequence number may have. Kinesis uses 56; the rest is a reserve.
    pub const MAX_DIGITS: usize = 64;

    /// The digits, without leading zeros.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits, padded on the left with zeros to [`Self::MAX_DIGITS`]. Padded numbers compared
    /// as text have the order of their values, in every collation.
    #[must_use]
    pub fn padded(&self) -> String {
        format!("{:0>width$}", self.0, width = Self::MAX_DIGITS)
    }

    fn check(digits: &str) -> Result<(), InvalidSequenceNumber> {
        let fits = !digits.is_empty() && digits.len() <= Self::MAX_DIGITS;
        let well_formed = fits && are_digits(digits.as_bytes());
        if well_formed { Ok(()) } else { Err(InvalidSequenceNumber::new(digits)) }
    }
}

/// Whether each byte is an ASCII digit. It checks eight bytes at a time because it runs for every
/// record: in a build for size a loop over single bytes took a twentieth of a worker's time.
fn are_digits(bytes: &[u8]) -> bool {
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const THREES: u64 = 0x3030_3030_3030_3030;
    const SIXES: u64 = 0x0606_0606_0606_0606;
    let (words, rest) = bytes.as_chunks::<8>();
    // A digit is 0x30 to 0x39: its upper half is 3, and still is when 6 is added.
    let are = |word: &[u8; 8]| {
        let word = u64::from_ne_bytes(*word);
        word & HIGH == THREES && word.wrapping_add(SIXES) & HIGH == THREES
    };
    words.iter().all(are) && rest.iter().all(u8::is_ascii_digit)
}

/// Takes the text over without a copy if it has no leading zero.
impl TryFrom<String> for SequenceNumber {
    type Error = InvalidSequenceNumber;

    fn try_from(digits: String) -> Result<Self, Self::Error> {
        if digits.starts_with('0') && digits.len() > 1 {
            return digits.parse();
        }
        Self::check(&digits)?;
        Ok(Self(digits.into_boxed_str()))
    }
}

impl FromStr for SequenceNumber {
    type Err = InvalidSequenceNumber;

    fn from_str(digits: &str) -> Result<Self, Self::Err> {
        let significant = digits.trim_start_matches('0');
        if significant.is_empty() && !digits.is_empty() {
            return Ok(Self("0".into()));
        }
        Self::check(significant)?;
        Ok(Self(significant.into()))
    }
}

impl From<u128> for SequenceNumber {
    fn from(value: u128) -> Self {
        Self(value.to_string().into_boxed_str())
    }
}

impl Ord for SequenceNumber {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.len().cmp(&other.0.len()).then_with(|| self.0.cmp(&other.0))
    }
}

impl PartialOrd for SequenceNumber {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is no valid [`SequenceNumber`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{shown:?} is no sequence number: expected 1 to {} decimal digits",
    SequenceNumber::MAX_DIGITS
)]
pub struct InvalidSequenceNumber {
    shown: String,
}

impl InvalidSequenceNumber {
    fn new(text: &str) -> Self {
        Self { shown: text.chars().take(SequenceNumber::MAX_DIGITS + 1).collect() }
    }
}

/// The position of a record in its shard: its sequence number and, if it was unpacked from a KPL
/// aggregate, its index there (`ExtendedSequenceNumber` in the Java KCL). Positions are ordered by
/// `sequence`, then by `sub`. Its text form is `SEQUENCE`, or `SEQUENCE.SUB` if `sub` is not 0.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The sequence number that Kinesis gave the record or its aggregate.
    pub sequence: SequenceNumber,
    /// The index of the record in its KPL aggregate, from 0; 0 for a plain record.
    pub sub: u64,
}

impl Position {
    /// Makes a position. `sub` is 0 for a plain record.
    #[must_use]
    pub const fn new(sequence: SequenceNumber, sub: u64) -> Self {
        Self { sequence, sub }
    }

    /// Whether this is position zero, which no record has and which is before every record.
    pub(crate) fn is_zero(&self) -> bool {
        self.sub == 0 && self.sequence.as_str() == "0"
    }
}

impl From<SequenceNumber> for Position {
    fn from(sequence: SequenceNumber) -> Self {
        Self { sequence, sub: 0 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sub == 0 {
            write!(f, "{}", self.sequence)
        } else {
            write!(f, "{}.{}", self.sequence, self.sub)
        }
    }
}

/// Parses the text form that [`fmt::Display`] writes.
impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((sequence, sub)) = text.split_once('.') else {
            return Ok(text.parse::<SequenceNumber>()?.into());
        };
        let is_plain = sub.bytes().all(|digit| digit.is_ascii_digit());
        let sub = sub.parse().ok().filter(|_| is_plain).ok_or(InvalidPosition::Sub)?;
        Ok(Self::new(sequence.parse()?, sub))
    }
}

/// The text is no valid [`Position`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPosition {
    /// The part before the dot is no sequence number.
    #[error(transparent)]
    Sequence(#[from] InvalidSequenceNumber),
    /// The part after the dot is no number from 0 to `u64::MAX`.
    #[error("behind the dot stands a record's index in its KPL aggregate, from 0 to {}", u64::MAX)]
    Sub,
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_what_kinesis_gives_and_refuses_the_rest() {
        let real = "49590338271490256608559692538361571095921575989136588898";
        assert_eq!(real.parse::<SequenceNumber>().unwrap().as_str(), real);
        assert_eq!("000".parse::<SequenceNumber>().unwrap().as_str(), "0");
        assert_eq!(SequenceNumber::try_from("007".to_owned()).unwrap().as_str(), "7");
        for bad in ["", "-1", "12a", "TRIM_HORIZON", &"9".repeat(65)] {
            let refused = bad.parse::<SequenceNumber>().unwrap_err();
            assert!(refused.to_string().contains("64 decimal digits"), "{refused}");
        }
    }

    #[test]
    fn a_place_that_makes_no_sense_is_refused() {
        for bad in ["", "x", "7.", "7.x", "7.+1", "7.1.2", ".1"] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
    }

    /// Tests each byte at each place, since the implementation checks eight bytes at once.
    #[test]
    fn one_byte_that_is_no_digit_is_found_wherever_it_is() {
        for length in 0..=20 {
            assert!(are_digits(&b"90123456789012345678"[..length]), "{length}");
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut bytes = b"90123456789012345678".to_vec();
                    bytes.truncate(length);
                    bytes[at] = byte;
                    assert_eq!(
                        are_digits(&bytes),
                        byte.is_ascii_digit(),
                        "{byte} at {at} of {length}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_place_reads_back(number: u128, sub: u64) {
            let at = Position::new(number.into(), sub);
            prop_assert_eq!(at.to_string().parse::<Position>().unwrap(), at);
        }

        #[test]
        fn is_ordered_by_value_and_so_is_its_padded_form(a: u128, b: u128) {
            let (x, y) = (SequenceNumber::from(a), SequenceNumber::from(b));
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            prop_assert_eq!(x.padded().cmp(&y.padded()), a.cmp(&b));
            prop_assert_eq!(x.padded().parse::<SequenceNumber>().unwrap(), x);
        }

        #[test]
        fn parsing_never_panics(text: String) {
            let _ = text.parse::<SequenceNumber>();
            let _ = SequenceNumber::try_from(text);
        }
    }
}
