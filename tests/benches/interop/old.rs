//! The fleets of others, as `tests/interop/build.sh` builds them.

use std::{
    io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, ensure};
use kcl_tests::{
    fleet::Launch,
    servers::{Dynalite, Moto},
};

/// A library of others.
#[derive(Debug)]
pub(crate) struct Old {
    pub(crate) name: &'static str,
    /// What `--from` and `--to` call its tables.
    pub(crate) place: &'static str,
    program: Program,
    /// It adds an index to its table, which dynalite refuses.
    adds_index: bool,
}

#[derive(Debug)]
enum Program {
    Java(&'static str),
    Go(&'static str),
}

/// A DynamoDB API server that the library can use.
#[derive(Debug)]
pub(crate) enum Database {
    Dynalite(Dynalite),
    Moto(Moto),
}

impl Database {
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Dynalite(server) => server.url().to_owned(),
            Self::Moto(server) => format!("http://127.0.0.1:{}", server.port()),
        }
    }
}

/// Where `tests/interop/build.sh` builds.
pub(crate) fn built() -> Result<PathBuf> {
    let built = workspace().join("target/interop");
    ensure!(built.exists(), "{} is not there: make interop", built.display());
    Ok(built)
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

impl Old {
    pub(crate) const ALL: [Self; 4] = [
        Self {
            name: "kcl-2.7.2",
            place: "dynamodb-kcl",
            program: Program::Java("java-2.7.2"),
            adds_index: false,
        },
        Self {
            name: "kcl-3.5.1",
            place: "dynamodb-kcl",
            program: Program::Java("java-3.5.1"),
            adds_index: true,
        },
        Self {
            name: "vmware-go-kcl-1.5.1",
            place: "dynamodb-vmware",
            program: Program::Go("go-v1"),
            adds_index: false,
        },
        Self {
            name: "vmware-go-kcl-v2",
            place: "dynamodb-vmware",
            program: Program::Go("go-v2"),
            adds_index: false,
        },
    ];

    pub(crate) fn database(&self) -> io::Result<Database> {
        if self.adds_index {
            Moto::start().map(Database::Moto)
        } else {
            Dynalite::start().map(Database::Dynalite)
        }
    }

    /// The command that starts one worker, which still has to be told what to read.
    pub(crate) fn worker(&self) -> Result<Command> {
        let built = built()?;
        let there = |path: PathBuf| {
            ensure!(path.exists(), "{} is not built: make interop", path.display());
            Ok(path)
        };
        match self.program {
            Program::Go(name) => Ok(Launch::command(&there(built.join(name))?)),
            Program::Java(name) => {
                let folder = there(built.join(name))?;
                let settings = workspace().join("tests/interop/java");
                let (settings, folder) = (settings.display(), folder.display());
                let mut command = Launch::command("java".as_ref());
                command
                    .args([
                        "-Xmx400m",
                        "-Dlogback.statusListenerClass=\
                           ch.qos.logback.core.status.NopStatusListener",
                        "-cp",
                    ])
                    .arg(format!("{settings}:{folder}/classes:{folder}/lib/*"))
                    .arg("Reader");
                Ok(command)
            }
        }
    }
}
