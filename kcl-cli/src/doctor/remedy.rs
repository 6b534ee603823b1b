//! Spells the commands that help against a finding, ready to copy into a shell.
//!
//! A [`Shell`] knows the flags by which the present command found its application, store and
//! stream, and repeats them. Settings from the environment are left out: the user's shell has them.
//! The dashboard shows the command for each of its buttons by the same means.

use kcl_core::assignment::placement::Target;
use serde::Serialize;

use crate::config::SettingsArgs;

/// One thing that the operator can do, with its command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Remedy {
    /// What the command does, or when to run it.
    pub(crate) does: String,
    /// The whole command line. It holds no password.
    pub(crate) command: String,
}

/// The flags that make another command find the same application, store and stream.
#[derive(Clone, Debug)]
pub(crate) struct Shell {
    application: String,
    /// The value of `--store`; `None` if it came from the environment or from a file.
    store: Option<String>,
    /// Further flags, quoted, each with a space before it.
    settings: String,
    /// The value of `--stream`; `None` if the stream is unknown.
    stream: Option<String>,
}

impl Shell {
    /// Commands for this application. `settings` are flags with their values; a flag without a
    /// value was not given, and is left out.
    pub(crate) fn new(
        application: &str,
        store: Option<&str>,
        settings: &[(&str, Option<&str>)],
    ) -> Self {
        let given = settings.iter().filter_map(|(flag, value)| Some((flag, (*value)?)));
        let settings = given.map(|(flag, value)| format!(" {flag} {}", quoted(value))).collect();
        let store = store.map(str::to_owned);
        Self { application: application.to_owned(), store, settings, stream: None }
    }

    /// Commands for this application that repeat the flags of this command. Settings from the
    /// environment need no flag: the next command gets them, too.
    pub(crate) fn of(settings: &SettingsArgs, application: &str, store: Option<&str>) -> Self {
        let path = settings.config.as_ref().map(|path| path.display().to_string());
        let given = [
            ("--config", path.as_deref()),
            ("--region", settings.region.as_deref()),
            ("--endpoint", settings.endpoint.as_deref()),
            ("--kinesis-endpoint", settings.kinesis_endpoint.as_deref()),
            ("--dynamodb-endpoint", settings.dynamodb_endpoint.as_deref()),
        ];
        Self::new(application, store, &given)
    }

    /// The same commands for this stream. `None` makes them say `"$STREAM_NAME"`.
    pub(crate) fn reading(mut self, stream: Option<&str>) -> Self {
        self.stream = stream.map(str::to_owned);
        self
    }

    /// The command `kcl VERB`, for a verb that uses the store. An address with `@` may hold a
    /// password, and is written as `"$KCL_STORE"`.
    fn kcl(&self, verb: &str) -> String {
        let store = self.store.as_deref().map_or_else(String::new, |store| {
            let secret = store.contains('@');
            format!(" --store {}", if secret { "\"$KCL_STORE\"".to_owned() } else { quoted(store) })
        });
        format!("kcl {verb} --app {}{store}{}", quoted(&self.application), self.settings)
    }

    /// The flag `--stream`, with a space before it.
    fn of_stream(&self) -> String {
        self.stream.as_deref().map_or_else(
            || " --stream \"$STREAM_NAME\"".to_owned(),
            |stream| format!(" --stream {}", quoted(stream)),
        )
    }

    /// `kcl consume`, which starts a worker; `worker` is its id, if it matters.
    pub(crate) fn start(&self, does: &str, worker: Option<&str>) -> Remedy {
        let id = worker.map_or_else(String::new, |id| format!(" --worker-id {}", quoted(id)));
        let command = format!("{}{}{id}", self.kcl("consume"), self.of_stream());
        Remedy { does: does.to_owned(), command }
    }

    /// A command about the leases, like `leases list`.
    pub(crate) fn leases(&self, does: &str, action: &str) -> Remedy {
        Remedy { does: does.to_owned(), command: self.kcl(&format!("leases {action}")) }
    }

    /// A command about workers, like `workers list`.
    pub(super) fn workers(&self, does: &str, action: &str) -> Remedy {
        Remedy { does: does.to_owned(), command: self.kcl(&format!("workers {action}")) }
    }

    /// A command about placement rules, like `placement show`.
    pub(crate) fn placement(&self, does: &str, action: &str) -> Remedy {
        Remedy { does: does.to_owned(), command: self.kcl(&format!("placement {action}")) }
    }

    /// A command about placement rules, with arguments that a user typed: they are quoted.
    pub(crate) fn placement_of(&self, action: &str, words: &[&str]) -> String {
        self.kcl(&format!("placement {action}{}", spelled(words)))
    }

    /// A command about leases, with arguments that a user typed: they are quoted.
    pub(crate) fn leases_of(&self, action: &str, words: &[&str]) -> String {
        self.kcl(&format!("leases {action}{}", spelled(words)))
    }

    /// A command about workers, with arguments that a user typed: they are quoted.
    pub(crate) fn workers_of(&self, action: &str, words: &[&str]) -> String {
        self.kcl(&format!("workers {action}{}", spelled(words)))
    }

    /// `kcl import` with these flags, like `--abandon`.
    pub(super) fn import(&self, does: &str, flags: &str) -> Remedy {
        let command = format!("{}{}", self.kcl(&format!("import {flags}")), self.of_stream());
        Remedy { does: does.to_owned(), command }
    }

    /// A command about the application, like `app freeze`.
    pub(crate) fn app(&self, action: &str) -> String {
        self.kcl(&format!("app {action}"))
    }

    /// `kcl placement unset` for this target: it takes the rule back.
    pub(crate) fn unset(&self, target: &Target) -> Remedy {
        let target = match target {
            Target::Shard(shard) => shard.to_string(),
            Target::Range(range) => format!("--range {range}"),
            // A later version of the library may add kinds of targets.
            _ => return self.placement("see the rules", "show"),
        };
        self.placement("take the rule back: others may then read it", &format!("unset {target}"))
    }

    /// `kcl doctor` again, with the flags `more`.
    pub(crate) fn doctor(&self, does: &str, more: &str) -> Remedy {
        Remedy { does: does.to_owned(), command: format!("{} {more}", self.kcl("doctor")) }
    }

    /// A command about the stream, like `stream describe`.
    pub(crate) fn stream(&self, does: &str, action: &str) -> Remedy {
        let (stream, settings) = (self.of_stream(), &self.settings);
        Remedy { does: does.to_owned(), command: format!("kcl stream {action}{stream}{settings}") }
    }
}

/// The words, each quoted for a POSIX shell, with a space before each.
fn spelled(words: &[&str]) -> String {
    words.iter().map(|word| format!(" {}", quoted(word))).collect()
}

/// The text as one word of a POSIX shell: in single quotes, unless every character is plain.
fn quoted(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:@%+=,-".contains(&byte);
    if !text.is_empty() && text.bytes().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_finds_what_this_one_found_and_holds_no_password() {
        let settings = [("--region", Some("eu-west-1")), ("--config", None)];
        let shell = Shell::new("it's", Some("postgres://kcl:hunter2@db/x"), &settings);
        let remedy = shell.reading(Some("orders")).start("start one", Some("w1"));
        let expected = r#"kcl consume --app 'it'\''s' --store "$KCL_STORE" --region eu-west-1 "#;
        let expected = format!("{expected}--stream orders --worker-id w1");
        assert_eq!(remedy.command, expected);
        let shell = Shell::new("a", Some("redis://cache:6379"), &[]);
        let expected = "kcl leases list --app a --store redis://cache:6379";
        assert_eq!(shell.leases("", "list").command, expected);
        assert_eq!(
            shell.stream("", "describe").command,
            "kcl stream describe --stream \"$STREAM_NAME\""
        );
    }
}
