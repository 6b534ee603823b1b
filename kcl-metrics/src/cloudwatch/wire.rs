//! Writes data as requests of `PutMetricData`: within its limits, in the query protocol, compressed
//! with gzip.
//!
//! The SDK uses another protocol (Smithy RPC v2 CBOR) that most test servers do not know. The query
//! protocol is older, and all of them know it. The SDK still finds the endpoint, signs and sends;
//! [`AsQuery`] replaces the body before it is signed.

use std::io::Write;

use aws_sdk_cloudwatch::{
    config::{
        ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeTransmitInterceptorContextMut,
    },
    error::BoxError,
    primitives::{DateTime, DateTimeFormat},
};
use aws_smithy_types::body::SdkBody;
use flate2::{Compression, write::GzEncoder};
use form_urlencoded::Serializer;
use kcl_core::env::WallTime;

use super::datum::{Amount, Datum};

/// The most data of a request: a limit of `PutMetricData`.
const MOST_DATA: usize = 1_000;
/// The most bytes of a request before compression: `PutMetricData` takes 1 MB.
const MOST_BYTES: usize = 1_000_000;
/// The most characters of a dimension's value: a limit of CloudWatch.
const LONGEST_VALUE: usize = 1_024;
/// The path that the SDK's own protocol appends to the endpoint.
const OTHER_PATH: &str = "/service/GraniteServiceVersion20100801/operation/PutMetricData";

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    /// How many data it has; at least one.
    pub(super) data: u64,
    /// The compressed body.
    pub(super) body: Vec<u8>,
}

/// Writes data of one time into as few requests as the limits allow. Data that are not finite are
/// left out.
pub(super) fn batches(namespace: &str, at: WallTime, data: &[Datum]) -> Vec<Batch> {
    let millis = i64::try_from(at.as_millis()).unwrap_or(i64::MAX);
    // It cannot fail: no time of this clock is out of range.
    let at = DateTime::from_millis(millis).fmt(DateTimeFormat::DateTime).unwrap_or_default();
    let begin = || {
        let mut form = Serializer::new(String::new());
        form.append_pair("Action", "PutMetricData").append_pair("Version", "2010-08-01");
        form.append_pair("Namespace", namespace);
        form.finish()
    };
    let (mut all, mut body, mut count) = (Vec::new(), begin(), 0);
    let mut rest = data.iter().filter(|datum| is_finite(&datum.amount)).peekable();
    while let Some(datum) = rest.peek() {
        let part = written(datum, &at, count + 1);
        let is_full = count == MOST_DATA || body.len() + 1 + part.len() > MOST_BYTES;
        if is_full && count > 0 {
            all.push(Batch { data: count as u64, body: compressed(&body) });
            (body, count) = (begin(), 0);
            continue;
        }
        rest.next();
        body.push('&');
        body.push_str(&part);
        count += 1;
    }
    if count > 0 {
        all.push(Batch { data: count as u64, body: compressed(&body) });
    }
    all
}

/// Whether CloudWatch takes the numbers. It refuses a whole request for one NaN or infinity.
fn is_finite(amount: &Amount) -> bool {
    match amount {
        Amount::One(number) => number.is_finite(),
        Amount::Statistics(all) => [all.sum, all.least, all.most].iter().all(|it| it.is_finite()),
        Amount::Spread(numbers) => numbers.iter().all(|(number, _)| number.is_finite()),
    }
}

/// Writes one datum as the parameters of member `number`, from 1, of its request.
fn written(datum: &Datum, at: &str, number: usize) -> String {
    let mut form = Serializer::new(String::new());
    let mut put = |key: &str, value: &str| {
        form.append_pair(&format!("MetricData.member.{number}.{key}"), value);
    };
    put("MetricName", datum.name);
    put("Timestamp", at);
    put("Unit", datum.unit.as_str());
    for ((name, value), place) in datum.dimensions.iter().zip(1..) {
        put(&format!("Dimensions.member.{place}.Name"), name);
        put(&format!("Dimensions.member.{place}.Value"), &allowed(value));
    }
    match &datum.amount {
        Amount::One(it) => put("Value", &it.to_string()),
        Amount::Statistics(it) => {
            put("StatisticValues.SampleCount", &it.count.to_string());
            put("StatisticValues.Sum", &it.sum.to_string());
            put("StatisticValues.Minimum", &it.least.to_string());
            put("StatisticValues.Maximum", &it.most.to_string());
        }
        Amount::Spread(numbers) => {
            for ((it, count), place) in numbers.iter().zip(1..) {
                put(&format!("Values.member.{place}"), &it.to_string());
                put(&format!("Counts.member.{place}"), &count.to_string());
            }
        }
    }
    form.finish()
}

/// Makes a text a valid value of a dimension: printable ASCII, not empty, not too long, and no
/// colon at the beginning. Other characters become `?`.
fn allowed(value: &str) -> String {
    let known = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    let mut text: String = value.chars().take(LONGEST_VALUE).map(known).collect();
    if text.starts_with(':') || text.trim().is_empty() {
        text.insert(0, '?');
        text.truncate(LONGEST_VALUE);
    }
    text
}

/// The text in gzip.
fn compressed(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // A write to memory cannot fail.
    let _ = encoder.write_all(text.as_bytes());
    encoder.finish().unwrap_or_default()
}

/// An interceptor of the SDK that replaces the body, the path and the headers of its request by
/// those of the query protocol, before the SDK signs it. Holds the compressed body.
#[derive(Debug)]
pub(super) struct AsQuery(pub(super) Vec<u8>);

impl Intercept for AsQuery {
    fn name(&self) -> &'static str {
        "kcl: the query protocol"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let base = request.uri().strip_suffix(OTHER_PATH).unwrap_or_else(|| request.uri());
        let uri = format!("{}/", base.trim_end_matches('/'));
        request.set_uri(uri)?;
        let headers = request.headers_mut();
        for other in ["smithy-protocol", "accept", "x-amzn-query-mode"] {
            headers.remove(other);
        }
        headers.insert("content-type", "application/x-www-form-urlencoded");
        headers.insert("content-encoding", "gzip");
        headers.insert("content-length", self.0.len().to_string());
        *request.body_mut() = SdkBody::from(self.0.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::{
        super::datum::{Statistics, Unit},
        *,
    };

    fn datum(amount: Amount) -> Datum {
        let dimensions = vec![("shard", "shardId-1 & ü".to_owned())];
        Datum { name: "lag", dimensions, unit: Unit::Seconds, amount }
    }

    fn text(batch: &Batch) -> String {
        let mut text = String::new();
        flate2::read::GzDecoder::new(&batch.body[..]).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_request_says_this() {
        let data = [
            datum(Amount::One(1.5)),
            datum(Amount::One(f64::NAN)),
            datum(Amount::Spread(vec![(0.5, 2)])),
            datum(Amount::Statistics(Statistics { count: 2, sum: 3.0, least: 1.0, most: 2.0 })),
        ];
        let all = batches("KCL", WallTime::from_millis(1_769_850_000_500), &data);
        assert_eq!((all.len(), all[0].data), (1, 3));
        let of = |number: usize| {
            format!(
                "&MetricData.member.{number}.MetricName=lag\
                 &MetricData.member.{number}.Timestamp=2026-01-31T09%3A00%3A00.5Z\
                 &MetricData.member.{number}.Unit=Seconds\
                 &MetricData.member.{number}.Dimensions.member.1.Name=shard\
                 &MetricData.member.{number}.Dimensions.member.1.Value=shardId-1+%26+%3F"
            )
        };
        let expected = format!(
            "Action=PutMetricData&Version=2010-08-01&Namespace=KCL{}\
             &MetricData.member.1.Value=1.5{}\
             &MetricData.member.2.Values.member.1=0.5&MetricData.member.2.Counts.member.1=2{}\
             &MetricData.member.3.StatisticValues.SampleCount=2\
             &MetricData.member.3.StatisticValues.Sum=3\
             &MetricData.member.3.StatisticValues.Minimum=1\
             &MetricData.member.3.StatisticValues.Maximum=2",
            of(1),
            of(2),
            of(3)
        );
        assert_eq!(text(&all[0]), expected);
    }

    #[test]
    fn no_request_is_larger_than_allowed_and_nothing_is_left_out() {
        let one = datum(Amount::One(1.0));
        let wide = Datum { dimensions: vec![("a", "b".repeat(2_000))], ..one.clone() };
        for (data, most) in [(vec![one; 2_500], 3), (vec![wide; 2_500], 4)] {
            let all = batches("KCL", WallTime::from_millis(0), &data);
            assert!(all.len() <= most, "{}", all.len());
            assert_eq!(all.iter().map(|batch| batch.data).sum::<u64>(), 2_500);
            for batch in &all {
                assert!(batch.data <= 1_000 && text(batch).len() <= 1_000_000);
                assert!(batch.body.len() < 100_000, "{} bytes", batch.body.len());
            }
        }
        assert!(batches("KCL", WallTime::from_millis(0), &[]).is_empty());
    }

    #[test]
    fn values_that_cloudwatch_refuses_are_changed() {
        for (value, sent) in [("", "?"), (":a", "?:a"), (" ", "? "), ("a\nb", "a?b")] {
            assert_eq!(allowed(value), sent);
        }
        assert_eq!(allowed(&"x".repeat(2_000)).len(), LONGEST_VALUE);
    }
}
