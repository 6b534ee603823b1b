//! Lets this program run in place of `java`. The launchers of the client libraries start
//! `java -cp … software.amazon.kinesis.multilang.MultiLangDaemon`. A link named `kcl-java`, or
//! `java` in a JAVA_HOME of its own, makes them start this program. It translates those arguments
//! into arguments of `kcl multilang`.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

/// The names of a link under which this program runs in place of java.
const NAMES: [&str; 2] = ["kcl-java", "java"];

/// The classes of the daemon, in version 2 and later, and in version 1.
const DAEMONS: [&str; 2] = [
    "software.amazon.kinesis.multilang.MultiLangDaemon",
    "com.amazonaws.services.kinesis.multilang.MultiLangDaemon",
];

/// Options of java whose value is the next argument.
const WITH_VALUE: [&str; 6] =
    ["-cp", "-classpath", "--class-path", "--add-opens", "--add-exports", "--add-modules"];

/// The beginnings of options of java that have no value, and are ignored here.
const IGNORED: [&str; 9] =
    ["-X", "-D", "-server", "-client", "-ea", "-da", "-javaagent:", "-agentlib:", "-verbose"];

/// The arguments for [`crate::cli::Cli`], if the program was started in place of java; otherwise
/// `None`.
///
/// # Errors
/// The arguments of java start no MultiLangDaemon.
pub(crate) fn in_place_of_java(
    mut arguments: impl Iterator<Item = OsString>,
) -> Option<anyhow::Result<Vec<OsString>>> {
    let program = arguments.next()?;
    let name = Path::new(&program).file_name()?;
    NAMES.iter().any(|it| name == *it).then(|| translate(arguments.collect()))
}

/// Skips the options of java, checks the class, and translates the arguments of the daemon.
fn translate(arguments: Vec<OsString>) -> anyhow::Result<Vec<OsString>> {
    let mut rest = arguments.into_iter();
    let mut class_path = OsString::new();
    let class = loop {
        let Some(argument) = rest.next() else {
            bail!("no class is named: kcl-java runs {}, and nothing else", DAEMONS[0]);
        };
        let text = argument.to_string_lossy();
        if WITH_VALUE.contains(&&*text) {
            let value = rest.next().with_context(|| format!("{text} has no value behind it"))?;
            if text.ends_with("cp") || text.ends_with("path") {
                class_path = value;
            }
        } else if !text.starts_with('-') {
            break text.into_owned();
        } else if !is_ignored(&text) {
            bail!(
                "kcl-java does not know the option {text}: it takes java's place for the \
                 MultiLangDaemon alone, and ignores {}, {}",
                WITH_VALUE.join(", "),
                IGNORED.join("…, ")
            );
        }
    };
    if !DAEMONS.contains(&class.as_str()) {
        bail!(
            "kcl-java runs {} or {} in java's place, and not {class}: start that by java itself",
            DAEMONS[0],
            DAEMONS[1]
        );
    }
    daemon(rest, &class_path)
}

/// Whether an option of java without a following value is known, and ignored.
fn is_ignored(option: &str) -> bool {
    let with_equals = WITH_VALUE.iter().any(|it| {
        option.strip_prefix(it).is_some_and(|rest| it.starts_with("--") && rest.starts_with('='))
    });
    with_equals || IGNORED.iter().any(|beginning| option.starts_with(beginning))
}

/// Translates the arguments behind the class, which are those of the daemon.
fn daemon(
    mut rest: impl Iterator<Item = OsString>,
    class_path: &OsStr,
) -> anyhow::Result<Vec<OsString>> {
    let mut file = None;
    let mut ours: Vec<OsString> = ["kcl", "multilang"].map(OsString::from).into();
    while let Some(argument) = rest.next() {
        let text = argument.to_string_lossy().into_owned();
        let (name, value) = match text.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (text.as_str(), None),
        };
        let mut value = || {
            let given = value.map(OsString::from).or_else(|| rest.next());
            given.with_context(|| format!("{name} has no file behind it"))
        };
        match name {
            "-p" | "--properties-file" => file = Some(value()?),
            "-l" | "--log-configuration" => ours.extend(["-l".into(), value()?]),
            _ if !name.starts_with('-') && file.is_none() => file = Some(argument),
            _ => bail!(
                "the MultiLangDaemon does not know {text}: expected -p FILE (or --properties-file, \
                 or the file alone) and -l FILE (or --log-configuration)"
            ),
        }
    }
    let file = file.context("no properties file is named: give it behind the class, or by -p")?;
    ours.extend(["--properties".into(), find(&file, class_path).into_os_string()]);
    Ok(ours)
}

/// Finds the properties file as the daemon does: first in the folders of the class path, then as a
/// path.
fn find(name: &OsStr, class_path: &OsStr) -> PathBuf {
    let name = Path::new(name);
    if name.is_absolute() {
        return name.to_owned();
    }
    let folders = std::env::split_paths(class_path).filter(|path| path.is_dir());
    let mut found = folders.map(|folder| folder.join(name)).filter(|file| file.is_file());
    found.next().unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::{Cli, Command};

    fn translated(line: &str) -> anyhow::Result<Vec<String>> {
        let arguments = line.split(' ').map(OsString::from);
        let ours = in_place_of_java(arguments).unwrap()?;
        Ok(ours.into_iter().map(|it| it.into_string().unwrap()).collect())
    }

    #[test]
    fn launchers_start_the_daemon() {
        let new = DAEMONS[0];
        let old = DAEMONS[1];
        for line in [
            format!("/usr/bin/kcl-java -cp a.jar:b.jar {new} --properties-file x.properties"),
            format!("kcl-java -server -Xmx1g -Da=b -classpath a.jar {old} x.properties"),
            format!("/opt/jre/bin/java --class-path=a --add-opens a/b=c {new} -p x.properties"),
            format!("java -XX:+UseG1GC -javaagent:x.jar {new} --properties-file=x.properties"),
        ] {
            assert_eq!(
                translated(&line).unwrap(),
                ["kcl", "multilang", "--properties", "x.properties"],
                "{line}"
            );
        }
        let line = format!("kcl-java {new} -p x.properties -l logback.xml");
        let Command::Multilang(args) = Cli::parse_from(translated(&line).unwrap()).command else {
            panic!("it is kcl multilang")
        };
        assert_eq!(args.log_configuration, Some("logback.xml".into()));
        assert!(in_place_of_java([OsString::from("/usr/bin/kcl")].into_iter()).is_none());
    }

    #[test]
    fn a_file_is_looked_for_on_the_class_path_first() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("x.properties"), "").unwrap();
        let class_path = format!("none.jar:{}", folder.path().display());
        let line = format!("java -cp {class_path} {} x.properties", DAEMONS[0]);
        let expected = folder.path().join("x.properties").display().to_string();
        assert_eq!(translated(&line).unwrap()[3], expected);
        let line = format!("java -cp {class_path} {} y.properties", DAEMONS[0]);
        assert_eq!(translated(&line).unwrap()[3], "y.properties");
    }

    #[test]
    fn whatever_else_java_can_do_is_refused() {
        let daemon = DAEMONS[0];
        for (line, says) in [
            ("java".to_owned(), "no class"),
            ("java -version".to_owned(), "-version"),
            ("java -jar app.jar".to_owned(), "-jar"),
            ("java -cp".to_owned(), "-cp has no value"),
            ("java -cp a com.example.Main".to_owned(), "com.example.Main"),
            (format!("java {daemon}"), "no properties file"),
            (format!("java {daemon} a b"), "does not know b"),
            (format!("java {daemon} -p"), "-p has no file"),
        ] {
            let refused = format!("{:#}", translated(&line).unwrap_err());
            assert!(refused.contains(says), "{line}: {refused}");
        }
    }
}
