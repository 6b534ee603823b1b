//! Converts properties into settings: each property is mapped, accepted with a note, or refused
//! with a reason.
//!
//! `one` does it for a property by its row of [`TABLE`]; `own` has the properties that need code of
//! their own. `Converted::settle_defaults` then adds the defaults of the Java daemon that differ
//! from this library's, and refuses a file that lacks a property without a default.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};

use super::{
    credentials::credentials,
    grammar::Property,
    table::{Does, Row, TABLE, row_of},
};

/// The settings that a properties file gives.
#[derive(Clone, Debug, Default)]
pub struct Converted {
    /// Values of settings by their path, like `kinesis.stream_name`.
    pub settings: BTreeMap<String, Value>,
    /// Values that count only if neither a settings file nor the environment sets the path.
    pub defaults: BTreeMap<String, Value>,
    /// The text of `executableName`: the program of the children, with its arguments; `None` if the
    /// property is missing.
    pub executable: Option<String>,
    /// How long a child may take for one message. `Some(None)`: any time; `None`: the file does not
    /// say it.
    pub timeout: Option<Option<Duration>>,
    /// The lease table of the old fleet, from `tableName`; `None`: it has the application's name.
    pub old_table: Option<String>,
    /// The verdict for each property, in the order of the file; then those for missing properties.
    pub told: Vec<Told>,
}

/// A property, and how it was converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The name of the property.
    pub key: String,
    /// The number of the line that the property begins on, from 1; `None` if it is missing.
    pub line: Option<usize>,
    /// How it was converted.
    pub verdict: Verdict,
}

/// How a property was converted. Each variant holds the text for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The property sets a setting, or a default holds: names both.
    Mapped(String),
    /// The property is accepted and has no effect here: says why.
    Noted(String),
    /// The property has no known meaning, and it is ignored: the text may name a similar one.
    Unknown(String),
    /// The property is missing, or its value cannot be used: says why. The worker must not start.
    Refused(String),
}

/// The settings that `failoverTimeMillis` sets besides the session timeout, each in 120ths of it.
/// The ratios are those of this library's defaults.
const PROPORTIONS: [(&str, u32); 3] = [
    ("coordination.heartbeat_interval", 30),
    ("coordination.clock_guard", 6),
    ("coordination.watch_interval", 40),
];

/// Converts the properties of a file. It never fails: problems are refusals in
/// [`Converted::told`].
///
/// ```
/// use kcl_multilang::properties::{convert, parse};
///
/// let converted = convert(&parse(b"streamName = orders").unwrap());
/// assert_eq!(converted.settings["kinesis.stream_name"], "orders");
/// // executableName and applicationName are missing.
/// assert_eq!(converted.refusals().count(), 2);
/// ```
#[must_use]
pub fn convert(properties: &[Property]) -> Converted {
    let mut converted = Converted::default();
    let all = Values(properties);
    for property in properties {
        let verdict = match row_of(&property.key) {
            Some(row) => one(row, property.value.trim(), &all, &mut converted)
                .unwrap_or_else(Verdict::Refused),
            None => Verdict::Unknown(unknown(&property.key)),
        };
        let (key, line) = (property.key.clone(), Some(property.line));
        converted.told.push(Told { key, line, verdict });
    }
    converted.settle_defaults(&all);
    converted
}

/// The properties of the file. An empty value counts as missing.
struct Values<'a>(&'a [Property]);

impl Values<'_> {
    /// The value of a property without blanks around it; `None` if it is missing or empty.
    fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().find(|it| it.key == key).map(|it| it.value.trim());
        found.filter(|value| !value.is_empty())
    }

    fn any_of(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.get(key).is_some())
    }
}

impl Converted {
    /// Sets a setting. Returns the verdict that says so.
    fn set(&mut self, path: &str, value: Value) -> Verdict {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.settings.insert(path.to_owned(), value);
        Verdict::Mapped(format!("{path}: {text}"))
    }

    /// Adds a verdict for a property that is not in the file.
    fn say(&mut self, key: &str, verdict: Verdict) {
        self.told.push(Told { key: key.to_owned(), line: None, verdict });
    }

    /// Refuses missing properties that have no default, and sets the defaults of the others.
    fn settle_defaults(&mut self, all: &Values<'_>) {
        let missing = |why: &str| Verdict::Refused(format!("it is missing: {why}"));
        for (key, why) in [
            ("executableName", "name the program that processes records, like sampleapp.py"),
            ("applicationName", "workers of one name share the stream"),
        ] {
            if all.get(key).is_none() {
                self.say(key, missing(why));
            }
        }
        if !all.any_of(&["streamName", "streamArn"]) {
            self.say("streamName", missing("name the stream, or give streamArn"));
        }
        if !self.settings.contains_key("aws.credentials") && !self.refuses("AwsCredentialsProvider")
        {
            let default = "not given: credentials are found as the AWS SDK finds them";
            self.say("AwsCredentialsProvider", Verdict::Noted(default.to_owned()));
        }
        if !self.settings.contains_key("coordination.initial_position")
            && !self.refuses("initialPositionInStream")
        {
            self.assume("initialPositionInStream", "coordination.initial_position", "latest");
        }
        if let (None, Some(application)) = (all.get("kclStore"), all.get("applicationName")) {
            self.assume("kclStore", "store", &format!("dynamodb://{application}-kcl"));
        }
    }

    /// Whether the file has this property and it was refused: a default would hide the refusal.
    fn refuses(&self, name: &str) -> bool {
        self.told.iter().any(|told| {
            matches!(told.verdict, Verdict::Refused(_))
                && row_of(&told.key).is_some_and(|row| row.name == name)
        })
    }

    /// Sets a default, with a verdict that says so.
    fn assume(&mut self, key: &str, path: &str, value: &str) {
        self.defaults.insert(path.to_owned(), json!(value));
        let says = format!("{path}: {value}, unless KCL_CONFIG or the environment say otherwise");
        self.say(key, Verdict::Mapped(says));
    }

    /// The text of each refusal, with the line and the name of the property.
    pub fn refusals(&self) -> impl Iterator<Item = String> {
        self.told.iter().filter_map(|told| match &told.verdict {
            Verdict::Refused(why) => Some(match told.line {
                Some(line) => format!("line {line}: {}: {why}", told.key),
                None => format!("{}: {why}", told.key),
            }),
            _ => None,
        })
    }
}

/// Converts a property by its row.
///
/// # Errors
/// The text of the refusal.
fn one(
    row: &'static Row,
    value: &str,
    all: &Values<'_>,
    converted: &mut Converted,
) -> Result<Verdict, String> {
    if value.is_empty() {
        return Ok(Verdict::Noted("it is empty, and says nothing".to_owned()));
    }
    let zero = || Verdict::Noted("0 is the default".to_owned());
    Ok(match row.does {
        Does::Nothing => Verdict::Noted(row.says.to_owned()),
        Does::Text("kinesis.stream_name")
            if row.name == "streamName" && all.get("streamArn").is_some() =>
        {
            Verdict::Noted("streamArn is stronger".to_owned())
        }
        Does::Text(path) => converted.set(path, json!(value)),
        Does::Credentials(path) => converted.set(path, json!(credentials(value)?)),
        Does::Millis(path) => match whole(value)? {
            0 => zero(),
            millis => converted.set(path, json!(format!("{millis}ms"))),
        },
        Does::Count(path) => match whole(value)? {
            0 => zero(),
            count => converted.set(path, json!(count)),
        },
        Does::Switch(path) => converted.set(path, json!(is_true(value)?)),
        Does::Own => own(row, value, all, converted)?,
    })
}

/// Converts a property whose row says [`Does::Own`].
///
/// # Errors
/// The text of the refusal.
fn own(
    row: &'static Row,
    value: &str,
    all: &Values<'_>,
    converted: &mut Converted,
) -> Result<Verdict, String> {
    Ok(match row.name {
        "executableName" => {
            converted.executable = Some(value.to_owned());
            Verdict::Mapped("it is started for each shard".to_owned())
        }
        "tableName" => {
            converted.old_table = Some(value.to_owned());
            Verdict::Noted(row.says.to_owned())
        }
        "timeoutInSeconds" => {
            let seconds = whole(value)?;
            converted.timeout = Some((seconds > 0).then(|| Duration::from_secs(seconds)));
            Verdict::Mapped("how long a child may take for one message".to_owned())
        }
        "failoverTimeMillis" => match whole(value)? {
            0 => Verdict::Noted("0 is the default".to_owned()),
            millis => failover(millis, converted),
        },
        "idleTimeBetweenReadsInMillis" => match whole(value)? {
            0 => Verdict::Noted("0 is the default".to_owned()),
            millis => converted.set("consumer.poll_interval_ms", json!(millis.max(200))),
        },
        "initialPositionInStream" => {
            let position = match value.to_ascii_uppercase().as_str() {
                "LATEST" => "latest",
                "TRIM_HORIZON" => "trim-horizon",
                _ => return Err(format!("{value:?} is neither TRIM_HORIZON nor LATEST")),
            };
            if all.get("initialPositionInStreamExtended").is_some() {
                return Ok(Verdict::Noted(
                    "initialPositionInStreamExtended is stronger".to_owned(),
                ));
            }
            converted.set("coordination.initial_position", json!(position))
        }
        "initialPositionInStreamExtended" => {
            converted.set("coordination.initial_position", json!(whole(value)?.to_string()))
        }
        "metricsLevel" => metrics(value, converted)?,
        "retrievalMode" => match value.to_ascii_uppercase().as_str() {
            "POLLING" | "DEFAULT" | "FANOUT" => Verdict::Noted(row.says.to_owned()),
            _ => return Err(format!("{value:?} is none of POLLING, FANOUT and DEFAULT")),
        },
        _ => another_region(row, value, all)?,
    })
}

/// Accepts a region of leases or metrics only if it is that of `regionName`: this library has one
/// region for both.
fn another_region(row: &'static Row, value: &str, all: &Values<'_>) -> Result<Verdict, String> {
    match all.get("regionName") {
        Some(region) if region == value => Ok(Verdict::Noted("it is regionName's".to_owned())),
        region => Err(format!(
            "leases and metrics are in the region of regionName ({}): name {value} there, and the \
             stream, where it is in another, by streamArn; or take {} out",
            region.unwrap_or("which is not given"),
            row.name
        )),
    }
}

/// Sets the session timeout, and the times in proportion to it.
fn failover(millis: u64, converted: &mut Converted) -> Verdict {
    for (path, part) in PROPORTIONS {
        let share = millis.saturating_mul(part.into()) / 120;
        converted.set(path, json!(format!("{share}ms")));
    }
    converted.set("coordination.session_timeout", json!(format!("{millis}ms")))
}

/// Converts `metricsLevel` into the settings of CloudWatch.
fn metrics(value: &str, converted: &mut Converted) -> Result<Verdict, String> {
    let level = value.to_ascii_lowercase();
    match level.as_str() {
        "none" => Ok(converted.set("metrics.cloudwatch.enabled", json!(false))),
        "summary" | "detailed" => {
            converted.set("metrics.cloudwatch.enabled", json!(true));
            converted.set("metrics.cloudwatch.names", json!("kcl"));
            Ok(converted.set("metrics.cloudwatch.level", json!(level)))
        }
        _ => Err(format!("{value:?} is none of NONE, SUMMARY and DETAILED")),
    }
}

/// A value that is a whole number.
fn whole(value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{value:?} is no whole number from 0 to {}", u64::MAX))
}

/// A value as the Java daemon reads it: not only `true` and `false`.
fn is_true(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Ok(true),
        "false" | "no" | "n" | "off" | "0" => Ok(false),
        _ => Err(format!("{value:?} is neither true nor false")),
    }
}

/// The note on a property that is in no row. It names the most similar property, if one is at
/// most three typing errors away.
fn unknown(key: &str) -> String {
    let near = TABLE
        .iter()
        .map(|row| row.name)
        .min_by_key(|name| strsim::damerau_levenshtein(&key.to_lowercase(), &name.to_lowercase()));
    let is_near =
        |name: &&str| strsim::damerau_levenshtein(&key.to_lowercase(), &name.to_lowercase()) <= 3;
    match near.filter(is_near) {
        Some(name) => format!("it is not known, and passed over: did you mean {name}?"),
        None => "it is not known, as it is not to the Java daemon, and passed over".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::properties::parse;

    fn read(text: &str) -> Converted {
        convert(&parse(text.as_bytes()).unwrap())
    }

    const LEAST: &str = "executableName=app.py\napplicationName=indexer\nstreamName=orders\n";

    fn with(more: &str) -> Converted {
        read(&format!("{LEAST}{more}"))
    }

    fn setting(converted: &Converted, path: &str) -> Option<Value> {
        converted.settings.get(path).cloned()
    }

    #[test]
    fn the_least_that_there_has_to_be() {
        let least = with("");
        assert_eq!(least.refusals().count(), 0);
        assert_eq!(setting(&least, "kinesis.stream_name"), Some(json!("orders")));
        assert_eq!(least.defaults.get("store"), Some(&json!("dynamodb://indexer-kcl")));
        let position = least.defaults.get("coordination.initial_position");
        assert_eq!(position, Some(&json!("latest")));
        assert_eq!(least.executable.as_deref(), Some("app.py"));
        let nothing: Vec<String> = read("").refusals().collect();
        for name in ["executableName", "applicationName", "streamName"] {
            assert!(nothing.iter().any(|it| it.starts_with(name)), "{name}: {nothing:?}");
        }
    }

    #[test]
    fn of_what_is_refused_no_default_is_said_to_hold() {
        for text in ["awsCredentialsProvider=Own", "initialPositionInStream=NEWEST"] {
            let told = with(text).told;
            let name = row_of(&parse(text.as_bytes()).unwrap()[0].key).unwrap().name;
            let about = told.iter().filter(|told| told.key.eq_ignore_ascii_case(name));
            let said: Vec<&Verdict> = about.map(|told| &told.verdict).collect();
            assert!(matches!(said[..], [Verdict::Refused(_)]), "{text}: {said:?}");
        }
    }

    #[test]
    fn values_become_those_of_settings() {
        for (text, path, expected) in [
            ("kclStore=redis://cache", "store", json!("redis://cache")),
            (
                "streamArn=arn:aws:kinesis:eu-west-1:1:stream/o",
                "kinesis.stream_name",
                json!("arn:aws:kinesis:eu-west-1:1:stream/o"),
            ),
            ("regionName=eu-west-1", "aws.region", json!("eu-west-1")),
            ("maxRecords=500", "consumer.max_records", json!(500)),
            ("idleTimeBetweenReadsInMillis=100", "consumer.poll_interval_ms", json!(200)),
            (
                "initialPositionInStream=trim_horizon",
                "coordination.initial_position",
                json!("trim-horizon"),
            ),
            (
                "initialPositionInStream=LATEST\ninitialPositionInStreamExtended=1617406032",
                "coordination.initial_position",
                json!("1617406032"),
            ),
            ("failoverTimeMillis=12000", "coordination.session_timeout", json!("12000ms")),
            ("failoverTimeMillis=12000", "coordination.heartbeat_interval", json!("3000ms")),
            ("shutdownGraceMillis=8000", "coordination.shutdown_grace", json!("8000ms")),
            ("metricsLevel=SUMMARY", "metrics.cloudwatch.names", json!("kcl")),
            (
                "awscredentialsprovider=DefaultCredentialsProvider",
                "aws.credentials",
                json!("default"),
            ),
            (
                "callProcessRecordsEvenForEmptyRecordList=true",
                "consumer.call_process_records_even_for_empty_list",
                json!(true),
            ),
        ] {
            let converted = with(text);
            assert_eq!(converted.refusals().count(), 0, "{text}");
            assert_eq!(setting(&converted, path), Some(expected), "{text}");
        }
        let timeout = |text| with(text).timeout;
        assert_eq!(timeout("timeoutInSeconds=5"), Some(Some(Duration::from_secs(5))));
        assert_eq!((timeout("timeoutInSeconds=0"), timeout("")), (Some(None), None));
        assert_eq!(with("failoverTimeMillis=0").settings, with("").settings);
        assert_eq!(with("tableName=old").old_table.as_deref(), Some("old"));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_line_and_value() {
        for (text, says) in [
            ("maxRecords=many", "many"),
            ("maxRecords=-1", "-1"),
            ("initialPositionInStream=EARLIEST", "TRIM_HORIZON"),
            ("metricsLevel=ALL", "DETAILED"),
            ("retrievalMode=PUSH", "FANOUT"),
            ("AwsCredentialsProvider=com.example.Mine", "DefaultCredentialsProvider"),
            ("dynamoDBRegionName=eu-west-1\nregionName=us-east-1", "streamArn"),
            ("callProcessRecordsEvenForEmptyRecordList=maybe", "maybe"),
        ] {
            let refusals: Vec<String> = with(text).refusals().collect();
            assert_eq!(refusals.len(), 1, "{text}: {refusals:?}");
            assert!(
                refusals[0].starts_with("line 4") && refusals[0].contains(says),
                "{refusals:?}"
            );
        }
    }

    #[test]
    fn of_what_is_not_known_the_nearest_is_named() {
        let noted = |text: &str| match with(text).told.into_iter().find(|it| it.line == Some(4)) {
            Some(Told { verdict: Verdict::Noted(says) | Verdict::Unknown(says), .. }) => says,
            other => panic!("{other:?}"),
        };
        assert!(noted("streamname=x").contains("did you mean streamName?"));
        assert!(noted("somethingElse=x").contains("not to the Java daemon"));
        assert!(noted("maxActiveThreads=7").contains("pool of threads"));
        assert!(noted("workerMetricsTableName=x").contains("lease"));
    }
}
