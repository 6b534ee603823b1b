//! `kcl config convert`: writes the properties file of a MultiLangDaemon as a settings file.

use std::{fmt::Write, path::PathBuf, process::ExitCode};

use clap::{Args, Subcommand};
use kcl_multilang::properties::{Converted, Told, Verdict};
use serde_json::{Map, Value};

use crate::{properties, stdout};

/// The arguments of `kcl config`.
#[derive(Args, Clone, Debug)]
pub struct ConfigArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// What to do with settings.
#[derive(Clone, Debug, Subcommand)]
pub enum Action {
    /// Write the properties file of a MultiLangDaemon as a settings file, in YAML on stdout: what
    /// has no setting is a comment with the reason. Exit code 1 if something is refused.
    Convert {
        /// The properties file.
        file: PathBuf,
    },
}

/// Runs the command. The exit code is 1 if a property is refused.
///
/// # Errors
/// The file cannot be read or parsed, or stdout cannot be written.
pub(crate) fn run(args: &ConfigArgs) -> anyhow::Result<ExitCode> {
    let Action::Convert { file } = &args.action;
    let converted = properties::read(file)?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    stdout::write(&yaml(&name.unwrap_or_default(), &converted))?;
    let is_fine = converted.refusals().next().is_none();
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The text of the settings file: the settings, then a comment for each property without one.
fn yaml(name: &str, converted: &Converted) -> String {
    let mut tree = Map::new();
    for (path, value) in converted.defaults.iter().chain(&converted.settings) {
        put(&mut tree, path, value);
    }
    let mut text = format!(
        "# Settings made of {name}. A processor in another language is started by\n\
         # `kcl multilang --properties FILE`: it reads that file, and this one by --config.\n"
    );
    write_below(&mut text, &tree, 0);
    for told in &converted.told {
        text += &comment(told);
    }
    text
}

/// Sets the value at a path in the tree, and makes the sections on the way.
fn put(tree: &mut Map<String, Value>, path: &str, value: &Value) {
    match path.split_once('.') {
        None => {
            tree.insert(path.to_owned(), value.clone());
        }
        Some((section, rest)) => {
            let below = tree.entry(section).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(below) = below {
                put(below, rest, value);
            }
        }
    }
}

/// Writes the settings of a section as YAML. Values are written as JSON, which is valid YAML.
fn write_below(text: &mut String, tree: &Map<String, Value>, depth: usize) {
    for (key, value) in tree {
        let indent = "  ".repeat(depth);
        // Writing to a string cannot fail.
        let _ = match value {
            Value::Object(below) => {
                let _ = writeln!(text, "{indent}{key}:");
                write_below(text, below, depth + 1);
                Ok(())
            }
            value => writeln!(text, "{indent}{key}: {value}"),
        };
    }
}

/// The comment about a property that became no setting; empty for one that did. Control characters
/// are replaced, so that the comment stays on one line.
fn comment(told: &Told) -> String {
    let said = match &told.verdict {
        Verdict::Mapped(says) if says.contains(": ") => return String::new(),
        Verdict::Mapped(says) => format!("only in the properties file: {says}"),
        Verdict::Noted(says) => format!("accepted: {says}"),
        Verdict::Unknown(says) => format!("unknown: {says}"),
        Verdict::Refused(says) => format!("REFUSED: {says}"),
    };
    let plain = |text: &str| text.replace(char::is_control, " ");
    format!("# {}: {}\n", plain(&told.key), plain(&said))
}

#[cfg(test)]
mod tests {
    use kcl_multilang::properties::{convert, parse};

    use super::*;
    use crate::config::read_file;

    #[test]
    fn what_is_written_is_read_as_what_was_meant() {
        let text = "executableName = app.py\napplicationName = order: indexer\n\
            streamName = orders\nregionName = eu-west-1\nmaxRecords = 500\n\
            failoverTimeMillis = 12000\nkclStore = redis://cache\nmetricsLevel = SUMMARY\n\
            maxActiveThreads = 3\nsurprise\\n = x\ntimeoutInSeconds = 7\n\
            AwsCredentialsProvider = ProfileCredentialsProvider|orders\n";
        let converted = convert(&parse(text.as_bytes()).unwrap());
        let yaml = yaml("app.properties", &converted);
        let config = read_file(&yaml).unwrap_or_else(|error| panic!("{error:#}\n{yaml}"));
        assert_eq!(config.consumer.application_name.as_deref(), Some("order: indexer"));
        assert_eq!(config.kinesis.stream_name.as_deref(), Some("orders"));
        assert_eq!(config.consumer.max_records, Some(500));
        assert_eq!(config.coordination.session_timeout.as_secs(), 12);
        assert_eq!(config.store.as_deref(), Some("redis://cache"));
        assert_eq!(config.aws.credentials.as_deref(), Some("profile/orders"));
        assert!(config.metrics.cloudwatch.enabled);
        config.worker_settings().unwrap();
        for says in
            ["# maxActiveThreads: accepted", "# surprise : unknown", "# timeoutInSeconds: only"]
        {
            assert!(yaml.contains(says), "{says}:\n{yaml}");
        }
    }

    #[test]
    fn what_is_refused_is_a_comment() {
        let yaml = yaml("x", &convert(&parse(b"maxRecords = many").unwrap()));
        assert!(yaml.contains("# maxRecords: REFUSED: \"many\""), "{yaml}");
        assert!(yaml.contains("# applicationName: REFUSED: it is missing"), "{yaml}");
        read_file(&yaml).unwrap();
    }
}
