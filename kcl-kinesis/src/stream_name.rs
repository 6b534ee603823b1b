//! [`StreamName`]: the name or the ARN by which a stream is addressed.

use std::{fmt, str::FromStr};

/// A stream's name, or its ARN (which may belong to another account).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamName(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Name(String),
    Arn { arn: String, region: String },
}

impl StreamName {
    /// The longest name Kinesis allows.
    pub const MAX_LENGTH: usize = 128;

    /// The name to send in requests; `None` if the stream was given by its ARN, which is sent
    /// instead.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        match &self.0 {
            Kind::Name(name) => Some(name.clone()),
            Kind::Arn { .. } => None,
        }
    }

    /// The ARN to send in requests; `None` if the stream was given by its name.
    #[must_use]
    pub fn arn(&self) -> Option<String> {
        match &self.0 {
            Kind::Name(_) => None,
            Kind::Arn { arn, .. } => Some(arn.clone()),
        }
    }

    /// The name of the stream without the rest of an ARN.
    #[must_use]
    pub fn short(&self) -> &str {
        match &self.0 {
            Kind::Name(name) => name,
            Kind::Arn { arn, .. } => arn.rsplit_once('/').map_or(arn, |(_, name)| name),
        }
    }

    /// The region in the ARN; `None` if the stream was given by its name.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        match &self.0 {
            Kind::Name(_) => None,
            Kind::Arn { region, .. } => Some(region),
        }
    }
}

impl FromStr for StreamName {
    type Err = InvalidStreamName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if is_name(text) {
            return Ok(Self(Kind::Name(text.to_owned())));
        }
        // arn:PARTITION:kinesis:REGION:ACCOUNT:stream/NAME
        let mut parts = text.splitn(6, ':');
        let mut next = || parts.next().unwrap_or_default();
        let (scheme, _partition, service) = (next(), next(), next());
        let (region, _account, resource) = (next(), next(), next());
        let name = resource.strip_prefix("stream/").unwrap_or_default();
        if scheme == "arn" && service == "kinesis" && !region.is_empty() && is_name(name) {
            return Ok(Self(Kind::Arn { arn: text.to_owned(), region: region.to_owned() }));
        }
        Err(InvalidStreamName(text.chars().take(200).collect()))
    }
}

/// The name that is unique over accounts and regions: `123456789012:eu-west-1:orders`. The short
/// name, if the ARN has no account or no region: such a server has one of each only.
pub(crate) fn in_full(
    arn: &str,
    name: &str,
) -> Result<kcl_core::stream::StreamName, kcl_core::stream::InvalidStreamName> {
    // arn:PARTITION:kinesis:REGION:ACCOUNT:stream/NAME
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "kinesis", region, account, resource]
            if !region.is_empty()
                && !account.is_empty()
                && resource.strip_prefix("stream/") == Some(name) =>
        {
            format!("{account}:{region}:{name}").parse()
        }
        _ => name.parse(),
    }
}

/// True for a name that Kinesis allows: 1 to 128 letters, digits, `_`, `.` or `-`.
fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    !text.is_empty() && text.len() <= StreamName::MAX_LENGTH && text.bytes().all(allowed)
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Name(name) => f.write_str(name),
            Kind::Arn { arn, .. } => f.write_str(arn),
        }
    }
}

/// The error of parsing a [`StreamName`]: the text is neither a stream name nor a stream ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no stream: expected 1 to 128 of the characters a-z A-Z 0-9 _ . -, \
     or arn:aws:kinesis:REGION:ACCOUNT:stream/NAME"
)]
pub struct InvalidStreamName(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_full_says_account_and_region() {
        let full = |arn: &str| in_full(arn, "orders").unwrap().to_string();
        let arn = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders";
        assert_eq!(full(arn), "123456789012:eu-west-1:orders");
        for odd in ["", "arn", "arn:aws:kinesis::1:stream/orders", "arn:aws:sqs:r:1:stream/orders"]
        {
            assert_eq!(full(odd), "orders", "{odd}");
        }
    }

    #[test]
    fn takes_a_name_or_an_arn_and_refuses_the_rest() {
        let name: StreamName = "orders-v1.eu_west".parse().unwrap();
        assert_eq!((name.name().as_deref(), name.arn()), (Some("orders-v1.eu_west"), None));
        assert_eq!((name.short(), name.region()), ("orders-v1.eu_west", None));
        let text = "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/orders";
        let arn: StreamName = text.parse().unwrap();
        assert_eq!((arn.name(), arn.arn().as_deref()), (None, Some(text)));
        assert_eq!((arn.short(), arn.region()), ("orders", Some("cn-north-1")));
        assert_eq!(arn.to_string(), text);
        let long = "x".repeat(129);
        let consumer = "arn:aws:kinesis:eu-west-1:1:stream/orders/consumer/a:1";
        for bad in ["", "a b", "orders/", &long, "arn:aws:sqs:eu-west-1:1:orders", consumer] {
            let refused = bad.parse::<StreamName>().unwrap_err().to_string();
            assert!(refused.contains("128") && refused.contains("arn:aws"), "{refused}");
        }
    }
}
